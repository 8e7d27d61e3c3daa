/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "acme/internal_ca.h"

#include "unit.h"

#include "base/clock.h"
#include "base/mem.h"
#include "certstore/x509.h"
#include "net/loop.h"

static const int64_t day_ms = (int64_t)24 * 3600 * 1000;

static struct loop *loop;
static struct store *store;

static int open_store(void **state)
{
	(void)state;
	loop = loop_new();
	store = store_memory_new(loop);
	return 0;
}

static void turn(void)
{
	struct timespec ms = { 0, 500000 };
	loop_turn(loop);
	nanosleep(&ms, NULL);
}

static int close_store(void **state)
{
	(void)state;
	for (int i = 0; i < 40; i++)
		turn();
	store->ops->free(store);
	loop_free(&loop);
	clock_test_end();
	return 0;
}

struct waiting {
	struct waiter waiter;
	int n;
	enum err err;
};

static void on_told(struct waiter *w, enum err err, const struct fault *fault)
{
	struct waiting *waiting = container_of(w, struct waiting, waiter);
	(void)fault;
	waiting->n++;
	waiting->err = err;
}

static void wait_for(struct internal_ca *c, struct waiting *w)
{
	*w = (struct waiting){ 0 };
	waiter_init(&w->waiter, on_told);
	internal_ca_wait(c, &w->waiter);
	assert_int_equal(w->n, 0);
	for (int i = 0; i < 4000 && !w->n; i++)
		turn();
	assert_int_equal(w->n, 1);
}

static struct internal_ca *ready(void)
{
	struct internal_ca *c = internal_ca_new(loop, store);
	struct waiting w;
	wait_for(c, &w);
	assert_int_equal(w.err, E_OK);
	assert_true(internal_ca_is_ready(c));
	return c;
}

/* The chain the leaf was given: facts of leaf and intermediate. */
static void sign(struct internal_ca *c, const char *name, int64_t lifetime_ms, struct buf *der,
	struct key **key)
{
	struct fault fault = { 0 };
	assert_int_equal(key_generate(CONF_KEY_P256, key), E_OK);
	struct internal_leaf *leaf = internal_leaf_new(c, name, *key, lifetime_ms);
	assert_int_equal(internal_leaf_sign(leaf, &fault), E_OK);
	buf_init(der, 0);
	assert_int_equal(x509_chain_from_pem(buf_str(&leaf->chain_pem), der, &fault), E_OK);
	internal_leaf_free(leaf);
}

static char root_text[4096];

static enum err parse_root(struct str bytes, const char *name, void **object, struct fault *fault)
{
	struct buf pem;
	(void)name;
	(void)object;
	(void)fault;
	buf_init(&pem, 0);
	enum err err = internal_ca_root_pem(bytes, &pem);
	str_copy(root_text, sizeof root_text, buf_str(&pem));
	buf_fini(&pem);
	return err;
}

static void on_loaded(void *owner, enum err err, void *object, const struct fault *fault)
{
	(void)object;
	(void)fault;
	*(int *)owner = 1 + (int)err;
}

static const char *stored_root(void)
{
	int done = 0;
	store_load(store, STORE_ACCOUNTS, INTERNAL_CA_NAME, parse_root, on_loaded, &done);
	for (int i = 0; i < 4000 && !done; i++)
		turn();
	assert_int_equal(done, 1 + E_OK);
	return root_text;
}

static void a_leaf_leads_to_the_stored_root(void **state)
{
	const char *names[] = { "localhost" };
	struct fault fault = { 0 };
	struct key *key = NULL;
	struct buf chain;
	(void)state;
	struct internal_ca *c = ready();
	sign(c, "localhost", 0, &chain, &key);
	assert_int_equal(x509_chain_from_pem(str_from(stored_root()), &chain, &fault), E_OK);
	assert_int_equal(x509_check_chain(buf_str(&chain), &(struct x509_check){ .key = key,
		.names = names, .n_names = 1, .now_ms = clock_wall_ms() }, &fault), E_OK);
	struct str rest = buf_str(&chain);
	int n = 0;
	while (x509_chain_next(&rest).at)
		n++;
	assert_int_equal(n, 3);
	buf_fini(&chain);
	key_unref(&key);
	internal_ca_free(&c);
}

static void the_same_root_serves_after_a_restart(void **state)
{
	char before[sizeof root_text];
	(void)state;
	struct internal_ca *c = ready();
	memcpy(before, stored_root(), sizeof before);
	internal_ca_free(&c);
	c = ready();
	assert_string_equal(stored_root(), before);
	internal_ca_free(&c);
}

