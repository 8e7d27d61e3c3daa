/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proxy/balance.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static void one_server_is_no_choice(void **state)
{
	struct balance_server a = { .weight = 1 };
	struct balance_server *one[] = { &a };

	(void)state;
	assert_int_equal(balance_random_two.pick(one, 1), 0);
}

static void a_busy_server_is_avoided_more_often_than_not(void **state)
{
	struct balance_server a = { .weight = 1, .in_flight = 50 }, b = { .weight = 1 };
	struct balance_server *both[] = { &a, &b };
	unsigned busy = 0;

	(void)state;
	for (int i = 0; i < 1000; i++)
		busy += balance_random_two.pick(both, 2) == 0;
	assert_in_range(busy, 150, 350);
}

static void weight_decides_among_the_idle(void **state)
{
	struct balance_server a = { .weight = 1 }, b = { .weight = 9 };
	struct balance_server *both[] = { &a, &b };
	unsigned light = 0;

	(void)state;
	for (int i = 0; i < 1000; i++)
		light += balance_random_two.pick(both, 2) == 0;
	assert_in_range(light, 0, 60);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_server_is_no_choice),
		cmocka_unit_test(a_busy_server_is_avoided_more_often_than_not),
		cmocka_unit_test(weight_decides_among_the_idle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
