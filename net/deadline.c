/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * deadline: a binary heap per loop. Moving a deadline later only changes its own at_ms; the heap
 * finds out when the old key comes up.
 */
#include "net/deadline.h"

#include "base/mem.h"
#include "net/loop_private.h"

static void put(struct loop *l, uint32_t i, struct loop_timer t)
{
	l->heap[i] = t;
	t.deadline->slot = i + 1;
}

static void sift_up(struct loop *l, uint32_t i)
{
	struct loop_timer t = l->heap[i];

	while (i > 0 && l->heap[(i - 1) / 2].key_ms > t.key_ms) {
		put(l, i, l->heap[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
	put(l, i, t);
}

static void sift_down(struct loop *l, uint32_t i)
{
	struct loop_timer t = l->heap[i];

	for (;;) {
		uint32_t child = 2 * i + 1;

		if (child >= l->n_heap)
			break;
		if (child + 1 < l->n_heap && l->heap[child + 1].key_ms < l->heap[child].key_ms)
			child++;
		if (l->heap[child].key_ms >= t.key_ms)
			break;
		put(l, i, l->heap[child]);
		i = child;
	}
	put(l, i, t);
}

static void insert(struct loop *l, struct deadline *d)
{
	if (l->n_heap == l->cap_heap) {
		uint32_t cap = l->cap_heap ? l->cap_heap * 2 : 64;
		struct loop_timer *grown = mem_try_resize(l->heap, cap * sizeof(*grown));

		ASSERT(grown);
		l->heap = grown;
		l->cap_heap = cap;
	}
	put(l, l->n_heap++, (struct loop_timer){d->at_ms, d});
	sift_up(l, l->n_heap - 1);
}

void deadline_init(struct deadline *d, struct loop *l, void (*fn)(struct deadline *d))
{
	*d = (struct deadline){.loop = l, .fn = fn};
}

void deadline_arm(struct deadline *d, int64_t ms)
{
	struct loop *l = d->loop;

	ASSERT(l && d->fn);
	d->at_ms = l->now_ms + (ms > 0 ? ms : 0);
	if (d->slot == 0) {
		insert(l, d);
	} else if (d->at_ms < l->heap[d->slot - 1].key_ms) {
		l->heap[d->slot - 1].key_ms = d->at_ms;
		sift_up(l, d->slot - 1);
	}
}

void deadline_disarm(struct deadline *d)
{
	struct loop *l = d->loop;

	if (d->slot == 0)
		return;
	uint32_t i = d->slot - 1;
	ASSERT(i < l->n_heap && l->heap[i].deadline == d);
	d->slot = 0;
	l->n_heap--;
	if (i == l->n_heap)
		return;
	struct deadline *moved = l->heap[l->n_heap].deadline;
	put(l, i, l->heap[l->n_heap]);
	sift_down(l, i);
	sift_up(l, moved->slot - 1);
}

bool deadline_is_armed(const struct deadline *d)
{
	return d->slot != 0;
}

/* At most as many as there were: one that arms itself again for now waits for the next turn. */
void deadline_expire(struct loop *l)
{
	for (uint32_t left = l->n_heap; left > 0 && l->n_heap > 0; left--) {
		struct deadline *d = l->heap[0].deadline;

		if (l->heap[0].key_ms > l->now_ms)
			return;
		if (d->at_ms > l->now_ms) {
			l->heap[0].key_ms = d->at_ms;
			sift_down(l, 0);
			continue;
		}
		deadline_disarm(d);
		d->fn(d);
	}
}

int64_t deadline_next_ms(const struct loop *l)
{
	if (l->n_heap == 0)
		return -1;
	int64_t ms = l->heap[0].key_ms - l->now_ms;
	return ms > 0 ? ms : 0;
}
