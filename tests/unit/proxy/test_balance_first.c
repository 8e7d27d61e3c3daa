/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proxy/balance.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static void the_first_is_always_taken(void **state)
{
	struct balance_server a = { .weight = 1, .in_flight = 1000 }, b = { .weight = 9 };
	struct balance_server *both[] = { &a, &b };

	(void)state;
	for (int i = 0; i < 5; i++)
		assert_int_equal(balance_first.pick(both, 2), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_is_always_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
