/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "acme/failure.h"

#include "unit.h"

static const struct failure_rule usual = { 60000, 86400000, 0 };

static void steps_are_1_10_100_minutes_then_a_day(void **state)
{
	(void)state;
	assert_int_equal(failure_delay_ms(&usual, 1, 500), 60000);
	assert_int_equal(failure_delay_ms(&usual, 2, 500), 600000);
	assert_int_equal(failure_delay_ms(&usual, 3, 500), 6000000);
	assert_int_equal(failure_delay_ms(&usual, 4, 500), 86400000);
}

static void what_is_left_of_a_certificate_shortens_late_steps(void **state)
{
	(void)state;
	struct failure_rule rule = usual;
	rule.remaining_ms = (int64_t)8 * 4 * 3600000;
	assert_int_equal(failure_delay_ms(&rule, 9, 500), (int64_t)4 * 3600000);
	rule.remaining_ms = 3600000;
	assert_int_equal(failure_delay_ms(&rule, 9, 500), 6000000);
}

static void a_million_failures_never_come_quickly(void **state)
{
	(void)state;
	int64_t least = INT64_MAX, most = 0;
	for (uint64_t n = 1; n <= 1000000; n++) {
		int64_t ms = failure_delay_ms(&usual, n, (unsigned)(n * 7919 % 1001));
		least = ms < least ? ms : least;
		most = ms > most ? ms : most;
	}
	assert_in_range(least, 48000, 72000);
	assert_int_equal(most, 86400000);
}

static void absurd_rules_saturate(void **state)
{
	(void)state;
	const int64_t odd[] = { INT64_MIN, -1, 0, 1, 99, 1000, INT64_MAX / 2, INT64_MAX };
	const uint64_t counts[] = { 0, 1, 2, 3, 4, 1000000, UINT64_MAX };
	for (size_t i = 0; i < 8 * 8 * 8 * 7; i++) {
		struct failure_rule rule = { odd[i % 8], odd[i / 8 % 8], odd[i / 64 % 8] };
		int64_t ms = failure_delay_ms(&rule, counts[i / 512], 1000);
		assert_in_range(ms, 100, (int64_t)30 * 86400000);
	}
}

static void permanent_trouble_waits_longest_at_once(void **state)
{
	(void)state;
	struct failure f = { 0 };
	struct fault fault = { .code = E_ACME, .type = "rejectedIdentifier", .status = 400 };
	failure_add(&f, &fault, &usual, 1000, 500);
	assert_int_equal(f.retry_at_ms, 1000 + 86400000);
}

static void a_cas_wish_only_lengthens(void **state)
{
	(void)state;
	struct failure f = { 0 };
	struct fault fault = { .code = E_RATE_LIMITED, .retry_at_ms = 1500 };
	failure_add(&f, &fault, &usual, 1000, 500);
	assert_int_equal(f.retry_at_ms, 61000);
	fault.retry_at_ms = INT64_MAX;
	failure_add(&f, &fault, &usual, 1000, 500);
	assert_int_equal(f.retry_at_ms, 1000 + (int64_t)48 * 3600000);
	assert_int_equal(f.count, 2);
}

static void a_wrong_clock_does_not_forbid_for_ever(void **state)
{
	(void)state;
	struct failure f = { .count = 1, .retry_at_ms = INT64_MAX };
	assert_false(failure_forbids(&f, 1000));
	f.retry_at_ms = 2000;
	assert_true(failure_forbids(&f, 1000));
	assert_false(failure_forbids(&f, 2000));
}

static void what_is_written_reads_back(void **state)
{
	(void)state;
	struct failure f = { 0 }, again;
	struct fault fault = { .code = E_ISSUE, .activity = "authorizing",
		.detail = "During secondary validation: a: b \\x0a", .type = "tls", .status = 403 };
	struct buf b;
	buf_init(&b, 0);
	failure_add(&f, &fault, &usual, 1000, 0);
	f.is_validation = true;
	assert_int_equal(failure_write(&f, &b), E_OK);
	assert_int_equal(failure_parse(buf_str(&b), &again, &fault), E_OK);
	assert_int_equal(again.count, 1);
	assert_true(again.is_validation);
	assert_int_equal(again.retry_at_ms, f.retry_at_ms);
	assert_int_equal(again.fault.code, E_ISSUE);
	assert_string_equal(again.fault.detail, f.fault.detail);
	assert_string_equal(again.fault.type, "tls");
	buf_fini(&b);
}

static void damaged_records_are_refused(void **state)
{
	(void)state;
	static const char *const texts[] = { "", "\n", "x", "sallyport-failure: 2\ncount: 1\n",
		"sallyport-failure: 1\n", "sallyport-failure: 1\ncount: -5\n",
		"sallyport-failure: 1\ncount: 99999999999999999999\n",
		"sallyport-failure: 1\ncount: 1\ndetail: \xff\n" };
	struct failure f;
	struct fault fault = { 0 };
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		assert_int_equal(failure_parse(str_from(texts[i]), &f, &fault), E_STORE_CORRUPT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(steps_are_1_10_100_minutes_then_a_day),
		cmocka_unit_test(what_is_left_of_a_certificate_shortens_late_steps),
		cmocka_unit_test(a_million_failures_never_come_quickly),
		cmocka_unit_test(absurd_rules_saturate),
		cmocka_unit_test(permanent_trouble_waits_longest_at_once),
		cmocka_unit_test(a_cas_wish_only_lengthens),
		cmocka_unit_test(a_wrong_clock_does_not_forbid_for_ever),
		cmocka_unit_test(what_is_written_reads_back),
		cmocka_unit_test(damaged_records_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
