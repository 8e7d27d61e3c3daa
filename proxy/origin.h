/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * origin: where forward gets the other side of an exchange from: an upstream, or memory in tests.
 */
#ifndef PROXY_ORIGIN_H
#define PROXY_ORIGIN_H

#include <stdbool.h>
#include <stdint.h>

#include "net/http/exchange.h"

struct attempt;
struct origin;

/* s is NULL unless err is E_OK; it is the receiver's then. May come before attempt_open returns. */
typedef void attempt_fn(void *owner, enum err err, struct side *s);

struct origin_ops {
	void (*open)(struct attempt *a);
	/* No answer follows. Harmless when none is due. */
	void (*cancel)(struct attempt *a);
	/* Kept while an exchange lasts: its texts and connections are the origin's. */
	void (*ref)(struct origin *o);
	void (*unref)(struct origin *o);
};

struct origin {
	const struct origin_ops *ops;
};

/* One exchange's search for a side; may be opened again after an answer. */
struct attempt {
	struct origin *origin;
	attempt_fn *fn;
	void *owner;
	bool wants_fresh;          /* no connection that was used before */
	const char *server_text;   /* whom it found, or tried last, as configured */
	/* private to the origin */
	struct server *server;
	struct dial *dial;
	uint64_t tried;            /* by server index; those above 63 are not remembered */
	unsigned n_tried;
	enum err err;              /* why the last one failed */
};

static inline void attempt_open(struct attempt *a)
{
	a->origin->ops->open(a);
}
static inline void attempt_cancel(struct attempt *a)
{
	a->origin->ops->cancel(a);
}

#endif
