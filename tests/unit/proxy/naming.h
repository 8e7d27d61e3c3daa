/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * naming: names with all around it played by the test.
 */
#ifndef TESTS_UNIT_PROXY_NAMING_H
#define TESTS_UNIT_PROXY_NAMING_H

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

	unsigned n_abandoned, n_forgiven, n_forgotten;
	char forgotten[ENTRY_NAME];
	unsigned n_orders, n_hurried, n_watched, n_installed, n_kept;
	enum issuer_reason reason;
	struct issuer_wish wish;
	const char *tenant;
	issuer_fn *order_fn;
	void *order_owner;
	bool is_renewing, is_announced, holds_wildcards;
	enum lists_answer listed;
	struct promise promise;
	char ordered_profile[80];
	char ordered[ENTRY_NAME];

	struct entry *entries[4];       /* freed at the end, whoever refers to them */
	unsigned n_entries, n_answers;
	struct { struct worker *worker; enum err err; struct entry *entry; int64_t until_ms; } answers[ANSWERS];
};

static struct conf_site sites[] = {
	{ .name = "app.example.com", .tls = CONF_TLS_AUTO },
	{ .name = "*.file.example", .tls = CONF_TLS_FILE },
	{ .name = "*.wild.example", .tls = CONF_TLS_FILE },  /* CONF_TLS_AUTO with wildcards() */
	{ .name = "app.wild.example", .tls = CONF_TLS_OFF },
	{ .name = "*", .tls = CONF_TLS_ON_DEMAND },
};

/* ---- the fakes ---- */

static inline void fake_load(struct store *s, enum store_group g, const char *name, store_parse_fn *parse,
	store_load_fn *fn, void *owner)
{
	struct world *w = container_of(s, struct world, store);

	assert_int_equal(g, STORE_CERTS);
	assert_non_null(parse);
	assert_true(w->n_loads < 64);
	if (name[0] == '*' && !w->holds_wildcards) {
		struct fault fault = { .code = E_NOT_FOUND };

		fn(owner, E_NOT_FOUND, NULL, &fault);
		return;
	}
	snprintf(w->loading[w->n_loads], ENTRY_NAME, "%s", name);
	w->load_fn[w->n_loads] = fn;
	w->load_owner[w->n_loads++] = owner;
}

static const struct store_ops store_ops = { .load = fake_load };

static inline void fake_answer(void *owner, struct worker *worker, const struct worker_answer_args *args)
{
	struct world *w = owner;

	assert_true(w->n_answers < ANSWERS);
	w->answers[w->n_answers].worker = worker;
	w->answers[w->n_answers].err = args->err;
	w->answers[w->n_answers].entry = args->entry;
	w->answers[w->n_answers++].until_ms = args->until_ms;
}

static inline void fake_install(void *owner, struct entry *e, bool keep)
{
	struct world *w = owner;

	assert_non_null(e);
	w->n_installed++;
	w->n_kept += keep;
}

static inline void fake_ask(void *owner, const char *name, const char *client_ip, ask_fn *fn, void *fn_owner)
{
	struct world *w = owner;

	assert_non_null(name);
	snprintf(w->asked_ip, sizeof(w->asked_ip), "%s", client_ip);
	w->n_asked++;
	w->ask_fn = fn;
	w->ask_owner = fn_owner;
}

static inline const char *fake_tenant(void *owner, const char *name)
{
	assert_non_null(name);
	return ((struct world *)owner)->tenant;
}

static inline struct job *fake_obtain(void *owner, const struct issuer_wish *wish, issuer_fn *fn,
	void *fn_owner)
{
	struct world *w = owner;

	assert_non_null(wish->name);
	w->n_orders++;
	snprintf(w->ordered, sizeof(w->ordered), "%s", wish->name);
	w->wish = *wish;
	snprintf(w->ordered_profile, sizeof(w->ordered_profile), "%s", wish->profile ? wish->profile : "");
	w->reason = wish->reason;
	w->order_fn = fn;
	w->order_owner = fn_owner;
	return (struct job *)w;
}

static inline void fake_hurry(void *owner, struct job *job)
{
	struct world *w = owner;

	assert_ptr_equal(job, w);
	w->n_hurried++;
}

