/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * directory: where a CA's resources are (RFC 8555 7.1.1). Fetched when first needed, kept for 12 hours.
 * All URLs are opaque; none is derived from another.
 */
#ifndef ACME_DIRECTORY_H
#define ACME_DIRECTORY_H

#include "acme/errand.h"
#include "acme/transport.h"

/* X(member, "key", required) */
#define DIRECTORY_URLS(X) \
	X(new_nonce, "newNonce", true) \
	X(new_account, "newAccount", true) \
	X(new_order, "newOrder", true) \
	X(revoke_cert, "revokeCert", false) \
	X(key_change, "keyChange", false) \
	X(renewal_info, "renewalInfo", false)

enum { DIRECTORY_PROFILES = 16 };

struct directory_body {
#define X(member, key, required) char member[ACME_URL];
	DIRECTORY_URLS(X)
#undef X
	char terms[ACME_URL];
	bool needs_eab;
	unsigned n_profiles;
	char profiles[DIRECTORY_PROFILES][64];
};
/* E_ACME_PROTOCOL with what is wrong. */
enum err directory_parse(struct str body, struct directory_body *out, struct fault *fault);

struct directory;
struct directory *directory_new(struct loop *l, struct transport *t, const char *url);
void directory_free(struct directory **d);
/* Borrowed; NULL when it must be waited for. */
const struct directory_body *directory_get(const struct directory *d);
/* Fetches unless somebody already does; tells w. Leave by list_remove(&w->node). */
void directory_wait(struct directory *d, struct waiter *w);
/* A URL in it was not found: fetch again. */
void directory_forget(struct directory *d);

/* An answer's media type: JSON by RFC 8555, or unknown but not HTML. */
bool directory_is_json(const struct headers *h);

#endif
