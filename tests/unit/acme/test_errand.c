/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "acme/errand.h"

#include "base/clock.h"

#include "script.h"

static struct loop *loop;
static int called, freed;
static enum err got;

static void on_end(void *owner, enum err err, void *object, const struct fault *fault)
{
	(void)owner;
	assert_true(!err || !object);
	assert_non_null(fault);
	called++;
	got = err;
	mem_release(object);
}

static void free_object(void *object)
{
	freed++;
	mem_release(object);
}

static enum err succeed(void *object, struct fault *fault)
{
	(void)fault;
	*(int *)object = 7;
	return E_OK;
}

static enum err refuse(void *object, struct fault *fault)
{
	(void)object;
	return fault_set(fault, E_KEY, "no");
}

static void run(errand_run_fn *fn, bool abandons)
{
	loop = loop_new();
	called = freed = 0;
	struct errand *e = errand_work(loop, fn, mem_new(sizeof(int)), free_object, on_end, NULL);
	assert_int_equal(called, 0);
	if (abandons)
		errand_abandon(&e);
	script_settle(loop);
	loop_free(&loop);
}

static void work_hands_its_object_over(void **state)
{
	(void)state;
	run(succeed, false);
	assert_int_equal(called, 1);
	assert_int_equal(got, E_OK);
	assert_int_equal(freed, 0);
}

static void failed_work_frees_its_object(void **state)
{
	(void)state;
	run(refuse, false);
	assert_int_equal(called, 1);
	assert_int_equal(got, E_KEY);
	assert_int_equal(freed, 1);
}

static void abandoned_work_cleans_up_silently(void **state)
{
	(void)state;
	run(succeed, true);
	assert_int_equal(called, 0);
	assert_int_equal(freed, 1);
}

static struct key *made;

static void on_key(void *owner, enum err err, void *object, const struct fault *fault)
{
	(void)owner;
	(void)fault;
	assert_int_equal(err, E_OK);
	made = errand_take_key(object);
}

static void a_key_is_made_and_handed_over_or_dropped(void **state)
{
	(void)state;
	loop = loop_new();
	errand_make_key(loop, CONF_KEY_P384, on_key, NULL);
	script_settle(loop);
	assert_non_null(made);
	assert_int_equal(key_type(made), CONF_KEY_P384);
	key_unref(&made);
	struct errand *e = errand_make_key(loop, CONF_KEY_P256, on_key, NULL);
	errand_abandon(&e);
	script_settle(loop);
	assert_null(made);
	loop_free(&loop);
}

static void an_abandoned_lock_is_given_back(void **state)
{
	(void)state;
	loop = loop_new();
	struct store *store = store_memory_new(loop);
	called = 0;
	struct errand *e = errand_lock(store, "a", 1000, on_end, NULL);
	errand_abandon(&e);
	script_settle(loop);
	e = errand_lock(store, "a", 10, on_end, NULL);
	script_settle(loop);
	assert_int_equal(called, 1);
	assert_int_equal(got, E_OK);
	store->ops->unlock(store, "a");
	store->ops->free(store);
	loop_free(&loop);
}

static void a_probe_looks_at_the_clock_too(void **state)
{
	(void)state;
	loop = loop_new();
	struct store *store = store_memory_new(loop);
	called = 0;
	errand_probe(store, on_end, NULL);
	script_settle(loop);
	assert_int_equal(called, 1);
	assert_int_equal(got, E_OK);
	clock_test_set(1000, clock_mono_ms());
	errand_probe(store, on_end, NULL);
	for (int i = 0; i < 5; i++)
		loop_turn(loop);
	clock_test_end();
	assert_int_equal(called, 2);
	assert_int_equal(got, E_CLOCK);
	store->ops->free(store);
	loop_free(&loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(work_hands_its_object_over),
		cmocka_unit_test(failed_work_frees_its_object),
		cmocka_unit_test(abandoned_work_cleans_up_silently),
		cmocka_unit_test(a_key_is_made_and_handed_over_or_dropped),
		cmocka_unit_test(a_probe_looks_at_the_clock_too),
		cmocka_unit_test(an_abandoned_lock_is_given_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
