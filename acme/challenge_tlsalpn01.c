/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * challenge_tlsalpn01: a self-signed certificate with the digest of the key authorization (RFC 8737),
 * under a key that nothing else uses.
 */
#include "acme/challenge.h"

static enum err prepare(struct challenge_answer *a, struct fault *fault)
{
	enum err err = challenge_certificate(a->identifier, buf_str(&a->key_authorization),
		&a->certificate);
	return err ? fault_set(fault, err, "no challenge certificate can be made") : E_OK;
}

const struct challenge_type challenge_tlsalpn01 = { "tls-alpn-01", CONF_TLS_ALPN_01,
	CHALLENGE_HERE, prepare };
