/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "conf/unit.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

static void durations_are_read(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;
	} good[] = { { "0", 0 }, { "500ms", 500 }, { "20s", 20000 }, { "1h30m", 5400000 },
		{ "7d", 604800000 }, { "1w", 604800000 }, { "1d12h", 129600000 } };
	static const char *const bad[] = { "", "20", "s", "20 s", " 20s", "-1s", "1.5s", "20S", "1m1h",
		"1h1h", "99999999999999999999s", "40000d", "20x", "20s ", "s20", "20sm" };
	int64_t ms;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		assert_true(unit_duration(str_from(good[i].text), &ms));
		assert_int_equal(ms, good[i].ms);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_false(unit_duration(str_from(bad[i]), &ms));
}

static void sizes_are_read(void **state)
{
	static const char *const bad[] = { "", "16", "KiB", "16 KiB", "16kib", "-1B", "1.5MiB",
		"99999999999999999999B", "2000000GiB", "16KiBx" };
	uint64_t n;

	(void)state;
	assert_true(unit_size(STR("0"), &n) && n == 0);
	assert_true(unit_size(STR("512B"), &n) && n == 512);
	assert_true(unit_size(STR("16KiB"), &n) && n == 16384);
	assert_true(unit_size(STR("1MiB"), &n) && n == 1048576);
	assert_true(unit_size(STR("2GB"), &n) && n == 2000000000);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_false(unit_size(str_from(bad[i]), &n));
}

static void rates_are_read(void **state)
{
	static const char *const bad[] = { "", "10", "10/", "/m", "10/x", "61/h", "10/mm", "-1/m",
		"4294967295/s" };
	unsigned n;

	(void)state;
	assert_true(unit_rate(STR("10/m"), &n) && n == 10);
	assert_true(unit_rate(STR("600/h"), &n) && n == 10);
	assert_true(unit_rate(STR("1/s"), &n) && n == 60);
	assert_true(unit_rate(STR("0"), &n) && n == 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_false(unit_rate(str_from(bad[i]), &n));
}

static void what_is_written_reads_back_the_same(void **state)
{
	char text[UNIT_TEXT];

	(void)state;
	for (uint64_t i = 0; i < 5000000; i = i * 3 + 7) {
		uint64_t n;
		int64_t ms;

		unit_duration_text(text, (int64_t)i * 500);
		assert_true(unit_duration(str_from(text), &ms) && ms == (int64_t)i * 500);
		unit_size_text(text, i * 512);
		assert_true(unit_size(str_from(text), &n) && n == i * 512);
	}
	unit_rate_text(text, 10);
	assert_string_equal(text, "10/m");
	unit_duration_text(text, 90000);
	assert_string_equal(text, "90s");
}

static void quotas_are_read_and_written(void **state)
{
	static const char *const good[] = { "20/h", "30/7d", "250/3h", "1/36s", "5/1h30m", "0" };
	static const char *const bad[] = { "", "20", "20/", "0/h", "/h", "20/0", "20/x", "-1/h", "20/h3" };
	char text[UNIT_TEXT];
	int64_t per_ms;
	unsigned n;

	(void)state;
	assert_true(unit_quota(STR("30/7d"), &n, &per_ms) && n == 30 && per_ms == 7 * 86400000);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_false(unit_quota(str_from(bad[i]), &n, &per_ms));
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		assert_true(unit_quota(str_from(good[i]), &n, &per_ms));
		unit_quota_text(text, n, per_ms);
		if (i != 4)  /* in its largest unit without a rest */
			assert_string_equal(text, good[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(durations_are_read),
		cmocka_unit_test(sizes_are_read),
		cmocka_unit_test(rates_are_read),
		cmocka_unit_test(quotas_are_read_and_written),
		cmocka_unit_test(what_is_written_reads_back_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
