/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * clock: time that tests can set. Monotonic for deadlines, wall for certificates and logs.
 * Thread-safe reading.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

int64_t clock_mono_ms(void);
int64_t clock_mono_us(void);
int64_t clock_wall_ms(void);
/* Not when the wall clock is before this program was written: set by hand, or lost on its way to boot. */
bool clock_is_plausible(void);
/* Tests: wall and monotonic time stand still at these values until clock_test_end. */
void clock_test_set(int64_t wall_ms, int64_t mono_ms);
void clock_test_advance(int64_t ms);
void clock_test_end(void);

/* "2026-11-22T05:58:21Z"; dst of at least 21 bytes. */
enum { CLOCK_RFC3339 = 25 };
void clock_rfc3339(char dst[CLOCK_RFC3339], int64_t wall_ms);
/* Also with fraction and offset; -1 when malformed. Milliseconds. */
int64_t clock_parse_rfc3339(const char *s, size_t len);
/* "Sun, 22 Nov 2026 05:58:21 GMT" (RFC 9110 section 5.6.7); dst of at least 30 bytes. */
enum { CLOCK_HTTP_DATE = 30 };
void clock_http_date(char dst[CLOCK_HTTP_DATE], int64_t wall_ms);
/* All three forms RFC 9110 requires recipients to accept; -1 when malformed. Milliseconds. */
int64_t clock_parse_http_date(const char *s, size_t len);
/* "1h 5m", "90d", "350ms": for humans. */
void clock_duration_text(char *dst, size_t cap, int64_t ms);

#endif
