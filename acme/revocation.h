/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * revocation: tells the CA that a certificate must not be trusted any more (RFC 8555 7.6), signed by the
 * account that ordered it. One that is revoked already is a success.
 */
#ifndef ACME_REVOCATION_H
#define ACME_REVOCATION_H

#include "acme/ca.h"

/* RFC 5280 5.3.1; X(enumerator, number, text). Those a CA takes from subscribers. */
#define REVOCATION_REASONS(X) \
	X(REVOCATION_UNSPECIFIED, 0, "unspecified") \
	X(REVOCATION_KEY_COMPROMISE, 1, "keyCompromise") \
	X(REVOCATION_AFFILIATION_CHANGED, 3, "affiliationChanged") \
	X(REVOCATION_SUPERSEDED, 4, "superseded") \
	X(REVOCATION_CESSATION, 5, "cessationOfOperation")

enum revocation_reason {
#define X(name, number, text) name = number,
	REVOCATION_REASONS(X)
#undef X
};
/* False when there is none of this name. */
bool revocation_reason_named(struct str name, enum revocation_reason *out);

struct revocation;
typedef void revocation_fn(void *owner, enum err err, const struct fault *fault);
/* leaf_der is copied. Never calls back before it returns; it is dead when the callback comes. */
struct revocation *revocation_start(struct ca *ca, struct str leaf_der, enum revocation_reason reason,
	revocation_fn *fn, void *owner);
/* No callback follows. Nulls, accepts NULL. */
void revocation_cancel(struct revocation **r);

#endif
