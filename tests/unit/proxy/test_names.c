/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proxy/names.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

enum { WORKERS = 3, ANSWERS = 64, DAY_MS = 24 * 3600 * 1000 };

static const int64_t NOW = 1800000000000;

/* A store whose answers, an ask endpoint whose verdicts and a CA whose certificates the test gives. */
struct world {
	struct store store;
	struct loop *loop;
	struct conf conf;
	struct router *router;
	struct names *names;

	unsigned n_loads;
	char loading[64][ENTRY_NAME];
	store_load_fn *load_fn[64];
	void *load_owner[64];

	unsigned n_asked;
	char asked_ip[64];
	ask_fn *ask_fn;
	void *ask_owner;

	unsigned n_orders, n_hurried, n_watched, n_installed, n_kept;
	enum issuer_reason reason;
	struct issuer_wish wish;
	const char *tenant;
	issuer_fn *order_fn;
	void *order_owner;
	bool is_renewing, is_announced;

	struct entry *entries[4];       /* freed at the end, whoever refers to them */
	unsigned n_entries, n_answers;
	struct { struct worker *worker; enum err err; struct entry *entry; int64_t until_ms; } answers[ANSWERS];
};

static struct conf_site sites[] = {
	{ .name = "app.example.com", .tls = CONF_TLS_AUTO },
	{ .name = "*.file.example", .tls = CONF_TLS_FILE },
	{ .name = "*.wild.example", .tls = CONF_TLS_AUTO },
	{ .name = "*", .tls = CONF_TLS_ON_DEMAND },
};

/* ---- the fakes ---- */

static void fake_load(struct store *s, enum store_group g, const char *name, store_parse_fn *parse,
	store_load_fn *fn, void *owner)
{
	struct world *w = container_of(s, struct world, store);

	assert_int_equal(g, STORE_CERTS);
	assert_non_null(parse);
	assert_true(w->n_loads < 64);
	snprintf(w->loading[w->n_loads], ENTRY_NAME, "%s", name);
	w->load_fn[w->n_loads] = fn;
	w->load_owner[w->n_loads++] = owner;
}

static const struct store_ops store_ops = { .load = fake_load };

static void fake_answer(void *owner, struct worker *worker, const struct worker_answer_args *args)
{
	struct world *w = owner;

	assert_true(w->n_answers < ANSWERS);
	w->answers[w->n_answers].worker = worker;
	w->answers[w->n_answers].err = args->err;
	w->answers[w->n_answers].entry = args->entry;
	w->answers[w->n_answers++].until_ms = args->until_ms;
}

static void fake_install(void *owner, struct entry *e, bool keep)
{
	struct world *w = owner;

	assert_non_null(e);
	w->n_installed++;
	w->n_kept += keep;
}

static void fake_ask(void *owner, const char *name, const char *client_ip, ask_fn *fn, void *fn_owner)
{
	struct world *w = owner;

	assert_non_null(name);
	snprintf(w->asked_ip, sizeof(w->asked_ip), "%s", client_ip);
	w->n_asked++;
	w->ask_fn = fn;
	w->ask_owner = fn_owner;
}

static const char *fake_tenant(void *owner, const char *name)
{
	assert_non_null(name);
	return ((struct world *)owner)->tenant;
}

static struct job *fake_obtain(void *owner, const struct issuer_wish *wish, issuer_fn *fn, void *fn_owner)
{
	struct world *w = owner;

	assert_non_null(wish->name);
	w->n_orders++;
	w->wish = *wish;
	w->reason = wish->reason;
	w->order_fn = fn;
	w->order_owner = fn_owner;
	return (struct job *)w;
}

static void fake_hurry(void *owner, struct job *job)
{
	struct world *w = owner;

	assert_ptr_equal(job, w);
	w->n_hurried++;
}

static void fake_watch(void *owner, const struct entry *e)
{
	assert_non_null(e);
	((struct world *)owner)->n_watched++;
}

static bool fake_is_renewing(void *owner, const char *name)
{
	assert_non_null(name);
	return ((struct world *)owner)->is_renewing;
}

