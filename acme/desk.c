/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * desk: glue between the pure governor and the loop.
 *
 * Who joins before the state was read waits in a list of its own: a process that restarts in a loop must not
 * spend what it has spent already.
 */
#include "acme/desk.h"

#include "acme/budget.h"
#include "acme/errand.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/deadline.h"
#include "net/random.h"

enum {
	MAX_ORDERS = 16,
	WRITE_PAUSE_MS = 60 * 1000,
	/* Names in no hurry that may wait here with a job each; the others come again. */
	BULK_MAX = 4096, BULK_PAUSE_MS = 5 * 60 * 1000,
	TIMER_MAX_MS = 60 * 60 * 1000,
	NOBODY_PAUSE_MS = 24 * 60 * 60 * 1000,
};

struct desk {
	struct desk_args args;
	struct governor *governor;
	struct turns *turns;
	struct list early;           /* joined before the state was read */
	struct errand *reading, *writing;
	struct deadline wake, write;
	bool is_serving, is_again, is_stopped;
};

static const struct log log_acme = { "acme" };
static const char state_name[] = "state";

struct governor *desk_governor(struct desk *d)
{
	return d->governor;
}

unsigned desk_running(const struct desk *d)
{
	return turns_running(d->turns);
}

unsigned desk_waiting(const struct desk *d, enum turn_class class)
{
	return turns_count(d->turns, class);
}

/* ---- the state in the store ---- */

static void on_last_written(void *owner, enum err err, void *object, const struct fault *fault)
{
	(void)owner;
	(void)object;
	if (err)
		log_kv(&log_acme, LOG_WARN, "CA limits not saved", (struct log_field[]){
			{ .key = "detail", .text = str_from(fault->detail) } }, 1);
}

static void plan_writing(struct desk *d);

static void on_written(void *owner, enum err err, void *object, const struct fault *fault)
{
	struct desk *d = owner;
	d->writing = NULL;
	on_last_written(NULL, err, object, fault);
	plan_writing(d);
}

static struct errand *write_state(struct desk *d, errand_fn *fn, void *owner)
{
	struct errand *errand = NULL;
	struct buf b;
	buf_init(&b, GOVERNOR_STATE);
	enum err err = governor_write(d->governor, &b);
	if (err)
		log_warn(&log_acme, "CA limits not saved", "err=%s", err_text(err));
	else
		errand = errand_save(d->args.store, STORE_GOVERNOR, state_name, buf_str(&b), fn, owner);
	buf_fini(&b);
	return errand;
}

static void on_write_timer(struct deadline *timer)
{
	struct desk *d = container_of(timer, struct desk, write);
	d->writing = write_state(d, on_written, d);
}

static void plan_writing(struct desk *d)
{
	if (d->writing || d->reading || !governor_is_dirty(d->governor))
		return;
	if (governor_wants_writing(d->governor))
		deadline_arm(&d->write, 0);
	else if (!deadline_is_armed(&d->write))
		deadline_arm(&d->write, WRITE_PAUSE_MS);
}

static enum err keep_text(struct str bytes, const char *name, void **object, struct fault *fault)
{
	struct buf *b = mem_new(sizeof *b);
	(void)name;
	buf_init(b, GOVERNOR_STATE);
	enum err err = buf_add(b, bytes);
	*object = b;
	return err ? fault_set(fault, E_STORE_CORRUPT, "governor state too long") : E_OK;
}

static void free_text(void *object)
{
	buf_fini(object);
	mem_release(object);
}

/* ---- turns ---- */

static void serve_all(struct desk *d)
{
	int64_t wait_ms;
	struct fault fault;
	struct turn *turn;
	while ((turn = turns_next(d->turns, &wait_ms, &fault))) {
		if (fault.code)
			d->args.on_refused(d->args.owner, turn, &fault);
		else
			d->args.on_turn(d->args.owner, turn);
	}
	if (wait_ms == INT64_MAX)
		deadline_disarm(&d->wake);
	else
		deadline_arm(&d->wake, wait_ms < TIMER_MAX_MS ? wait_ms : TIMER_MAX_MS);
}

/* Those it calls may join or leave: then once more, not deeper. */
static void serve(struct desk *d)
{
	d->is_again = true;
	if (d->is_serving || d->reading || d->is_stopped)
		return;
	d->is_serving = true;
	while (d->is_again) {
		d->is_again = false;
		serve_all(d);
	}
	d->is_serving = false;
	plan_writing(d);
}

static void on_wake(struct deadline *timer)
{
	serve(container_of(timer, struct desk, wake));
}

static enum err busy(struct fault *fault)
{
	fault_set(fault, E_RATE_LIMITED, "thousands of names wait before it");
	fault->retry_at_ms = clock_wall_ms() + BULK_PAUSE_MS + (int64_t)random_below(BULK_PAUSE_MS);
	return fault->code;
}

