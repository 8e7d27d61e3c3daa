/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * turns: a ring of lanes per class, a lane per tenant and CA. The head of the ring gives its first turn and
 * goes to the end. A lane lives as long as somebody waits in it.
 *
 * Renewals take at most three quarters of the places while others wait, and others never keep them
 * waiting: the governor reserves half of the account's tokens for them.
 */
#include "acme/turns.h"

#include <stdio.h>

#include "base/map.h"
#include "base/mem.h"

enum { LANE_KEY = GOVERNOR_TENANT + 32 };

struct lane {
	struct list node;            /* in its class's ring */
	struct list waiting;
	enum turn_class class;
	char key[LANE_KEY];
};

struct turns {
	struct governor *governor;
	struct map lanes;
	struct list rings[TURN_CLASS_COUNT];
	unsigned waiting[TURN_CLASS_COUNT];
	unsigned running, running_renewals, max_running;
};

const char *turns_class_text(enum turn_class class)
{
	static const char *const texts[] = {
#define X(name, text) text,
		TURN_CLASSES(X)
#undef X
	};
	ASSERT((unsigned)class < ARRAY_LEN(texts));
	return texts[class];
}

struct turns *turns_new(struct governor *g, unsigned max_running)
{
	struct turns *t = mem_new(sizeof *t);
	ASSERT(g && max_running > 0);
	t->governor = g;
	t->max_running = max_running;
	map_init(&t->lanes);
	for (int c = 0; c < TURN_CLASS_COUNT; c++)
		list_init(&t->rings[c]);
	return t;
}

void turns_free(struct turns **t)
{
	if (!*t)
		return;
	ASSERT(!map_count(&(*t)->lanes));
	map_fini(&(*t)->lanes);
	mem_free(t);
}

static bool is_renewal(enum turn_class class)
{
	return class <= TURN_EXPIRING;
}

/* ---- lanes ---- */

static struct lane *lane_of(struct turns *t, const struct turn *turn)
{
	char key[LANE_KEY];
	/* Who failed before is in one line: a tenant's many others must not keep a repaired one waiting. */
	const char *tenant = turn->class == TURN_RETRY || !turn->grant.tenant ? "" : turn->grant.tenant;
	snprintf(key, sizeof key, "%d %u %.*s", (int)turn->class, turn->grant.ca, GOVERNOR_TENANT, tenant);
	struct lane *lane = map_get(&t->lanes, str_from(key));
	if (lane)
		return lane;
	lane = mem_new(sizeof *lane);
	list_init(&lane->waiting);
	list_init(&lane->node);
	lane->class = turn->class;
	memcpy(lane->key, key, sizeof key);
	map_put(&t->lanes, str_from(key), lane);
	list_append(&t->rings[turn->class], &lane->node);
	return lane;
}

/* From the end: most come in their order. */
static void insert(struct lane *lane, struct turn *turn)
{
	struct list *before = lane->waiting.prev;
	while (before != &lane->waiting && list_entry(before, struct turn, node)->key > turn->key)
		before = before->prev;
	list_prepend(before, &turn->node);
	turn->lane = lane;
}

static void take_out(struct turns *t, struct turn *turn)
{
	struct lane *lane = turn->lane;
	list_remove(&turn->node);
	turn->lane = NULL;
	t->waiting[lane->class]--;
	if (!list_is_empty(&lane->waiting))
		return;
	map_remove(&t->lanes, str_from(lane->key));
	list_remove(&lane->node);
	mem_release(lane);
}

/* ---- the queue ---- */

void turns_add(struct turns *t, struct turn *turn, int64_t key)
{
	ASSERT(!turn->lane && !turn->is_running && turn->grant.is_taken);
	turn->key = key;
	insert(lane_of(t, turn), turn);
	t->waiting[turn->class]++;
}

void turns_hurry(struct turns *t, struct turn *turn)
{
	if (!turn->lane || turn->class <= TURN_VISITED)
		return;
	take_out(t, turn);
	turn->class = TURN_VISITED;
	turns_add(t, turn, 0);
}

void turns_leave(struct turns *t, struct turn *turn)
{
	if (turn->lane)
		take_out(t, turn);
	if (!turn->is_running)
		return;
	turn->is_running = false;
	t->running--;
	t->running_renewals -= is_renewal(turn->class);
}

static struct turn *start(struct turns *t, struct turn *turn, struct fault *fault)
{
	struct lane *lane = turn->lane;
	list_remove(&lane->node);
	list_append(&t->rings[lane->class], &lane->node);
	take_out(t, turn);
	fault_clear(fault);
	if (governor_start(t->governor, &turn->grant, fault))
		return turn;
	turn->is_running = true;
	t->running++;
	t->running_renewals += is_renewal(turn->class);
	return turn;
}

static struct turn *first_ready(struct turns *t, enum turn_class class, int64_t *wait_ms)
{
	list_each(&t->rings[class], node, tmp) {
		struct turn *turn = list_first(&list_entry(node, struct lane, node)->waiting,
			struct turn, node);
		int64_t its_ms = governor_wait_ms(t->governor, turn->grant.ca, turn->grant.kind);
		if (!its_ms)
			return turn;
		*wait_ms = its_ms < *wait_ms ? its_ms : *wait_ms;
	}
	return NULL;
}

static struct turn *first_of(struct turns *t, enum turn_class from, enum turn_class to,
	int64_t *wait_ms)
{
	for (enum turn_class class = from; class <= to; class++) {
		struct turn *turn = first_ready(t, class, wait_ms);
		if (turn)
			return turn;
	}
	return NULL;
}

struct turn *turns_next(struct turns *t, int64_t *wait_ms, struct fault *fault)
{
	unsigned share = t->max_running - t->max_running / 4;
	struct turn *turn = NULL;
	*wait_ms = INT64_MAX;
	if (t->running >= t->max_running)
		return NULL;
	if (t->running_renewals < share)
		turn = first_of(t, TURN_EXPIRED, TURN_EXPIRING, wait_ms);
	if (!turn)
		turn = first_of(t, TURN_VISITED, TURN_RETRY, wait_ms);
	if (!turn)
		turn = first_of(t, TURN_EXPIRED, TURN_EXPIRING, wait_ms);
	return turn ? start(t, turn, fault) : NULL;
}

unsigned turns_running(const struct turns *t)
{
	return t->running;
}

unsigned turns_count(const struct turns *t, enum turn_class class)
{
	return t->waiting[class];
}
