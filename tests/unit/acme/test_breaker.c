/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "acme/breaker.h"

#include "unit.h"

static void opens_for_longer_each_time(void **state)
{
	(void)state;
	static const int64_t want[] = { 10000, 30000, 60000, 300000, 900000, 1800000, 1800000 };
	struct breaker b = { 0 };
	int64_t now = 1000;
	for (size_t i = 0; i < sizeof want / sizeof want[0]; i++) {
		assert_true(breaker_may_start(&b, now));
		breaker_failed(&b, BREAKER_CERTAIN, 0, now);
		assert_false(breaker_may_start(&b, now + want[i] - 1));
		now += want[i];
	}
	assert_true(breaker_may_start(&b, now));
	breaker_worked(&b);
	assert_true(breaker_may_start(&b, now));
	assert_int_equal(breaker_openings(&b), 0);
}

static void one_probe_at_a_time(void **state)
{
	(void)state;
	struct breaker b = { 0 };
	breaker_failed(&b, BREAKER_CERTAIN, 0, 0);
	assert_true(breaker_may_start(&b, 10000));
	assert_false(breaker_may_start(&b, 10001));
	assert_false(breaker_may_start(&b, 60000));
	assert_true(breaker_may_start(&b, 10000 + 120000));
}

static void doubt_needs_three(void **state)
{
	(void)state;
	struct breaker b = { 0 };
	breaker_failed(&b, BREAKER_DOUBTFUL, 0, 0);
	breaker_failed(&b, BREAKER_DOUBTFUL, 0, 0);
	assert_true(breaker_may_start(&b, 0));
	breaker_failed(&b, BREAKER_DOUBTFUL, 0, 0);
	assert_false(breaker_may_start(&b, 0));
	assert_true(breaker_is_open(&b, 0));
}

static void latecomers_do_not_prolong(void **state)
{
	(void)state;
	struct breaker b = { 0 };
	for (int i = 0; i < 100; i++)
		breaker_failed(&b, BREAKER_CERTAIN, 0, 5);
	assert_int_equal(breaker_openings(&b), 1);
	assert_int_equal(breaker_until(&b, 5), 10005);
}

static void the_ca_may_ask_for_more_within_reason(void **state)
{
	(void)state;
	struct breaker b = { 0 };
	breaker_failed(&b, BREAKER_CERTAIN, 3600000, 0);
	assert_int_equal(breaker_until(&b, 0), 3600000);
	breaker_failed(&b, BREAKER_CERTAIN, INT64_MAX, 0);
	assert_int_equal(breaker_until(&b, 0), (int64_t)48 * 3600000);
}

static void three_openings_or_an_hour_are_lasting(void **state)
{
	(void)state;
	struct breaker often = { 0 }, asked = { 0 };
	int64_t now = 5;
	assert_false(breaker_is_lasting(&often, now));
	for (int i = 0; i < 3; i++) {
		assert_false(breaker_is_lasting(&often, now));
		breaker_failed(&often, BREAKER_CERTAIN, 0, now);
		now = breaker_until(&often, now);
	}
	assert_true(breaker_is_lasting(&often, now));
	breaker_failed(&asked, BREAKER_CERTAIN, 86400000, 0);
	assert_false(breaker_is_lasting(&asked, 3599999));
	assert_true(breaker_is_lasting(&asked, 3600000));
	breaker_worked(&asked);
	assert_false(breaker_is_lasting(&asked, 9000000));
	breaker_failed(&asked, BREAKER_CERTAIN, 0, 9000000);
	assert_false(breaker_is_lasting(&asked, 9000001));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(opens_for_longer_each_time),
		cmocka_unit_test(one_probe_at_a_time),
		cmocka_unit_test(doubt_needs_three),
		cmocka_unit_test(latecomers_do_not_prolong),
		cmocka_unit_test(the_ca_may_ask_for_more_within_reason),
		cmocka_unit_test(three_openings_or_an_hour_are_lasting),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
