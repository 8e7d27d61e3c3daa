/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * authz: proves to the CA that one identifier is ours (RFC 8555 7.5): one challenge, shown before it is
 * announced, watched until the CA has made up its mind.
 */
#ifndef ACME_AUTHZ_H
#define ACME_AUTHZ_H

#include "acme/ca.h"
#include "acme/challenge.h"
#include "acme/problem.h"
#include "certstore/key.h"

/* ---- the resource ---- */

/* X(enumerator, "text") */
#define AUTHZ_STATUSES(X) \
	X(AUTHZ_PENDING, "pending") \
	X(AUTHZ_VALID, "valid") \
	X(AUTHZ_INVALID, "invalid") \
	X(AUTHZ_DEACTIVATED, "deactivated") \
	X(AUTHZ_EXPIRED, "expired") \
	X(AUTHZ_REVOKED, "revoked")

enum authz_status {
#define X(name, text) name,
	AUTHZ_STATUSES(X)
#undef X
	AUTHZ_STATUS_COUNT
};

struct authz_challenge {
	bool is_offered;
	char url[ACME_URL], token[132];
	char issuer[256];         /* dns-persist-01 */
};

struct authz_body {
	enum authz_status status;
	char type[16], identifier[256];   /* type "" when not told */
	bool is_wildcard;
	struct authz_challenge challenges[CONF_CHALLENGES];  /* of types we know, by kind */
	struct fault error;       /* of the challenge that failed; code E_OK: none told */
};
/* E_ACME_PROTOCOL. Unknown challenge types and those without what they need are left out. */
enum err authz_parse(struct str body, struct authz_body *out, struct fault *fault);

/* ---- the proof ---- */

struct authz_args {
	struct ca *ca;
	const char *kid;                   /* copied */
	const char *url;                   /* copied */
	const char *name;                  /* identifier it must be about (without "*."); copied */
	bool is_wildcard;                  /* for the names below it */
	struct challenge_table *table;
	enum conf_challenge wanted[CONF_CHALLENGES];  /* in order of preference */
	unsigned n_wanted;
};

struct authz_result {
	int used;                          /* enum conf_challenge, or -1: none was needed */
	unsigned polls;
	int64_t seen_ms;                   /* from the announcement to the first validator, or -1 */
};

struct authz;
/* Dead when this is called. */
typedef void authz_fn(void *owner, enum err err, const struct authz_result *result,
	const struct fault *fault);
/* Never calls back before it returns. */
struct authz *authz_start(const struct authz_args *args, authz_fn *fn, void *owner);
/* No callback follows; the challenge is withdrawn. Nulls, accepts NULL. */
void authz_cancel(struct authz **a);
/* Static text. */
const char *authz_text(const struct authz *a);

#endif
