/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proxy/self_check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <cmocka.h>

#include "acme/internal_ca.h"
#include "acme/leaf.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/counter.h"
#include "base/mem.h"
#include "net/listener.h"
#include "net/tcp_stream.h"
#include "net/tls_stream.h"

static struct loop *loop;
static struct store *store;
static struct internal_ca *ca;
static struct tls_context *server;
static struct listener *listener;
static uint16_t port;
static struct entry *served, *other;    /* two certificates of one name */
static struct entry *presented;         /* by the listener; NULL: it closes */
static struct stream *accepted;
static unsigned n_accepted, n_healed;
static struct buf other_bundle;

static void turn(void)
{
	struct timespec ms = { 0, 1000000 };

	loop_turn(loop);
	nanosleep(&ms, NULL);
}

static void on_told(struct waiter *w, enum err err, const struct fault *fault)
{
	(void)w;
	(void)fault;
	assert_int_equal(err, E_OK);
}

static struct entry *make_entry(const char *name, struct buf *bundle)
{
	struct fault fault = { 0 };
	struct key *key = NULL;
	struct internal_leaf *leaf;
	struct delivery *d;
	struct entry *e;

	assert_int_equal(key_generate(CONF_KEY_P256, &key), E_OK);
	leaf = internal_leaf_new(ca, name, key, 0);
	assert_int_equal(internal_leaf_sign(leaf, &fault), E_OK);
	d = delivery_new(name, buf_str(&leaf->chain_pem));
	d->key = key;
	d->now_ms = clock_wall_ms();
	assert_int_equal(delivery_check(d, &fault), E_OK);
	e = entry_ref(d->entry);
	if (bundle)
		buf_add(bundle, buf_str(&d->bundle));
	delivery_free(d);
	internal_leaf_free(leaf);
	return e;
}

static void ignore_bytes(void *owner, struct str bytes)
{
	(void)owner;
	(void)bytes;
}

static void on_over(void *owner)
{
	(void)owner;
	stream_close(&accepted, STREAM_CLOSE_ABORT);
}

static void on_error(void *owner, enum err err)
{
	(void)err;
	on_over(owner);
}

static const struct stream_events deaf = { ignore_bytes, on_over, on_over, on_error };

static void on_shaken(void *owner, enum err err, const char *detail)
{
	(void)owner;
	(void)detail;
	if (err)
		stream_close(&accepted, STREAM_CLOSE_ABORT);
}

static void on_accept(void *owner, int fd, const struct addr *peer)
{
	struct tls_accept_args a = { .context = server, .binding = STR("x") };

	(void)owner;
	n_accepted++;
	stream_close(&accepted, STREAM_CLOSE_ABORT);
	accepted = tcp_stream_adopt(loop, fd, peer);
	stream_own(accepted, &deaf, NULL);
	if (!presented) {
		stream_close(&accepted, STREAM_CLOSE_ABORT);
		return;
	}
	a.certificate = presented->tls;
	assert_int_equal(tls_stream_accept(loop, &accepted, &a, NULL, 0, on_shaken, &accepted), E_OK);
	stream_own(accepted, &deaf, NULL);
}

static void heal(void *owner, struct entry *e)
{
	(void)owner;
	n_healed++;
	assert_string_equal(e->name, "app.test");
	presented = e == served ? served : other;
}

static struct self_check *start(int64_t every_ms)
{
	static struct addr any[2];
	struct self_check_args args = { .loop = loop, .store = store, .every_ms = every_ms, .heal = heal,
		.listeners = any, .n_listeners = 2 };

	assert_int_equal(addr_parse_ip(&any[0], STR("0.0.0.0"), port), E_OK);
	assert_int_equal(addr_parse_ip(&any[1], STR("::"), port), E_OK);
	return self_check_new(&args);
}

static int enter(void **state)
{
	struct tls_server_args args = { 0 };
	struct addr a;
	struct waiter w;
	int fd;

	(void)state;
	assert_int_equal(tls_setup(), E_OK);
	loop = loop_new();
	store = store_memory_new(loop);
	ca = internal_ca_new(loop, store);
	waiter_init(&w, on_told);
	internal_ca_wait(ca, &w);
	while (!internal_ca_is_ready(ca))
		turn();
	assert_int_equal(tls_context_server(&args, &server), E_OK);
	buf_init(&other_bundle, 0);
	served = make_entry("app.test", NULL);
	other = make_entry("app.test", &other_bundle);
	n_accepted = n_healed = 0;
	assert_int_equal(addr_parse_ip(&a, STR("127.0.0.1"), 0), E_OK);
	assert_int_equal(listener_bind(&a, &fd, NULL), E_OK);
	port = listener_port(fd);
	listener = listener_start(loop, fd, 8, on_accept, NULL);
	return 0;
}

static int leave(void **state)
{
	(void)state;
	stream_close(&accepted, STREAM_CLOSE_ABORT);
	listener_close(&listener);
	internal_ca_free(&ca);
	entry_unref(&served);
	entry_unref(&other);
	buf_fini(&other_bundle);
	for (int i = 0; i < 50; i++)
		turn();
	tls_context_unref(&server);
	store->ops->free(store);
	loop_free(&loop);
	return 0;
}

static void turn_until(const unsigned *n, unsigned want)
{
	for (int i = 0; i < 5000 && *n < want; i++)
		turn();
	for (int i = 0; i < 60; i++)
		turn();
}

