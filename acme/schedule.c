/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * schedule: two walks through the store, each of them a call, its answers, a pause:
 *
 *   read:   marks of hours that are near ─► certificate's header ─► take, or the mark is dropped
 *   sweep:  all certificates' headers ──────────────────────────────► take
 *
 * Who has no room for more makes a walk wait where it is.
 */
#include "acme/schedule.h"

#include <stdio.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "certstore/mark.h"
#include "net/deadline.h"
#include "net/random.h"

enum {
	READ_MARKS = 256,                       /* of one call, and as many headers at once */
	READ_PAUSE_MS = 50,
	READ_EVERY_MS = 10 * 60 * 1000,         /* the wall clock may be set meanwhile */
	SWEEP_NAMES = 128,
	SWEEP_PAUSE_MS = 250,
	SWEEP_SLACK_MS = 3600 * 1000,
	FULL_MS = 10 * 1000,
	NEAR_HOURS = 1,
};

static const int64_t sweep_every_ms = (int64_t)24 * 3600 * 1000;

/* A call outlives us if need be. */
struct call {
	struct schedule *schedule;  /* NULL: gone */
	unsigned n;
	struct entry_summary at[];
};

/* A mark whose certificate is being looked at. */
struct reading {
	struct list node;
	struct schedule *schedule;
	struct errand *errand;
	int64_t hour_ms;
	char name[ENTRY_NAME];
};

struct walk {
	struct deadline timer;
	struct call *call;
	char cursor[MARK_MAX + 16];
	bool is_under_way;
};

struct schedule {
	struct schedule_args args;
	struct walk read, sweep;
	struct list readings;
	bool is_full;                  /* of the page that is read: somebody had no room */
	char next[sizeof(((struct walk *)0)->cursor)];
	unsigned n_swept;
	int64_t next_due_ms, swept_due_ms;
};

static const struct log log_acme = { "acme" };

bool schedule_is_near(int64_t at_ms)
{
	return mark_hour(at_ms) <= mark_hour(clock_wall_ms() + (int64_t)NEAR_HOURS * MARK_HOUR_MS);
}

static bool move_cursor(char *dst, size_t cap, const char *cursor)
{
	return cursor && cursor[0] && str_copy(dst, cap, str_from(cursor));
}

/* ---- reading ---- */

static void read_more(struct schedule *s);

static void end_reading(struct schedule *s)
{
	s->read.is_under_way = false;
	deadline_arm(&s->read.timer, READ_EVERY_MS);
}

/* All of a page is looked at. */
static void end_page(struct schedule *s)
{
	if (!list_is_empty(&s->readings))
		return;
	if (s->is_full) {
		deadline_arm(&s->read.timer, FULL_MS);
	} else if (s->next[0]) {
		memcpy(s->read.cursor, s->next, sizeof s->next);
		deadline_arm(&s->read.timer, READ_PAUSE_MS);
	} else {
		end_reading(s);
	}
}

static enum err parse_summary(struct str bytes, const char *name, void **object, struct fault *fault)
{
	struct entry_summary *e = mem_new(sizeof *e);
	enum err err = entry_summarise(bytes, e);
	if (!err && strcmp(e->name, name))
		err = E_STORE_CORRUPT;
	if (err) {
		mem_free(&e);
		return fault_set(fault, err, "its header is damaged, or of another name");
	}
	*object = e;
	return E_OK;
}

static void on_summary(void *owner, enum err err, void *object, const struct fault *fault)
{
	struct reading *r = owner;
	struct schedule *s = r->schedule;
	struct entry_summary *e = object;
	(void)fault;
	list_remove(&r->node);
	if (err == E_NOT_FOUND)
		mark_remove(s->args.store, r->name, r->hour_ms);
	else if (!err && !s->args.is_known(s->args.owner, r->name))
		s->is_full = !s->args.take(s->args.owner, e, r->hour_ms) || s->is_full;
	mem_release(e);
	mem_free(&r);
	end_page(s);
}

static void look_at(struct schedule *s, const char *name, int64_t hour_ms)
{
	struct reading *r = mem_new(sizeof *r);
	r->schedule = s;
	r->hour_ms = hour_ms;
	ASSERT(str_copy(r->name, sizeof r->name, str_from(name)));
	list_append(&s->readings, &r->node);
	r->errand = errand_load(s->args.store, STORE_CERTS, name, parse_summary, mem_release, on_summary, r);
}

static void on_marks(void *owner, enum err err, const char *const *marks, unsigned n, const char *cursor)
{
	struct call *call = owner;
	struct schedule *s = call->schedule;
	bool is_near = !err;
	mem_free(&call);
	if (!s)
		return;
	s->read.call = NULL;
	s->is_full = false;
	for (unsigned i = 0; i < n && is_near; i++) {
		int64_t hour_ms;
		const char *name;
		if (!mark_read(marks[i], &hour_ms, &name))
			continue;
		is_near = schedule_is_near(hour_ms);
		if (is_near && strlen(name) < ENTRY_NAME && !s->args.is_known(s->args.owner, name))
			look_at(s, name, hour_ms);
	}
	if (!is_near || !move_cursor(s->next, sizeof s->next, cursor))
		s->next[0] = '\0';
	end_page(s);
}

