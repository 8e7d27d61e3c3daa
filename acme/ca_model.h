/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ca_model: what a CA counts, and how much of it there is: from conf/known_ca and the operator. Pure.
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

/* What is known of it (conf/known_ca), with the operator's own limits instead where given. Burst 0: no limit. */
void ca_model_limits(const struct conf_ca *ca, struct rate limits[CA_SCOPE_COUNT]);

/* Which limit (enum ca_scope) a refusal is about, or -1: CAs say so in prose only. */
int ca_model_scope(const struct fault *refusal);

#endif
