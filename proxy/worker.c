/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * worker: one thread, its loop and all it holds. Orders come as messages, each a verb below; what the worker
 * has to say goes to the control loop the same way. Messages to control keep the struct alive, so that
 * one still under way when the worker is joined finds nothing freed, and is dropped.
 *
 *   RUNNING --> DRAINING --> GONE (thread over) --> joined
 *       \___________________/
 */
#include "proxy/worker.h"

#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "net/deadline.h"
#include "net/listener.h"
#include "proxy/attempt.h"
#include "proxy/client.h"
#include "proxy/context.h"
#include "proxy/dispatch.h"
#include "proxy/frontend.h"
#include "proxy/health.h"
#include "proxy/plain.h"
#include "proxy/ports.h"

/* X(enumerator, name, meaning) */
#define WORKER_STATES(X) \
	X(WORKER_RUNNING, "running", "accepting") \
	X(WORKER_DRAINING, "draining", "finishing what it has") \
	X(WORKER_GONE, "gone", "the loop is ending")

enum worker_state {
#define X(name, text, meaning) name,
	WORKER_STATES(X)
#undef X
};

enum {
	DUE_SLOTS = 256,
	DUE_EVERY_MS = 60000,
	CACHE_MIN_BYTES = 256 * 1024,
};

/* When a name was reported last; a collision reports too seldom, never too often. */
struct due_slot {
	uint64_t hash;
	int64_t at_ms;
};

struct worker {
	struct worker_args args;
	int https_fds[PORTS_MAX], http_fds[PORTS_MAX];
	atomic_uint refs;              /* the owner's and one per message to control */
	bool is_joined;                /* control loop only */
	pthread_t thread;
	struct mailbox *mailbox;
	/* the worker's thread only */
	enum worker_state state;
	struct context context;
	struct listener *https[PORTS_MAX], *http[PORTS_MAX];   /* by slot */
	struct health *health;
	struct deadline drain;
	struct due_slot due[DUE_SLOTS];
};

static void drain_if_empty(struct worker *w);
static void quit(struct worker *w);

/* ---- to the control loop ---- */

struct report {
	struct message message;
	struct worker *worker;
	void (*tell)(struct report *r);
	enum conf_challenge kind;
	uint64_t generation;
	char ip[ADDR_IP_TEXT];
	char name[CHALLENGE_KEY];
};

static void unref(struct worker *w)
{
	if (atomic_fetch_sub(&w->refs, 1) == 1)
		mem_free(&w);
}

static void deliver_report(struct message *m, void *receiver)
{
	struct report *r = container_of(m, struct report, message);

	(void)receiver;
	if (!r->worker->is_joined)
		r->tell(r);
	unref(r->worker);
	mem_free(&r);
}

static struct report *new_report(struct worker *w, void (*tell)(struct report *r), struct str name)
{
	struct report *r = mem_new(sizeof(*r));

	r->message.deliver = deliver_report;
	r->worker = w;
	r->tell = tell;
	if (name.len)
		str_copy(r->name, sizeof(r->name), name);
	atomic_fetch_add(&w->refs, 1);
	return r;
}

static void post(struct report *r)
{
	mailbox_post(r->worker->args.control, &r->message);
}

static void tell_want(struct report *r)
{
	struct worker *w = r->worker;

	w->args.events->on_want(w->args.owner, w, r->name, r->ip);
}

static void tell_unwant(struct report *r)
{
	struct worker *w = r->worker;

	w->args.events->on_unwant(w->args.owner, w, r->name);
}

static void tell_seek(struct report *r)
{
	r->worker->args.events->on_seek(r->worker->args.owner, r->worker, r->name);
}

static void tell_seen(struct report *r)
{
	r->worker->args.events->on_challenge_seen(r->worker->args.owner, r->kind, r->name);
}

static void tell_live(struct report *r)
{
	struct worker *w = r->worker;

	w->args.events->on_challenges_live(w->args.owner, w, r->generation);
}

