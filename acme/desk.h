/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * desk: where names wait for their turn at a CA: the governor, the queue, the timer that wakes them and the
 * place in the store where the governor's state survives a restart. Control loop.
 */
#ifndef ACME_DESK_H
#define ACME_DESK_H

#include "acme/ca.h"
#include "acme/turns.h"
#include "certstore/store.h"
#include "net/loop.h"

struct desk;

struct desk_args {
	struct loop *loop;
	struct store *store;
	const struct conf *conf;        /* outlives the desk, as the CAs do */
	const struct ca *cas;
	unsigned n_cas, n_stagings;     /* these come after those, and nobody waits for one */
	/* Its turn has come; perhaps before desk_join returns. */
	void (*on_turn)(void *owner, struct turn *turn);
	/* No turn for it: fault says why and until when. Perhaps before desk_join returns. */
	void (*on_refused)(void *owner, struct turn *turn, const struct fault *fault);
	void *owner;
};

/* Begins to read what an earlier life wrote; nobody has a turn before that is done. */
struct desk *desk_new(const struct desk_args *args);
/* Nobody waits any more. Writes a last time; the loop must run until the store is done. */
void desk_free(struct desk **d);

/* turn: the owner's, its class and its grant's name, tenant and kind set. may_leave: another CA than the
 * first will do. key: as turns_add. */
void desk_join(struct desk *d, struct turn *turn, bool may_leave, int64_t key);
void desk_hurry(struct desk *d, struct turn *turn);
/* From the queue or from its place, whatever became of it; harmless on one that never joined. */
void desk_leave(struct desk *d, struct turn *turn, enum grant_outcome outcome);

/* No turn is given from now on. */
void desk_stop(struct desk *d);

struct governor *desk_governor(struct desk *d);
unsigned desk_running(const struct desk *d);
unsigned desk_waiting(const struct desk *d, enum turn_class class);

#endif
