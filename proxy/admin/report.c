/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * report: three looks into the store, one after the other, then the verdict: what is done now counts before
 * what is served, that before what failed, and that before what was refused.
 */
#include "proxy/admin/report.h"

#include <stdio.h>

#include "acme/journal.h"
#include "acme/problem.h"
#include "acme/rehearsal.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/mem.h"
#include "conf/known_ca.h"
#include "proxy/admin/api.h"

struct report {
	struct report_args args;
	char name[ENTRY_NAME];
	struct entry *held;            /* NULL: none */
	bool is_damaged, has_failure, has_order, is_store_sick;
	struct fault damage;           /* or why the store cannot be read */
	struct failure failure;
	struct journal journal;
	struct json *passed_over;      /* NULL: no CA is */
	struct governor *limits;       /* as the store has them, when nothing runs */
};

static void on_entry(void *owner, enum err err, void *object, const struct fault *fault);
static void on_failure(void *owner, enum err err, void *object, const struct fault *fault);
static void on_journal(void *owner, enum err err, void *object, const struct fault *fault);
static void on_limits(void *owner, enum err err, void *object, const struct fault *fault);
static void finish(struct report *r);

static const char *const texts[] = {
#define X(name, text) text,
	REPORT_STATES(X)
#undef X
};

/* ---- the store ---- */

static enum err parse_entry(struct str bytes, const char *name, void **object, struct fault *fault)
{
	struct entry *e = NULL;
	enum err err = entry_parse(bytes, name, &e, fault);

	*object = e;
	return err;
}

static enum err parse_failure(struct str bytes, const char *name, void **object, struct fault *fault)
{
	struct failure *f = mem_new(sizeof(*f));
	enum err err = failure_parse(bytes, f, fault);

	(void)name;
	if (err)
		mem_free(&f);
	*object = f;
	return err;
}

static enum err parse_journal(struct str bytes, const char *name, void **object, struct fault *fault)
{
	struct journal *j = mem_new(sizeof(*j));
	enum err err = journal_parse(bytes, j, fault);

	(void)name;
	if (err) {
		journal_fini(j);
		mem_free(&j);
	}
	*object = j;
	return err;
}

/* The CAs that will not be asked for this name, and why. */
static struct json *passed_over(const struct conf_acme *acme, const char *name)
{
	struct json *list = json_new_array(), *o;
	char host[SERIES_NAME];

	series_host_text(host, name);
	for (unsigned i = 0; i < acme->n_ca; i++) {
		const char *why = known_ca_objection(&acme->ca[i], host);

		if (!why)
			continue;
		o = json_new_object();
		json_put_cstr(o, "ca", acme->ca[i].name);
		json_put_cstr(o, "why", why);
		json_append(list, o);
	}
	if (!json_count(list))
		json_free(&list);
	return list;
}

static enum err parse_limits(struct str bytes, const char *name, void **object, struct fault *fault)
{
	struct buf *text = mem_new(sizeof(*text));

	(void)name;
	(void)fault;
	buf_init(text, GOVERNOR_STATE);
	*object = text;
	if (!buf_add(text, bytes))
		return E_OK;
	buf_fini(text);
	mem_release(text);
	*object = NULL;
	return E_LIMIT;
}

void report_start(const struct report_args *args)
{
	struct report *r = mem_new(sizeof(*r));

	ASSERT(args->fn && strlen(args->name) < ENTRY_NAME);
	r->args = *args;
	snprintf(r->name, sizeof(r->name), "%s", args->name);
	r->args.name = r->name;
	r->passed_over = passed_over(&args->conf->acme, r->name);
	store_load(args->store, STORE_CERTS, r->name, parse_entry, on_entry, r);
}

static void on_entry(void *owner, enum err err, void *object, const struct fault *fault)
{
	struct report *r = owner;

	r->held = object;
	r->is_damaged = err && fault && fault->code == E_STORE_CORRUPT;
	r->is_store_sick = err && err != E_NOT_FOUND && !r->is_damaged;
	if (fault && (r->is_damaged || r->is_store_sick))
		r->damage = *fault;
	if (r->is_store_sick)
		r->damage.code = err;
	store_load(r->args.store, STORE_FAILURES, r->name, parse_failure, on_failure, r);
}

static void on_failure(void *owner, enum err err, void *object, const struct fault *fault)
{
	struct report *r = owner;
	struct failure *f = object;

	(void)fault;
	if (!err && f) {
		r->failure = *f;
		r->has_failure = true;
	}
	mem_release(f);
	store_load(r->args.store, STORE_ORDERS, r->name, parse_journal, on_journal, r);
}

