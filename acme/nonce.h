/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * nonce: the anti-replay nonces a CA gave us (RFC 8555 6.5): few, the newest first, none old.
 */
#ifndef ACME_NONCE_H
#define ACME_NONCE_H

#include "base/str.h"

enum { NONCE_POOL = 16, NONCE_LEN = 256, NONCE_AGE_MS = 5 * 60 * 1000 };

struct nonce_pool {
	/* private */
	unsigned n;
	struct {
		int64_t at_ms;
		char text[NONCE_LEN];
	} at[NONCE_POOL];
};

/* Ignores what is no nonce (base64url alphabet) or too long; the oldest leaves a full pool. */
void nonce_put(struct nonce_pool *p, struct str nonce, int64_t now_ms);
/* False when there is none young enough. */
bool nonce_take(struct nonce_pool *p, char dst[NONCE_LEN], int64_t now_ms);
/* After badNonce the others are suspect as well. */
void nonce_drop_all(struct nonce_pool *p);

#endif