static void tell_settled(struct report *r)
{
	struct worker *w = r->worker;

	w->args.events->on_settled(w->args.owner, w, r->generation);
}

static void tell_due(struct report *r)
{
	r->worker->args.events->on_due(r->worker->args.owner, r->name);
}

static void tell_drained(struct report *r)
{
	r->worker->args.events->on_drained(r->worker->args.owner, r->worker);
}

/* ---- what the data path says ---- */

static void on_want(void *owner, const char *name, const char *client_ip)
{
	struct report *r = new_report(owner, tell_want, str_from(name));

	snprintf(r->ip, sizeof(r->ip), "%s", client_ip);
	post(r);
}

static void on_unwant(void *owner, const char *name)
{
	post(new_report(owner, tell_unwant, str_from(name)));
}

static void on_seek(void *owner, const char *key, const char *client_ip)
{
	(void)client_ip;
	post(new_report(owner, tell_seek, str_from(key)));
}

/* Nobody asks in vain: control remembers what it found. */
static void on_unseek(void *owner, const char *key)
{
	(void)owner;
	(void)key;
}

static void on_challenge_seen(void *owner, enum conf_challenge kind, struct str identifier)
{
	struct report *r = new_report(owner, tell_seen, identifier);

	r->kind = kind;
	post(r);
}

static void on_due(void *owner, const char *name)
{
	struct worker *w = owner;
	uint64_t hash = str_hash(str_from(name));
	struct due_slot *slot = &w->due[hash % DUE_SLOTS];
	int64_t now = loop_now_ms(w->context.loop);

	if (slot->at_ms && now - slot->at_ms < DUE_EVERY_MS)
		return;
	*slot = (struct due_slot){ hash, now };
	post(new_report(w, tell_due, str_from(name)));
}

static void on_client_gone(void *owner)
{
	drain_if_empty(owner);
}

/* ---- orders ---- */

/* What a reload says beside the snapshot. */
struct ports_order {
	int https[PORTS_MAX], http[PORTS_MAX];
	uint16_t https_port;
	unsigned connections_max;
};

struct order {
	struct message message;
	struct str name;           /* in text */
	enum err err;
	struct entry *entry;
	struct snapshot *snapshot;
	struct challenge_set *challenges;
	uint64_t generation;
	int64_t ms;
	bool keep;
	struct ports_order *ports;
	char text[CHALLENGE_KEY];
};

static void drop_order(struct message *m);

static struct order *new_order(void (*deliver)(struct message *m, void *receiver), const char *name)
{
	struct order *o = mem_new(sizeof(*o));

	o->message.deliver = deliver;
	o->message.drop = drop_order;
	if (name && str_copy(o->text, sizeof(o->text), str_from(name)))
		o->name = str_from(o->text);
	return o;
}

static void send_order(struct worker *w, struct order *o)
{
	mailbox_post(w->mailbox, &o->message);
}

static struct order *order_of(struct message *m)
{
	return container_of(m, struct order, message);
}