static void on_journal(void *owner, enum err err, void *object, const struct fault *fault)
{
	struct report *r = owner;
	struct journal *j = object;

	(void)fault;
	if (!err && j) {
		r->journal = *j;
		r->has_order = true;
	}
	mem_release(j);
	if (r->args.look)
		finish(r);
	else
		store_load(r->args.store, STORE_GOVERNOR, "state", parse_limits, on_limits, r);
}

/* Without them all limits are untouched, as far as we know. */
static void on_limits(void *owner, enum err err, void *object, const struct fault *fault)
{
	struct report *r = owner;
	struct buf *text = object;
	const struct conf *conf = r->args.conf;
	const struct conf_ca **cas = mem_new((2 * conf->acme.n_ca + 1) * sizeof(*cas));
	unsigned n = budget_cas(&conf->acme, cas);
	struct fault why;

	(void)fault;
	r->limits = n ? budget_governor(conf, cas, n) : NULL;
	if (!err && text && r->limits)
		governor_read(r->limits, buf_str(text), &why);
	mem_free(&cas);
	if (text)
		buf_fini(text);
	mem_release(text);
	finish(r);
}

/* ---- the verdict ---- */

static bool is_served(const struct report *r)
{
	int64_t now = clock_wall_ms();

	return r->held && r->held->not_after_ms > now;
}

/* A failure is the news while there is nothing to serve, or when its renewal is due. */
static bool is_failing(const struct report *r)
{
	return r->has_failure && (!is_served(r) || clock_wall_ms() >= r->held->renew_at_ms
		|| r->failure.last_at_ms >= r->held->issued_at_ms);
}

static bool is_parking(const struct fault *f)
{
	return problem_class(f) == PROBLEM_CA || f->code == E_RATE_LIMITED || f->code == E_CA_DOWN;
}

static enum report_state judge(const struct report *r, const struct report_live *live)
{
	if (live->is_under_way)
		return live->state;
	if (is_failing(r))
		return is_parking(&r->failure.fault) ? REPORT_PARKED : REPORT_FAILING;
	if (is_served(r))
		return REPORT_HELD;
	if (live->state != REPORT_UNKNOWN)
		return live->state;
	if (r->is_damaged)
		return REPORT_QUARANTINED;
	if (r->is_store_sick)
		return REPORT_PARKED;
	if (r->has_order && journal_is_alive(&r->journal, clock_wall_ms()))
		return REPORT_ORDERING;
	return r->held ? REPORT_FAILING : REPORT_UNKNOWN;
}

static const char *scope_of(const struct report *r, const struct report_live *live)
{
	if (live->scope)
		return live->scope;
	if (is_failing(r))
		return r->failure.fault.code == E_RATE_LIMITED ? "rate limit" : "ca";
	return "store";
}

static void put_served(struct json *out, const struct entry *e)
{
	struct json *s = json_new_object();

	json_put_cstr(s, "serial", e->serial);
	json_put_cstr(s, "key_type", key_type_text(e->key_type));
	json_put_cstr(s, "issuer", e->issuer);
	json_put_cstr(s, "ca", e->ca);
	json_put_cstr(s, "challenge", e->challenge);
	if (e->profile[0])
		json_put_cstr(s, "profile", e->profile);
	api_put_time(s, "issued_at", e->issued_at_ms);
	api_put_time(s, "not_before", e->not_before_ms);
	api_put_time(s, "not_after", e->not_after_ms);
	api_put_time(s, "renew_at", e->renew_at_ms);
	json_put_bool(s, "valid", entry_is_valid_at(e, clock_wall_ms()));
	json_put(out, "served", s);
}

/* A job's own words, the memory's, the refusal's, or what the dates say. */
static void put_cause(struct json *out, const struct report *r, const struct report_live *live,
	enum report_state state)
{
	struct fault fault = { 0 };

	if (r->has_failure && (is_failing(r) || live->is_under_way))
		fault = r->failure.fault;
	else if (live->cause.code && state != REPORT_HELD)
		fault = live->cause;
	else if (r->is_damaged || r->is_store_sick)
		fault = r->damage;
	else if (state == REPORT_FAILING && r->held)
		fault_set(&fault, E_EXPIRED, "the certificate in the store has expired");
	else if (state == REPORT_ORDERING && !live->is_running)
		fault_set(&fault, E_ISSUE, "its order was interrupted; the next start resumes it");
	if (fault.code)
		json_put(out, "cause", api_fault(&fault));
}

