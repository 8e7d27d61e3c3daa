/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * names: what the control loop does for a name a worker has no certificate for, once per name however
 * many ask: the store, then permission, then an order. And the configured names at start. Bounded: so
 * many names under way, so many refusals remembered, so many new names per minute. Control loop only.
 */
#ifndef PROXY_NAMES_H
#define PROXY_NAMES_H

#include "acme/issuer.h"
#include "proxy/ask.h"
#include "proxy/causes.h"
#include "proxy/promises.h"
#include "proxy/lists.h"
#include "proxy/router.h"
#include "proxy/worker.h"

/* What names calls: workers, issuer, ask and renewal (control), or fakes (tests). All mandatory. */
struct names_ops {
	void (*answer)(void *owner, struct worker *w, const struct worker_answer_args *args);
	/* Into all workers. */
	void (*install)(void *owner, struct entry *e, bool keep);
	/* As ask_start. */
	void (*ask)(void *owner, const char *name, const char *client_ip, ask_fn *fn, void *fn_owner);
	/* As ask_tenant. */
	const char *(*tenant)(void *owner, const char *name);
	/* As issuer_grant and issuer_hurry. */
	struct job *(*obtain)(void *owner, const struct issuer_wish *wish, issuer_fn *fn, void *fn_owner);
	void (*hurry)(void *owner, struct job *job);
	/* As issuer_abandon and issuer_forgive. */
	void (*abandon)(void *owner, struct job **job);
	void (*forgive)(void *owner, const char *name);
	/* Out of all workers' caches: the configuration names it no longer. */
	void (*forget)(void *owner, const char *name);
	void (*watch)(void *owner, const struct entry *e);    /* as renewal_watch */
	/* As renewal_is_busy; one that is under way is hurried. Its end comes by names_renewed or
	 * names_renewal_failed. */
	bool (*is_renewing)(void *owner, const char *name);
	/* As promises_get. */
	void (*promised)(void *owner, const char *name, struct promise *out);
	/* As lists_find. */
	enum lists_answer (*listed)(void *owner, const char *name);
	/* The operator announced it: allowed without asking, and tried until it works. */
	bool (*is_announced)(void *owner, const char *name);
};

struct names_args {
	struct loop *loop;
	const struct conf *conf;         /* outlives the names, as all below */
	const struct router *router;
	struct store *store;
	unsigned n_workers;
	const struct names_ops *ops;
	void *owner;
};

struct names;
struct names *names_new(const struct names_args *args);
/* Answers all who wait with E_DRAINING; store callbacks under way do nothing from now on. */
void names_stop(struct names *n);
/* After names_stop, and after the loop ended (store callbacks have come). */
void names_free(struct names **n);

/* Loads or orders every configured name, in the background, so many at a time. */
void names_start(struct names *n);

/* Another configuration while it runs; what the one before points to may go afterwards. Names that are no longer
 * ours are given up, new ones loaded or ordered, and refusals forgotten. */
struct names_reload_args {
	const struct conf *conf;         /* outlive the names, as in names_args */
	const struct router *router;
	const struct diff *diff;         /* what failed and is different now is tried again */
	bool asks_again;                 /* questions that were under way have been dropped */
	bool forgives;                   /* other CAs, other challenges: what failed is tried again now */
};
void names_reload(struct names *n, const struct names_reload_args *args);

/* A worker's question; the answer comes by ops->answer, perhaps before this returns. */
void names_want(struct names *n, struct worker *w, const char *name, const char *client_ip);
/* The worker's waiters left. What was begun goes on. */
void names_unwant(struct names *n, struct worker *w, const char *name);
/* A worker serves this certificate although it is due: looks for a newer one in the store, and has
 * renewal see to it. */
void names_due(struct names *n, const char *name);
/* Renewal has a new certificate. */
void names_renewed(struct names *n, struct entry *e);
/* Renewal has none: who waits for it is told why. */
void names_renewal_failed(struct names *n, const char *name);

/* The operator's wishes. names_issue: gets a certificate now, whatever was refused before; E_DENIED: no site
 * of ours obtains certificates for it, E_LIMIT. names_forget: what memory knows of it; E_LOCKED while it is
 * under way. */
enum err names_issue(struct names *n, const char *name, struct fault *fault);
enum err names_forget(struct names *n, const char *name, struct fault *fault);

/* The lists changed: who was denied may be allowed now. */
void names_reconsider(struct names *n);

/* For status: what is known of a name here and now. */
enum names_stage { NAMES_IDLE, NAMES_LOADING, NAMES_ASKING, NAMES_RENEWING, NAMES_ORDERING, NAMES_RESTING };
struct names_look {
	enum names_stage stage;
	int64_t since_ms;               /* wall clock: when it entered the stage */
	const struct conf_site *site;   /* NULL: none covers it */
	bool is_named;                  /* configured by exactly this name */
	enum err refused;               /* E_OK: no refusal is remembered now */
	int64_t until_ms;
	struct cause cause;             /* fault.code E_OK: none known */
	const char *tenant;             /* as ask_tenant */
};
void names_look(struct names *n, const char *name, struct names_look *out);
/* Those that have none and should: fn per name, at most max of them; returns how many there are. */
typedef void names_resting_fn(void *owner, const char *name, const struct cause *cause);
unsigned names_resting(const struct names *n, unsigned max, names_resting_fn *fn, void *owner);

/* For renewal: an order for this name is under way here. */
bool names_is_busy(const struct names *n, const char *name);
/* For renewal: whether a site of the configuration wants this certificate. */
bool names_is_covered(const struct names *n, const char *name);
/* For issuer: the types of keys of this host's certificates. Borrowed. */
const struct conf_keys *names_keys(const struct names *n, const char *host);
/* Names under way now. */
unsigned names_count(const struct names *n);

#endif
