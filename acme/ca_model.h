/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ca_model: what is known of a CA beyond what its directory says: one row per CA, chosen by the URL of the
 * directory. Pure data.
 */
#ifndef ACME_CA_MODEL_H
#define ACME_CA_MODEL_H

#include <stdbool.h>

#include "acme/bucket.h"
#include "conf/conf.h"

/* What a CA counts, and whose. X(enumerator, letter in the store, text) */
#define CA_SCOPES(X) \
	X(SCOPE_ACCOUNT, 'a', "orders of the account") \
	X(SCOPE_DOMAIN, 'd', "certificates below the registered domain") \
	X(SCOPE_NAMES, 's', "certificates for exactly these names") \
	X(SCOPE_FAILURES, 'f', "failed validations of the name")

enum ca_scope {
#define X(name, letter, text) name,
	CA_SCOPES(X)
#undef X
	CA_SCOPE_COUNT
};

struct ca_model {
	const char *name, *directory;
	struct rate limits[CA_SCOPE_COUNT];   /* burst 0: no limit */
	/* A certificate for the same names again does not count for the registered domain. */
	bool renewals_are_free;
};

/* Never NULL: the last row stands for CAs we know nothing of. */
const struct ca_model *ca_model_of(const char *directory);
/* The model's limits with the operator's own instead where given. */
void ca_model_limits(const struct conf_ca *ca, struct rate limits[CA_SCOPE_COUNT]);

/* Which limit (enum ca_scope) a refusal is about, or -1: CAs say so in prose only. */
int ca_model_scope(const struct fault *refusal);

#endif