static void close_unused(const int fds[PORTS_MAX])
{
	for (unsigned i = 0; i < PORTS_MAX; i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

static void end_order(struct order *o)
{
	if (o->entry)
		entry_unref(&o->entry);
	if (o->snapshot)
		snapshot_unref(&o->snapshot);
	if (o->challenges)
		challenge_set_unref(&o->challenges);
	if (o->ports) {
		close_unused(o->ports->https);
		close_unused(o->ports->http);
	}
	mem_free(&o->ports);
	mem_free(&o);
}

/* For a worker that is gone: what it would have been given is given back. */
static void drop_order(struct message *m)
{
	end_order(order_of(m));
}

static void deliver_answer(struct message *m, void *receiver)
{
	struct order *o = order_of(m);
	struct worker *w = receiver;

	if (w->state != WORKER_GONE) {
		if (!o->err)
			cache_put(w->context.cache, o->entry, CACHE_EVICTABLE);
		else if (o->ms > clock_wall_ms())
			cache_refuse(w->context.cache, o->name, o->err, o->ms);
		waiting_answer(w->context.waiting, o->name, o->err, o->entry);
	}
	end_order(o);
}

void worker_answer(struct worker *w, const struct worker_answer_args *args)
{
	struct order *o = new_order(deliver_answer, args->name);

	ASSERT(args->err || args->entry);
	o->err = args->err;
	o->entry = args->entry && !args->err ? entry_ref(args->entry) : NULL;
	o->ms = args->until_ms;
	send_order(w, o);
}

static bool is_cached(struct worker *w, const struct entry *e)
{
	struct entry *old = cache_get(w->context.cache, str_from(e->name), clock_wall_ms());

	return old && str_is(str_from(old->name), e->name);
}

/* Whoever waits for the name gets it now; the answer control still owes finds nobody. */
static void deliver_install(struct message *m, void *receiver)
{
	struct order *o = order_of(m);
	struct worker *w = receiver;
	struct str name = str_from(o->entry->name);

	if (w->state != WORKER_GONE) {
		if (o->keep || is_cached(w, o->entry))
			cache_put(w->context.cache, o->entry, o->keep ? CACHE_PINNED : CACHE_EVICTABLE);
		else
			cache_refuse(w->context.cache, name, E_OK, 0);
		waiting_answer(w->context.waiting, name, E_OK, o->entry);
	}
	end_order(o);
}

void worker_install(struct worker *w, struct entry *e, bool keep)
{
	struct order *o = new_order(deliver_install, NULL);

	o->entry = entry_ref(e);
	o->keep = keep;
	send_order(w, o);
}

static void deliver_forget(struct message *m, void *receiver)
{
	struct order *o = order_of(m);
	struct worker *w = receiver;

	if (w->state != WORKER_GONE) {
		cache_remove(w->context.cache, o->name);
		cache_refuse(w->context.cache, o->name, E_OK, 0);
	}
	end_order(o);
}

void worker_forget(struct worker *w, const char *name)
{
	send_order(w, new_order(deliver_forget, name));
}

static void deliver_forget_refusals(struct message *m, void *receiver)
{
	struct worker *w = receiver;

	if (w->state != WORKER_GONE)
		cache_forget_refusals(w->context.cache);
	end_order(order_of(m));
}

void worker_forget_refusals(struct worker *w)
{
	send_order(w, new_order(deliver_forget_refusals, NULL));
}

static void use_snapshot(struct worker *w, struct snapshot *s)
{
	struct upstream_set *old = w->context.upstreams;
	struct health *checks = w->health;

	w->context.upstreams = upstream_set_new(w->context.loop, s, &attempt_ops, old);
	if (!w->args.index)
		w->health = health_start(w->context.upstreams, checks);
	health_stop(&checks);
	if (old)
		upstream_set_unref(&old);
}

static int backlog_of(struct worker *w)
{
	int backlog = context_snapshot(&w->context)->conf->listen.backlog;

	return backlog ? backlog : 1024;
}

/* The new ones first: whoever is at the door is let in by somebody. */
static void change_listeners(struct worker *w, struct listener **listeners, int changes[PORTS_MAX],
	listener_fn *fn)
{
	for (unsigned i = 0; i < PORTS_MAX; i++) {
		struct listener *before = listeners[i];

		if (changes[i] == PORT_STAYS && before)
			listener_set_backlog(before, backlog_of(w));
		if (changes[i] == PORT_STAYS)
			continue;
		listeners[i] = changes[i] < 0 ? NULL :
			listener_start(w->context.loop, changes[i], backlog_of(w), fn, &w->context);
		changes[i] = PORT_ENDS;
		listener_close(&before);
	}
}

static size_t cache_share(const struct conf *conf, unsigned n_workers)
{
	uint64_t bytes = conf->limits.cert_cache_bytes / n_workers;

	return bytes > CACHE_MIN_BYTES ? (size_t)bytes : CACHE_MIN_BYTES;
}

static void settle(struct worker *w, struct order *o)
{
	struct context *x = &w->context;
	const struct conf *conf = o->snapshot->conf;

	use_snapshot(w, o->snapshot);
	cache_forget_refusals(x->cache);
	cache_resize(x->cache, cache_share(conf, w->args.n_workers), conf->on_demand.negative_names);
	x->connections_max = o->ports->connections_max;
	x->https_port = o->ports->https_port;
	if (w->state == WORKER_RUNNING) {
		change_listeners(w, w->https, o->ports->https, frontend_accept);
		change_listeners(w, w->http, o->ports->http, plain_accept);
	}
	client_settle_all(x);
}

static void deliver_reload(struct message *m, void *receiver)
{
	struct order *o = order_of(m);
	struct worker *w = receiver;
	struct report *r;

	if (w->state != WORKER_GONE)
		settle(w, o);
	r = new_report(w, tell_settled, STR_NONE);
	r->generation = o->generation;
	post(r);
	end_order(o);
}

void worker_reload(struct worker *w, const struct worker_reload_args *args)
{
	struct order *o = new_order(deliver_reload, NULL);

	o->snapshot = snapshot_ref(args->snapshot);
	o->generation = args->generation;
	o->ports = mem_new(sizeof(*o->ports));
	memcpy(o->ports->https, args->https, sizeof(o->ports->https));
	memcpy(o->ports->http, args->http, sizeof(o->ports->http));
	o->ports->https_port = args->https_port;
	o->ports->connections_max = args->connections_max;
	send_order(w, o);
}

static void deliver_challenges(struct message *m, void *receiver)
{
	struct order *o = order_of(m);
	struct worker *w = receiver;
	struct report *r;

	if (w->state != WORKER_GONE) {
		struct challenge_set *old = w->context.challenges;

		w->context.challenges = o->challenges;
		o->challenges = old;
	}
	r = new_report(w, tell_live, STR_NONE);
	r->generation = o->generation;
	post(r);
	end_order(o);
}

void worker_set_challenges(struct worker *w, struct challenge_set *set, uint64_t generation)
{
	struct order *o = new_order(deliver_challenges, NULL);

	o->challenges = challenge_set_ref(set);
	o->generation = generation;
	send_order(w, o);
}

static void deliver_sought(struct message *m, void *receiver)
{
	struct order *o = order_of(m);
	struct worker *w = receiver;

	if (w->state != WORKER_GONE)
		waiting_answer(w->context.seeking, o->name, E_OK, NULL);
	end_order(o);
}

void worker_sought(struct worker *w, const char *key)
{
	send_order(w, new_order(deliver_sought, key));
}

/* ---- start ---- */

static void listen_all(struct worker *w, struct listener **listeners, const int *fds, unsigned n,
	listener_fn *fn)
{
	for (unsigned i = 0; i < n; i++)
		listeners[i] = listener_start(w->context.loop, fds[i], backlog_of(w), fn, &w->context);
}

static void *run(void *arg)
{
	struct worker *w = arg;
	struct snapshot *first = w->args.snapshot;
	char name[16];

	snprintf(name, sizeof(name), "worker-%u", w->args.index);
	pthread_setname_np(pthread_self(), name);
	loop_take_place(LOOP_FIRST);
	use_snapshot(w, first);
	snapshot_unref(&w->args.snapshot);
	listen_all(w, w->https, w->https_fds, w->args.n_https, frontend_accept);
	listen_all(w, w->http, w->http_fds, w->args.n_http, plain_accept);
	loop_run(w->context.loop);
	log_flush();
	return NULL;
}

static void on_drain_deadline(struct deadline *d)
{
	quit(container_of(d, struct worker, drain));
}

static void init_context(struct worker *w)
{
	struct context *x = &w->context;
	struct waiting_args waiting = { on_want, on_unwant, w, w->args.waiting };
	struct waiting_args seeking = { on_seek, on_unseek, w, &x->n_seeking };
	const struct conf *conf = w->args.snapshot->conf;

	x->loop = loop_new();
	x->cache = cache_new(cache_share(conf, w->args.n_workers), conf->on_demand.negative_names);
	x->waiting = waiting_new(&waiting);
	if (w->args.events->on_seek)
		x->seeking = waiting_new(&seeking);
	x->forwards = forward_home_new(x->loop);
	list_init(&x->clients);
	list_init(&x->held);
	x->connections = w->args.connections;
	x->connections_max = w->args.connections_max;
	x->https_port = w->args.n_https ? listener_port(w->args.https_fds[0]) : 0;
	x->on_challenge_seen = on_challenge_seen;
	x->on_due = on_due;
	x->on_client_gone = on_client_gone;
	x->owner = w;
	deadline_init(&w->drain, x->loop, on_drain_deadline);
}

struct worker *worker_start(const struct worker_args *args)
{
	struct worker *w = mem_new(sizeof(*w));

	ASSERT(args->n_https <= PORTS_MAX && args->n_http <= PORTS_MAX && args->n_workers);
	w->args = *args;
	w->args.snapshot = snapshot_ref(args->snapshot);
	for (unsigned i = 0; i < args->n_https; i++)
		w->https_fds[i] = args->https_fds[i];
	for (unsigned i = 0; i < args->n_http; i++)
		w->http_fds[i] = args->http_fds[i];
	atomic_init(&w->refs, 1);
	init_context(w);
	w->mailbox = mailbox_new(w->context.loop, w);
	/* too few threads for the start is like too little memory for it */
	ASSERT(!pthread_create(&w->thread, NULL, run, w));
	return w;
}

/* ---- drain and stop ---- */

static void stop_listening(struct worker *w)
{
	for (unsigned i = 0; i < PORTS_MAX; i++) {
		listener_close(&w->https[i]);
		listener_close(&w->http[i]);
	}
}

static void drain_if_empty(struct worker *w)
{
	if (w->state == WORKER_DRAINING && list_is_empty(&w->context.clients))
		deadline_arm(&w->drain, 0);
}

/* Not from within a client's own callback: it frees all of them. */
static void quit(struct worker *w)
{
	struct context *x = &w->context;

	if (w->state == WORKER_GONE)
		return;
	w->state = WORKER_GONE;
	x->is_draining = true;
	stop_listening(w);
	deadline_disarm(&w->drain);
	forward_home_cut(x->forwards);
	dispatch_cut_held(x);
	client_cut_all(x);
	health_stop(&w->health);
	upstream_set_unref(&x->upstreams);
	post(new_report(w, tell_drained, STR_NONE));
	mailbox_close(w->mailbox);
	loop_stop(x->loop);
}

static void deliver_drain(struct message *m, void *receiver)
{
	struct order *o = order_of(m);
	struct worker *w = receiver;

	if (w->state == WORKER_RUNNING) {
		w->state = WORKER_DRAINING;
		w->context.is_draining = true;
		stop_listening(w);
		deadline_arm(&w->drain, o->ms);
		client_drain_all(&w->context);
		drain_if_empty(w);
	}
	end_order(o);
}

void worker_drain(struct worker *w, int64_t deadline_ms)
{
	struct order *o = new_order(deliver_drain, NULL);

	o->ms = deadline_ms;
	send_order(w, o);
}

static void deliver_stop(struct message *m, void *receiver)
{
	end_order(order_of(m));
	quit(receiver);
}

void worker_stop(struct worker *w)
{
	send_order(w, new_order(deliver_stop, NULL));
}

/* The thread is over: what its loop held is this thread's now. */
void worker_join(struct worker **w)
{
	struct worker *dying = *w;
	struct context *x;

	*w = NULL;
	if (!dying)
		return;
	pthread_join(dying->thread, NULL);
	ASSERT(dying->state == WORKER_GONE);
	x = &dying->context;
	forward_home_free(&x->forwards);
	waiting_free(&x->waiting);
	waiting_free(&x->seeking);
	cache_free(&x->cache);
	if (x->challenges)
		challenge_set_unref(&x->challenges);
	mailbox_free(&dying->mailbox);
	loop_free(&x->loop);
	dying->is_joined = true;
	unref(dying);
}
