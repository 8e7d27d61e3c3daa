/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * send_batch: small writes of one turn of a loop, until their streams send them at its end, one after the other.
 *
 * What a turn has to say to many peers costs less in a row: a send runs through some 100 KiB of the kernel's code, and
 * between two sends of a row nobody pushes it out of the CPU's caches. Nothing is allocated per write.
 */
#ifndef NET_SEND_BATCH_H
#define NET_SEND_BATCH_H

#include <stdbool.h>

#include "base/list.h"
#include "base/str.h"

enum { SEND_BATCH_BYTES = 256 * 1024, SEND_BATCH_SMALL = 4096 };

struct send_batch;

/* What waits of one stream. Its fn sends the bytes, or keeps them, and drops the slot. */
struct send_slot {
	struct list node;
	void (*fn)(struct send_slot *slot);
	uint32_t at, len;
};
void send_slot_init(struct send_slot *slot, void (*fn)(struct send_slot *slot));

struct send_batch *send_batch_new(void);
/* Nothing may wait. Nulls the pointer, accepts NULL. */
void send_batch_free(struct send_batch **b);
/* Copies the parts behind what waits of this slot. False, and nothing is done: more than SEND_BATCH_SMALL bytes, no
 * room left, or others came behind the slot. */
bool send_batch_add(struct send_batch *b, struct send_slot *slot, const struct str *parts, unsigned n);
/* Borrowed until the slot is dropped or added to. */
struct str send_batch_bytes(const struct send_batch *b, const struct send_slot *slot);
/* It was sent, or never will be. */
void send_batch_drop(struct send_batch *b, struct send_slot *slot);
/* Calls the fn of every slot that waits, in the order in which they began to. */
void send_batch_flush(struct send_batch *b);

#endif
