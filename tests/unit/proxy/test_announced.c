/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proxy/announced.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"

static struct loop *loop;
static struct store *store;
static unsigned n_arrived;
static char arrived[256];

static void on_arrived(void *owner, const char *name)
{
	(void)owner;
	n_arrived++;
	snprintf(arrived, sizeof(arrived), "%s", name);
}

static struct announced *open_set(void)
{
	return announced_new(&(struct announced_args){ loop, store, on_arrived, NULL });
}

static int begin(void **state)
{
	(void)state;
	n_arrived = 0;
	loop = loop_new();
	store = store_memory_new(loop);
	return 0;
}

static void turn(int ms)
{
	int64_t until = clock_mono_ms() + ms;

	while (clock_mono_ms() < until) {
		loop_turn(loop);
		nanosleep(&(struct timespec){ 0, 500000 }, NULL);
	}
}

static int end(void **state)
{
	(void)state;
	turn(20);
	store->ops->free(store);
	loop_stop(loop);
	loop_run(loop);
	loop_free(&loop);
	return 0;
}

static void one_with_an_address_arrives_and_stays_announced(void **state)
{
	struct announced *a = open_set();
	struct fault fault = { 0 };
	int64_t next;

	(void)state;
	assert_int_equal(announced_add(a, "127.0.0.1", &fault), E_OK);
	assert_true(announced_has(a, "127.0.0.1"));
	assert_true(announced_is_waiting(a, "127.0.0.1", &next));
	for (int i = 0; i < 100 && !n_arrived; i++)
		turn(10);
	assert_int_equal(n_arrived, 1);
	assert_string_equal(arrived, "127.0.0.1");
	assert_true(announced_has(a, "127.0.0.1"));
	assert_false(announced_is_waiting(a, "127.0.0.1", &next));
	announced_free(&a);
}

static void the_next_run_knows_it_until_it_is_removed(void **state)
{
	struct announced *a = open_set();
	struct fault fault = { 0 };

	(void)state;
	assert_int_equal(announced_add(a, "127.0.0.1", &fault), E_OK);
	turn(50);
	announced_free(&a);
	a = open_set();
	announced_start(a);
	turn(50);
	assert_true(announced_has(a, "127.0.0.1"));
	assert_true(announced_remove(a, "127.0.0.1"));
	assert_false(announced_remove(a, "127.0.0.1"));
	turn(50);
	announced_free(&a);
	a = open_set();
	announced_start(a);
	turn(50);
	assert_int_equal(announced_count(a), 0);
	announced_free(&a);
}

static void it_may_end_while_it_reads_or_looks(void **state)
{
	struct announced *a = open_set();
	struct fault fault = { 0 };

	(void)state;
	announced_start(a);
	announced_free(&a);
	announced_free(&a);
	a = open_set();
	assert_int_equal(announced_add(a, "no-such-name.invalid", &fault), E_OK);
	turn(5);
	announced_free(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(one_with_an_address_arrives_and_stays_announced, begin, end),
		cmocka_unit_test_setup_teardown(the_next_run_knows_it_until_it_is_removed, begin, end),
		cmocka_unit_test_setup_teardown(it_may_end_while_it_reads_or_looks, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
