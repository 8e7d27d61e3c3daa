/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proxy/balance.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static void equals_take_turns(void **state)
{
	struct balance_server a = { .weight = 1 }, b = { .weight = 1 }, c = { .weight = 1 };
	struct balance_server *all[] = { &a, &b, &c };

	(void)state;
	for (unsigned i = 0; i < 9; i++)
		assert_int_equal(balance_round_robin.pick(all, 3), i % 3);
}

static void weights_are_smooth(void **state)
{
	struct balance_server a = { .weight = 5 }, b = { .weight = 1 }, c = { .weight = 1 };
	struct balance_server *all[] = { &a, &b, &c };
	char order[8] = "";

	(void)state;
	for (unsigned i = 0; i < 7; i++)
		order[i] = (char)('a' + balance_round_robin.pick(all, 3));
	assert_string_equal(order, "aabacaa");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equals_take_turns),
		cmocka_unit_test(weights_are_smooth),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
