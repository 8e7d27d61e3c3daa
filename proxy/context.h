/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * context: what all connections of one worker share. Made and changed by worker.c, one thread.
 */
#ifndef PROXY_CONTEXT_H
#define PROXY_CONTEXT_H

#include <stdatomic.h>

#include "certstore/cache.h"
#include "certstore/challenge.h"
#include "proxy/forward.h"
#include "proxy/upstream.h"
#include "proxy/waiting.h"

struct context {
	struct loop *loop;
	struct upstream_set *upstreams;     /* with the snapshot in force */
	struct challenge_set *challenges;   /* NULL: none */
	struct cache *cache;
	struct waiting *waiting;
	struct waiting *seeking;            /* for challenges, by challenge_key; NULL: nobody to ask */
	atomic_uint n_seeking;
	struct forward_home *forwards;
	struct list clients;                /* struct client */
	struct list held;                   /* requests of dispatch that wait */
	atomic_uint *connections;           /* of the process */
	unsigned connections_max;
	uint16_t https_port;                /* for redirects; 0: no TLS listener */
	bool is_draining;
	/* Events, any time; they never close a connection. */
	void (*on_challenge_seen)(void *owner, enum conf_challenge kind, struct str identifier);
	void (*on_due)(void *owner, const char *name);
	void (*on_client_gone)(void *owner);
	void *owner;
};

static inline struct snapshot *context_snapshot(const struct context *c)
{
	return c->upstreams->snapshot;
}

#endif