static bool fake_is_announced(void *owner, const char *name)
{
	assert_non_null(name);
	return ((struct world *)owner)->is_announced;
}

static const struct names_ops ops = {
	.answer = fake_answer,
	.install = fake_install,
	.ask = fake_ask,
	.tenant = fake_tenant,
	.obtain = fake_obtain,
	.hurry = fake_hurry,
	.watch = fake_watch,
	.is_renewing = fake_is_renewing,
	.is_announced = fake_is_announced,
};

static int make_world(void **state)
{
	struct world *w = mem_new(sizeof(*w));

	clock_test_set(NOW, 1000);
	w->store.ops = &store_ops;
	w->loop = loop_new();
	w->conf.sites = sites;
	w->conf.n_sites = ARRAY_LEN(sites);
	w->conf.on_demand = (struct conf_on_demand){
		.enabled = true, .ask = "http://127.0.0.1:1/", .allow_ms = 60000, .deny_ms = 600000,
		.if_ask_is_down_ms = 7 * (int64_t)DAY_MS, .max_waiting = 8, .max_labels = 5,
		.negative_names = 100, .new_names_per_minute = 20,
	};
	w->conf.limits.cert_cache_bytes = 1 << 20;
	w->router = router_new(&w->conf);
	w->names = names_new(&(struct names_args){ .loop = w->loop, .conf = &w->conf, .router = w->router,
		.store = &w->store, .n_workers = WORKERS, .ops = &ops, .owner = w });
	*state = w;
	return 0;
}

static int end_world(void **state)
{
	struct world *w = *state;

	names_stop(w->names);
	names_free(&w->names);
	router_free(&w->router);
	loop_stop(w->loop);
	loop_run(w->loop);
	loop_free(&w->loop);
	clock_test_end();
	while (w->n_entries) {
		mem_release(w->entries[--w->n_entries]->tls);
		mem_release(w->entries[w->n_entries]);
	}
	mem_release(w);
	return 0;
}

/* ---- what tests say ---- */

static struct worker *worker(int i)
{
	static char workers[WORKERS];

	return (struct worker *)&workers[i];
}

static void want(struct world *w, int i, const char *name)
{
	names_want(w->names, worker(i), name, "192.0.2.7");
}

static struct entry *entry_until(struct world *w, const char *name, int64_t not_after_ms)
{
	struct entry *e = mem_new(sizeof(*e));

	atomic_init(&e->refs, 1000);  /* never the last one: it has no certificate inside */
	snprintf(e->name, sizeof(e->name), "%s", name);
	e->not_before_ms = NOW - 1000;
	e->not_after_ms = not_after_ms;
	e->issued_at_ms = NOW - 1000;
	e->tls = mem_new(4096);  /* stands in for a certificate: only its size is asked for */
	w->entries[w->n_entries++] = e;
	return e;
}

static void loaded(struct world *w, enum err err, struct entry *e)
{
	struct fault fault = { 0 };

	assert_true(w->n_loads > 0);
	w->n_loads--;
	fault_set(&fault, err, "the store says so");
	w->load_fn[w->n_loads](w->load_owner[w->n_loads], err, e, &fault);
}

static void verdict(struct world *w, enum ask_verdict v)
{
	struct fault fault = { 0 };

	fault_set(&fault, E_ASK_UNKNOWN, "the endpoint is down");
	assert_non_null(w->ask_fn);
	w->ask_fn(w->ask_owner, v, v == ASK_UNKNOWN ? &fault : NULL);
	w->ask_fn = NULL;
}

static void obtained(struct world *w, enum err err, struct entry *e, int64_t retry_at_ms)
{
	struct fault fault = { 0 };

	if (err)
		fault_set(&fault, err, "the CA says so");
	assert_non_null(w->order_fn);
	w->order_fn(w->order_owner, err, e, err ? &fault : NULL, retry_at_ms);
}

static void later(struct world *w, int64_t ms)
{
	clock_test_advance(ms);
	for (int i = 0; i < 3; i++)
		loop_turn(w->loop);
}

/* ---- claims ---- */

