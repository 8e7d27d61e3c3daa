/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * renewal: a heap of watched names by the time they are due, the expired before all others; it holds what the
 * next two hours bring, the schedule on disk all that comes later.
 *
 *   RESTING (a mark on disk)
 *     ^  |
 *     |  v
 *   WATCHED --due--> RUNNING --renewed--> WATCHED (by the new certificate)
 *     ^  |              \------failed---> WATCHED (by the issuer's retry time)
 *     |  v
 *   LOOKING at what the CA advises (RFC 9773), now and then; the certificate's own time and the backstop
 *   hold whatever comes of it.
 */
#include "acme/renewal.h"

#include "acme/advice.h"
#include "acme/errand.h"
#include "acme/schedule.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "certstore/mark.h"
#include "net/deadline.h"
#include "net/random.h"

enum {
	WATCHED_MAX = 100000,
	FOUND_MAX = 20000,                      /* from there on the schedule keeps what is its own */
	RUNNING_MAX = 8,
	AT_ONCE = 256,                          /* looked at in one turn of the loop */
	FORCED_MAX = 64,
	LOOKING_MAX = 2,                        /* of the few connections to a CA, orders have the most */
	LOOK_PAUSE_MS = 5000,
	FIRST_LOOK_MS = 60 * 1000, FIRST_LOOK_PER_NAME_MS = 100,
	BUSY_MS = 60 * 1000,                    /* somebody else is at it, or it is not wanted now */
	RETRY_MIN_MS = 1000,
	SHORT_LIFE_MS = 10 * 1000,              /* of which no half is of use */
	SLEEP_MAX_MS = 10 * 60 * 1000,          /* the wall clock may be set meanwhile */
};

static const int64_t unwanted_ms = (int64_t)24 * 3600 * 1000;

/* What there is to know of a certificate, wherever it comes from. Borrowed. */
struct facts {
	const char *name, *ca, *id;
	int64_t not_before_ms, not_after_ms, issued_at_ms, renew_at_ms;
	bool is_misfit;         /* its key is of another family than it should be */
};

struct watched {
	struct renewal *renewal;
	size_t place;           /* in the heap; 0: running or looking */
	int64_t at_ms;          /* wall clock; not_after - for ever for expired ones */
	int64_t due_ms;         /* to be renewed; before that it is only looked at */
	int64_t not_before_ms, not_after_ms, own_ms;   /* own_ms: due whatever anybody advises */
	struct job *job;
	struct ca *ca;          /* who advises; NULL: nobody */
	char *id;               /* the certificate's, with ca */
	struct ari *ari;        /* NULL: not looked yet */
	struct advice *advice;  /* under way */
	bool is_urged;          /* running because it was advised */
	int64_t mark_ms;        /* its mark in the schedule: what it was found by, or put when it was saved */
	char name[];
};

struct renewal {
	struct renewal_args args;
	struct map names;           /* name -> struct watched * */
	struct watched **heap;      /* from 1 */
	size_t n, cap;
	unsigned running, looking;
	struct deadline timer;
	struct schedule *schedule;
	int64_t newest_ms;          /* when the youngest certificate that we know of was issued */
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
 * when it was issued is used up first, but for the twentieth by which entry_renewal_time spreads those of
 * one second. The expired come before those that are only due. */
static int64_t due_at(const struct facts *f, int64_t now_ms)
{
	int64_t life_ms = f->not_after_ms - f->issued_at_ms;
	int64_t earliest = f->issued_at_ms + (life_ms > SHORT_LIFE_MS ? life_ms / 2 - life_ms / 20 : BUSY_MS);
	int64_t at = f->is_misfit ? f->issued_at_ms : f->renew_at_ms > earliest ? f->renew_at_ms : earliest;
	return at <= now_ms && f->not_after_ms <= now_ms ? INT64_MIN : at;
}

static void keep_at(struct renewal *r, struct watched *w, int64_t at_ms)
{
	w->at_ms = at_ms;
	heap_add(r, w);
	arm(r);
}

static void drop(struct renewal *r, struct watched *w);

static void rest(struct renewal *r, struct watched *w, int64_t at_ms)
{
	schedule_note_due(r->schedule, w->due_ms);
	if (mark_hour(at_ms) != mark_hour(w->mark_ms))
		mark_move(r->args.store, w->name, w->mark_ms, at_ms);
	drop(r, w);
}

/* w may be gone then. What has no certificate would not be found again by its mark. */
static void watch_at(struct renewal *r, struct watched *w, int64_t at_ms)
{
	if (schedule_is_near(at_ms) || !w->not_after_ms)
		keep_at(r, w, at_ms);
	else
		rest(r, w, at_ms);
}

/* By what is known now: to be renewed, or before that looked at again. w may be gone then. */
static void watch_on(struct renewal *r, struct watched *w)
{
	int64_t now = clock_wall_ms(), at, spread_ms = FIRST_LOOK_MS;
	w->due_ms = at = w->own_ms;
	if (w->ca && w->ari && w->ari->again_ms) {
		w->due_ms = ari_due(w->ari, w->not_before_ms, w->not_after_ms, w->own_ms, now);
		at = w->ari->again_ms < w->due_ms ? w->ari->again_ms : w->due_ms;
	} else if (w->ca && w->own_ms > now) {
		int64_t life_ms = w->not_after_ms - w->not_before_ms;
		spread_ms += (int64_t)r->n * FIRST_LOOK_PER_NAME_MS;
		spread_ms = life_ms / 20 < spread_ms ? life_ms / 20 : spread_ms;
		at = now + (int64_t)random_below((uint64_t)spread_ms + 1);
	}
	watch_at(r, w, at < w->due_ms ? at : w->due_ms);
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

static void stop_looking(struct watched *w)
{
	if (w->advice)
		w->renewal->looking--;
	advice_cancel(&w->advice);
}

static void free_watched(struct watched *w)
{
	stop_looking(w);
	mem_free(&w->id);
	mem_free(&w->ari);
	mem_free(&w);
}

static void drop(struct renewal *r, struct watched *w)
{
	map_remove(&r->names, str_from(w->name));
	if (w->place)
		heap_remove(r, w);
	free_watched(w);
}

static void note_issued(struct renewal *r, int64_t issued_ms)
{
	if (issued_ms > r->newest_ms && issued_ms <= clock_wall_ms())
		r->newest_ms = issued_ms;
}

/* Advice is about one certificate: another one begins without. */
static void take_facts(struct renewal *r, struct watched *w, const struct facts *f)
{
	int64_t now = clock_wall_ms();
	bool is_same = w->id && str_is(str_from(f->id), w->id);
	w->not_before_ms = f->not_before_ms;
	w->not_after_ms = f->not_after_ms;
	w->own_ms = due_at(f, now);
	w->mark_ms = f->renew_at_ms;
	note_issued(r, f->issued_at_ms);
	w->ca = f->id[0] && f->ca[0] ? issuer_adviser(r->args.issuer, f->ca) : NULL;
	if (is_same && w->ca)
		return;
	mem_free(&w->ari);
	mem_free(&w->id);
	w->id = w->ca ? mem_strdup(f->id) : NULL;
}

static struct facts facts_of(const struct renewal *r, const struct entry *e)
{
	return (struct facts){ e->name, e->ca, e->ari_id, e->not_before_ms, e->not_after_ms,
		e->issued_at_ms, e->renew_at_ms, issuer_is_misfit(r->args.issuer, e->name, e->key_type) };
}

/* ---- renewing ---- */

static void on_obtained(void *owner, enum err err, struct entry *e, const struct fault *fault,
	int64_t retry_at_ms)
{
	struct watched *w = owner;
	struct renewal *r = w->renewal;
	int64_t now = clock_wall_ms();
	bool was_urged = w->is_urged;
	(void)fault;  /* told by the issuer */
	w->job = NULL;
	w->is_urged = false;
	r->running--;
	if (err) {
		char name[ENTRY_NAME];
		memcpy(name, w->name, strlen(w->name) + 1);
		w->due_ms = retry_at_ms > now + RETRY_MIN_MS ? retry_at_ms : now + RETRY_MIN_MS;
		watch_at(r, w, w->due_ms);
		if (r->args.on_failed)
			r->args.on_failed(r->args.owner, name);
		return;
	}
	struct facts facts = facts_of(r, e);
	if (w->not_after_ms && mark_hour(w->mark_ms) != mark_hour(e->renew_at_ms))
		mark_remove(r->args.store, w->name, w->mark_ms);
	take_facts(r, w, &facts);
	if (was_urged && w->ca && !w->ari) {
		w->ari = mem_new(sizeof *w->ari);
		w->ari->urged_ms = now;
	}
	watch_on(r, w);
	r->args.on_renewed(r->args.owner, e);
}

/* A clock that is years ahead would have everything lapse: time has passed when a CA says so. */
static bool has_lapsed(const struct renewal *r, const char *name, int64_t not_after_ms)
{
	return r->args.has_lapsed && not_after_ms < r->newest_ms && !r->args.is_busy(r->args.owner, name)
		&& r->args.has_lapsed(r->args.owner, name, r->newest_ms - not_after_ms);
}

/* The certificate last: without it nobody would find the rest. */
static void forget(struct renewal *r, const char *name, int64_t mark_ms)
{
	log_info(&log_acme, "name lapsed, certificate removed", "name=%s", name);
	issuer_forgive(r->args.issuer, name);
	errand_remove(r->args.store, STORE_ORDERS, name);
	errand_remove(r->args.store, STORE_ADVICE, name);
	errand_remove(r->args.store, STORE_CERTS, name);
	mark_remove(r->args.store, name, mark_ms);
}

static void begin(struct renewal *r, struct watched *w)
{
	int64_t now = clock_wall_ms(), wait_ms;
	if (has_lapsed(r, w->name, w->not_after_ms)) {
		forget(r, w->name, w->mark_ms);
		drop(r, w);
		return;
	}
	heap_remove(r, w);
	if (!r->args.is_wanted(r->args.owner, w->name)) {
		watch_at(r, w, now + unwanted_ms);
	} else if (r->args.is_busy(r->args.owner, w->name)) {
		watch_at(r, w, now + BUSY_MS);
	} else if ((wait_ms = issuer_wait_ms(r->args.issuer, w->name)) > 0) {
		watch_at(r, w, now + wait_ms);  /* twenty thousand that fail at once help nobody */
	} else {
		r->running++;
		w->is_urged = w->ca && w->ari && now < w->own_ms;
		w->job = issuer_grant(r->args.issuer, &(struct issuer_wish){ .name = w->name,
			.reason = ISSUER_RENEWAL, .not_after_ms = w->not_after_ms,
			.is_urgent = w->is_urged,
			.profile = r->args.profile ? r->args.profile(r->args.owner, w->name) : NULL },
			on_obtained, w);
		if (w->is_urged)
			issuer_replace(w->job, w->id);
	}
}

/* ---- looking ---- */

static void on_advice(void *owner, const struct ari *ari)
{
	struct watched *w = owner;
	struct renewal *r = w->renewal;
	w->advice = NULL;
	r->looking--;
	if (!w->ari)
		w->ari = mem_new(sizeof *w->ari);
	*w->ari = *ari;
	watch_on(r, w);
}

static void look(struct renewal *r, struct watched *w)
{
	int64_t now = clock_wall_ms();
	heap_remove(r, w);
	if (r->looking >= LOOKING_MAX) {
		watch_at(r, w, now + (int64_t)random_below(LOOK_PAUSE_MS));
	} else if (!r->args.is_wanted(r->args.owner, w->name)) {
		watch_at(r, w, now + unwanted_ms);
	} else {
		r->looking++;
		w->advice = advice_start(&(struct advice_args){ .ca = w->ca, .store = r->args.store,
			.name = w->name, .id = w->id, .known = w->ari }, on_advice, w);
	}
}

static void on_timer(struct deadline *d)
{
	struct renewal *r = container_of(d, struct renewal, timer);
	int64_t now = clock_wall_ms();
	for (int i = 0; i < AT_ONCE && r->n && r->running < RUNNING_MAX && r->heap[1]->at_ms <= now; i++) {
		struct watched *w = r->heap[1];
		if (w->due_ms <= now || !w->ca)
			begin(r, w);
		else
			look(r, w);
	}
	arm(r);
}

/* ---- from the schedule ---- */

static bool is_known(void *owner, const char *name)
{
	return map_get(&((struct renewal *)owner)->names, str_from(name)) != NULL;
}

static bool take(void *owner, const struct entry_summary *e, int64_t mark_ms)
{
	struct renewal *r = owner;
	struct facts facts = { e->name, e->ca, e->ari_id, e->not_before_ms, e->not_after_ms,
		e->issued_at_ms, e->renew_at_ms, false };
	note_issued(r, e->issued_at_ms);
	if (has_lapsed(r, e->name, e->not_after_ms)) {
		forget(r, e->name, mark_ms == SCHEDULE_SWEPT ? e->renew_at_ms : mark_ms);
		return true;
	}
	if (map_count(&r->names) >= FOUND_MAX)
		return false;
	struct watched *w = find_or_add(r, e->name);
	take_facts(r, w, &facts);
	if (mark_ms == SCHEDULE_SWEPT)
		mark_move(r->args.store, w->name, -1, w->mark_ms);  /* if it had none */
	else
		w->mark_ms = mark_ms;
	watch_on(r, w);
	return true;
}

/* ---- the door ---- */

struct renewal *renewal_new(const struct renewal_args *args)
{
	ASSERT(args->on_renewed && args->is_wanted && args->is_busy);
	struct renewal *r = mem_new(sizeof *r);
	r->args = *args;
	map_init(&r->names);
	deadline_init(&r->timer, args->loop, on_timer);
	r->schedule = schedule_new(&(struct schedule_args){ .loop = args->loop, .store = args->store,
		.is_known = is_known, .take = take, .owner = r });
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
		free_watched(w);
	}
	map_fini(&r->names);
	schedule_free(&r->schedule);
	deadline_disarm(&r->timer);
	mem_free(&r->heap);
	mem_free(&r);
}

void renewal_watch(struct renewal *r, const struct entry *e)
{
	if (e->is_operators)
		return;
	struct watched *w = find_or_add(r, e->name);
	struct facts facts = facts_of(r, e);
	if (!w || w->job)
		return;
	if (w->place)
		heap_remove(r, w);
	stop_looking(w);
	take_facts(r, w, &facts);
	watch_on(r, w);
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

void renewal_move(struct renewal *r, renewal_next_fn *next, void *owner)
{
	size_t cursor = 0;
	struct str name;
	void *watched;
	while (map_next(&r->names, &cursor, &name, &watched)) {
		struct watched *w = watched;
		bool was_looking = w->advice != NULL;
		stop_looking(w);
		w->ca = w->ca ? next(owner, w->ca) : NULL;
		if (was_looking)
			keep_at(r, w, clock_wall_ms());  /* none may go while they are gone through */
	}
}

bool renewal_is_busy(const struct renewal *r, const char *name)
{
	const struct watched *w = map_get(&r->names, str_from(name));
	return w && w->job;
}

void renewal_hurry(struct renewal *r, const char *name)
{
	const struct watched *w = map_get(&r->names, str_from(name));
	if (w && w->job)
		issuer_hurry(w->job);
}

void renewal_start(struct renewal *r)
{
	schedule_start(r->schedule);
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
	stop_looking(w);
	r->running++;
	w->job = issuer_force(r->args.issuer, w->name, on_obtained, w);
	return true;
}

struct renewal_load renewal_load(const struct renewal *r)
{
	struct renewal_load load = { .running = r->running, .next_at_ms = schedule_next_due_ms(r->schedule) };
	for (size_t i = 1; i <= r->n; i++) {
		const struct watched *w = r->heap[i];
		load.due_soon += schedule_is_near(w->due_ms);
		load.next_at_ms = w->due_ms < load.next_at_ms ? w->due_ms : load.next_at_ms;
	}
	load.next_at_ms = load.next_at_ms < 0 ? clock_wall_ms() : load.next_at_ms;  /* one has ended */
	return load;
}
