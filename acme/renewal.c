/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * renewal: a heap of watched names by the time they are due, the expired before all others, and a slow
 * walk through the store for those nobody watches.
 *
 *   WATCHED --due--> RUNNING --renewed--> WATCHED (by the new certificate)
 *                       \------failed---> WATCHED (by the issuer's retry time)
 */
#include "acme/renewal.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "net/deadline.h"
#include "net/random.h"

enum {
	WATCHED_MAX = 100000,
	RUNNING_MAX = 8,
	FORCED_MAX = 64,
	SWEEP_NAMES = 64, SWEEP_VISITS = 512,   /* of one call */
	SWEEP_PAUSE_MS = 500,                   /* between calls: half a thousand names take their time */
	BUSY_MS = 60 * 1000,                    /* somebody else is at it, or it is not wanted now */
	RETRY_MIN_MS = 1000,
	SHORT_LIFE_MS = 20 * 1000,
	SLEEP_MAX_MS = 10 * 60 * 1000,          /* the wall clock may be set meanwhile */
};

static const int64_t sweep_every_ms = (int64_t)6 * 3600 * 1000;
static const int64_t unwanted_ms = (int64_t)24 * 3600 * 1000;

struct watched {
	struct renewal *renewal;
	size_t place;           /* in the heap; 0: running */
	int64_t at_ms;          /* wall clock; not_after - for ever for expired ones */
	int64_t not_after_ms;   /* 0: not known */
	struct job *job;
	char name[];
};

/* The list verb's filter outlives renewal if need be. */
struct sweep {
	struct renewal *renewal;    /* NULL: gone */
	int64_t now_ms;
};

struct renewal {
	struct renewal_args args;
	struct map names;           /* name -> struct watched * */
	struct watched **heap;      /* from 1 */
	size_t n, cap;
	unsigned running;
	struct deadline timer, sweep_timer;
	struct sweep *sweep;        /* a list call is under way */
	bool is_sweeping;
	char cursor[512];
	unsigned found;
};

static const struct log log_acme = { "acme" };

/* ---- the heap ---- */

static void put_at(struct renewal *r, size_t place, struct watched *w)
{
	r->heap[place] = w;
	w->place = place;
}

static void sift_up(struct renewal *r, size_t place)
{
	struct watched *w = r->heap[place];
	for (; place > 1 && r->heap[place / 2]->at_ms > w->at_ms; place /= 2)
		put_at(r, place, r->heap[place / 2]);
	put_at(r, place, w);
}

static void sift_down(struct renewal *r, size_t place)
{
	struct watched *w = r->heap[place];
	for (size_t child; (child = 2 * place) <= r->n; place = child) {
		if (child < r->n && r->heap[child + 1]->at_ms < r->heap[child]->at_ms)
			child++;
		if (r->heap[child]->at_ms >= w->at_ms)
			break;
		put_at(r, place, r->heap[child]);
	}
	put_at(r, place, w);
}

static void heap_add(struct renewal *r, struct watched *w)
{
	if (r->n + 1 >= r->cap) {
		size_t cap = r->cap ? 2 * r->cap : 64;
		struct watched **heap = mem_try_resize(r->heap, cap * sizeof(struct watched *));
		ASSERT(heap);  /* at most 100,000 pointers */
		r->heap = heap;
		r->cap = cap;
	}
	put_at(r, ++r->n, w);
	sift_up(r, r->n);
}

static void heap_remove(struct renewal *r, struct watched *w)
{
	size_t place = w->place;
	ASSERT(place && place <= r->n && r->heap[place] == w);
	struct watched *last = r->heap[r->n--];
	w->place = 0;
	if (last == w)
		return;
	put_at(r, place, last);
	sift_up(r, place);
	sift_down(r, last->place);
}

/* ---- when ---- */

static void arm(struct renewal *r)
{
	if (!r->n || r->running >= RUNNING_MAX) {
		deadline_disarm(&r->timer);
		return;
	}
	int64_t now = clock_wall_ms(), at = r->heap[1]->at_ms;
	int64_t wait_ms = at <= now ? 0 : at - now;
	deadline_arm(&r->timer, wait_ms < SLEEP_MAX_MS ? wait_ms : SLEEP_MAX_MS);
}

/* One that is due the moment it is made (a clock, a very short life) must not spin: half of what it had
 * when it was issued is used up first. The expired come before those that are only due. */
static int64_t due_at(const struct entry *e, int64_t now_ms)
{
	int64_t life_ms = e->not_after_ms - e->issued_at_ms;
	int64_t earliest = e->issued_at_ms + (life_ms > SHORT_LIFE_MS ? life_ms / 2 : BUSY_MS);
	int64_t at = e->renew_at_ms > earliest ? e->renew_at_ms : earliest;
	return at <= now_ms && e->not_after_ms <= now_ms ? INT64_MIN : at;
}

static void watch_at(struct renewal *r, struct watched *w, int64_t at_ms)
{
	w->at_ms = at_ms;
	heap_add(r, w);
	arm(r);
}

static struct watched *find_or_add(struct renewal *r, const char *name)
{
	struct watched *w = map_get(&r->names, str_from(name));
	if (w || map_count(&r->names) >= WATCHED_MAX)
		return w;
	size_t len = strlen(name);
	w = mem_new(sizeof *w + len + 1);
	w->renewal = r;
	memcpy(w->name, name, len + 1);
	map_put(&r->names, str_from(name), w);
	return w;
}

static void drop(struct renewal *r, struct watched *w)
{
	map_remove(&r->names, str_from(w->name));
	if (w->place)
		heap_remove(r, w);
	mem_free(&w);
}

/* ---- renewing ---- */

static void on_obtained(void *owner, enum err err, struct entry *e, const struct fault *fault,
	int64_t retry_at_ms)
{
	struct watched *w = owner;
	struct renewal *r = w->renewal;
	int64_t now = clock_wall_ms();
	(void)fault;  /* told by the issuer */
	w->job = NULL;
	r->running--;
	if (err) {
		watch_at(r, w, retry_at_ms > now + RETRY_MIN_MS ? retry_at_ms : now + RETRY_MIN_MS);
		return;
	}
	w->not_after_ms = e->not_after_ms;
	watch_at(r, w, due_at(e, now));
	r->args.on_renewed(r->args.owner, e);
}

static void begin(struct renewal *r, struct watched *w)
{
	int64_t now = clock_wall_ms();
	heap_remove(r, w);
	if (!r->args.is_wanted(r->args.owner, w->name)) {
		watch_at(r, w, now + unwanted_ms);
	} else if (r->args.is_busy(r->args.owner, w->name)) {
		watch_at(r, w, now + BUSY_MS);
	} else {
		r->running++;
		w->job = issuer_grant(r->args.issuer, &(struct issuer_wish){ .name = w->name,
			.reason = ISSUER_RENEWAL, .not_after_ms = w->not_after_ms }, on_obtained, w);
	}
}

static void on_timer(struct deadline *d)
{
	struct renewal *r = container_of(d, struct renewal, timer);
	int64_t now = clock_wall_ms();
	while (r->n && r->running < RUNNING_MAX && r->heap[1]->at_ms <= now)
		begin(r, r->heap[1]);
	arm(r);
}

/* ---- the sweep ---- */

static void sweep_more(struct renewal *r);

/* Pool thread. */
static bool is_due(struct str bytes, const char *name, void *owner)
{
	const struct sweep *s = owner;
	struct entry_summary summary;
	(void)name;
	return !entry_summarise(bytes, &summary) && summary.renew_at_ms <= s->now_ms;
}

static void take_names(struct renewal *r, const char *const *names, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		if (map_get(&r->names, str_from(names[i])))
			continue;  /* watched, with a time of its own */
		struct watched *w = find_or_add(r, names[i]);
		if (!w)
			return;  /* full: the next sweep finds it again */
		r->found++;
		watch_at(r, w, clock_wall_ms());
	}
}