static void a_stored_certificate_is_served_without_asking(void **state)
{
	struct world *w = *state;
	struct entry *e = entry_until(w, "shop.example", NOW + DAY_MS);

	want(w, 0, "shop.example");
	assert_int_equal(w->n_answers, 0);
	loaded(w, E_OK, e);
	assert_int_equal(w->n_answers, 1);
	assert_ptr_equal(w->answers[0].entry, e);
	assert_int_equal(w->n_asked + w->n_orders, 0);
	assert_int_equal(w->n_watched, 1);
	assert_int_equal(names_count(w->names), 0);
}

static void a_new_name_is_asked_for_then_ordered_then_installed(void **state)
{
	struct world *w = *state;
	struct entry *e = entry_until(w, "shop.example", NOW + DAY_MS);

	want(w, 1, "shop.example");
	loaded(w, E_NOT_FOUND, NULL);
	assert_int_equal(w->n_asked, 1);
	assert_string_equal(w->asked_ip, "192.0.2.7");
	assert_int_equal(w->n_orders, 0);
	w->tenant = "acme-corp";
	verdict(w, ASK_ALLOW);
	assert_int_equal(w->n_orders, 1);
	assert_int_equal(w->reason, ISSUER_ON_DEMAND);
	assert_string_equal(w->wish.tenant, "acme-corp");
	assert_int_equal(w->wish.not_after_ms, 0);
	assert_true(names_is_busy(w->names, "shop.example"));
	obtained(w, E_OK, e, 0);
	assert_int_equal(w->n_answers, 1);
	assert_ptr_equal(w->answers[0].worker, worker(1));
	assert_ptr_equal(w->answers[0].entry, e);
	assert_int_equal(w->n_installed, 1);
	assert_int_equal(w->n_kept, 0);
	assert_false(names_is_busy(w->names, "shop.example"));
}

static void all_workers_share_one_question_and_one_order(void **state)
{
	struct world *w = *state;
	struct entry *e = entry_until(w, "shop.example", NOW + DAY_MS);

	want(w, 0, "shop.example");
	want(w, 1, "shop.example");
	want(w, 1, "shop.example");
	loaded(w, E_NOT_FOUND, NULL);
	want(w, 2, "shop.example");
	verdict(w, ASK_ALLOW);
	want(w, 0, "shop.example");
	obtained(w, E_OK, e, 0);
	assert_int_equal(w->n_loads, 0);
	assert_int_equal(w->n_asked, 1);
	assert_int_equal(w->n_orders, 1);
	assert_int_equal(w->n_answers, 3);
}

static void what_one_worker_was_given_serves_the_others(void **state)
{
	struct world *w = *state;
	struct entry *e = entry_until(w, "shop.example", NOW + DAY_MS);

	want(w, 0, "shop.example");
	loaded(w, E_OK, e);
	want(w, 1, "shop.example");
	assert_int_equal(w->n_loads, 0);
	assert_ptr_equal(w->answers[1].worker, worker(1));
	assert_ptr_equal(w->answers[1].entry, e);
	clock_test_advance(DAY_MS);
	want(w, 2, "shop.example");
	assert_int_equal(w->n_loads, 1);
	loaded(w, E_STORE, NULL);
}

static void a_denied_name_is_refused_and_remembered(void **state)
{
	struct world *w = *state;

	want(w, 0, "evil.example");
	loaded(w, E_NOT_FOUND, NULL);
	verdict(w, ASK_DENY);
	assert_int_equal(w->answers[0].err, E_DENIED);
	assert_int_equal(w->answers[0].until_ms, NOW + 600000);
	want(w, 1, "evil.example");
	assert_int_equal(w->answers[1].err, E_DENIED);
	assert_int_equal(w->answers[1].until_ms, NOW + 600000);
	assert_int_equal(w->n_loads, 0);
	assert_int_equal(w->n_asked, 1);
	clock_test_advance(600001);
	want(w, 1, "evil.example");
	assert_int_equal(w->n_loads, 1);
	loaded(w, E_NOT_FOUND, NULL);
	verdict(w, ASK_DENY);
}

