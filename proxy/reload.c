/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * reload: prepare may fail, commit may not.
 *
 *   IDLE ──► PREPARING (work queue) ──┬─ good ─► committed ─► SETTLING ─► answered, IDLE
 *     ▲                               └─ refused, or only a plan ───────► answered, IDLE
 *     └── who asks meanwhile waits for one more round
 *
 * A round is freed by its own end on the work queue, so that it may outlive the reload.
 */
#include "proxy/reload.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "proxy/ask.h"

/* X(enumerator, text) */
#define RELOAD_STATES(X) \
	X(IDLE, "nothing to do") \
	X(PREPARING, "reading and checking") \
	X(SETTLING, "the workers take it over")

enum reload_state {
#define X(name, text) name,
	RELOAD_STATES(X)
#undef X
};

enum { CHANGES_LOGGED = 50 };

struct wish {
	struct list node;
	enum reload_kind kind;
	reload_fn *fn;
	void *owner;
};

struct round {
	struct loop_work work;
	struct reload *reload;           /* NULL: gone */
	struct load_args sources;
	struct tls_tickets *tickets;
	struct issuer *issuer;           /* only compared with, and not while it changes */
	struct conf *running;            /* these three are what the look told */
	struct snapshot *snapshot;
	struct ports ports;
	struct reload_next next;
	struct reload_outcome outcome;
};

struct reload {
	struct reload_args args;
	enum reload_state state;
	enum reload_kind kind;           /* of the round under way */
	struct list waiting, served;     /* asks: for another round, for this one */
	struct round *round;             /* PREPARING */
	struct loop_task begin;          /* at the end of the turn: nobody is called back while asking */
	struct reload_outcome last;
	struct diff *last_diff, *diff;   /* of last; of the round that settles */
	struct reload_outcome settling;
	bool is_closed;
};

static const struct log area = { "reload" };

static void on_begin(struct loop_task *t);
static void prepare(struct loop_work *w);
static void on_prepared(struct loop_work *w, bool canceled);
static void end(struct reload *r, const struct reload_outcome *outcome, struct diff **diff);

static void enter(struct reload *r, enum reload_state state)
{
	static const char *const texts[] = {
#define X(name, text) text,
		RELOAD_STATES(X)
#undef X
	};

	r->state = state;
	log_trace(&area, texts[state], "waiting=%d", !list_is_empty(&r->waiting));
}

/* ---- asking ---- */

struct reload *reload_new(const struct reload_args *args)
{
	struct reload *r = mem_new(sizeof(*r));

	ASSERT(args->look && args->commit);
	r->args = *args;
	list_init(&r->waiting);
	list_init(&r->served);
	loop_task_init(&r->begin, on_begin);
	return r;
}

/* Those without anybody who waits are one. */
static bool is_asked(const struct reload *r, enum reload_kind kind)
{
	for (const struct list *node = r->waiting.next; node != &r->waiting; node = node->next) {
		const struct wish *a = container_of(node, struct wish, node);

		if (!a->fn && a->kind == kind)
			return true;
	}
	return false;
}

void reload_start(struct reload *r, enum reload_kind kind, reload_fn *fn, void *owner)
{
	struct wish *a;

	if (!fn && (is_asked(r, kind) || r->is_closed))
		return;
	a = mem_new(sizeof(*a));
	*a = (struct wish){ .kind = kind, .fn = fn, .owner = owner };
	list_init(&a->node);
	list_append(&r->waiting, &a->node);
	loop_defer(r->args.loop, &r->begin);
}

/* Everybody in the list; what they do may bring new ones into others. */
static void answer_all(struct list *asks, const struct reload_outcome *outcome)
{
	while (!list_is_empty(asks)) {
		struct wish *a = list_first(asks, struct wish, node);
		reload_fn *fn = a->fn;
		void *owner = a->owner;

		list_remove(&a->node);
		mem_free(&a);
		if (fn)
			fn(owner, outcome);
	}
}

