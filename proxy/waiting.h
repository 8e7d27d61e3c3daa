/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * waiting: the names handshakes of this worker wait for. One question per name goes out, however many
 * clients wait; it is withdrawn when the last of them leaves.
 */
#ifndef PROXY_WAITING_H
#define PROXY_WAITING_H

#include <stdatomic.h>

#include "base/err.h"
#include "base/list.h"
#include "base/str.h"

struct waiting;
struct entry;

/* Embedded in whoever waits. */
struct waiter {
	struct list node;
	struct waiting_name *name;   /* NULL: does not wait */
	/* err E_OK: e is borrowed for the call. The waiter waits no more. */
	void (*on_answer)(struct waiter *w, enum err err, struct entry *e);
};

struct waiting_args {
	void (*on_want)(void *owner, const char *name, const char *client_ip);
	void (*on_unwant)(void *owner, const char *name);
	void *owner;
	atomic_uint *total;          /* of the process, shared */
};

struct waiting *waiting_new(const struct waiting_args *args);
/* Nobody may wait any more. Accepts NULL. */
void waiting_free(struct waiting **w);

struct waiting_caps {
	unsigned total;              /* process-wide */
	unsigned per_name;           /* in this worker */
};
/* E_LIMIT at a cap. The answer comes in a later turn. */
enum err waiting_join(struct waiting *w, struct waiter *who, struct str name, const char *client_ip,
	const struct waiting_caps *caps);
/* Harmless for who does not wait. */
void waiting_leave(struct waiting *w, struct waiter *who);
/* Tells all who wait for this name. */
void waiting_answer(struct waiting *w, struct str name, enum err err, struct entry *e);
unsigned waiting_count(const struct waiting *w);

#endif
