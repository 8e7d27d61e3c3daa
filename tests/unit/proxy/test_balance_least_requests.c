/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proxy/balance.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static void the_least_busy_for_its_weight_is_taken(void **state)
{
	struct balance_server a = { .weight = 1, .in_flight = 3 }, b = { .weight = 3, .in_flight = 5 },
		c = { .weight = 1, .in_flight = 4 };
	struct balance_server *all[] = { &a, &b, &c };

	(void)state;
	for (int i = 0; i < 20; i++)
		assert_int_equal(balance_least_requests.pick(all, 3), 1);
}

static void equals_share(void **state)
{
	struct balance_server a = { .weight = 1 }, b = { .weight = 1 };
	struct balance_server *both[] = { &a, &b };
	unsigned n = 0;

	(void)state;
	for (int i = 0; i < 200; i++)
		n += balance_least_requests.pick(both, 2);
	assert_in_range(n, 50, 150);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_least_busy_for_its_weight_is_taken),
		cmocka_unit_test(equals_share),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
