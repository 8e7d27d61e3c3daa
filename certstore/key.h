/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * key: a private key: made, read, written, signed with. Immutable after creation,
 * reference-counted, any thread. Making one takes 20 us (EC) to seconds (RSA): on the work queue
 * only.
 */
#ifndef CERTSTORE_KEY_H
#define CERTSTORE_KEY_H

#include "base/buf.h"
#include "conf/conf.h"

struct key;

enum err key_generate(enum conf_key_type type, struct key **out);
/* SEC1, PKCS#1 or PKCS#8 DER. E_KEY. */
enum err key_from_der(struct str der, struct key **out);
/* First private-key block of a PEM text ("EC PARAMETERS" before it is skipped). E_KEY. */
enum err key_from_pem(struct str pem, struct key **out);
struct key *key_ref(struct key *k);
/* Wipes at the last reference. */
void key_unref(struct key **k);

enum conf_key_type key_type(const struct key *k);
/* As configurations and bundles name it: "p256". */
const char *key_type_text(enum conf_key_type type);
bool key_is_rsa(const struct key *k);
/* PKCS#8 ("PRIVATE KEY"), which every server reads. */
enum err key_to_pem(const struct key *k, struct buf *out);
/* As held by TLS: SEC1 or PKCS#1 DER; borrowed. */
struct str key_der(const struct key *k);
/* SubjectPublicKeyInfo DER. */
enum err key_public_der(const struct key *k, struct buf *out);
struct str key_public(const struct key *k); /* the same, borrowed */

/* As certificates and PKCS#10 requests want it: the content of their signature's BIT STRING, and
 * the DER of its AlgorithmIdentifier. */
enum err key_sign(const struct key *k, struct str text, struct buf *signature);
struct str key_signature_algorithm(const struct key *k);
/* Whether the key of this SubjectPublicKeyInfo made that signature; algorithm is the content of an
 * AlgorithmIdentifier. ECDSA or RSA PKCS#1 v1.5 with SHA-256, -384, -512. E_CHAIN when not. */
struct key_verify_args {
	struct str public_der, algorithm, text, signature;
};
enum err key_verify(const struct key_verify_args *args);

/* JWS (RFC 7515/7518): "ES256", "ES384" or "RS256". */
const char *key_jws_alg(const struct key *k);
/* Raw r||s for EC, PKCS#1 v1.5 for RSA, over the text. */
enum err key_jws_sign(const struct key *k, struct str text, struct buf *signature);
/* Public JWK as JSON with members in RFC 7638 order and no white space. */
enum err key_jwk(const struct key *k, struct buf *out);
/* base64url(SHA-256(JWK)): RFC 7638. */
enum { KEY_THUMBPRINT = 44 };
enum err key_thumbprint(const struct key *k, char dst[KEY_THUMBPRINT]);

#endif