static int64_t since(const struct report *r, const struct report_live *live, enum report_state state)
{
	if (live->is_under_way)
		return live->since_ms;
	switch (state) {
	case REPORT_HELD:
		return r->held->issued_at_ms;
	case REPORT_FAILING: case REPORT_PARKED:
		return r->has_failure ? r->failure.first_at_ms : live->since_ms;
	case REPORT_ORDERING:
		return r->has_order ? r->journal.begun_at_ms : live->since_ms;
	default:
		return live->since_ms;
	}
}

static int64_t next(const struct report *r, const struct report_live *live, enum report_state state)
{
	if (live->is_under_way)
		return 0;
	if (state == REPORT_FAILING || state == REPORT_PARKED) {
		int64_t at = r->has_failure ? r->failure.retry_at_ms : 0;

		return live->until_ms > at ? live->until_ms : at;
	}
	if (state == REPORT_HELD)
		return r->held->renew_at_ms;
	return live->until_ms;
}

/* Where it is rehearsed now, or will be first. */
static void put_rehearsal(struct json *out, const struct report *r, const struct report_live *live,
	enum report_state state)
{
	const struct conf *conf = r->args.look ? live->conf : r->args.conf;
	bool is_waiting = !live->is_under_way && (state == REPORT_FAILING || state == REPORT_PARKED);
	char host[SERIES_NAME];
	const struct conf_ca *next = conf && is_waiting && r->has_failure ? rehearsal_place(&conf->acme,
		series_host_text(host, r->name), &r->failure, r->held, clock_wall_ms()) : NULL;

	if (live->rehearsal)
		json_put_cstr(out, "rehearsal", live->rehearsal);
	else if (next)
		json_put_cstr(out, "rehearsal", next->name);
}

static void put_budget(void *owner, const struct budget *b)
{
	struct json *list = owner, *o = json_new_object();

	json_put_cstr(o, "what", b->left.what);
	if (b->left.subject[0])
		json_put_cstr(o, "of", b->left.subject);
	if (b->ca)
		json_put_cstr(o, "ca", b->ca);
	if (b->is_staging)
		json_put_bool(o, "staging", true);
	json_put_number(o, "left", b->left.left);
	if (b->left.limit)
		json_put_number(o, "limit", b->left.limit);
	api_put_time(o, "next", b->left.next_at_ms);
	json_append(list, o);
}

static void put_budgets(struct json *out, const struct report *r, const struct report_live *live)
{
	struct json *list;
	char host[SERIES_NAME];

	if (!live->issuer && !r->limits)
		return;
	series_host_text(host, r->name);
	list = json_put(out, "budget", json_new_array());
	if (live->issuer)
		issuer_budgets(live->issuer, host, live->tenant, put_budget, list);
	else
		budget_each(r->limits, &r->args.conf->acme, host, NULL, put_budget, list);
}

static struct json *write(struct report *r, const struct report_live *live)
{
	struct json *out = json_new_object();
	enum report_state state = judge(r, live);

	json_put_cstr(out, "name", r->name);
	json_put_cstr(out, "state", texts[state]);
	api_put_time(out, "since", since(r, live, state));
	json_put_bool(out, "running", live->is_running);
	if (live->wanted)
		json_put_cstr(out, "wanted", live->wanted);
	if (live->is_under_way && live->activity)
		json_put_cstr(out, "activity", live->activity);
	put_rehearsal(out, r, live, state);
	if (state == REPORT_PARKED)
		json_put_cstr(out, "scope", scope_of(r, live));
	put_cause(out, r, live, state);
	json_put_number(out, "attempts", r->has_failure ? (double)r->failure.count : 0);
	api_put_time(out, "next", next(r, live, state));
	put_budgets(out, r, live);
	if (r->held)
		put_served(out, r->held);
	if (r->passed_over)
		json_put(out, "passed_over", r->passed_over);
	r->passed_over = NULL;
	return out;
}

static void finish(struct report *r)
{
	struct report_live live = { 0 };
	struct json *out;

	if (r->args.look)
		r->args.look(r->args.owner, r->name, &live);
	if (live.failure) {
		r->failure = *live.failure;
		r->has_failure = true;
	}
	out = write(r, &live);
	r->args.fn(r->args.owner, out);
	entry_unref(&r->held);
	governor_free(&r->limits);
	if (r->has_order)
		journal_fini(&r->journal);
	mem_free(&r);
}
