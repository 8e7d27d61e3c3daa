/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * unit: texts with a unit, read and written.
 */
#include "conf/unit.h"

#include <limits.h>
#include <stdio.h>

#include "base/check.h"

struct unit {
	const char *name;
	uint64_t worth;
	bool written;  /* used when writing; the others are only read */
};

/* Largest first. */
static const struct unit durations[] = {
	{ "w", 604800000, false }, { "d", 86400000, true }, { "h", 3600000, true },
	{ "m", 60000, true }, { "s", 1000, true }, { "ms", 1, true },
};

static const struct unit sizes[] = {
	{ "GiB", 1u << 30, true }, { "GB", 1000000000, false }, { "MiB", 1u << 20, true },
	{ "MB", 1000000, false }, { "KiB", 1u << 10, true }, { "KB", 1000, false },
	{ "kB", 1000, false }, { "B", 1, true },
};

static const struct unit rates[] = {
	{ "s", 60, false }, { "m", 1, true }, { "h", 0, false },
};

static const struct unit *find(const struct unit *units, size_t n, struct str name)
{
	for (size_t i = 0; i < n; i++)
		if (str_is(name, units[i].name))
			return &units[i];
	return NULL;
}

/* Digits at the start of *s, which moves behind them. */
static bool take_number(struct str *s, uint64_t *out)
{
	size_t n = 0;

	while (n < s->len && s->at[n] >= '0' && s->at[n] <= '9')
		n++;
	if (!str_to_u64(str_of(s->at, n), out))
		return false;
	*s = str_of(s->at + n, s->len - n);
	return true;
}

/* Letters at the start of *s, which moves behind them. */
static struct str take_name(struct str *s)
{
	struct str name;
	size_t n = 0;

	while (n < s->len && !(s->at[n] >= '0' && s->at[n] <= '9'))
		n++;
	name = str_of(s->at, n);
	*s = str_of(s->at + n, s->len - n);
	return name;
}

bool unit_duration(struct str s, int64_t *ms)
{
	const uint64_t longest = 100ull * 366 * 86400000;
	const struct unit *last = NULL;
	uint64_t total = 0, n;

	if (str_is(s, "0")) {
		*ms = 0;
		return true;
	}
	if (!s.len)
		return false;
	while (s.len) {
		const struct unit *u;

		if (!take_number(&s, &n))
			return false;
		u = find(durations, ARRAY_LEN(durations), take_name(&s));
		/* "1h30m" but neither "30m1h" nor "1h1h". */
		if (!u || (last && u <= last) || n > longest / u->worth)
			return false;
		last = u;
		total += n * u->worth;
		if (total > longest)
			return false;
	}
	*ms = (int64_t)total;
	return true;
}

bool unit_size(struct str s, uint64_t *bytes)
{
	const struct unit *u;
	uint64_t n;

	if (str_is(s, "0")) {
		*bytes = 0;
		return true;
	}
	if (!take_number(&s, &n))
		return false;
	u = find(sizes, ARRAY_LEN(sizes), s);
	if (!u || n > (1ull << 50) / u->worth)
		return false;
	*bytes = n * u->worth;
	return true;
}

bool unit_rate(struct str s, unsigned *per_minute)
{
	const struct unit *u;
	uint64_t n;

	if (str_is(s, "0")) {
		*per_minute = 0;
		return true;
	}
	if (!take_number(&s, &n) || !s.len || s.at[0] != '/' || n > UINT_MAX / 60)
		return false;
	u = find(rates, ARRAY_LEN(rates), str_of(s.at + 1, s.len - 1));
	if (!u || (!u->worth && n % 60))
		return false;
	*per_minute = (unsigned)(u->worth ? n * u->worth : n / 60);
	return true;
}

bool unit_quota(struct str s, unsigned *n, int64_t *per_ms)
{
	const struct unit *u;
	uint64_t count;

	*n = 0;
	*per_ms = 0;
	if (str_is(s, "0"))
		return true;
	if (!take_number(&s, &count) || !count || count > INT_MAX || !s.len || s.at[0] != '/')
		return false;
	s = str_of(s.at + 1, s.len - 1);
	u = find(durations, ARRAY_LEN(durations), s);
	if (u)
		*per_ms = (int64_t)u->worth;
	else if (!unit_duration(s, per_ms) || !*per_ms)
		return false;
	*n = (unsigned)count;
	return true;
}

static void write_exact(char dst[UNIT_TEXT], const struct unit *units, size_t n, uint64_t value)
{
	for (size_t i = 0; i < n; i++) {
		if (value && units[i].written && value % units[i].worth == 0) {
			snprintf(dst, UNIT_TEXT, "%llu%s",
				(unsigned long long)(value / units[i].worth), units[i].name);
			return;
		}
	}
	snprintf(dst, UNIT_TEXT, "0");
}

void unit_duration_text(char dst[UNIT_TEXT], int64_t ms)
{
	ASSERT(ms >= 0);
	write_exact(dst, durations, ARRAY_LEN(durations), (uint64_t)ms);
}

void unit_size_text(char dst[UNIT_TEXT], uint64_t bytes)
{
	write_exact(dst, sizes, ARRAY_LEN(sizes), bytes);
}

void unit_rate_text(char dst[UNIT_TEXT], unsigned per_minute)
{
	if (per_minute)
		snprintf(dst, UNIT_TEXT, "%u/m", per_minute);
	else
		snprintf(dst, UNIT_TEXT, "0");
}

void unit_quota_text(char dst[UNIT_TEXT], unsigned n, int64_t per_ms)
{
	char per[UNIT_TEXT];
	const char *unit = per;

	if (!n) {
		snprintf(dst, UNIT_TEXT, "0");
		return;
	}
	unit_duration_text(per, per_ms);
	if (per[0] == '1' && !(per[1] >= '0' && per[1] <= '9'))
		unit = per + 1;
	snprintf(dst, UNIT_TEXT, "%u/%.16s", n, unit);
}
