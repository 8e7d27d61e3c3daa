/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/counter.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <pthread.h>
#include <string.h>

enum { THREADS = 40, ADDS = 1000 };

static void *add(void *unused)
{
	for (int i = 0; i < ADDS; i++)
		counter_add(COUNTER_REQUESTS, 1);
	return unused;
}

static void threads_lose_nothing(void **state)
{
	pthread_t threads[THREADS];

	(void)state;
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, add, NULL), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(counter_get(COUNTER_REQUESTS), THREADS * ADDS);
}

static void gauges_go_down(void **state)
{
	(void)state;
	counter_add(COUNTER_CONNECTIONS_OPEN, 2);
	counter_add(COUNTER_CONNECTIONS_OPEN, -2);
	assert_int_equal(counter_get(COUNTER_CONNECTIONS_OPEN), 0);
}

static void every_counter_has_a_name_of_its_own(void **state)
{
	(void)state;
	for (int i = 0; i < COUNTER_COUNT; i++) {
		assert_true(strlen(counter_help((enum counter)i)) > 0);
		for (int j = 0; j < i; j++)
			assert_string_not_equal(counter_name((enum counter)i),
				counter_name((enum counter)j));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(threads_lose_nothing),
		cmocka_unit_test(gauges_go_down),
		cmocka_unit_test(every_counter_has_a_name_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
