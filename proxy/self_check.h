/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * self_check: what a client really gets. A moment after a certificate was installed, and for some names
 * every few minutes, a handshake with our own listener shows whether the leaf served is the one it should
 * be: the new one, or the store's. A wrong one is counted, told, and healed. Control loop only.
 */
#ifndef PROXY_SELF_CHECK_H
#define PROXY_SELF_CHECK_H

#include "certstore/store.h"
#include "certstore/entry.h"
#include "net/addr.h"

struct self_check;
struct self_check_args {
	struct loop *loop;
	struct store *store;
	struct addr listener;    /* as bound: "any address" means loopback */
	int64_t every_ms;
	/* Into all workers again: they serve something else than this. */
	void (*heal)(void *owner, struct entry *e);
	void *owner;
};

struct self_check *self_check_new(const struct self_check_args *args);
/* No heal follows. Before the store and the loop end. */
void self_check_free(struct self_check **s);
/* This certificate was just installed. */
void self_check_note(struct self_check *s, struct entry *e);

#endif