static void refuse_all(struct reload *r)
{
	struct reload_outcome refused = { .err = E_DRAINING, .at_ms = clock_wall_ms() };

	fault_set(&refused.fault, E_DRAINING, "it is shutting down; nothing was changed");
	answer_all(&r->served, &refused);
	answer_all(&r->waiting, &refused);
}

/* All of the kind of whoever is first. */
static void take_asks(struct reload *r)
{
	r->kind = list_first(&r->waiting, struct wish, node)->kind;
	list_each(&r->waiting, node, tmp) {
		if (list_entry(node, struct wish, node)->kind != r->kind)
			continue;
		list_remove(node);
		list_append(&r->served, node);
	}
}

static void on_begin(struct loop_task *t)
{
	struct reload *r = container_of(t, struct reload, begin);
	struct reload_running running = { 0 };
	struct round *round;

	if (r->is_closed)
		refuse_all(r);
	if (r->state != IDLE || list_is_empty(&r->waiting))
		return;
	take_asks(r);
	round = r->round = mem_new(sizeof(*round));
	r->args.look(r->args.owner, &running);
	*round = (struct round){ .work = { .fn = prepare, .done = on_prepared }, .reload = r,
		.sources = r->args.sources, .tickets = r->args.tickets, .issuer = r->args.issuer,
		.running = conf_ref(running.conf), .snapshot = snapshot_ref(running.snapshot),
		.ports = *running.ports,
		.outcome = { .at_ms = clock_wall_ms(), .is_plan = r->kind == RELOAD_PLAN } };
	enter(r, PREPARING);
	loop_work_start(r->args.loop, &round->work);
}

/* ---- PREPARING: a pool thread ---- */

static enum err read_sources(struct round *r, struct fault *fault)
{
	enum err err = load_conf(&r->sources, &r->next.conf, &r->outcome.problems);

	return err ? fault_set(fault, err, "%s", err_text(err)) : E_OK;
}

static enum err compare(struct round *r, struct fault *fault)
{
	(void)fault;
	r->next.diff = diff_new(r->running, r->next.conf);
	diff_hold(r->running, r->next.conf);
	return E_OK;
}

static enum err build(struct round *r, struct fault *fault)
{
	return snapshot_next(r->next.conf, r->tickets, r->snapshot, &r->next.snapshot, fault);
}

static enum err prepare_issuer(struct round *r, struct fault *fault)
{
	if (!issuer_is_concerned(r->issuer, r->next.conf, r->next.diff))
		return E_OK;
	return issuer_prepare(r->next.conf, &r->next.issuer, fault);
}

static enum err prepare_ask(struct round *r, struct fault *fault)
{
	r->next.has_other_ask = diff_touches(r->next.diff, "on_demand");
	return r->next.has_other_ask ? ask_trust(&r->next.conf->on_demand, &r->next.ask_trust, fault) : E_OK;
}

/* The last: a port that is bound for a moment only is best not bound at all. */
static enum err bind_ports(struct round *r, struct fault *fault)
{
	return ports_reopen(&r->next.ports, &r->ports, &r->next.conf->listen, fault);
}

static void prepare(struct loop_work *w)
{
	static enum err (*const steps[])(struct round *, struct fault *) = {
		read_sources, compare, build, prepare_issuer, prepare_ask, bind_ports,
	};
	struct round *r = container_of(w, struct round, work);
	struct reload_outcome *o = &r->outcome;

	for (size_t i = 0; !o->err && i < ARRAY_LEN(steps); i++) {
		fault_clear(&o->fault);
		o->err = steps[i](r, &o->fault);
	}
	if (o->err)
		o->fault.code = o->err;
}

/* ---- back on the loop ---- */

static void round_free(struct round **round)
{
	struct round *r = *round;

	snapshot_unref(&r->next.snapshot);
	conf_unref(&r->next.conf);
	ports_close(&r->next.ports);
	issuer_plan_free(&r->next.issuer);
	if (r->next.ask_trust)
		tls_context_unref(&r->next.ask_trust);
	diff_free(&r->next.diff);
	snapshot_unref(&r->snapshot);
	conf_unref(&r->running);
	mem_free(round);
}