static inline void fake_abandon(void *owner, struct job **job)
{
	struct world *w = owner;

	assert_ptr_equal(*job, w);
	*job = NULL;
	w->order_fn = NULL;
	w->n_abandoned++;
}

static inline void fake_forgive(void *owner, const char *name)
{
	assert_non_null(name);
	((struct world *)owner)->n_forgiven++;
}

static inline void fake_forget(void *owner, const char *name)
{
	struct world *w = owner;

	snprintf(w->forgotten, sizeof(w->forgotten), "%s", name);
	w->n_forgotten++;
}

static inline void fake_watch(void *owner, const struct entry *e)
{
	assert_non_null(e);
	((struct world *)owner)->n_watched++;
}

static inline bool fake_is_renewing(void *owner, const char *name)
{
	assert_non_null(name);
	return ((struct world *)owner)->is_renewing;
}

static inline bool fake_is_announced(void *owner, const char *name)
{
	assert_non_null(name);
	return ((struct world *)owner)->is_announced;
}

static inline void fake_promised(void *owner, const char *name, struct promise *out)
{
	assert_non_null(name);
	*out = ((struct world *)owner)->promise;
}

static inline enum lists_answer fake_listed(void *owner, const char *name)
{
	assert_non_null(name);
	return ((struct world *)owner)->listed;
}

static const struct names_ops ops = {
	.answer = fake_answer,
	.install = fake_install,
	.ask = fake_ask,
	.tenant = fake_tenant,
	.obtain = fake_obtain,
	.hurry = fake_hurry,
	.abandon = fake_abandon,
	.forgive = fake_forgive,
	.forget = fake_forget,
	.watch = fake_watch,
	.is_renewing = fake_is_renewing,
	.is_announced = fake_is_announced,
	.promised = fake_promised,
	.listed = fake_listed,
};

static inline int make_world(void **state)
{
	struct world *w = mem_new(sizeof(*w));

	clock_test_set(NOW, 1000);
	sites[2].tls = CONF_TLS_FILE;
	sites[3].tls = CONF_TLS_OFF;
	w->store.ops = &store_ops;
	w->loop = loop_new();
	w->conf.sites = sites;
	w->conf.n_sites = ARRAY_LEN(sites);
	w->conf.on_demand = (struct conf_on_demand){
		.enabled = true, .ask = { "http://127.0.0.1:1/" }, .n_ask = 1, .allow_ms = 60000, .deny_ms = 600000,
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

static inline int end_world(void **state)
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

static inline struct worker *worker(int i)
{
	static char workers[WORKERS];

	return (struct worker *)&workers[i];
}

static inline void want(struct world *w, int i, const char *name)
{
	names_want(w->names, worker(i), name, "192.0.2.7");
}

static inline struct entry *entry_until(struct world *w, const char *name, int64_t not_after_ms)
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

static inline void loaded(struct world *w, enum err err, struct entry *e)
{
	struct fault fault = { 0 };

	assert_true(w->n_loads > 0);
	w->n_loads--;
	fault_set(&fault, err, "the store says so");
	w->load_fn[w->n_loads](w->load_owner[w->n_loads], err, e, &fault);
}

static inline void verdict(struct world *w, enum ask_verdict v)
{
	struct fault fault = { 0 };

	fault_set(&fault, E_ASK_UNKNOWN, "the endpoint is down");
	assert_non_null(w->ask_fn);
	w->ask_fn(w->ask_owner, v, v == ASK_UNKNOWN ? &fault : NULL);
	w->ask_fn = NULL;
}

static inline void obtained(struct world *w, enum err err, struct entry *e, int64_t retry_at_ms)
{
	struct fault fault = { 0 };

	if (err)
		fault_set(&fault, err, "the CA says so");
	assert_non_null(w->order_fn);
	w->order_fn(w->order_owner, err, e, err ? &fault : NULL, retry_at_ms);
}

static inline void later(struct world *w, int64_t ms)
{
	clock_test_advance(ms);
	for (int i = 0; i < 3; i++)
		loop_turn(w->loop);
}

#define CLAIM(name) cmocka_unit_test_setup_teardown(name, make_world, end_world)

#endif