static void an_ask_endpoint_that_is_down_refuses_shortly(void **state)
{
	struct world *w = *state;

	want(w, 0, "new.example");
	loaded(w, E_NOT_FOUND, NULL);
	verdict(w, ASK_UNKNOWN);
	assert_int_equal(w->answers[0].err, E_ASK_UNKNOWN);
	assert_true(w->answers[0].until_ms <= NOW + 10000);
	assert_int_equal(w->n_orders, 0);
}

static void a_name_with_an_expired_certificate_was_allowed_lately(void **state)
{
	struct world *w = *state;
	struct entry *e = entry_until(w, "shop.example", NOW - 1);

	want(w, 0, "shop.example");
	loaded(w, E_OK, e);
	assert_int_equal(w->n_answers, 0);
	assert_int_equal(w->n_asked, 1);
	verdict(w, ASK_UNKNOWN);
	assert_int_equal(w->n_orders, 1);
	obtained(w, E_ISSUE, NULL, NOW + 60000);
}

static void a_failed_order_is_refused_until_its_next_attempt(void **state)
{
	struct world *w = *state;

	want(w, 0, "shop.example");
	loaded(w, E_NOT_FOUND, NULL);
	verdict(w, ASK_ALLOW);
	obtained(w, E_ISSUE, NULL, NOW + 60000);
	assert_int_equal(w->answers[0].err, E_ISSUE);
	assert_int_equal(w->answers[0].until_ms, NOW + 60000);
	want(w, 2, "shop.example");
	assert_int_equal(w->answers[1].err, E_ISSUE);
	assert_int_equal(w->n_orders, 1);
}

static void a_far_retry_time_is_cut(void **state)
{
	struct world *w = *state;

	want(w, 0, "shop.example");
	loaded(w, E_NOT_FOUND, NULL);
	verdict(w, ASK_ALLOW);
	obtained(w, E_RATE_LIMITED, NULL, INT64_MAX);
	assert_int_equal(w->answers[0].until_ms, NOW + 2 * (int64_t)DAY_MS);
}

static void a_damaged_file_is_ordered_again_but_a_broken_store_is_not(void **state)
{
	struct world *w = *state;

	want(w, 0, "one.example");
	loaded(w, E_STORE_CORRUPT, NULL);
	assert_int_equal(w->n_asked, 1);
	verdict(w, ASK_DENY);
	want(w, 0, "two.example");
	loaded(w, E_STORE, NULL);
	assert_int_equal(w->n_asked, 1);
	assert_int_equal(w->answers[1].err, E_STORE);
}

static void names_no_ca_signs_touch_nothing(void **state)
{
	static const char *const bad[] = { "localhost", "127.0.0.1", "::1", "a_b.example", "a.b.c.d.e.example",
		"-a.example", "a..example" };
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		want(w, 0, bad[i]);
		assert_int_equal(w->answers[i].err, E_NAME);
	}
	assert_int_equal(w->n_answers, ARRAY_LEN(bad));
	assert_int_equal(w->n_loads + w->n_asked + w->n_orders, 0);
}

static void a_wildcard_site_without_on_demand_orders_nothing(void **state)
{
	struct world *w = *state;

	want(w, 0, "a.wild.example");
	loaded(w, E_NOT_FOUND, NULL);
	assert_int_equal(w->answers[0].err, E_DENIED);
	want(w, 0, "a.file.example");
	loaded(w, E_NOT_FOUND, NULL);
	assert_int_equal(w->answers[1].err, E_DENIED);
	assert_int_equal(w->n_asked + w->n_orders, 0);
}

static void without_an_ask_endpoint_nothing_is_ordered_on_demand(void **state)
{
	struct world *w = *state;

	w->conf.on_demand.ask = NULL;
	want(w, 0, "shop.example");
	loaded(w, E_NOT_FOUND, NULL);
	assert_int_equal(w->answers[0].err, E_DENIED);
}

static void names_under_way_are_capped(void **state)
{
	struct world *w = *state;
	char name[32];

	for (int i = 0; i < 9; i++) {
		snprintf(name, sizeof(name), "x%d.example", i);
		want(w, 0, name);
	}
	assert_int_equal(w->n_loads, 8);
	assert_int_equal(w->n_answers, 1);
	assert_int_equal(w->answers[0].err, E_LIMIT);
	want(w, 0, "app.example.com");
	assert_int_equal(w->n_loads, 9);
	while (w->n_loads)
		loaded(w, E_STORE, NULL);
	assert_int_equal(w->n_answers, 10);
}

