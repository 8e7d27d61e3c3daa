/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * pool: the connections of one worker to one upstream server. Each is lent to one exchange at a time as
 * a struct side; whoever borrows it only releases the side, and the connection comes back or dies here.
 */
#ifndef PROXY_POOL_H
#define PROXY_POOL_H

#include "base/list.h"
#include "conf/conf.h"
#include "net/deadline.h"
#include "net/http/h1_client.h"

struct pool {
	/* private */
	struct loop *loop;
	struct list idle, lent;   /* idle: most recently used first */
	unsigned n_idle, idle_max;
	unsigned *in_flight;
	struct http_limits limits;
	const struct conf_timeouts *times;
	struct deadline sweep;
	bool is_retired;
};

struct pool_args {
	struct loop *loop;
	struct http_limits limits;
	const struct conf_timeouts *times;  /* outlives the pool */
	unsigned idle_max;
	unsigned *in_flight;                /* counted up while lent; outlives the pool */
};

void pool_init(struct pool *p, const struct pool_args *args);
/* Closes idle connections; lent ones close when their exchange ends. */
void pool_fini(struct pool *p);
/* Nothing comes back to it from now on: idle connections close, lent ones with their exchange. */
void pool_retire(struct pool *p);
/* All connections of from, lent ones too, are into's; from is retired. Both are to the same server, with the
 * same settings. */
void pool_move(struct pool *into, struct pool *from);
/* An idle connection's next exchange, or NULL. */
struct side *pool_take(struct pool *p);
/* The first exchange on a stream just connected (taken over). */
struct side *pool_adopt(struct pool *p, struct stream **s);

#endif
