/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * renewal: when each held certificate is due, and having it renewed, whether or not anybody uses it: each stands
 * in the schedule of the store, and in memory when its time comes near.
 * What has ended long ago and is wanted no more is removed from the store.
 * Control loop only.
 */
#ifndef ACME_RENEWAL_H
#define ACME_RENEWAL_H

#include "acme/issuer.h"

struct renewal;

struct renewal_args {
	struct loop *loop;
	struct issuer *issuer;
	struct store *store;
	/* A new certificate is there: hand it to the workers. Borrowed. */
	void (*on_renewed)(void *owner, struct entry *e);
	/* A renewal failed; another follows in time. NULL: nobody wants to know. */
	void (*on_failed)(void *owner, const char *name);
	/* Whether a name found in the store is still wanted (configured, or on demand and allowed lately). */
	bool (*is_wanted)(void *owner, const char *name);
	/* The profile its certificates are to have, "" for none: borrowed until the next call. NULL: none has one. */
	const char *(*profile)(void *owner, const char *name);
	/* Whether it may be forgotten so long after the end of its certificate; by the newest one that was issued
	 * to us, not by a clock that may be wrong. NULL: nothing is forgotten. */
	bool (*has_lapsed)(void *owner, const char *name, int64_t for_ms);
	/* Whether a job for this name is under way outside renewal (single flight). */
	bool (*is_busy)(void *owner, const char *name);
	void *owner;
};

struct renewal *renewal_new(const struct renewal_args *args);
void renewal_free(struct renewal **r);
/* Watches this certificate; replaces an earlier one of the same name. Operator files are ignored. */
void renewal_watch(struct renewal *r, const struct entry *e);
void renewal_unwatch(struct renewal *r, const char *name);
/* A renewal of this name is under way: callers wait for on_renewed instead of ordering. */
bool renewal_is_busy(const struct renewal *r, const char *name);
/* A client waits for it: before all that is done in the background. Harmless when none is under way. */
void renewal_hurry(struct renewal *r, const char *name);
/* Renews now, due or not, as the operator wishes; nothing new if it is under way. False: too many at once.
 * Not for a name whose job is under way elsewhere (is_busy). */
bool renewal_force(struct renewal *r, const char *name);
/* The CAs change: those that advise are exchanged for what next makes of them (NULL: nobody), and whoever was
 * looking looks again. */
typedef struct ca *renewal_next_fn(void *owner, const struct ca *before);
void renewal_move(struct renewal *r, renewal_next_fn *next, void *owner);
/* For status; takes a moment for each certificate that is due soon. due_soon: this hour or the next, or late.
 * next_at_ms: wall clock, INT64_MAX when none is known of. */
struct renewal_load {
	unsigned due_soon, running;
	int64_t next_at_ms;
};
struct renewal_load renewal_load(const struct renewal *r);
/* Begins with the schedule of the store. */
void renewal_start(struct renewal *r);

#endif