static void on_swept(void *owner, enum err err, const char *const *names, unsigned n,
	const char *cursor)
{
	struct sweep *s = owner;
	struct renewal *r = s->renewal;
	mem_free(&s);
	if (!r)
		return;
	r->sweep = NULL;
	if (!err)
		take_names(r, names, n);
	if (!err && cursor && cursor[0] && str_copy(r->cursor, sizeof r->cursor, str_from(cursor))) {
		deadline_arm(&r->sweep_timer, SWEEP_PAUSE_MS);
		return;
	}
	log_info(&log_acme, "store swept for renewals", "due=%u err=%d", r->found, err_code(err));
	r->is_sweeping = false;
	deadline_arm(&r->sweep_timer, sweep_every_ms + (int64_t)random_below(600 * 1000));
}

static void sweep_more(struct renewal *r)
{
	struct sweep *s = mem_new(sizeof *s);
	s->renewal = r;
	s->now_ms = clock_wall_ms();
	r->sweep = s;
	struct store_list_args args = { .group = STORE_CERTS, .cursor = r->cursor, .max = SWEEP_NAMES,
		.max_visited = SWEEP_VISITS, .filter = is_due, .filter_owner = s };
	r->args.store->ops->list(r->args.store, &args, on_swept, s);
}

static void on_sweep_timer(struct deadline *d)
{
	struct renewal *r = container_of(d, struct renewal, sweep_timer);
	if (r->is_sweeping)
		sweep_more(r);
	else
		renewal_start_sweep(r);
}