static void the_right_certificate_is_left_alone(void **state)
{
	int64_t wrong = counter_get(COUNTER_SELF_CHECKS_WRONG), all = counter_get(COUNTER_SELF_CHECKS);
	struct self_check *s = start(60000);

	(void)state;
	presented = served;
	self_check_note(s, served);
	turn_until(&n_accepted, 1);
	assert_int_equal(n_accepted, 1);
	assert_int_equal(n_healed, 0);
	assert_int_equal(counter_get(COUNTER_SELF_CHECKS), all + 1);
	assert_int_equal(counter_get(COUNTER_SELF_CHECKS_WRONG), wrong);
	self_check_free(&s);
}

static void another_certificate_is_counted_and_healed(void **state)
{
	int64_t wrong = counter_get(COUNTER_SELF_CHECKS_WRONG);
	struct self_check *s = start(60000);

	(void)state;
	presented = other;
	self_check_note(s, served);
	turn_until(&n_healed, 1);
	assert_int_equal(n_healed, 1);
	assert_int_equal(counter_get(COUNTER_SELF_CHECKS_WRONG), wrong + 1);
	assert_ptr_equal(presented, served);
	self_check_free(&s);
}

static void a_newer_installation_replaces_the_check(void **state)
{
	struct self_check *s = start(60000);

	(void)state;
	presented = other;
	self_check_note(s, served);
	self_check_note(s, other);
	turn_until(&n_accepted, 1);
	assert_int_equal(n_accepted, 1);
	assert_int_equal(n_healed, 0);
	self_check_free(&s);
}

/* 127.0.0.2 is ours without being on any interface. */
static void an_address_is_tried_at_itself(void **state)
{
	struct self_check *s = start(60000);
	struct entry *address = make_entry("127.0.0.2", NULL);
	struct addr a;
	int fd;

	(void)state;
	listener_close(&listener);
	assert_int_equal(addr_parse_ip(&a, STR("127.0.0.2"), port), E_OK);
	assert_int_equal(listener_bind(&a, &fd, NULL), E_OK);
	listener = listener_start(loop, fd, 8, on_accept, NULL);
	presented = address;
	self_check_note(s, address);
	turn_until(&n_accepted, 1);
	assert_int_equal(n_accepted, 1);
	assert_int_equal(n_healed, 0);
	self_check_free(&s);
	entry_unref(&address);
}

static void an_address_that_is_not_ours_is_left_alone(void **state)
{
	int64_t all = counter_get(COUNTER_SELF_CHECKS);
	struct self_check *s = start(60000);
	struct entry *four = make_entry("192.0.2.1", NULL), *six = make_entry("2001:db8::1", NULL);

	(void)state;
	self_check_note(s, four);
	self_check_note(s, six);
	for (int i = 0; i < 1500; i++)
		turn();
	assert_int_equal(counter_get(COUNTER_SELF_CHECKS), all);
	self_check_free(&s);
	entry_unref(&four);
	entry_unref(&six);
}

static void no_answer_heals_nothing(void **state)
{
	struct self_check *s = start(60000);

	(void)state;
	listener_close(&listener);
	self_check_note(s, served);
	for (int i = 0; i < 1500; i++)
		turn();
	assert_int_equal(n_healed, 0);
	self_check_free(&s);
}

static void on_saved(void *owner, enum err err, const struct fault *fault)
{
	(void)fault;
	assert_int_equal(err, E_OK);
	(*(unsigned *)owner)++;
}

static void a_sample_compares_with_the_store(void **state)
{
	struct self_check *s = start(200);
	unsigned saved = 0;

	(void)state;
	presented = served;
	self_check_note(s, served);
	turn_until(&n_accepted, 1);
	assert_int_equal(n_healed, 0);
	store_save(store, STORE_CERTS, "app.test", buf_str(&other_bundle), on_saved, &saved);
	turn_until(&n_healed, 1);
	assert_int_equal(saved, 1);
	assert_ptr_equal(presented, other);
	self_check_free(&s);
}

static void freeing_at_any_moment_is_harmless(void **state)
{
	(void)state;
	presented = served;
	for (int turns = 0; turns < 40; turns += 4) {
		struct self_check *s = start(5);

		self_check_note(s, served);
		for (int i = 0; i < turns; i++)
			turn();
		self_check_free(&s);
	}
}

static void wildcards_are_not_checked(void **state)
{
	struct self_check *s = start(60000);
	struct entry *e = entry_ref(served);

	(void)state;
	strcpy(e->name, "*.test");
	self_check_note(s, e);
	for (int i = 0; i < 1300; i++)
		turn();
	assert_int_equal(n_accepted, 0);
	strcpy(e->name, "app.test");
	entry_unref(&e);
	self_check_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_right_certificate_is_left_alone, enter, leave),
		cmocka_unit_test_setup_teardown(another_certificate_is_counted_and_healed, enter, leave),
		cmocka_unit_test_setup_teardown(a_newer_installation_replaces_the_check, enter, leave),
		cmocka_unit_test_setup_teardown(an_address_is_tried_at_itself, enter, leave),
		cmocka_unit_test_setup_teardown(an_address_that_is_not_ours_is_left_alone, enter, leave),
		cmocka_unit_test_setup_teardown(no_answer_heals_nothing, enter, leave),
		cmocka_unit_test_setup_teardown(a_sample_compares_with_the_store, enter, leave),
		cmocka_unit_test_setup_teardown(freeing_at_any_moment_is_harmless, enter, leave),
		cmocka_unit_test_setup_teardown(wildcards_are_not_checked, enter, leave),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
