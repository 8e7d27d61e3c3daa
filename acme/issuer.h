/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * issuer: certificates by ACME (RFC 8555): the door of this layer. One job per name at a time; the
 * CAs in order; backoff per name and breaker per CA, both persisted where they must survive a restart.
 * Control loop only.
 */
#ifndef ACME_ISSUER_H
#define ACME_ISSUER_H

#include "acme/account_wish.h"
#include "acme/budget.h"
#include "base/json.h"
#include "certstore/audit.h"
#include "certstore/challenge.h"
#include "certstore/entry.h"
#include "certstore/store.h"
#include "conf/diff.h"
#include "net/loop.h"

struct issuer;

struct issuer_args {
	struct loop *loop;
	struct conf *conf;                     /* referenced */
	struct store *store;
	struct challenge_table *challenges;
	/* Which challenges can reach us: a TLS listener, a plain listener. */
	bool can_tls_alpn, can_http;
	const char *user_agent;                /* "sallyport/0.1" */
	struct audit *audit;                   /* NULL: none is kept */
	/* Of which types a name's keys are; NULL: as acme.key says for all. Borrowed for the moment. */
	const struct conf_keys *(*keys)(void *owner, const char *host);
	void *owner;
};

/* Reads trust files (blocking): before the loops run. */
enum err issuer_new(const struct issuer_args *args, struct issuer **out, struct fault *fault);
/* Cancels all jobs; their callbacks do not come. Orders begun are resumed by the journal at the next start. */
void issuer_free(struct issuer **i);

/* Another configuration while it runs. Whether the difference concerns us at all: another thread may ask while
 * nobody changes us. Reads files. */
bool issuer_is_concerned(const struct issuer *i, const struct conf *next, const struct diff *diff);
/* Its CAs with their trust, read from files; referenced. Any thread. */
struct issuer_plan;
enum err issuer_prepare(struct conf *conf, struct issuer_plan **out, struct fault *fault);
/* Accepts NULL; nulls. */
void issuer_plan_free(struct issuer_plan **p);
/* The plan's CAs from now on; cannot fail. Jobs begin anew where they stand in line, and go on with the order
 * they had if its CA is still there. moving is called while the CAs of before still exist: who kept one
 * takes its successor then (NULL: it has none). */
struct ca;
struct issuer_use_args {
	struct issuer_plan **plan;             /* taken */
	bool can_tls_alpn, can_http;
	void (*moving)(void *owner);
	void *owner;
};
void issuer_use(struct issuer *i, const struct issuer_use_args *args);
struct ca *issuer_successor(struct issuer *i, const struct ca *before);

enum issuer_reason {
	ISSUER_ON_DEMAND,   /* a client is waiting */
	ISSUER_NAMED,       /* a configured site without certificate */
	ISSUER_RENEWAL,
	ISSUER_PAIR,        /* the other certificate of a name that has one: nobody waits for it */
};

/*
 * err E_OK: e is the new certificate, already in the store (or kept for a later save if the store failed:
 * then fault says so); the callback takes a reference if it keeps it. Otherwise fault tells why
 * and retry_at_ms (wall clock) when the name may be tried again: before that issuer_obtain answers
 * E_BACKOFF at once with the cause of the last failure, across restarts.
 */
typedef void issuer_fn(void *owner, enum err err, struct entry *e, const struct fault *fault,
	int64_t retry_at_ms);

/* What is wanted, and what decides when its turn comes. */
struct issuer_wish {
	const char *name;          /* a series (certstore/series.h) */
	enum issuer_reason reason;
	const char *profile;       /* of its certificate, where the CA offers it; NULL, "": the CA's own. Copied */
	const char *tenant;        /* on whose behalf, NULL: nobody's; copied, cut at 63 bytes */
	int64_t not_after_ms;      /* of the certificate that is held, expired or not; 0: none, or unknown */
	bool is_urgent;            /* its CA wants it replaced (ARI) */
	/* For the audit log. decision: static text; client: copied. NULL: not known. */
	const char *decision, *client;
};

struct job;
/* name: checked, lower-case A-label. One job per name: a second call for a name that is under way is a bug,
 * unless it was disowned: then that job is the caller's.
 * The callback never comes before this returns. The job goes on if nobody waits. */
