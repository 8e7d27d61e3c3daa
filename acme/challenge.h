/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * challenge (acme's half): how a challenge type is prepared. A type is one row in its own file. What is
 * to be shown here goes into certstore's table of live challenges, and workers answer from there; what is
 * to be shown in the DNS goes through dns_proof.
 */
#ifndef ACME_CHALLENGE_H
#define ACME_CHALLENGE_H

#include "acme/dns.h"
#include "base/buf.h"
#include "certstore/challenge.h"

/* What will be shown. */
struct challenge_answer {
	char identifier[256];
	struct buf key_authorization;
	struct tls_certificate *certificate;  /* tls-alpn-01 */
	/* Types in the DNS */
	char account[1024];                   /* URL */
	char issuer[256];                     /* the CA's, as it wants to be called in records */
	bool is_wildcard;
	char record[DNS_NAME], text[DNS_VALUE];
};

enum challenge_place { CHALLENGE_HERE, CHALLENGE_IN_DNS, CHALLENGE_IN_DNS_FOR_GOOD };

struct challenge_type {
	const char *name;                     /* as in the CA's JSON */
	enum conf_challenge kind;
	enum challenge_place place;
	/* Pool thread: completes the answer from identifier and key authorization. */
	enum err (*prepare)(struct challenge_answer *a, struct fault *fault);
};

extern const struct challenge_type challenge_http01, challenge_tlsalpn01, challenge_dns01,
	challenge_dnspersist01;
/* The row for this kind; never NULL. */
const struct challenge_type *challenge_type_of(enum conf_challenge kind);
/* The row for a CA's type text, or NULL. */
const struct challenge_type *challenge_type_named(struct str name);
/* The kind of a type's text, or -1. */
int challenge_kind_named(const char *text);
/* Whether it can prove this name at all: only the DNS speaks for all names below one, and it has no record
 * for an address (RFC 8738 4). */
bool challenge_proves(enum conf_challenge kind, const char *name);
/* [A-Za-z0-9_-]{16,128}: nothing else may come near a path or a header. */
bool challenge_token_is_fine(struct str token);

#endif
