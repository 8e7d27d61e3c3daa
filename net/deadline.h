/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * deadline: one timer per object, cheap to re-arm: moving it later costs no system call and no list
 * work. Resolution about 10 ms (LOOP tick), never early.
 */
#ifndef NET_DEADLINE_H
#define NET_DEADLINE_H

#include "net/loop.h"

struct deadline {
	/* private */
	struct loop *loop;
	void (*fn)(struct deadline *d);
	int64_t at_ms;
	uint32_t slot; /* place in the loop's heap, 0 none */
	uint32_t pad_;
};

void deadline_init(struct deadline *d, struct loop *l, void (*fn)(struct deadline *d));
/* Fires once, ms from now (0 or less: next turn). Arming again replaces. */
void deadline_arm(struct deadline *d, int64_t ms);
/* Safe at any time after init, also twice; must be called before the object is freed. */
void deadline_disarm(struct deadline *d);
bool deadline_is_armed(const struct deadline *d);

#endif
