/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/list.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

struct item {
	int n;
	struct list node;
};

static void items_come_in_the_order_of_appending(void **state)
{
	struct list l;
	struct item items[3] = { { .n = 1 }, { .n = 2 }, { .n = 3 } };
	int expect = 1;

	(void)state;
	list_init(&l);
	assert_true(list_is_empty(&l));
	assert_null(list_first(&l, struct item, node));
	list_append(&l, &items[1].node);
	list_append(&l, &items[2].node);
	list_prepend(&l, &items[0].node);
	list_each(&l, node, tmp)
		assert_int_equal(list_entry(node, struct item, node)->n, expect++);
	assert_int_equal(list_first(&l, struct item, node)->n, 1);
	assert_int_equal(list_last(&l, struct item, node)->n, 3);
}

static void removing_twice_is_harmless(void **state)
{
	struct list l;
	struct item i;

	(void)state;
	list_init(&l);
	list_init(&i.node);
	list_remove(&i.node);
	list_append(&l, &i.node);
	list_remove(&i.node);
	list_remove(&i.node);
	assert_true(list_is_empty(&l));
}

static void the_body_may_remove_the_current_node(void **state)
{
	struct list l;
	struct item items[3];

	(void)state;
	list_init(&l);
	for (int i = 0; i < 3; i++)
		list_append(&l, &items[i].node);
	list_each(&l, node, tmp)
		list_remove(node);
	assert_true(list_is_empty(&l));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(items_come_in_the_order_of_appending),
		cmocka_unit_test(removing_twice_is_harmless),
		cmocka_unit_test(the_body_may_remove_the_current_node),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