static void read_more(struct schedule *s)
{
	struct call *call = s->read.call = mem_new(sizeof *call);
	call->schedule = s;
	struct store_list_args args = { .group = STORE_SCHEDULE, .cursor = s->read.cursor, .max = READ_MARKS };
	s->args.store->ops->list(s->args.store, &args, on_marks, call);
}

static void on_read_timer(struct deadline *d)
{
	struct schedule *s = container_of(d, struct schedule, read.timer);
	if (!s->read.is_under_way)
		s->read.cursor[0] = '\0';
	s->read.is_under_way = true;
	read_more(s);
}

/* ---- the sweep ---- */

/* Pool thread. */
static bool summarise(struct str bytes, const char *name, void *owner)
{
	struct call *call = owner;
	if (call->n == SWEEP_NAMES || entry_summarise(bytes, &call->at[call->n])
		|| strcmp(call->at[call->n].name, name))
		return false;
	call->n++;
	return true;
}

static void end_sweep(struct schedule *s, enum err err)
{
	log_info(&log_acme, "store swept for renewals", "certificates=%u err=%d", s->n_swept, err_code(err));
	s->sweep.is_under_way = false;
	s->next_due_ms = s->swept_due_ms;
	deadline_arm(&s->sweep.timer, sweep_every_ms + (int64_t)random_below(SWEEP_SLACK_MS));
}

static bool offer(struct schedule *s, const struct entry_summary *e)
{
	return s->args.is_known(s->args.owner, e->name) || s->args.take(s->args.owner, e, SCHEDULE_SWEPT);
}

static void on_swept(void *owner, enum err err, const char *const *names, unsigned n, const char *cursor)
{
	struct call *call = owner;
	struct schedule *s = call->schedule;
	bool has_room = true;
	(void)names;
	(void)n;
	if (s)
		s->sweep.call = NULL;
	for (unsigned i = 0; s && !err && i < call->n && has_room; i++)
		has_room = offer(s, &call->at[i]);
	if (s && !has_room) {
		deadline_arm(&s->sweep.timer, FULL_MS);
	} else if (s) {
		s->n_swept += call->n;
		if (!err && move_cursor(s->sweep.cursor, sizeof s->sweep.cursor, cursor))
			deadline_arm(&s->sweep.timer, SWEEP_PAUSE_MS);
		else
			end_sweep(s, err);
	}
	mem_free(&call);
}

static void sweep_more(struct schedule *s)
{
	struct call *call = s->sweep.call = mem_new(sizeof *call + SWEEP_NAMES * sizeof call->at[0]);
	call->schedule = s;
	struct store_list_args args = { .group = STORE_CERTS, .cursor = s->sweep.cursor, .max = SWEEP_NAMES,
		.max_visited = SWEEP_NAMES, .filter = summarise, .filter_owner = call };
	s->args.store->ops->list(s->args.store, &args, on_swept, call);
}

static void on_sweep_timer(struct deadline *d)
{
	struct schedule *s = container_of(d, struct schedule, sweep.timer);
	if (!s->sweep.is_under_way) {
		s->sweep.is_under_way = true;
		s->sweep.cursor[0] = '\0';
		s->n_swept = 0;
		s->swept_due_ms = INT64_MAX;
	}
	sweep_more(s);
}

/* ---- the door ---- */

struct schedule *schedule_new(const struct schedule_args *args)
{
	ASSERT(args->is_known && args->take);
	struct schedule *s = mem_new(sizeof *s);
	s->args = *args;
	s->next_due_ms = s->swept_due_ms = INT64_MAX;
	list_init(&s->readings);
	deadline_init(&s->read.timer, args->loop, on_read_timer);
	deadline_init(&s->sweep.timer, args->loop, on_sweep_timer);
	return s;
}

static void stop(struct walk *w)
{
	deadline_disarm(&w->timer);
	if (w->call)
		w->call->schedule = NULL;
}

void schedule_free(struct schedule **schedule)
{
	struct schedule *s = *schedule;
	if (!s)
		return;
	*schedule = NULL;
	stop(&s->read);
	stop(&s->sweep);
	list_each(&s->readings, node, tmp) {
		struct reading *r = list_entry(node, struct reading, node);
		errand_abandon(&r->errand);
		mem_free(&r);
	}
	mem_free(&s);
}

void schedule_start(struct schedule *s)
{
	if (s->read.is_under_way || s->sweep.is_under_way)
		return;
	on_read_timer(&s->read.timer);
	on_sweep_timer(&s->sweep.timer);
}

void schedule_note_due(struct schedule *s, int64_t due_ms)
{
	s->next_due_ms = due_ms < s->next_due_ms ? due_ms : s->next_due_ms;
	s->swept_due_ms = due_ms < s->swept_due_ms ? due_ms : s->swept_due_ms;
}

int64_t schedule_next_due_ms(const struct schedule *s)
{
	return schedule_is_near(s->next_due_ms) ? INT64_MAX : s->next_due_ms;
}
