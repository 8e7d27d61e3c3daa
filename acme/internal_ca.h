/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * internal_ca: a CA of our own for names no public one can certify: a root of ten years, an intermediate
 * of one, leaves of days. All of it is one value of the store; the root's key is only in memory while an
 * intermediate is being signed. Control loop, except for what says otherwise.
 */
#ifndef ACME_INTERNAL_CA_H
#define ACME_INTERNAL_CA_H

#include "acme/errand.h"
#include "certstore/key.h"

/* In STORE_ACCOUNTS. */
#define INTERNAL_CA_NAME "internal-ca"

struct internal_ca;

struct internal_ca *internal_ca_new(struct loop *l, struct store *s);
/* No callback follows. */
void internal_ca_free(struct internal_ca **c);

/* Whether it can sign now. */
bool internal_ca_is_ready(const struct internal_ca *c);
/* Reads the store, makes what is missing or about to expire; never before it returns. Not when ready. */
void internal_ca_wait(struct internal_ca *c, struct waiter *w);

/* A leaf being signed: an errand's object. */
struct internal_leaf {
	char name[256];
	struct key *key;
	int64_t lifetime_ms;            /* 0: seven days */
	struct internal_authority *authority;
	/* ---- */
	struct buf chain_pem;           /* leaf and intermediate */
};
/* When ready. key is referenced. */
struct internal_leaf *internal_leaf_new(const struct internal_ca *c, const char *name,
	struct key *key, int64_t lifetime_ms);
void internal_leaf_free(void *leaf);
/* Pool thread (errand_run_fn). */
enum err internal_leaf_sign(void *leaf, struct fault *fault);

/* The root's PEM out of the stored value; for exporting. E_STORE_CORRUPT. */
enum err internal_ca_root_pem(struct str value, struct buf *pem);

#endif
