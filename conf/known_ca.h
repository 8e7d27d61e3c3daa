/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * known_ca: what is known of public CAs beyond what their directories say, a row each. Immutable; any thread.
 */
#ifndef CONF_KNOWN_CA_H
#define CONF_KNOWN_CA_H

#include "conf/conf.h"

/* X(enumerator, text) */
#define KNOWN_CA_ANSWERS(X) \
	X(KNOWN_CA_UNSAID, "?") \
	X(KNOWN_CA_YES, "yes") \
	X(KNOWN_CA_NO, "no")

enum known_ca_answer {
#define X(name, text) name,
	KNOWN_CA_ANSWERS(X)
#undef X
};

struct known_ca {
	const char *name;             /* in the configuration; "" in the row of those we know nothing of */
	const char *directory;
	const char *rsa_directory;    /* of certificates with RSA keys, if that is another; or NULL */
	const char *staging;          /* name of the row where its orders are rehearsed; NULL: it has none */
	const char *eab_from;         /* its accounts need an external binding, which is had so; NULL: they do not */
	unsigned lacks;               /* challenges that it does not offer, as bits (1 << enum conf_challenge) */
	enum known_ca_answer ari;     /* advises when to renew (RFC 9773) */
	enum known_ca_answer ip;      /* certifies IP addresses (RFC 8738) */
	const char *ip_profile;       /* and does so in this profile alone; or NULL */
	int64_t issue_ms;             /* an order may be processed so long after finalize; 0: nothing is known */
	struct conf_ca_limits limits; /* a little below what it says of itself */
	bool renewals_are_free;       /* a certificate for the same names again is none of its registered domain */
	const char *gone;             /* it issues no more: why, and what to take instead; NULL: it does */
};

/* The row of a name, or NULL. */
const struct known_ca *known_ca_named(const char *name);
/* The row of a directory's URL; never NULL. */
const struct known_ca *known_ca_of(const char *directory);
/* Where it has certificates with such keys. */
const char *known_ca_directory(const struct known_ca *ca, enum conf_key_type key);
/* By number, for listing; NULL after the last. */
const struct known_ca *known_ca_at(unsigned i);
const char *known_ca_answer_text(enum known_ca_answer a);

/* Why this CA will never certify the name, for humans: "certifies no IP addresses". Static text. NULL: nothing is
 * known that speaks against it. A CA by a directory of the operator's own may sign anything. */
const char *known_ca_objection(const struct conf_ca *ca, const char *name);

#endif
