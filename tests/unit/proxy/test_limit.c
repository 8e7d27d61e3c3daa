/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proxy/limit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

static void a_burst_then_nothing(void **state)
{
	struct limit l;

	(void)state;
	limit_init(&l, 20, 20, 1000);
	for (int i = 0; i < 20; i++)
		assert_true(limit_take(&l, 1000));
	assert_false(limit_take(&l, 1000));
	assert_int_equal(limit_wait_ms(&l, 1000), 3000);
}

static void it_refills_evenly_and_not_above_the_burst(void **state)
{
	struct limit l;

	(void)state;
	limit_init(&l, 20, 2, 0);
	assert_true(limit_take(&l, 0));
	assert_true(limit_take(&l, 0));
	assert_false(limit_take(&l, 2999));
	assert_true(limit_take(&l, 3000));
	assert_true(limit_take(&l, INT64_MAX / 2));
	assert_true(limit_take(&l, INT64_MAX / 2));
	assert_false(limit_take(&l, INT64_MAX / 2));
}

static void a_clock_that_jumps_back_gives_nothing(void **state)
{
	struct limit l;

	(void)state;
	limit_init(&l, 60, 1, 10000);
	assert_true(limit_take(&l, 10000));
	assert_false(limit_take(&l, 5000));
	assert_true(limit_take(&l, 6000));
}

static void zero_is_no_limit(void **state)
{
	struct limit l;

	(void)state;
	limit_init(&l, 0, 0, 0);
	for (int i = 0; i < 1000; i++)
		assert_true(limit_take(&l, 0));
	assert_int_equal(limit_wait_ms(&l, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_burst_then_nothing),
		cmocka_unit_test(it_refills_evenly_and_not_above_the_burst),
		cmocka_unit_test(a_clock_that_jumps_back_gives_nothing),
		cmocka_unit_test(zero_is_no_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
