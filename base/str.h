/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * str: a borrowed run of bytes. Owns nothing, need not be NUL-terminated, never outlives its
 * buffer. ASCII-only case rules: never the C locale's.
 */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
	const char *at;
	size_t len;
};

#define STR(literal) ((struct str){ "" literal, sizeof(literal) - 1 })
#define STR_NONE ((struct str){ 0 })
/* For printf("%.*s", STR_FMT(s)). */
#define STR_FMT(s) (int)(s).len, (s).at ? (s).at : ""

static inline struct str str_of(const void *at, size_t len)
{
	return (struct str){ at, len };
}
static inline struct str str_from(const char *cstring)
{
	return (struct str){ cstring, cstring ? strlen(cstring) : 0 };
}

/* External names start with str_: two letters after "str" keep out of C's reserved space. */
bool str_equal(struct str a, struct str b);
bool str_equal_nocase(struct str a, struct str b);
bool str_is(struct str a, const char *cstring);
bool str_has_prefix(struct str s, struct str prefix);
bool str_has_suffix(struct str s, struct str suffix);
/* Index of the first c, or -1. */
ptrdiff_t str_find(struct str s, char c);
/* Both ends stripped of SP and HTAB. */
struct str str_trim(struct str s);
/* Splits at the first sep: *head gets what is before, the rest is returned (STR_NONE with
 * at == NULL when there was no sep). */
struct str str_cut(struct str s, char sep, struct str *head);
/* Whole string decimal digits, no sign, no space, fits; false otherwise. */
bool str_to_u64(struct str s, uint64_t *out);
bool str_to_hex_u64(struct str s, uint64_t *out);
/* Decimal digits of n, at the end of dst; no NUL. */
enum { STR_U64 = 20 };
struct str str_print_u64(char dst[STR_U64], uint64_t n);
/* Lower-cases into dst (at least s.len bytes, may be the same memory). */
void str_lower(char *dst, struct str s);
/* Copies with NUL; false (dst = "") when it does not fit. */
bool str_copy(char *dst, size_t cap, struct str s);
/* SipHash-1-3 under a random per-process key: for hash tables keyed by what clients send. */
uint64_t str_hash(struct str s);
/* Bytes of the UTF-8 sequence at the start of at (n > 0 bytes there); 0 when malformed. */
size_t str_utf8_length(const char *at, size_t n);
/* Valid UTF-8 without NUL. */
bool str_is_utf8(struct str s);

#endif
