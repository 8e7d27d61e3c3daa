/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * control: owns the loop, the store, the issuer and the fleet of workers. Its states are drawn in
 * control_private.h; control_reload.c exchanges the configuration.
 *
 * Whatever may fail is a row of steps[], so that nothing is half begun. Workers speak through the
 * mailbox; what they say after they were joined finds no fleet and is dropped.
 */
#include "proxy/control.h"

#include <sched.h>
#include <signal.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/resolve.h"
#include "proxy/control_private.h"
#include "proxy/descriptors.h"
#include "proxy/startup.h"

enum {
	TICKET_ROTATION_MS = 12 * 3600 * 1000,
	DRAIN_GRACE_MS = 2000,  /* for workers to report after their own deadline */
	POOL_BASE = 8,          /* work queue threads: lookups may hang, the disk must not wait for them */
	POOL_MAX = 64,
};

static const struct log area = { "control" };

static enum err prepare(struct control *c, struct fault *fault);
static void begin(struct control *c);
static void on_signal(void *owner, int signum);
static void drain(struct control *c);
static void halt(struct control *c);
static void end(struct control *c);

static void enter(struct control *c, enum control_state state)
{
	static const char *const texts[] = {
#define X(name, text) text,
		CONTROL_STATES(X)
#undef X
	};

	c->state = state;
	log_debug(&area, texts[state], "connections=%u", c->fleet ? fleet_connections(c->fleet) : 0);
}

enum err control_run(const struct control_args *args, struct fault *fault)
{
	struct control *c = mem_new(sizeof(*c));
	enum err err;

	c->conf = conf_ref(args->conf);
	c->config = args->config;
	c->sources = args->sources;
	err = prepare(c, fault);
	if (!err)
		begin(c);
	else if (c->loop)
		halt(c);
	/* not before: the workers inherit what this thread has */
	loop_take_place(LOOP_SECOND);
	if (c->loop)
		loop_run(c->loop);
	end(c);
	mem_release(c);
	return err;
}

/* ---- what names wants of the others ---- */

static void answer(void *owner, struct worker *w, const struct worker_answer_args *args)
{
	struct control *c = owner;

	if (c->fleet)
		worker_answer(w, args);
}

static void install(void *owner, struct entry *e, bool keep)
{
	struct control *c = owner;

	if (!c->fleet)
		return;
	fleet_install(c->fleet, e, keep);
	/* What a check itself had installed waits for the next sample, or one that fails would never rest. */
	if (c->self_check && !c->is_healing)
		self_check_note(c->self_check, e);
}

static void ask(void *owner, const char *name, const char *client_ip, ask_fn *fn, void *fn_owner)
{
	ask_start(permits_ask(((struct control *)owner)->permits), name, client_ip, fn, fn_owner);
}

static const char *tenant(void *owner, const char *name)
{
	return permits_tenant(((struct control *)owner)->permits, name);
}

static void promised(void *owner, const char *name, struct promise *out)
{
	promises_get(permits_promises(((struct control *)owner)->permits), name, out);
}

static const char *profile(void *owner, const char *name)
{
	char host[SERIES_NAME];

	return permits_profile(((struct control *)owner)->permits, series_host_text(host, name));
}

static enum lists_answer listed(void *owner, const char *name)
{
	return lists_find(permits_lists(((struct control *)owner)->permits), name, NULL);
}

static struct job *obtain(void *owner, const struct issuer_wish *wish, issuer_fn *fn, void *fn_owner)
{
	return issuer_grant(((struct control *)owner)->issuer, wish, fn, fn_owner);
}

static void hurry(void *owner, struct job *job)
{
	(void)owner;
	issuer_hurry(job);
}

static void abandon(void *owner, struct job **job)
{
	(void)owner;
	issuer_abandon(job);
}

static void forgive(void *owner, const char *name)
{
	issuer_forgive(((struct control *)owner)->issuer, name);
}

static void forget(void *owner, const char *name)
{
	struct control *c = owner;

	if (c->fleet)
		fleet_forget(c->fleet, name);
}

static void watch(void *owner, const struct entry *e)
{
	renewal_watch(((struct control *)owner)->renewal, e);
}

static bool is_renewing(void *owner, const char *name)
{
	struct control *c = owner;

	renewal_hurry(c->renewal, name);
	return renewal_is_busy(c->renewal, name);
}

static bool is_announced(void *owner, const char *name)
{
	return announced_has(((struct control *)owner)->announced, name);
}

static const struct names_ops names_ops = {
	.answer = answer,
	.install = install,
	.ask = ask,
	.tenant = tenant,
	.obtain = obtain,
	.hurry = hurry,
	.abandon = abandon,
	.forgive = forgive,
	.forget = forget,
	.watch = watch,
	.is_renewing = is_renewing,
	.promised = promised,
	.listed = listed,
	.is_announced = is_announced,
};

