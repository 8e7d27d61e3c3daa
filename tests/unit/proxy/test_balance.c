/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proxy/balance.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static void every_policy_has_a_row(void **state)
{
	(void)state;
	assert_ptr_equal(balance_policy(CONF_BALANCE_RANDOM_TWO), &balance_random_two);
	assert_ptr_equal(balance_policy(CONF_BALANCE_ROUND_ROBIN), &balance_round_robin);
	assert_ptr_equal(balance_policy(CONF_BALANCE_LEAST_REQUESTS), &balance_least_requests);
	assert_ptr_equal(balance_policy(CONF_BALANCE_FIRST), &balance_first);
}

static void load_counts_per_weight(void **state)
{
	struct balance_server light = { .weight = 1, .in_flight = 2 };
	struct balance_server heavy = { .weight = 4, .in_flight = 4 };

	(void)state;
	assert_true(balance_is_lighter(&heavy, &light));
	assert_false(balance_is_lighter(&light, &heavy));
	assert_false(balance_is_lighter(&light, &light));
}

static void idle_servers_differ_by_weight(void **state)
{
	struct balance_server light = { .weight = 1 }, heavy = { .weight = 2 };

	(void)state;
	assert_true(balance_is_lighter(&heavy, &light));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_policy_has_a_row),
		cmocka_unit_test(load_counts_per_weight),
		cmocka_unit_test(idle_servers_differ_by_weight),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
