/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * governor: whether an order may be placed now, so that no CA ever has to refuse one: token buckets that
 * mirror the CAs' limits, our own budgets for names that clients choose, and what a CA said when it refused
 * nevertheless. A grant goes with each order:
 *
 *   take ──► (waits for its turn) ──► start ──► place ──► settle: issued, failed, refused, unknown
 *     │                               │  └── settle: unused
 *     └──────── refused until ────────┘
 *
 * Our budgets are held from take on, the CA's limits from start on, and both are counted when the CA counts:
 * a token promised does not come back by waiting. No I/O; time is base/clock's, monotonic while we run. Control loop.
 */
#ifndef ACME_GOVERNOR_H
#define ACME_GOVERNOR_H

#include "acme/ca_model.h"
#include "base/buf.h"

enum { GOVERNOR_TENANT = 64 };

/* X(enumerator, text) */
#define GRANT_KINDS(X) \
	X(GRANT_CLIENTS, "a name a client brought") \
	X(GRANT_NAMED, "a configured name") \
	X(GRANT_RENEWAL, "a name that had a certificate")

enum grant_kind {
#define X(name, text) name,
	GRANT_KINDS(X)
#undef X
};

enum grant_outcome {
	GRANT_UNUSED,    /* no order was placed */
	GRANT_REFUSED,   /* the order came to nothing before any validation */
	GRANT_FAILED,    /* its validation failed */
	GRANT_ISSUED,
	GRANT_UNKNOWN,   /* parked, or nobody heard: counts as everything it can have been */
};

/* Set name, tenant and kind, zero the rest. */
struct grant {
	const char *name, *tenant;   /* borrowed; tenant "" or NULL: none */
	enum grant_kind kind;
	/* private, but for reading */
	unsigned ca;
	unsigned held;               /* scopes, as bits */
	bool is_taken, is_started, is_placed;
	bool is_charged;             /* to our own budgets, with its first order */
};

struct governor_ca {
	const char *directory;       /* names it in the store; borrowed */
	struct rate limits[CA_SCOPE_COUNT];
	bool renewals_are_free;
};

struct governor_args {
	const struct governor_ca *cas;   /* copied */
	unsigned n_cas;
	struct rate per_tenant, per_registered_domain;   /* of GRANT_CLIENTS */
};

struct governor;
struct governor *governor_new(const struct governor_args *args);
void governor_free(struct governor **g);

/* E_OK: may join the queue, its budgets are held. E_RATE_LIMITED: fault says what is exhausted,
 * retry_at_ms when to come again. */
enum err governor_take(struct governor *g, struct grant *grant, unsigned ca, struct fault *fault);
/* How long the account's bucket has nothing for this kind; 0: an order may start. Half of it
 * is kept for renewals. */
int64_t governor_wait_ms(const struct governor *g, unsigned ca, enum grant_kind kind);
/* Its turn, governor_wait_ms being 0. E_RATE_LIMITED: others were faster meanwhile. */
enum err governor_start(struct governor *g, struct grant *grant, struct fault *fault);
/* Right before newOrder. A grant taken for another CA or spent on an earlier order is exchanged for
 * another: may be refused like governor_take, and by the account. */
enum err governor_place(struct governor *g, struct grant *grant, unsigned ca, struct fault *fault);
/* Zeroes what it says about tokens; harmless on one that was not taken. */
void governor_settle(struct governor *g, struct grant *grant, enum grant_outcome outcome);

/* The CA refused with "too many": nobody in that scope asks before it said. Nor at a CA that is busy and said
 * until when: the breaker knows of that too, but forgets it with the process. */
void governor_learn(struct governor *g, unsigned ca, const char *name, const struct fault *fault);

/* What is left of one limit or budget. */
struct governor_left {
	char letter;                 /* of its scope: a key that stays */
	const char *what;            /* "failed validations of the name" */
	const char *directory;       /* the CA's; NULL: our own budget */
	char subject[256];           /* whose: name, domain, tenant; "" for the account's */
	unsigned left, limit;        /* limit 0: none is known, but it is closed */
	int64_t next_at_ms;          /* one more, wall clock; 0: it is full */
};
enum { GOVERNOR_LEFT = CA_SCOPE_COUNT + 2 };
/* The CA's limits that there are, and with `ours` our own budgets, as they stand for this name (of that tenant,
 * NULL: not known). Borrows. Returns how many. */
enum governor_whose { GOVERNOR_CAS, GOVERNOR_CAS_AND_OURS };
unsigned governor_left(const struct governor *g, unsigned ca, const struct grant *grant,
	enum governor_whose whose, struct governor_left out[GOVERNOR_LEFT]);

/* Until when the CA closed its account to us, wall clock; 0: it did not. */
int64_t governor_closed_until_ms(const struct governor *g, unsigned ca);

/* The state as text, idle buckets left out. What is granted until the next writing is counted in advance,
 * so that a crash does not make us forget it. At most GOVERNOR_STATE bytes: the longest unused
 * buckets are left out first. */
enum { GOVERNOR_STATE = 2 * 1024 * 1024 };
enum err governor_write(struct governor *g, struct buf *out);
/* Adds what another life of ours wrote; E_STORE_CORRUPT. CAs that are configured no longer are left out. */
enum err governor_read(struct governor *g, struct str text, struct fault *fault);
/* Something changed since it was written; and so much that it should be written soon. */
bool governor_is_dirty(const struct governor *g);
bool governor_wants_writing(const struct governor *g);

#endif
