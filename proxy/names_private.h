/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * names_private: what names*.c know of one name under way. The drawing is in names.c.
 *
 *   LOADING COVERING FOLLOWING ASKING RENEWING ORDERING RESTING
 */
#ifndef PROXY_NAMES_PRIVATE_H
#define PROXY_NAMES_PRIVATE_H

#include "base/map.h"
#include "certstore/cache.h"
#include "net/deadline.h"
#include "proxy/limit.h"
#include "proxy/names.h"

#define NAME_STATES(X) \
	X(LOADING, "looking in the store") \
	X(COVERING, "looking for a wildcard in the store") \
	X(FOLLOWING, "waiting for its wildcard") \
	X(ASKING, "asking whether it is allowed") \
	X(RENEWING, "waiting for its renewal") \
	X(ORDERING, "ordering") \
	X(RESTING, "waiting for the next attempt")

enum name_state {
#define X(state, text) state,
	NAME_STATES(X)
#undef X
};

struct name {
	struct names *all;
	const struct conf_site *site;
	enum name_state state;
	struct deadline deadline;
	int64_t begun_at_ms, entered_at_ms;   /* monotonic; wall clock */
	struct entry *stored;           /* what the store had; owned */
	struct job *job;
	struct list followers;          /* names below this wildcard that wait for it */
	struct list follow_node;
	struct name *leader;            /* FOLLOWING; NULL: none */
	struct list review_node;        /* names_reload has not looked at it yet */
	bool is_named, was_hurried;
	bool stands_alone;              /* its wildcard cannot be had now */
	bool is_start;                  /* one of LOADS_AT_START */
	bool is_glance;                 /* only look into the store */
	bool is_pair;                   /* begun for the other certificate of the name, not for a client */
	bool is_wished;                 /* names_issue: by the operator, who need not be asked */
	bool is_listed;                 /* allowed by the operator's lists */
	bool is_announced;              /* rests and tries again, as named ones do */
	char host[ENTRY_NAME];          /* a series: each certificate of a name has a machine */
	char client_ip[ADDR_IP_TEXT];
	unsigned n_waiting;
	struct worker *waiting[];       /* n_workers */
};

struct names {
	struct names_args args;
	struct map by_host;
	struct cache *cache;            /* what any worker was given lately, and refusals */
	struct limit new_names, refusals_logged;
	struct causes causes;           /* of the refusals in the cache, and of those who rest */
	unsigned n_on_demand;           /* names under way that clients chose */
	unsigned *todo, n_todo, next_todo, n_start;    /* sites to load; how many are being loaded */
	bool is_starting, is_stopping;
};

enum {
	NAMES_BUSY_RETRY_MS = 1000,
};

/* Whether the operator named what this site's certificate is for, and leaves it to us. */
static inline bool is_named(const struct conf_site *site)
{
	return site && site->tls == CONF_TLS_AUTO && strcmp(site->name, "*") != 0;
}

/* And it is for exactly this: a host, or the wildcard itself. */
static inline bool is_named_so(const struct conf_site *site, const char *name)
{
	return is_named(site) && str_is(series_host(name), site->name);
}

static inline bool is_usable(const struct entry *e, int64_t now_ms)
{
	return entry_is_valid_at(e, now_ms);
}

/* ---- names.c ---- */

void names_enter(struct name *m, enum name_state state);
struct name *names_begin(struct names *n, const char *host, const struct conf_site *site);
void names_load(struct name *m);
/* A store_parse_fn. */
enum err names_parse(struct str bytes, const char *name, void **object, struct fault *fault);
void names_decide(struct name *m);
/* These two may free it, as does names_end. */
void names_succeed(struct name *m, struct entry *e);
void names_refuse(struct name *m, const struct fault *why, int64_t until_ms);
void names_end(struct name *m);
void names_hurry(struct name *m);
/* The site that covers what this series is for, or NULL. */
const struct conf_site *names_site(const struct names *n, const char *host);
void names_answer_refusal(struct names *n, struct worker *w, const char *host, enum err err, int64_t until_ms);
/* How many new names clients may bring; at full again. */
void names_set_limit(struct names *n);

/* ---- names_start.c ---- */

/* Loads more of those that are to do. */
void names_start_some(struct names *n);
/* It is one of those loaded at the start from now until it was loaded. */
void names_count_start(struct name *m);

/* ---- names_pair.c: where a name has two certificates ---- */

/* Whether a certificate of this series is wanted for a name of this site. */
bool names_has_key(const struct names *n, const struct conf_site *site, const char *series);
/* One is held: the other is looked for, and ordered if there is none. by: whose success it was, or NULL. */
void names_pair(struct names *n, const char *series, const struct conf_site *site, const struct name *by);
/* This one is not there: perhaps the other is, to be served meanwhile. */
void names_glance_at_other(const struct name *m);
/* To those who wait for the other. */
void names_offer_other(const struct name *m, struct entry *e);

/* ---- names_wildcard.c ---- */

/* Whether the configured wildcard above this host is held, so that it needs none of its own. */
bool names_has_wildcard(const struct names *n, const char *host);
/* Whether the store is asked for a wildcard now: goes on by itself. */
bool names_cover(struct name *m);
/* Whether it waits for its wildcard now, or was refused with it. */
bool names_follow(struct name *m);
/* Its followers go on without it. */
void names_scatter(struct name *leader);
/* What became of a name is what becomes of its followers. */
void names_lead(struct name *leader, struct entry *e);
void names_disappoint(struct name *leader, const struct fault *why, int64_t until_ms);
/* Nobody follows it from now on, nor it anybody. */
void names_part(struct name *m);

#endif
