/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * upstream: a configured upstream in one worker: its servers, where they are, how they fare, and which is
 * next. One set per snapshot and worker, kept while an exchange uses it.
 */
#ifndef PROXY_UPSTREAM_H
#define PROXY_UPSTREAM_H

#include "base/map.h"
#include "net/addr.h"
#include "net/resolve.h"
#include "proxy/balance.h"
#include "proxy/origin.h"
#include "proxy/placement.h"
#include "proxy/pool.h"
#include "proxy/snapshot.h"

struct server {
	struct balance_server load;
	struct pool pool;
	const struct conf_server *conf;
	struct upstream *upstream;
	unsigned index;
	unsigned failures;          /* connects, consecutive */
	int64_t ejected_until_ms;   /* loop time */
	/* private */
	struct resolve_result *places;   /* NULL: not known yet */
	unsigned place;                  /* the one that worked, or is to be tried next */
	struct resolve *lookup;
	int64_t looked_up_at_ms;
	atomic_bool *is_down;            /* the verdict of the active checks */
};

struct upstream {
	struct origin origin;
	const struct conf_upstream *conf;
	struct upstream_set *set;
	struct tls_context *tls;         /* borrowed from the snapshot; NULL: plain */
	struct server *servers;
	unsigned n_servers;
	/* private */
	const struct balance *policy;
	struct balance_server **candidates;
	unsigned n_users;                /* exchanges */
};

struct upstream_set {
	struct snapshot *snapshot;
	struct loop *loop;
	struct upstream *at;             /* by conf upstream */
	unsigned n;
	/* private */
	const struct origin_ops *ops;
	struct map placed;               /* address -> struct placed */
	struct list placed_by_use;
	unsigned refs;
};

/* ops: how exchanges reach an upstream. old: the set before this one, or NULL: what is known of the same
 * servers is taken over, and their connections where the settings are the same; its other connections
 * end with their exchanges. */
struct upstream_set *upstream_set_new(struct loop *l, struct snapshot *s, const struct origin_ops *ops,
	struct upstream_set *old);
struct upstream_set *upstream_set_ref(struct upstream_set *set);
void upstream_set_unref(struct upstream_set **set);

/* The upstream a reply's "to" leads to. One that the configuration does not have is made when it is first wanted,
 * at most so many at a time; one that nobody uses makes room. NULL: all of them are in use. */
enum { UPSTREAM_PLACED_MAX = 4096 };
struct upstream *upstream_set_place(struct upstream_set *set, const struct placement *p);

/* The next server but those in tried; servers out of rotation only when no other is left. NULL: none. */
struct server *upstream_pick(struct upstream *u, uint64_t tried);
/* Where to dial; NULL: by host name. Has a host name looked up again when that is due. */
const struct addr *upstream_address(struct server *s);
/* Whether two servers, of different sets, are the same one. */
bool upstream_is_same(const struct server *a, const struct server *b);
/* How a connect went. True when the server has another address to try. */
bool upstream_connect_failed(struct server *s, enum err err);
void upstream_connected(struct server *s);
/* The verdict of the active checks, for all workers. */
bool upstream_is_down(const struct server *s);
void upstream_set_down(struct server *s, bool down);

#endif
