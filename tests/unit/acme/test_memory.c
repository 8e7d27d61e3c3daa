/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "acme/memory.h"

#include "script.h"

static struct loop *loop;
static struct store *store;
static struct memory memory;
static int called;
static uint64_t got_count;

static int open_all(void **state)
{
	(void)state;
	loop = loop_new();
	store = store_memory_new(loop);
	memory_init(&memory, store);
	return 0;
}

static void settle(void)
{
	for (int i = 0; i < 50; i++)
		loop_turn(loop);
}

static int close_all(void **state)
{
	(void)state;
	settle();
	memory_fini(&memory);
	store->ops->free(store);
	loop_free(&loop);
	return 0;
}

static void on_recalled(void *owner, enum err err, void *object, const struct fault *fault)
{
	(void)owner;
	(void)fault;
	struct failure *f = object;
	called = 1;
	got_count = err ? 0 : f->count;
	mem_release(f);
}

static uint64_t recall(const char *name)
{
	called = 0;
	memory_recall(&memory, name, on_recalled, NULL);
	while (!called)
		loop_turn(loop);
	return got_count;
}

static const struct failure sample = { .count = 3, .retry_at_ms = 5, .fault = { .code = E_ISSUE } };

static void what_is_kept_is_known_at_once_and_after_a_restart(void **state)
{
	(void)state;
	memory_keep(&memory, "a.test", &sample);
	assert_int_equal(memory_newest(&memory, "a.test")->count, 3);
	settle();
	memory_fini(&memory);
	memory_init(&memory, store);
	assert_null(memory_newest(&memory, "a.test"));
	assert_int_equal(recall("a.test"), 3);
}

static void what_is_forgotten_is_gone_from_both(void **state)
{
	(void)state;
	memory_keep(&memory, "a.test", &sample);
	settle();
	memory_forget(&memory, "a.test");
	settle();
	assert_null(memory_newest(&memory, "a.test"));
	assert_int_equal(recall("a.test"), 0);
}

static void memory_has_a_bound(void **state)
{
	(void)state;
	char name[32];
	for (int i = 0; i < MEMORY_MAX + 200; i++) {
		snprintf(name, sizeof name, "n%d.test", i);
		memory_keep(&memory, name, &sample);
	}
	unsigned n = 0;
	for (int i = 0; i < MEMORY_MAX + 200; i++) {
		snprintf(name, sizeof name, "n%d.test", i);
		n += memory_newest(&memory, name) != NULL;
	}
	assert_int_equal(n, MEMORY_MAX);
	for (int i = 0; i < 100; i++)
		settle();
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, open_all, close_all)
	const struct CMUnitTest tests[] = {
		T(what_is_kept_is_known_at_once_and_after_a_restart),
		T(what_is_forgotten_is_gone_from_both),
		T(memory_has_a_bound),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