/* ---- the door ---- */

struct renewal *renewal_new(const struct renewal_args *args)
{
	ASSERT(args->on_renewed && args->is_wanted && args->is_busy);
	struct renewal *r = mem_new(sizeof *r);
	r->args = *args;
	map_init(&r->names);
	deadline_init(&r->timer, args->loop, on_timer);
	deadline_init(&r->sweep_timer, args->loop, on_sweep_timer);
	return r;
}

void renewal_free(struct renewal **renewal)
{
	struct renewal *r = *renewal;
	size_t cursor = 0;
	struct str name;
	void *watched;
	if (!r)
		return;
	*renewal = NULL;
	while (map_next(&r->names, &cursor, &name, &watched)) {
		struct watched *w = watched;
		issuer_disown(&w->job);
		mem_free(&w);
	}
	map_fini(&r->names);
	if (r->sweep)
		r->sweep->renewal = NULL;
	deadline_disarm(&r->timer);
	deadline_disarm(&r->sweep_timer);
	mem_free(&r->heap);
	mem_free(&r);
}

void renewal_watch(struct renewal *r, const struct entry *e)
{
	if (e->is_operators)
		return;
	struct watched *w = find_or_add(r, e->name);
	if (!w || w->job)
		return;
	if (w->place)
		heap_remove(r, w);
	w->not_after_ms = e->not_after_ms;
	watch_at(r, w, due_at(e, clock_wall_ms()));
}

void renewal_unwatch(struct renewal *r, const char *name)
{
	struct watched *w = map_get(&r->names, str_from(name));
	if (!w)
		return;
	if (w->job)
		r->running--;
	issuer_disown(&w->job);
	drop(r, w);
	arm(r);
}

bool renewal_is_busy(const struct renewal *r, const char *name)
{
	const struct watched *w = map_get(&r->names, str_from(name));
	return w && w->job;
}

void renewal_start_sweep(struct renewal *r)
{
	if (r->is_sweeping)
		return;
	r->is_sweeping = true;
	r->cursor[0] = '\0';
	r->found = 0;
	sweep_more(r);
}

bool renewal_force(struct renewal *r, const char *name)
{
	struct watched *w = find_or_add(r, name);
	if (!w || (!w->job && r->running >= FORCED_MAX))
		return false;
	if (w->job)
		return true;
	if (w->place)
		heap_remove(r, w);
	r->running++;
	w->job = issuer_force(r->args.issuer, w->name, on_obtained, w);
	return true;
}

struct renewal_load renewal_load(const struct renewal *r)
{
	return (struct renewal_load){ (unsigned)map_count(&r->names), r->running,
		r->n ? r->heap[1]->at_ms : INT64_MAX };
}