static void on_arrived(void *owner, const char *name)
{
	struct control *c = owner;
	struct fault fault = { 0 };

	if (names_issue(c->names, name, &fault))
		log_info(&area, "announced name not ordered", "name=%s why=%s", name, fault.detail);
}

/* ---- what renewal wants of us ---- */

static void on_renewal_failed(void *owner, const char *name)
{
	names_renewal_failed(((struct control *)owner)->names, name);
}

static void on_renewed(void *owner, struct entry *e)
{
	names_renewed(((struct control *)owner)->names, e);
}

/* As if it had just been renewed. */
static void heal(void *owner, struct entry *e)
{
	struct control *c = owner;

	c->is_healing = true;
	names_renewed(c->names, e);
	c->is_healing = false;
	renewal_watch(c->renewal, e);
}

/* A name its owner denied lately, or that no list has any more, is left to expire. */
static bool is_wanted(void *owner, const char *name)
{
	struct control *c = owner;
	struct names_look look;
	char host[SERIES_NAME];

	if (!names_is_covered(c->names, name))
		return false;
	names_look(c->names, series_host_text(host, name), &look);
	return look.is_named || announced_has(c->announced, host) || permits_may(c->permits, host);
}

static void on_lists_changed(void *owner)
{
	struct control *c = owner;

	if (!c->fleet)
		return;
	names_reconsider(c->names);
	fleet_forget_refusals(c->fleet);
}

/* Nobody's, or a client's who may come again. */
static bool has_lapsed(void *owner, const char *name, int64_t for_ms)
{
	struct control *c = owner;
	int64_t forget_ms = c->conf->on_demand.forget_after_ms;
	struct names_look look;
	char host[SERIES_NAME];

	names_look(c->names, series_host_text(host, name), &look);
	return forget_ms && for_ms >= forget_ms && look.stage == NAMES_IDLE
		&& !(look.is_named && names_is_covered(c->names, name)) && !announced_has(c->announced, host);
}

static bool is_busy(void *owner, const char *name)
{
	return names_is_busy(((struct control *)owner)->names, name);
}

/* ---- what the issuer wants to know ---- */

static const struct conf_keys *keys(void *owner, const char *host)
{
	return names_keys(((struct control *)owner)->names, host);
}

/* ---- what workers say ---- */

static void on_want(void *owner, struct worker *w, const char *name, const char *client_ip)
{
	struct control *c = owner;

	if (c->fleet)
		names_want(c->names, w, name, client_ip);
}

static void on_unwant(void *owner, struct worker *w, const char *name)
{
	struct control *c = owner;

	if (c->fleet)
		names_unwant(c->names, w, name);
}

static void on_seek(void *owner, struct worker *w, const char *key)
{
	struct control *c = owner;

	if (c->fleet)
		foreign_seek(c->foreign, w, key);
}

static void on_challenge_seen(void *owner, enum conf_challenge kind, const char *identifier)
{
	struct control *c = owner;

	if (c->fleet)
		challenge_seen(c->challenges, kind, str_from(identifier));
}

static void on_challenges_live(void *owner, struct worker *w, uint64_t generation)
{
	struct control *c = owner;

	if (c->fleet)
		challenge_published(c->challenges, fleet_note_live(c->fleet, w, generation));
}

static void on_due(void *owner, const char *name)
{
	struct control *c = owner;

	if (c->fleet)
		names_due(c->names, name);
}

static void on_settled(void *owner, struct worker *w, uint64_t generation)
{
	struct control *c = owner;

	if (c->fleet && fleet_note_settled(c->fleet, w, generation))
		reload_settled(c->reload);
}

static void on_drained(void *owner, struct worker *w)
{
	struct control *c = owner;

	if (c->fleet && fleet_note_drained(c->fleet, w) && c->state == DRAINING)
		loop_defer(c->loop, &c->halt);
}

static const struct worker_events worker_events = {
	.on_want = on_want,
	.on_unwant = on_unwant,
	.on_seek = on_seek,
	.on_challenge_seen = on_challenge_seen,
	.on_challenges_live = on_challenges_live,
	.on_due = on_due,
	.on_settled = on_settled,
	.on_drained = on_drained,
};

static void on_publish(void *owner, struct challenge_set *set, uint64_t generation)
{
	struct control *c = owner;

	ASSERT(c->fleet);
	fleet_publish(c->fleet, set, generation);
	challenge_set_unref(&set);
}

static void tell_sought(void *owner, struct worker *w, const char *key)
{
	struct control *c = owner;

	if (c->fleet)
		worker_sought(w, key);
}

/* ---- timers ---- */