static void tell_changes(const struct reload_outcome *o)
{
	const struct diff *d = o->diff;

	for (unsigned i = 0; i < d->n && i < CHANGES_LOGGED; i++) {
		const struct diff_change *c = &d->at[i];
		struct log_field fields[] = {
			{ .key = "path", .text = str_from(c->path) },
			{ .key = "before", .text = str_from(c->before ? c->before : "-") },
			{ .key = "after", .text = str_from(c->after ? c->after : "-") },
		};

		log_kv(&area, c->reload == RELOAD_RESTART ? LOG_WARN : LOG_INFO, c->reload == RELOAD_RESTART ?
			"change waits for a restart" : "configuration changed", fields, ARRAY_LEN(fields));
	}
	log_info(&area, "configuration reloaded", "changes=%u need_restart=%u ms=%lld", d->n + d->n_more,
		d->n_restart, (long long)o->took_ms);
}

static void tell_refusal(const struct reload_outcome *o)
{
	for (unsigned i = 0; i < o->problems.n; i++) {
		struct log_field problem = { .key = "problem", .text = str_from(o->problems.at[i].text) };

		log_kv(&area, LOG_WARN, "configuration problem", &problem, 1);
	}
	struct log_field fields[] = {
		{ .key = "code", .type = LOG_F_INT, .number = err_code(o->err) },
		{ .key = "during", .text = str_from(o->fault.activity) },
		{ .key = "why", .text = str_from(o->fault.detail) },
	};

	log_kv(&area, LOG_WARN, "configuration refused, the running one stays", fields, ARRAY_LEN(fields));
}

/* The round's own parts were taken by whoever wanted them. */
static void commit(struct reload *r, struct round *round)
{
	r->diff = round->next.diff;
	r->settling = round->outcome;
	enter(r, SETTLING);
	r->args.commit(r->args.owner, &round->next);
	round->next.diff = NULL;
}

static void on_prepared(struct loop_work *w, bool canceled)
{
	struct round *round = container_of(w, struct round, work);
	struct reload *r = round->reload;
	struct reload_outcome *o = &round->outcome;

	if (!r || canceled) {
		round_free(&round);
		return;
	}
	r->round = NULL;
	o->took_ms = clock_wall_ms() - o->at_ms;
	o->diff = round->next.diff;
	if (o->err || o->is_plan) {
		if (o->err && !o->is_plan)
			tell_refusal(o);
		end(r, o, &round->next.diff);
	} else {
		commit(r, round);
	}
	round_free(&round);
}

void reload_settled(struct reload *r)
{
	if (r->state != SETTLING)
		return;
	r->settling.took_ms = clock_wall_ms() - r->settling.at_ms;
	tell_changes(&r->settling);
	end(r, &r->settling, &r->diff);
}

/* A plan changes nothing, also not what is known of the last reload. */
static void end(struct reload *r, const struct reload_outcome *outcome, struct diff **diff)
{
	struct reload_outcome o = *outcome;
	struct diff *mine = NULL;

	if (!o.is_plan) {
		diff_free(&r->last_diff);
		r->last = o;
		r->last_diff = *diff;
	} else {
		mine = *diff;
	}
	*diff = NULL;
	enter(r, IDLE);
	if (!list_is_empty(&r->waiting))
		loop_defer(r->args.loop, &r->begin);
	answer_all(&r->served, &o);
	diff_free(&mine);
}

const struct reload_outcome *reload_last(const struct reload *r)
{
	return r->last.at_ms ? &r->last : NULL;
}

/* ---- the end ---- */

void reload_close(struct reload *r)
{
	r->is_closed = true;
	if (r->round)
		r->round->reload = NULL;
	r->round = NULL;
	refuse_all(r);
}

void reload_free(struct reload **reload)
{
	struct reload *r = *reload;

	if (!r)
		return;
	reload_close(r);
	*reload = NULL;
	loop_task_cancel(&r->begin);
	diff_free(&r->last_diff);
	diff_free(&r->diff);
	mem_free(&r);
}
