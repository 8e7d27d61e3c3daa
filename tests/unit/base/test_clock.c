/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/clock.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>
#include <time.h>

static const int64_t known_ms = 1795327101000;  /* 2026-11-22T05:58:21Z, a Sunday */

static int64_t rfc3339(const char *s)
{
	return clock_parse_rfc3339(s, strlen(s));
}

static int64_t http_date(const char *s)
{
	return clock_parse_http_date(s, strlen(s));
}

static void time_goes_on(void **state)
{
	int64_t us = clock_mono_us();

	(void)state;
	assert_true(clock_mono_us() >= us);
	assert_true(clock_wall_ms() > 1700000000000);
}

static void tests_can_stop_and_move_it(void **state)
{
	(void)state;
	clock_test_set(1000, 5);
	clock_test_advance(7);
	assert_int_equal(clock_wall_ms(), 1007);
	assert_int_equal(clock_mono_ms(), 12);
	assert_int_equal(clock_mono_us(), 12000);
	clock_test_end();
	assert_true(clock_wall_ms() > 1700000000000);
}

static void the_calendar_agrees_with_libc(void **state)
{
	char ours[CLOCK_HTTP_DATE], theirs[64];

	(void)state;
	for (int64_t s = 0; s < 253402300800; s += 86400 * 13 + 3607) {
		time_t t = s;
		struct tm tm;

		gmtime_r(&t, &tm);
		strftime(theirs, sizeof(theirs), "%a, %d %b %Y %H:%M:%S GMT", &tm);
		clock_http_date(ours, s * 1000);
		assert_string_equal(ours, theirs);
		assert_int_equal(http_date(ours), s * 1000);
		clock_rfc3339(ours, s * 1000);
		assert_int_equal(rfc3339(ours), s * 1000);
	}
}

static void rfc3339_takes_fractions_and_offsets(void **state)
{
	(void)state;
	assert_int_equal(rfc3339("2026-11-22T05:58:21Z"), known_ms);
	assert_int_equal(rfc3339("2026-11-22t05:58:21.5z"), known_ms + 500);
	assert_int_equal(rfc3339("2026-11-22T05:58:21.123456789Z"), known_ms + 123);
	assert_int_equal(rfc3339("2026-11-22T07:28:21+01:30"), known_ms);
	assert_int_equal(rfc3339("2026-11-21T23:58:21-06:00"), known_ms);
	assert_int_equal(rfc3339("2016-12-31T23:59:60Z"), rfc3339("2016-12-31T23:59:59Z"));
}

static void malformed_rfc3339_is_refused(void **state)
{
	static const char *const bad[] = { "", "2026", "2026-11-22", "2026-11-22T05:58:21",
		"2026-11-22T05:58:21.Z", "2026-13-22T05:58:21Z", "2026-02-29T05:58:21Z",
		"2026-11-22T24:00:00Z", "2026-11-22T05:58:21Zx", "2026-11-22T05:58:21+0100",
		"2026-11-22T05:58:21+24:00", "1969-12-31T23:59:59Z", "1970-01-01T00:00:00+01:00",
		"2026-11-22X05:58:21Z", "2026-1-22T05:58:21Z", "2026-00-22T05:58:21Z" };
	const char *good = "2026-11-22T05:58:21.123+01:00";

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(rfc3339(bad[i]), -1);
	for (size_t n = 0; n < strlen(good); n++)
		assert_int_equal(clock_parse_rfc3339(good, n), -1);
}

static void all_three_http_dates_are_read(void **state)
{
	(void)state;
	assert_int_equal(http_date("Sun, 22 Nov 2026 05:58:21 GMT"), known_ms);
	assert_int_equal(http_date("Sunday, 22-Nov-26 05:58:21 GMT"), known_ms);
	assert_int_equal(http_date("Sun Nov 22 05:58:21 2026"), known_ms);
	assert_int_equal(http_date("Sun Nov  6 08:49:37 1994"), 784111777000);
	assert_int_equal(http_date("Sunday, 06-Nov-94 08:49:37 GMT"), 784111777000);
}

static void malformed_http_dates_are_refused(void **state)
{
	static const char *const bad[] = { "", "GMT", "Sun, 22 Nov 2026 05:58:21", "0", "120",
		"Sun, 22 Nov 2026 05:58:21 UTC", "Xxx, 22 Nov 2026 05:58:21 GMT",
		"Sun, 22 Nov 2026 05:58:21 GMT ", "Sun, 22 Nov 2026 05:58:99 GMT",
		"Sun, 22 nov 2026 05:58:21 GMT", "Sun, 22 Nov 2026 05:58:21 GMT GMT GMT GMT GMT" };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(http_date(bad[i]), -1);
}

static void absurd_times_still_print(void **state)
{
	char text[CLOCK_RFC3339];

	(void)state;
	clock_rfc3339(text, INT64_MAX);
	assert_string_equal(text, "9999-12-31T23:59:59Z");
	clock_rfc3339(text, INT64_MIN);
	assert_string_equal(text, "1970-01-01T00:00:00Z");
}

static void durations_show_their_two_largest_units(void **state)
{
	static const struct {
		int64_t ms;
		const char *text;
	} cases[] = { { 0, "0s" }, { 350, "350ms" }, { 1500, "1s 500ms" }, { 3900000, "1h 5m" },
		{ 7776000000, "90d" }, { 3600001, "1h" }, { -60000, "-1m" } };
	char text[64];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		clock_duration_text(text, sizeof(text), cases[i].ms);
		assert_string_equal(text, cases[i].text);
	}
	clock_duration_text(text, 4, INT64_MIN);
	assert_int_equal(strlen(text), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(time_goes_on),
		cmocka_unit_test(tests_can_stop_and_move_it),
		cmocka_unit_test(the_calendar_agrees_with_libc),
		cmocka_unit_test(rfc3339_takes_fractions_and_offsets),
		cmocka_unit_test(malformed_rfc3339_is_refused),
		cmocka_unit_test(all_three_http_dates_are_read),
		cmocka_unit_test(malformed_http_dates_are_refused),
		cmocka_unit_test(absurd_times_still_print),
		cmocka_unit_test(durations_show_their_two_largest_units),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
