/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * clock: time, its text forms, and standing still for tests. The calendar is computed here: libc's
 * depends on locale and time zone.
 */
#include "base/clock.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/check.h"
#include "base/str.h"

static atomic_bool frozen;
static _Atomic int64_t frozen_wall_ms, frozen_mono_ms;

static const char months[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep",
	"Oct", "Nov", "Dec" };
static const char weekdays[7][10] = { "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday",
	"Friday", "Saturday" };

static int64_t read_us(clockid_t id)
{
	struct timespec t;

	ASSERT(clock_gettime(id, &t) == 0);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t clock_mono_us(void)
{
	if (atomic_load_explicit(&frozen, memory_order_relaxed))
		return atomic_load(&frozen_mono_ms) * 1000;
	return read_us(CLOCK_MONOTONIC);
}

int64_t clock_mono_ms(void)
{
	return clock_mono_us() / 1000;
}

int64_t clock_wall_ms(void)
{
	if (atomic_load_explicit(&frozen, memory_order_relaxed))
		return atomic_load(&frozen_wall_ms);
	return read_us(CLOCK_REALTIME) / 1000;
}

bool clock_is_plausible(void)
{
	static const int64_t november_2026_ms = 1793491200000;

	return clock_wall_ms() >= november_2026_ms;
}

void clock_test_set(int64_t wall_ms, int64_t mono_ms)
{
	atomic_store(&frozen_wall_ms, wall_ms);
	atomic_store(&frozen_mono_ms, mono_ms);
	atomic_store(&frozen, true);
}

void clock_test_advance(int64_t ms)
{
	ASSERT(atomic_load(&frozen));
	atomic_fetch_add(&frozen_wall_ms, ms);
	atomic_fetch_add(&frozen_mono_ms, ms);
}

void clock_test_end(void)
{
	atomic_store(&frozen, false);
}

struct calendar {
	int year, month, day;         /* month and day from 1 */
	int hour, minute, second, weekday;
};

/* Days since 1970-01-01 of a date in the Gregorian calendar (years count from March, so that the
 * leap day is the last). */
static int64_t days_from(int year, int month, int day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t era = (y >= 0 ? y : y - 399) / 400, of_era = y - era * 400;
	int64_t of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static struct calendar split(int64_t wall_ms)
{
	const int64_t last_ms = 253402300799999;  /* 9999-12-31: four digits must do */
	int64_t s, days, era, of_era, y, of_year, m;
	struct calendar c;

	wall_ms = wall_ms < 0 ? 0 : wall_ms > last_ms ? last_ms : wall_ms;
	s = wall_ms / 1000;
	days = s / 86400 + 719468;
	era = days / 146097;
	of_era = days % 146097;
	y = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	of_year = of_era - (365 * y + y / 4 - y / 100);
	m = (5 * of_year + 2) / 153;
	c.day = (int)(of_year - (153 * m + 2) / 5 + 1);
	c.month = (int)(m < 10 ? m + 3 : m - 9);
	c.year = (int)(y + era * 400 + (c.month <= 2));
	c.hour = (int)(s % 86400 / 3600);
	c.minute = (int)(s % 3600 / 60);
	c.second = (int)(s % 60);
	c.weekday = (int)((s / 86400 + 4) % 7);
	return c;
}

/* -1 when out of range. A leap second counts as the second before it. */
static int64_t join(const struct calendar *c)
{
	static const int lengths[12] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = c->year % 4 == 0 && (c->year % 100 != 0 || c->year % 400 == 0);
	int64_t s;

	if (c->year < 1970 || c->year > 9999 || c->month < 1 || c->month > 12 || c->day < 1)
		return -1;
	if (c->day > lengths[c->month - 1] + (leap && c->month == 2))
		return -1;
	if (c->hour > 23 || c->minute > 59 || c->second > 60)
		return -1;
	s = days_from(c->year, c->month, c->day) * 86400 + c->hour * 3600 + c->minute * 60;
	return (s + (c->second == 60 ? 59 : c->second)) * 1000;
}

void clock_rfc3339(char dst[CLOCK_RFC3339], int64_t wall_ms)
{
	struct calendar c = split(wall_ms);

	snprintf(dst, CLOCK_RFC3339, "%04u-%02u-%02uT%02u:%02u:%02uZ", c.year % 10000u,
		c.month % 100u, c.day % 100u, c.hour % 100u, c.minute % 100u, c.second % 100u);
}

void clock_http_date(char dst[CLOCK_HTTP_DATE], int64_t wall_ms)
{
	struct calendar c = split(wall_ms);

	snprintf(dst, CLOCK_HTTP_DATE, "%.3s, %02u %.3s %04u %02u:%02u:%02u GMT",
		weekdays[c.weekday], c.day % 100u, months[c.month - 1], c.year % 10000u,
		c.hour % 100u, c.minute % 100u, c.second % 100u);
}

/*
 * Reading: a pattern of literal characters and of
 *   Y four-digit year, y two-digit year, o m d H M S two digits, e day padded by a space,
 *   B month name, a short weekday, A long weekday
 * Returns how many bytes matched, 0 when it does not match.
 */
static bool digits(const char *p, int n, int *out)
{
	*out = 0;
	for (int i = 0; i < n; i++) {
		if (p[i] < '0' || p[i] > '9')
			return false;
		*out = *out * 10 + (p[i] - '0');
	}
	return true;
}

static size_t match_month(struct str s, int *month)
{
	for (int i = 0; i < 12; i++) {
		if (str_has_prefix(s, str_from(months[i]))) {
			*month = i + 1;
			return 3;
		}
	}
	return 0;
}

static size_t match_weekday(struct str s, bool is_long)
{
	for (int i = 0; i < 7; i++) {
		struct str name = str_of(weekdays[i], is_long ? strlen(weekdays[i]) : 3);

		if (str_has_prefix(s, name))
			return name.len;
	}
	return 0;
}

/* Two digits of a year are the nearest such year not more than 50 years ahead (RFC 9110 5.6.7). */
static int full_year(int two)
{
	int now = split(clock_wall_ms()).year;
	int year = now - now % 100 + two;

	return year > now + 50 ? year - 100 : year;
}

static size_t match_number(struct str s, char kind, struct calendar *c)
{
	int *const field = kind == 'Y' || kind == 'y' ? &c->year : kind == 'o' ? &c->month :
		kind == 'd' || kind == 'e' ? &c->day : kind == 'H' ? &c->hour :
		kind == 'M' ? &c->minute : &c->second;
	size_t width = kind == 'Y' ? 4 : 2;

	if (s.len < width)
		return 0;
	if (kind == 'e' && s.at[0] == ' ')
		return digits(s.at + 1, 1, field) ? 2 : 0;
	if (!digits(s.at, (int)width, field))
		return 0;
	if (kind == 'y')
		c->year = full_year(c->year);
	return width;
}

static size_t match(struct str s, const char *pattern, struct calendar *c)
{
	size_t at = 0;

	*c = (struct calendar){ 0 };
	for (const char *p = pattern; *p; p++) {
		struct str rest = str_of(s.at + at, s.len - at);
		size_t n;

		if (*p == 'B')
			n = match_month(rest, &c->month);
		else if (*p == 'a' || *p == 'A')
			n = match_weekday(rest, *p == 'A');
		else if (strchr("YyodeHMS", *p))
			n = match_number(rest, *p, c);
		else
			n = rest.len && rest.at[0] == *p;
		if (!n)
			return 0;
		at += n;
	}
	return at;
}

/* ".123456" at the start of *s; milliseconds, and *s moves behind it. -1 when malformed. */
static int take_fraction(struct str *s)
{
	int ms = 0, weight = 100;
	size_t n = 1;

	if (!s->len || s->at[0] != '.')
		return 0;
	for (; n < s->len && s->at[n] >= '0' && s->at[n] <= '9'; n++, weight /= 10)
		ms += weight * (s->at[n] - '0');
	*s = str_of(s->at + n, s->len - n);
	return n > 1 ? ms : -1;
}

int64_t clock_parse_rfc3339(const char *s, size_t len)
{
	struct calendar c, zone;
	struct str rest = str_of(s, len);
	int64_t at;
	int ms, sign;
	size_t n = match(rest, "Y-o-d", &c);
	struct calendar date = c;

	if (!n || n == len || !strchr("Tt ", s[n]) || !s[n])
		return -1;
	rest = str_of(s + n + 1, len - n - 1);
	n = match(rest, "H:M:S", &c);
	if (!n)
		return -1;
	date.hour = c.hour;
	date.minute = c.minute;
	date.second = c.second;
	at = join(&date);
	rest = str_of(rest.at + n, rest.len - n);
	ms = take_fraction(&rest);
	if (at < 0 || ms < 0)
		return -1;
	if (str_equal_nocase(rest, STR("Z")))
		return at + ms;
	if (rest.len != 6 || (rest.at[0] != '+' && rest.at[0] != '-'))
		return -1;
	sign = rest.at[0] == '+' ? 1 : -1;
	if (!match(str_of(rest.at + 1, 5), "H:M", &zone) || zone.hour > 23 || zone.minute > 59)
		return -1;
	at += ms - sign * (zone.hour * 60 + zone.minute) * 60000LL;
	return at < 0 ? -1 : at;
}

int64_t clock_parse_http_date(const char *s, size_t len)
{
	static const char *const patterns[] = {
		"a, d B Y H:M:S G\1T",  /* IMF-fixdate */
		"A, d-B-y H:M:S G\1T",  /* RFC 850 */
		"a B e H:M:S Y",        /* asctime */
	};
	char text[40];
	struct calendar c;

	/* 'M' is a field of the pattern: the one in "GMT" is swapped for a byte that is none. */
	if (!str_copy(text, sizeof(text), str_of(s, len)))
		return -1;
	if (len > 3 && memcmp(text + len - 3, "GMT", 3) == 0)
		text[len - 2] = '\1';
	for (size_t i = 0; i < ARRAY_LEN(patterns); i++)
		if (match(str_of(text, len), patterns[i], &c) == len && len)
			return join(&c);
	return -1;
}

void clock_duration_text(char *dst, size_t cap, int64_t ms)
{
	static const struct {
		int64_t ms;
		const char *name;
	} units[] = { { 86400000, "d" }, { 3600000, "h" }, { 60000, "m" }, { 1000, "s" }, { 1, "ms" } };
	const char *sign = ms < 0 ? "-" : "";
	unsigned i = 0;
	int64_t whole, rest;

	if (ms < 0)
		ms = ms == INT64_MIN ? INT64_MAX : -ms;
	while (i < ARRAY_LEN(units) - 1 && ms < units[i].ms)
		i++;
	if (!ms) {
		snprintf(dst, cap, "0s");
		return;
	}
	whole = ms / units[i].ms;
	rest = i + 1 < ARRAY_LEN(units) ? ms % units[i].ms / units[i + 1].ms : 0;
	if (rest)
		snprintf(dst, cap, "%s%lld%s %lld%s", sign, (long long)whole, units[i].name,
			(long long)rest, units[i + 1].name);
	else
		snprintf(dst, cap, "%s%lld%s", sign, (long long)whole, units[i].name);
}
