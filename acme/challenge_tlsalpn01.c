/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * challenge_tlsalpn01: a self-signed certificate with the digest of the key authorization (RFC 8737),
 * under a key that nothing else uses.
 */
#include "acme/challenge.h"
#include "certstore/x509.h"

enum { CERTIFICATE_MAX = 16 * 1024 };

static enum err prepare(struct challenge_answer *a, struct fault *fault)
{
	struct key *key = NULL;
	struct buf der;
	buf_init(&der, CERTIFICATE_MAX);
	enum err err = key_generate(CONF_KEY_P256, &key);
	if (!err)
		err = x509_make_challenge(key, str_from(a->identifier), buf_str(&a->key_authorization),
			&der);
	if (!err)
		err = tls_certificate_new(buf_str(&der), key_der(key), &a->certificate);
	key_unref(&key);
	buf_fini(&der);
	return err ? fault_set(fault, err, "no challenge certificate can be made") : E_OK;
}

const struct challenge_type challenge_tlsalpn01 = { "tls-alpn-01", CONF_TLS_ALPN_01,
	CHALLENGE_HERE, prepare };
