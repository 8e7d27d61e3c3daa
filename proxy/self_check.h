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
	/* As bound, borrowed, at least one. Names are tried at the first, where "any address" means loopback; IP
	 * addresses at themselves, if it is this machine that has them. */
	const struct addr *listeners;
	unsigned n_listeners;
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