static void new_names_per_minute_are_capped(void **state)
{
	struct world *w = *state;
	char name[32];

	for (int i = 0; i < 21; i++) {
		snprintf(name, sizeof(name), "x%d.example", i);
		want(w, 0, name);
		loaded(w, E_NOT_FOUND, NULL);
		verdict(w, ASK_ALLOW);
		if (i < 20)
			obtained(w, E_ISSUE, NULL, NOW + 60000);
	}
	assert_int_equal(w->n_orders, 20);
	assert_int_equal(w->answers[20].err, E_LIMIT);
	assert_true(w->answers[20].until_ms <= NOW + 5000);
}

static void the_order_goes_on_when_its_waiters_left(void **state)
{
	struct world *w = *state;
	struct entry *e = entry_until(w, "shop.example", NOW + DAY_MS);

	want(w, 0, "shop.example");
	loaded(w, E_NOT_FOUND, NULL);
	names_unwant(w->names, worker(0), "shop.example");
	names_unwant(w->names, worker(1), "shop.example");
	names_unwant(w->names, worker(1), "other.example");
	verdict(w, ASK_ALLOW);
	obtained(w, E_OK, e, 0);
	assert_int_equal(w->n_answers, 0);
	assert_int_equal(w->n_installed, 1);
}

static void configured_names_are_loaded_and_kept_at_start(void **state)
{
	struct world *w = *state;
	struct entry *e = entry_until(w, "app.example.com", NOW + DAY_MS);

	names_start(w->names);
	assert_int_equal(w->n_loads, 1);
	assert_string_equal(w->loading[0], "app.example.com");
	loaded(w, E_OK, e);
	assert_int_equal(w->n_kept, 1);
	assert_int_equal(w->n_orders, 0);
	assert_int_equal(names_count(w->names), 0);
}

static void a_visitor_hurries_what_began_in_the_background(void **state)
{
	struct world *w = *state;
	struct entry *e = entry_until(w, "app.example.com", NOW + DAY_MS);

	names_start(w->names);
	loaded(w, E_NOT_FOUND, NULL);
	assert_int_equal(w->n_asked, 0);
	assert_int_equal(w->reason, ISSUER_NAMED);
	assert_int_equal(w->n_hurried, 0);
	want(w, 0, "app.example.com");
	want(w, 1, "app.example.com");
	assert_int_equal(w->n_hurried, 1);
	obtained(w, E_OK, e, 0);
	assert_int_equal(w->n_answers, 2);
	assert_int_equal(w->n_kept, 1);
}

static void a_configured_name_that_failed_is_tried_again(void **state)
{
	struct world *w = *state;
	struct entry *e = entry_until(w, "app.example.com", NOW + DAY_MS);

	names_start(w->names);
	loaded(w, E_NOT_FOUND, NULL);
	obtained(w, E_ISSUE, NULL, NOW + 60000);
	want(w, 0, "app.example.com");
	assert_int_equal(w->answers[0].err, E_ISSUE);
	later(w, 59000);
	assert_int_equal(w->n_orders, 1);
	later(w, 1100);
	assert_int_equal(w->n_orders, 2);
	want(w, 0, "app.example.com");
	assert_int_equal(w->n_answers, 1);
	obtained(w, E_OK, e, 0);
	assert_int_equal(w->n_answers, 2);
}

static void a_name_being_renewed_is_waited_for(void **state)
{
	struct world *w = *state;
	struct entry *old = entry_until(w, "app.example.com", NOW - 1);
	struct entry *e = entry_until(w, "app.example.com", NOW + DAY_MS);

	w->is_renewing = true;
	want(w, 0, "app.example.com");
	loaded(w, E_OK, old);
	later(w, 1000);
	assert_int_equal(w->n_orders, 0);
	names_renewed(w->names, e);
	assert_int_equal(w->n_answers, 1);
	assert_ptr_equal(w->answers[0].entry, e);
}