static void on_rotation(struct deadline *d)
{
	struct control *c = container_of(d, struct control, rotation);

	tls_tickets_rotate(c->tickets);
	deadline_arm(d, TICKET_ROTATION_MS);
	log_debug(&area, "ticket keys rotated", "next_h=%d", TICKET_ROTATION_MS / 3600 / 1000);
}

static void on_drain_over(struct deadline *d)
{
	struct control *c = container_of(d, struct control, drain);

	log_warn(&area, "drain deadline passed", "connections=%u", fleet_connections(c->fleet));
	halt(c);
}

static void on_halt(struct loop_task *t)
{
	halt(container_of(t, struct control, halt));
}

/* ---- PREPARING ---- */

static unsigned count_cores(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) == 0 ? (unsigned)CPU_COUNT(&set) : 1;
}

static unsigned count_workers(const struct control *c)
{
	return c->conf->workers ? c->conf->workers : count_cores();
}

static enum err open_loop(struct control *c, struct fault *fault)
{
	unsigned pool = POOL_BASE + 2 * count_cores();
	enum err err;

	signal(SIGPIPE, SIG_IGN);
	loop_set_pool_size(pool < POOL_MAX ? pool : POOL_MAX);
	err = tls_setup();
	if (err)
		return fault_set(fault, err, "the TLS library does not start");
	err = resolve_set_server(c->conf->resolver);
	if (err)
		return fault_set(fault, err, "resolver %s", c->conf->resolver);
	c->loop = loop_new();
	c->mailbox = mailbox_new(c->loop, c);
	loop_task_init(&c->halt, on_halt);
	deadline_init(&c->rotation, c->loop, on_rotation);
	deadline_init(&c->drain, c->loop, on_drain_over);
	return E_OK;
}

static enum err open_store(struct control *c, struct fault *fault)
{
	return store_disk_open(c->loop, c->conf->store, &c->store, fault);
}

void control_count_connections(struct control *c, unsigned limit)
{
	unsigned wanted = c->conf->limits.connections;

	c->connections_max = descriptors_clients(limit, c->ports.n_workers, c->ports.https.n + c->ports.http.n);
	if (wanted && wanted < c->connections_max)
		c->connections_max = wanted;
}

static enum err open_ports(struct control *c, struct fault *fault)
{
	unsigned limit = descriptors_raise(), n_workers = count_workers(c);
	enum err err = ports_open(&c->ports, &c->conf->listen, n_workers, fault);

	control_count_connections(c, limit);
	return err;
}

static enum err open_snapshot(struct control *c, struct fault *fault)
{
	c->tickets = tls_tickets_new();
	return snapshot_new(c->conf, c->tickets, &c->snapshot, fault);
}

static enum err open_issuer(struct control *c, struct fault *fault)
{
	struct issuer_args args = {
		.loop = c->loop,
		.conf = c->conf,
		.store = c->store,
		.can_tls_alpn = c->ports.https.n > 0,
		.can_http = c->ports.http.n > 0,
		.user_agent = USER_AGENT,
		.keys = keys,
		.owner = c,
	};

	c->audit = args.audit = audit_new(c->loop, c->conf->store);
	c->challenges = challenge_table_new(c->loop, on_publish, c);
	challenge_table_share(c->challenges, c->store);
	args.challenges = c->challenges;
	return issuer_new(&args, &c->issuer, fault);
}

static enum err open_permits(struct control *c, struct fault *fault)
{
	return permits_open(&(struct permits_args){ c->loop, c->store, c->conf, USER_AGENT, on_lists_changed, c },
		&c->permits, fault);
}

static enum err prepare(struct control *c, struct fault *fault)
{
	static enum err (*const steps[])(struct control *, struct fault *) = {
		open_loop, open_ports, open_store, open_snapshot, open_issuer, open_permits,
	};
	enum err err = E_OK;

	enter(c, PREPARING);
	for (size_t i = 0; !err && i < ARRAY_LEN(steps); i++) {
		fault_clear(fault);  /* of what the step before was about */
		err = steps[i](c, fault);
	}
	return err;
}

/* ---- RUNNING ---- */

static void begin_names(struct control *c)
{
	c->names = names_new(&(struct names_args){
		.loop = c->loop,
		.conf = c->conf,
		.router = c->snapshot->router,
		.store = c->store,
		.n_workers = c->ports.n_workers,
		.ops = &names_ops,
		.owner = c,
	});
	c->announced = announced_new(&(struct announced_args){ c->loop, c->store, on_arrived, c });
	c->renewal = renewal_new(&(struct renewal_args){
		.loop = c->loop,
		.issuer = c->issuer,
		.store = c->store,
		.on_renewed = on_renewed,
		.on_failed = on_renewal_failed,
		.is_wanted = is_wanted,
		.has_lapsed = has_lapsed,
		.profile = profile,
		.is_busy = is_busy,
		.owner = c,
	});
}

