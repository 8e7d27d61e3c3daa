/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * unit: texts with a unit, read and written: "20s", "16KiB", "10/m", "30/7d".
 */
#ifndef CONF_UNIT_H
#define CONF_UNIT_H

#include "base/str.h"

enum { UNIT_TEXT = 32 };

/* "500ms", "20s", "1h30m", "7d", "0". False when malformed or too large for 100 years. */
bool unit_duration(struct str s, int64_t *ms);
/* "512B", "16KiB", "1MiB", "2GB", "0". */
bool unit_size(struct str s, uint64_t *bytes);
/* "10/m", "600/h", "1/s", "0". False also when it is no whole number per minute. */
bool unit_rate(struct str s, unsigned *per_minute);

/* "20/h", "30/7d", "250/3h", "0" (n = 0: no limit). */
bool unit_quota(struct str s, unsigned *n, int64_t *per_ms);

/* Exact, in the largest unit that leaves no rest. */
void unit_duration_text(char dst[UNIT_TEXT], int64_t ms);
void unit_size_text(char dst[UNIT_TEXT], uint64_t bytes);
void unit_rate_text(char dst[UNIT_TEXT], unsigned per_minute);
void unit_quota_text(char dst[UNIT_TEXT], unsigned n, int64_t per_ms);

#endif
