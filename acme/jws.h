/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * jws: signed requests (RFC 7515 flattened JSON, as RFC 8555 6.2 wants them). Bytes in, bytes out.
 */
#ifndef ACME_JWS_H
#define ACME_JWS_H

#include "certstore/key.h"

struct jws_args {
	const struct key *key;
	const char *kid;       /* account URL; NULL: the key itself goes along ("jwk") */
	struct str nonce;      /* at NULL: none (inner signatures) */
	struct str url;
	struct str payload;    /* "" for POST-as-GET */
};
/* E_KEY, E_LIMIT. */
enum err jws_sign(const struct jws_args *args, struct buf *out);

/* The external account binding (RFC 8555 7.3.4): HS256 over the account's public key. hmac: the secret
 * as the CA gave it, base64url or base64. E_PARSE for an unreadable secret. */
enum err jws_bind(const struct key *account, const char *eab_kid, const char *hmac, struct str url,
	struct buf *out);

/* token "." thumbprint (RFC 8555 8.1). */
enum err jws_key_authorization(const struct key *account, struct str token, struct buf *out);

#endif