struct job *issuer_obtain(struct issuer *i, const char *name, enum issuer_reason reason, issuer_fn *fn,
	void *owner);
struct job *issuer_grant(struct issuer *i, const struct issuer_wish *wish, issuer_fn *fn, void *owner);
/* Forgets the callback; the job goes on. Nulls. */
void issuer_disown(struct job **j);
/* Nobody wants the name any more: a job that has placed no order ends without a word, another one is disowned,
 * so that nothing is left behind at the CA. Nulls. */
void issuer_abandon(struct job **j);
/* For a handshake that now waits for a job begun in the background: moves it to the front. */
void issuer_hurry(struct job *j);

/* Right after issuer_obtain: the stored certificate with this ARI id is to be replaced although its own
 * time has not come. */
void issuer_replace(struct job *j, const char *ari_id);
/* The CA with this directory URL, to ask for renewal advice; NULL: not configured, or acme.ari is off. */
struct ca *issuer_adviser(struct issuer *i, const char *directory);

/* Whether a good certificate of this name (a series) is due since its key is of the wrong family. */
bool issuer_is_misfit(struct issuer *i, const char *name, enum conf_key_type type);

/* How long all CAs for this name are left alone, as they were down: a job that begins sooner only fails. */
int64_t issuer_wait_ms(const struct issuer *i, const char *name);

/* Forgets the failure memory of a name (operator's wish, or its configuration changed). */
void issuer_forgive(struct issuer *i, const char *name);
/* Of all names that failed since the start. */
void issuer_forgive_all(struct issuer *i);

/* The job of a name under way, or NULL; and what memory knows of its failures, or NULL. Borrowed. */
const struct job *issuer_find(const struct issuer *i, const char *name);
struct failure;
const struct failure *issuer_failure(const struct issuer *i, const char *name);
/* As issuer_obtain, whatever the store has and whatever failed before: an operator's wish. */
struct job *issuer_force(struct issuer *i, const char *name, issuer_fn *fn, void *owner);

/* Revokes at the CA of this directory URL; fn comes once, with E_CANCELED if the issuer ends before.
 * E_NOT_FOUND: no such CA is configured; then fn does not come. */
struct issuer_revoke_args {
	const char *ca;
	struct str leaf_der;                    /* copied */
	int reason;                             /* enum revocation_reason */
	void (*fn)(void *owner, enum err err, const struct fault *fault);
	void *owner;
};
enum err issuer_revoke(struct issuer *i, const struct issuer_revoke_args *args, struct fault *fault);

/* The operator's wish about the account at a CA (its place in the order); fn comes once, with E_CANCELED if the
 * issuer ends before. E_USAGE: our own CA has no accounts, E_NOT_FOUND: no such place; then fn does not come. */
struct issuer_wish_args {
	unsigned ca;
	enum account_wish_kind kind;
	struct key *key;                        /* referenced, or NULL */
	account_wish_fn *fn;
	void *owner;
};
enum err issuer_account_wish(struct issuer *i, const struct issuer_wish_args *args, struct fault *fault);
/* As account_report; our own CA has none. */
void issuer_account_report(const struct issuer *i, unsigned ca, struct json *out);
/* What somebody should look at in it, or false. */
bool issuer_account_trouble(const struct issuer *i, unsigned ca, char *text, size_t cap);

/* What is left to the name: see budget_each. */
void issuer_budgets(const struct issuer *i, const char *name, const char *tenant, budget_fn *fn, void *owner);

/* For status: the CAs in their order, their stagings, and what is under way. */
struct issuer_ca {
	const char *name, *directory, *state;   /* borrowed; state: breaker's text */
	bool is_well;
	bool is_staging;                        /* orders are rehearsed there */
	int64_t retry_at_ms;                    /* wall clock; 0: now */
	unsigned orders_left, orders_limit;     /* by our count; limit 0: none is known */
	int64_t orders_next_ms;                 /* when there is one more, wall clock; 0: all are there */
};
unsigned issuer_cas(const struct issuer *i);
void issuer_look(const struct issuer *i, unsigned ca, struct issuer_ca *out);
struct issuer_load {
	unsigned jobs, running, unsaved;
};
struct issuer_load issuer_load(const struct issuer *i);

/* What it is doing now, for logs and status: "validating tls-alpn-01". Static text. */
const char *issuer_job_text(const struct job *j);

#endif