static void a_renewal_that_failed_is_followed_by_an_order(void **state)
{
	struct world *w = *state;
	struct entry *old = entry_until(w, "app.example.com", NOW - 1);

	w->is_renewing = true;
	want(w, 0, "app.example.com");
	loaded(w, E_OK, old);
	w->is_renewing = false;
	later(w, 1000);
	assert_int_equal(w->n_orders, 1);
	obtained(w, E_BACKOFF, NULL, NOW + 60000);
	assert_int_equal(w->answers[0].err, E_BACKOFF);
}

static void a_due_name_is_only_looked_up(void **state)
{
	struct world *w = *state;
	struct entry *e = entry_until(w, "shop.example", NOW + DAY_MS);

	names_due(w->names, "shop.example");
	names_due(w->names, "shop.example");
	assert_int_equal(w->n_loads, 1);
	loaded(w, E_NOT_FOUND, NULL);
	assert_int_equal(w->n_asked, 0);
	names_due(w->names, "shop.example");
	loaded(w, E_OK, e);
	assert_int_equal(w->n_installed, 1);
	assert_int_equal(w->n_watched, 1);
	names_due(w->names, "shop.example");
	want(w, 0, "shop.example");
	loaded(w, E_NOT_FOUND, NULL);
	assert_int_equal(w->n_asked, 1);
	verdict(w, ASK_DENY);
}

static void stopping_answers_all_and_ignores_what_comes_late(void **state)
{
	struct world *w = *state;

	want(w, 0, "one.example");
	want(w, 0, "two.example");
	loaded(w, E_NOT_FOUND, NULL);
	names_stop(w->names);
	assert_int_equal(w->n_answers, 2);
	assert_int_equal(w->answers[0].err, E_DRAINING);
	loaded(w, E_NOT_FOUND, NULL);
	assert_int_equal(w->n_asked, 1);
	want(w, 1, "three.example");
	assert_int_equal(w->answers[2].err, E_DRAINING);
}

static void only_wanted_names_are_renewed(void **state)
{
	struct world *w = *state;

	assert_true(names_is_covered(w->names, "app.example.com"));
	assert_true(names_is_covered(w->names, "shop.example"));
	assert_false(names_is_covered(w->names, "a.file.example"));
	assert_false(names_is_covered(w->names, "a.wild.example"));
}

#define CLAIM(name) cmocka_unit_test_setup_teardown(name, make_world, end_world)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLAIM(a_stored_certificate_is_served_without_asking),
		CLAIM(a_new_name_is_asked_for_then_ordered_then_installed),
		CLAIM(all_workers_share_one_question_and_one_order),
		CLAIM(what_one_worker_was_given_serves_the_others),
		CLAIM(a_denied_name_is_refused_and_remembered),
		CLAIM(an_ask_endpoint_that_is_down_refuses_shortly),
		CLAIM(a_name_with_an_expired_certificate_was_allowed_lately),
		CLAIM(a_failed_order_is_refused_until_its_next_attempt),
		CLAIM(a_far_retry_time_is_cut),
		CLAIM(a_damaged_file_is_ordered_again_but_a_broken_store_is_not),
		CLAIM(names_no_ca_signs_touch_nothing),
		CLAIM(a_wildcard_site_without_on_demand_orders_nothing),
		CLAIM(without_an_ask_endpoint_nothing_is_ordered_on_demand),
		CLAIM(names_under_way_are_capped),
		CLAIM(new_names_per_minute_are_capped),
		CLAIM(the_order_goes_on_when_its_waiters_left),
		CLAIM(configured_names_are_loaded_and_kept_at_start),
		CLAIM(a_visitor_hurries_what_began_in_the_background),
		CLAIM(a_configured_name_that_failed_is_tried_again),
		CLAIM(a_name_being_renewed_is_waited_for),
		CLAIM(a_renewal_that_failed_is_followed_by_an_order),
		CLAIM(a_due_name_is_only_looked_up),
		CLAIM(stopping_answers_all_and_ignores_what_comes_late),
		CLAIM(only_wanted_names_are_renewed),
	};

	log_setup(2, LOG_ERROR, LOG_TEXT);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
