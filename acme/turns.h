/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * turns: whose order is next. Classes strictly one after the other, what is served today before what may
 * come; within a class tenants in turn, so that one who brings ten thousand names does not keep the
 * others waiting. Pure but for the governor's clock.
 */
#ifndef ACME_TURNS_H
#define ACME_TURNS_H

#include "acme/governor.h"
#include "base/list.h"

/* X(enumerator, text) */
#define TURN_CLASSES(X) \
	X(TURN_EXPIRED, "nothing valid to serve any more") \
	X(TURN_URGENT, "its CA wants it replaced") \
	X(TURN_EXPIRING, "due for renewal") \
	X(TURN_VISITED, "a client waits for it") \
	X(TURN_BULK, "new") \
	X(TURN_RETRY, "failed before")

enum turn_class {
#define X(name, text) name,
	TURN_CLASSES(X)
#undef X
	TURN_CLASS_COUNT
};

struct turn {
	struct grant grant;          /* taken by the owner; its CA and tenant decide the lane */
	enum turn_class class;
	/* private */
	struct list node;
	struct lane *lane;           /* NULL: not waiting */
	int64_t key;
	bool is_running;
	bool may_leave;              /* desk's, for one that waits for it to open */
};

struct turns;
struct turns *turns_new(struct governor *g, unsigned max_running);
/* Nobody waits any more. */
void turns_free(struct turns **t);

/* Joins the queue. key: smaller ones first, equal ones in their order (notAfter of what is held, or 0). */
void turns_add(struct turns *t, struct turn *turn, int64_t key);
/* A client waits for it now. */
void turns_hurry(struct turns *t, struct turn *turn);
/* Out of the queue, or its place is free again; harmless on one that never joined. Its grant is the
 * owner's to settle. */
void turns_leave(struct turns *t, struct turn *turn);
/* The next whose time has come, out of the queue, or NULL: wait_ms says when to ask again if nothing else
 * happens (INT64_MAX: never). fault E_OK: it is started; else the governor refused it (as governor_start)
 * and it has no place. */
struct turn *turns_next(struct turns *t, int64_t *wait_ms, struct fault *fault);
unsigned turns_running(const struct turns *t);
/* Waiting. */
unsigned turns_count(const struct turns *t, enum turn_class class);
const char *turns_class_text(enum turn_class class);

#endif
