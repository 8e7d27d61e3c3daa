/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * send_batch: a buffer filled from its beginning, which begins anew when the last slot is dropped.
 */
#include "net/send_batch.h"

#include <string.h>

#include "base/check.h"
#include "base/mem.h"

struct send_batch {
	struct list waiting; /* slots */
	uint32_t end;
	char at[SEND_BATCH_BYTES];
};

struct send_batch *send_batch_new(void)
{
	struct send_batch *b = mem_new(sizeof(*b));

	list_init(&b->waiting);
	return b;
}

void send_batch_free(struct send_batch **b)
{
	ASSERT(!*b || list_is_empty(&(*b)->waiting));
	mem_free(b);
}

void send_slot_init(struct send_slot *slot, void (*fn)(struct send_slot *slot))
{
	*slot = (struct send_slot){.fn = fn};
	list_init(&slot->node);
}

bool send_batch_add(struct send_batch *b, struct send_slot *slot, const struct str *parts, unsigned n)
{
	size_t total = 0;

	for (unsigned i = 0; i < n; i++)
		total += parts[i].len;
	if (total + slot->len > SEND_BATCH_SMALL || total > SEND_BATCH_BYTES - b->end)
		return false;
	if (slot->len && slot->at + slot->len != b->end)
		return false;
	if (!total)
		return true;
	if (!slot->len) {
		slot->at = b->end;
		list_append(&b->waiting, &slot->node);
	}
	for (unsigned i = 0; i < n; i++) {
		if (parts[i].len)
			memcpy(b->at + b->end, parts[i].at, parts[i].len);
		b->end += (uint32_t)parts[i].len;
	}
	slot->len += (uint32_t)total;
	return true;
}

struct str send_batch_bytes(const struct send_batch *b, const struct send_slot *slot)
{
	return str_of(b->at + slot->at, slot->len);
}

void send_batch_drop(struct send_batch *b, struct send_slot *slot)
{
	if (!slot->len)
		return;
	list_remove(&slot->node);
	slot->len = 0;
	if (list_is_empty(&b->waiting))
		b->end = 0;
}

void send_batch_flush(struct send_batch *b)
{
	while (!list_is_empty(&b->waiting)) {
		struct send_slot *slot = list_first(&b->waiting, struct send_slot, node);

		slot->fn(slot);
		ASSERT(!slot->len);
	}
}
