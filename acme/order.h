/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * order: one order for one name (RFC 8555 7.4), from newOrder, or from where an earlier process left it,
 * to the chain.
 */
#ifndef ACME_ORDER_H
#define ACME_ORDER_H

#include "acme/authz.h"

/* ---- the resource ---- */

/* X(enumerator, "text") */
#define ORDER_STATUSES(X) \
	X(ORDER_PENDING, "pending") \
	X(ORDER_IS_READY, "ready") \
	X(ORDER_PROCESSING, "processing") \
	X(ORDER_VALID, "valid") \
	X(ORDER_INVALID, "invalid")

enum order_status {
#define X(name, text) name,
	ORDER_STATUSES(X)
#undef X
	ORDER_STATUS_COUNT
};

enum { ORDER_AUTHZ = 4, ORDER_PROFILE_NAME = 64 };

struct order_body {
	enum order_status status;
	int64_t expires_ms;                 /* wall clock; 0: not told */
	unsigned n_authz;
	char authz[ORDER_AUTHZ][ACME_URL];
	char finalize[ACME_URL];            /* "" when absent */
	char certificate[ACME_URL];         /* "" when absent */
	char profile[ORDER_PROFILE_NAME];   /* "" when not told */
	struct fault error;                 /* code E_OK: none told */
};
/* E_ACME_PROTOCOL. */
enum err order_parse(struct str body, struct order_body *out, struct fault *fault);

/* ---- the way to the certificate ---- */

struct order;

struct order_args {
	struct ca *ca;
	const char *kid;                    /* copied */
	const char *name;                   /* copied */
	const char *profile;                /* or NULL; copied */
	bool must_have_profile;             /* rather no certificate than one without */
	const char *replaces;               /* ARI id of the certificate it renews, or NULL; copied */
	const char *preferred_chain;        /* CN of a root or issuer, or NULL; must outlive the order */
	struct str csr;                     /* DER; copied */
	const char *resume_url;             /* of an order begun earlier; NULL: place a new one */
	struct challenge_table *table;
	enum conf_challenge wanted[CONF_CHALLENGES];
	unsigned n_wanted;
	/* It has a URL now: keep it, then call order_allow_finalize. */
	void (*on_placed)(void *owner, struct order *o);
	/* chain is PEM as delivered. The order may be asked about itself until this returns, then it is
	 * gone; it must not be cancelled here. */
	void (*on_done)(void *owner, struct order *o, enum err err, struct str chain,
		const struct fault *fault);
	void *owner;
};
/* Never calls back before it returns. */
struct order *order_start(const struct order_args *args);
/* What identifies it is durable: it may be finalized from now on. */
void order_allow_finalize(struct order *o);
/* No callback follows. Nulls, accepts NULL. */
void order_cancel(struct order **o);

const char *order_url(const struct order *o);
int64_t order_expires_ms(const struct order *o);
/* Whether the CA would not have this, so that the order was placed without it. */
enum order_extra { ORDER_REPLACES, ORDER_PROFILE, ORDER_EXTRAS };
bool order_was_refused(const struct order *o, enum order_extra extra);
/* As the CA echoes it, else as asked for; "" when none. */
const char *order_profile(const struct order *o);
/* The challenge that was used (enum conf_challenge), or -1; and how often we looked. */
int order_challenge(const struct order *o);
unsigned order_polls(const struct order *o);
/* Static text: what it does now. */
const char *order_text(const struct order *o);
bool order_is_validating(const struct order *o);

#endif