static void a_leaf_lives_a_week_or_as_told(void **state)
{
	static const struct { int64_t told_ms, want_ms; } rows[] = {
		{ 0, 7 * 24 * 3600 * 1000ll }, { 60000, 60000 } };
	(void)state;
	struct internal_ca *c = ready();
	for (size_t i = 0; i < 2; i++) {
		struct x509_facts facts;
		struct fault fault = { 0 };
		struct key *key = NULL;
		struct buf chain;
		sign(c, "app.internal", rows[i].told_ms, &chain, &key);
		struct str rest = buf_str(&chain);
		assert_int_equal(x509_parse(x509_chain_next(&rest), &facts, &fault), E_OK);
		assert_in_range(facts.not_after_ms, clock_wall_ms() + rows[i].want_ms - 5000,
			clock_wall_ms() + rows[i].want_ms);
		assert_true(facts.not_before_ms <= clock_wall_ms());
		x509_facts_fini(&facts);
		buf_fini(&chain);
		key_unref(&key);
	}
	internal_ca_free(&c);
}

static void an_old_intermediate_is_replaced_below_the_same_root(void **state)
{
	char before[sizeof root_text];
	struct waiting w;
	int64_t wall = clock_wall_ms(), mono = clock_mono_ms();
	(void)state;
	struct internal_ca *c = ready();
	memcpy(before, stored_root(), sizeof before);
	clock_test_set(wall + 306 * day_ms, mono);
	assert_false(internal_ca_is_ready(c));
	wait_for(c, &w);
	assert_int_equal(w.err, E_OK);
	assert_true(internal_ca_is_ready(c));
	assert_string_equal(stored_root(), before);
	internal_ca_free(&c);
}

static void an_old_root_is_replaced_in_time(void **state)
{
	char before[sizeof root_text];
	struct waiting w;
	int64_t wall = clock_wall_ms(), mono = clock_mono_ms();
	(void)state;
	struct internal_ca *c = ready();
	memcpy(before, stored_root(), sizeof before);
	clock_test_set(wall + 3300 * day_ms, mono);
	wait_for(c, &w);
	assert_int_equal(w.err, E_OK);
	assert_string_not_equal(stored_root(), before);
	internal_ca_free(&c);
}

static void who_waits_together_is_told_together(void **state)
{
	struct internal_ca *c = internal_ca_new(loop, store);
	struct waiting other = { 0 }, w;
	(void)state;
	waiter_init(&other.waiter, on_told);
	internal_ca_wait(c, &other.waiter);
	wait_for(c, &w);
	assert_int_equal(other.n, 1);
	internal_ca_free(&c);
}

static void freeing_in_any_state_is_harmless(void **state)
{
	(void)state;
	for (int turns = 0; turns < 12; turns++) {
		struct internal_ca *c = internal_ca_new(loop, store);
		struct waiting w = { 0 };
		waiter_init(&w.waiter, on_told);
		internal_ca_wait(c, &w.waiter);
		for (int i = 0; i < turns; i++)
			loop_turn(loop);
		list_remove(&w.waiter.node);
		internal_ca_free(&c);
		for (int i = 0; i < 20; i++)
			turn();
	}
}

static void what_is_no_authority_is_refused(void **state)
{
	struct buf pem;
	(void)state;
	buf_init(&pem, 0);
	assert_int_equal(internal_ca_root_pem(STR("sallyport-internal-ca: 1\n\nrubbish"), &pem),
		E_STORE_CORRUPT);
	assert_int_equal(internal_ca_root_pem(STR(""), &pem), E_STORE_CORRUPT);
	buf_fini(&pem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_leaf_leads_to_the_stored_root, open_store, close_store),
		cmocka_unit_test_setup_teardown(the_same_root_serves_after_a_restart, open_store, close_store),
		cmocka_unit_test_setup_teardown(a_leaf_lives_a_week_or_as_told, open_store, close_store),
		cmocka_unit_test_setup_teardown(an_old_intermediate_is_replaced_below_the_same_root,
			open_store, close_store),
		cmocka_unit_test_setup_teardown(an_old_root_is_replaced_in_time, open_store, close_store),
		cmocka_unit_test_setup_teardown(who_waits_together_is_told_together, open_store, close_store),
		cmocka_unit_test_setup_teardown(freeing_in_any_state_is_harmless, open_store, close_store),
		cmocka_unit_test(what_is_no_authority_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
