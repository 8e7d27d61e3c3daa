/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * send_batch: a buffer filled from its beginning, which begins anew when the last slot is dropped.
 */
#include "net/send_batch.h"

#include <string.h>

#include "base/check.h"
#include "base/mem.h"

struct send_batch {
	uint32_t end;
	unsigned n_slots; /* those that wait */
	char at[SEND_BATCH_BYTES];
};

struct send_batch *send_batch_new(void)
{
	return mem_new(sizeof(struct send_batch));
}

void send_batch_free(struct send_batch **b)
{
	ASSERT(!*b || !(*b)->n_slots);
	mem_free(b);
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
		b->n_slots++;
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
	ASSERT(b->n_slots > 0);
	slot->len = 0;
	if (!--b->n_slots)
		b->end = 0;
}
