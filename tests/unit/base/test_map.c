/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/map.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>

enum { MANY = 5000 };

static struct str key(char text[16], int i)
{
	return str_of(text, (size_t)snprintf(text, 16, "key-%d", i));
}

static void an_empty_map_answers(void **state)
{
	struct map m;
	size_t cursor = 0;

	(void)state;
	map_init(&m);
	assert_null(map_get(&m, STR("a")));
	assert_null(map_remove(&m, STR("a")));
	assert_false(map_next(&m, &cursor, NULL, NULL));
	assert_int_equal(map_count(&m), 0);
	map_fini(&m);
}

static void many_keys_are_found_again(void **state)
{
	static int values[MANY];
	struct map m;
	char text[16];

	(void)state;
	map_init(&m);
	for (int i = 0; i < MANY; i++)
		assert_null(map_put(&m, key(text, i), &values[i]));
	assert_int_equal(map_count(&m), MANY);
	for (int i = 0; i < MANY; i++)
		assert_ptr_equal(map_get(&m, key(text, i)), &values[i]);
	for (int i = 0; i < MANY; i += 2)
		assert_ptr_equal(map_remove(&m, key(text, i)), &values[i]);
	for (int i = 0; i < MANY; i++)
		assert_ptr_equal(map_get(&m, key(text, i)), i % 2 ? &values[i] : NULL);
	map_fini(&m);
}

static void putting_again_returns_the_old_value(void **state)
{
	struct map m;
	int a, b;

	(void)state;
	map_init(&m);
	assert_null(map_put(&m, STR(""), &a));
	assert_ptr_equal(map_put(&m, STR(""), &b), &a);
	assert_ptr_equal(map_get(&m, STR_NONE), &b);
	assert_int_equal(map_count(&m), 1);
	map_fini(&m);
}

static void coming_and_going_does_not_grow_the_table(void **state)
{
	struct map m;
	char text[16];
	int v;

	(void)state;
	map_init(&m);
	for (int i = 0; i < 100000; i++) {
		map_put(&m, key(text, i), &v);
		assert_ptr_equal(map_remove(&m, key(text, i)), &v);
	}
	assert_true(m.cap <= 64);
	map_fini(&m);
}

static void removing_while_iterating_visits_each_once(void **state)
{
	struct map m;
	char text[16];
	size_t cursor = 0;
	struct str k;
	void *value;
	int v, n = 0;

	(void)state;
	map_init(&m);
	for (int i = 0; i < 100; i++)
		map_put(&m, key(text, i), &v);
	while (map_next(&m, &cursor, &k, &value)) {
		assert_ptr_equal(map_remove(&m, k), &v);
		n++;
	}
	assert_int_equal(n, 100);
	assert_int_equal(map_count(&m), 0);
	map_fini(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_map_answers),
		cmocka_unit_test(many_keys_are_found_again),
		cmocka_unit_test(putting_again_returns_the_old_value),
		cmocka_unit_test(coming_and_going_does_not_grow_the_table),
		cmocka_unit_test(removing_while_iterating_visits_each_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