/* Nothing but another configuration changes it. */
static enum err nobody(struct fault *fault)
{
	fault_set(fault, E_CONFIG, "no CA of acme.ca certifies it");
	fault->retry_at_ms = clock_wall_ms() + NOBODY_PAUSE_MS;
	return fault->code;
}

/* The first CA that is up and has something left; without one the first, which knows until when. */
static enum err choose(struct desk *d, struct turn *turn, bool may_leave, struct fault *fault)
{
	int64_t now = clock_mono_ms();
	struct fault other;
	bool is_bulk = turn->class == TURN_BULK || turn->class == TURN_RETRY;
	if (is_bulk && turns_count(d->turns, turn->class) >= BULK_MAX)
		return busy(fault);
	const char *name = turn->grant.name;
	unsigned n = d->args.n_cas, first = ca_next(d->args.cas, n, name, 0);
	if (first == n)
		return nobody(fault);
	for (unsigned i = first; may_leave && i < n; i = ca_next(d->args.cas, n, name, i + 1)) {
		if (breaker_is_open(&d->args.cas[i].breaker, now))
			continue;
		if (!governor_take(d->governor, &turn->grant, i, &other))
			return E_OK;
	}
	return governor_take(d->governor, &turn->grant, first, fault);
}

static void join(struct desk *d, struct turn *turn, bool may_leave, int64_t key)
{
	struct fault fault = { 0 };
	if (choose(d, turn, may_leave, &fault)) {
		fault_during(&fault, "waiting for its turn");
		d->args.on_refused(d->args.owner, turn, &fault);
		return;
	}
	turns_add(d->turns, turn, key);
}

static void on_read(void *owner, enum err err, void *object, const struct fault *fault)
{
	struct desk *d = owner;
	struct fault why = fault ? *fault : (struct fault){ 0 };
	d->reading = NULL;
	if (!err) {
		err = governor_read(d->governor, buf_str(object), &why);
		free_text(object);
	}
	if (err && err != E_NOT_FOUND)
		log_kv(&log_acme, LOG_WARN, "CA limits of earlier not read", (struct log_field[]){
			{ .key = "detail", .text = str_from(why.detail) } }, 1);
	while (!list_is_empty(&d->early)) {
		struct turn *turn = list_first(&d->early, struct turn, node);
		list_remove(&turn->node);
		join(d, turn, turn->may_leave, turn->key);
	}
	serve(d);
}

/* ---- the door ---- */

static struct governor *make_governor(const struct desk_args *args)
{
	unsigned n = args->n_cas + args->n_stagings;
	const struct conf_ca **cas = mem_new(n * sizeof *cas);
	for (unsigned i = 0; i < n; i++)
		cas[i] = args->cas[i].conf;
	struct governor *governor = budget_governor(args->conf, cas, n);
	mem_free(&cas);
	return governor;
}

struct desk *desk_new(const struct desk_args *args)
{
	struct desk *d = mem_new(sizeof *d);
	ASSERT(args->on_turn && args->on_refused);
	d->args = *args;
	list_init(&d->early);
	d->governor = make_governor(args);
	d->turns = turns_new(d->governor,
		args->conf->acme.max_orders ? args->conf->acme.max_orders : MAX_ORDERS);
	deadline_init(&d->wake, args->loop, on_wake);
	deadline_init(&d->write, args->loop, on_write_timer);
	d->reading = errand_load(args->store, STORE_GOVERNOR, state_name, keep_text, free_text, on_read,
		d);
	return d;
}

void desk_stop(struct desk *d)
{
	d->is_stopped = true;
}

void desk_free(struct desk **desk)
{
	struct desk *d = *desk;
	if (!d)
		return;
	*desk = NULL;
	ASSERT(list_is_empty(&d->early));
	if (!d->reading && governor_is_dirty(d->governor))
		write_state(d, on_last_written, NULL);
	errand_abandon(&d->reading);
	errand_abandon(&d->writing);
	deadline_disarm(&d->wake);
	deadline_disarm(&d->write);
	turns_free(&d->turns);
	governor_free(&d->governor);
	mem_free(&d);
}

void desk_join(struct desk *d, struct turn *turn, bool may_leave, int64_t key)
{
	ASSERT(!turn->grant.is_taken);
	if (d->reading) {
		turn->may_leave = may_leave;
		turn->key = key;
		list_append(&d->early, &turn->node);
		return;
	}
	join(d, turn, may_leave, key);
	serve(d);
}

void desk_hurry(struct desk *d, struct turn *turn)
{
	if (!turn->lane && !turn->is_running && turn->class > TURN_VISITED)
		turn->class = TURN_VISITED;
	turns_hurry(d->turns, turn);
	serve(d);
}

void desk_leave(struct desk *d, struct turn *turn, enum grant_outcome outcome)
{
	turns_leave(d->turns, turn);
	list_remove(&turn->node);
	governor_settle(d->governor, &turn->grant, outcome);
	serve(d);
}