static void begin_foreign(struct control *c)
{
	c->foreign = foreign_new(&(struct foreign_args){
		.loop = c->loop, .store = c->store, .challenges = c->challenges,
		.n_workers = c->ports.n_workers, .tell = tell_sought, .owner = c,
	});
	foreign_start_sweep(c->foreign);
}

static void begin_admin(struct control *c)
{
	c->admin = admin_server_start(&(struct api_env){
		.loop = c->loop, .conf = &c->conf, .config = c->config, .store = c->store,
		.ports = &c->ports, .names = c->names, .issuer = c->issuer, .renewal = c->renewal,
		.announced = c->announced, .permits = c->permits, .challenges = c->challenges, .fleet = &c->fleet,
		.started_at_ms = clock_wall_ms(), .connections_max = &c->connections_max, .reload = c->reload,
	});
}

void control_begin_self_check(struct control *c)
{
	c->self_check_ms = c->conf->acme.self_check_ms;
	if (c->ports.https.n && c->conf->acme.self_check_ms)
		c->self_check = self_check_new(&(struct self_check_args){
			.loop = c->loop, .store = c->store,
			.listeners = c->ports.https.at, .n_listeners = c->ports.https.n,
			.every_ms = c->conf->acme.self_check_ms, .heal = heal, .owner = c,
		});
}

static void begin(struct control *c)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP };

	begin_names(c);
	control_begin_reload(c);
	begin_foreign(c);
	begin_admin(c);
	/* Before the first worker: whoever was served may send one at once. */
	for (size_t i = 0; i < ARRAY_LEN(signals); i++)
		loop_on_signal(c->loop, signals[i], on_signal, c);
	c->fleet = fleet_start(&(struct fleet_args){
		.control = c->mailbox,
		.events = &worker_events,
		.owner = c,
		.snapshot = c->snapshot,
		.ports = &c->ports,
		.connections_max = c->connections_max,
	});
	deadline_arm(&c->rotation, TICKET_ROTATION_MS);
	control_begin_self_check(c);
	enter(c, RUNNING);
	startup_tell(&(struct startup){ c->conf, &c->ports, c->config, c->connections_max });
	names_start(c->names);
	renewal_start(c->renewal);
	announced_start(c->announced);
}

static void on_signal(void *owner, int signum)
{
	struct control *c = owner;

	if (signum == SIGHUP)
		reload_start(c->reload, RELOAD_APPLY, NULL, NULL);
	else if (c->state == RUNNING)
		drain(c);
	else if (c->state == DRAINING)
		halt(c);
}

/* ---- DRAINING ---- */

static void drain(struct control *c)
{
	int64_t drain_ms = c->conf->timeouts.drain_ms;

	log_info(&area, "draining", "connections=%u deadline_ms=%lld", fleet_connections(c->fleet),
		(long long)drain_ms);
	enter(c, DRAINING);
	reload_close(c->reload);
	deadline_arm(&c->drain, drain_ms + DRAIN_GRACE_MS);
	fleet_drain(c->fleet, drain_ms);
}

/* ---- STOPPED ---- */

static void stop_fleet(struct control *c)
{
	if (!c->fleet)
		return;
	fleet_stop(c->fleet);
	fleet_join(&c->fleet);
}

/* Everything that holds the loop is closed; what the work queue still has comes home in loop_run. */
static void halt(struct control *c)
{
	if (c->state == STOPPED)
		return;
	enter(c, STOPPED);
	loop_task_cancel(&c->halt);
	deadline_disarm(&c->rotation);
	deadline_disarm(&c->drain);
	admin_server_stop(&c->admin);
	self_check_free(&c->self_check);
	reload_free(&c->reload);
	if (c->names)
		names_stop(c->names);
	if (c->foreign)
		foreign_stop(c->foreign);
	stop_fleet(c);
	announced_free(&c->announced);
	renewal_free(&c->renewal);
	permits_free(&c->permits);
	issuer_free(&c->issuer);
	audit_stop(c->audit);
	if (c->challenges)
		challenge_table_free(&c->challenges);
	mailbox_close(c->mailbox);
	loop_stop(c->loop);
}

static void end(struct control *c)
{
	names_free(&c->names);
	foreign_free(&c->foreign);
	audit_free(&c->audit);
	ports_close(&c->ports);
	snapshot_unref(&c->snapshot);
	if (c->tickets)
		tls_tickets_free(&c->tickets);
	if (c->store)
		c->store->ops->free(c->store);
	if (c->loop) {
		mailbox_free(&c->mailbox);
		loop_free(&c->loop);
	}
	conf_unref(&c->conf);
	log_flush();
}
