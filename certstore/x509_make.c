/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * x509_make: the certificate of RFC 8737 3. CAs compare it byte for byte, so it is written out here
 * rather than asked of a library: one SAN, one critical acmeIdentifier, nothing else.
 */
#include "certstore/x509.h"

#include "base/check.h"
#include "base/clock.h"
#include "certstore/der.h"
#include "certstore/digest.h"
#include "certstore/san.h"

enum { SERIAL = 16, DAY_MS = 24 * 60 * 60 * 1000 };

/* 1.3.6.1.5.5.7.1.31 */
#define ACME_IDENTIFIER_OID "\x06\x08\x2b\x06\x01\x05\x05\x07\x01\x1f"
/* CN=ACME challenge: constant, since an identifier may be longer than a CN can be */
#define SUBJECT \
	"\x30\x19\x31\x17\x30\x15\x06\x03\x55\x04\x03\x0c\x0e" \
	"ACME challenge"

/* Unlike any other, without asking for randomness: a hash of what is special about it. */
static void add_serial(struct der_writer *w, const struct key *key, struct str key_authorization)
{
	unsigned char digest[DIGEST_SHA256];

	digest_hmac_sha256(digest, key_public(key), key_authorization);
	digest[0] = (digest[0] & 0x3f) | 0x40; /* positive and not zero */
	der_add(w, DER_INTEGER, str_of(digest, SERIAL));
}

static void add_validity(struct der_writer *w)
{
	int64_t now_ms = clock_wall_ms();
	size_t validity = der_open(w, DER_SEQUENCE);

	der_add_time(w, now_ms - DAY_MS);
	der_add_time(w, now_ms + 7 * (int64_t)DAY_MS);
	der_close(w, validity);
}

static void add_acme_identifier(struct der_writer *w, struct str key_authorization)
{
	unsigned char digest[DIGEST_SHA256];
	size_t extension = der_open(w, DER_SEQUENCE), value;

	digest_sha256(digest, key_authorization);
	der_add_raw(w, STR(ACME_IDENTIFIER_OID));
	der_add(w, DER_BOOLEAN, STR("\xff"));
	value = der_open(w, DER_OCTET_STRING);
	der_add(w, DER_OCTET_STRING, str_of(digest, sizeof(digest)));
	der_close(w, value);
	der_close(w, extension);
}

static void add_extensions(
	struct der_writer *w, const char *identifier, struct str key_authorization)
{
	size_t wrapped = der_open(w, DER_CONTEXT_CONSTRUCTED | 3);
	size_t extensions = der_open(w, DER_SEQUENCE);

	san_add_extension(w, &identifier, 1);
	add_acme_identifier(w, key_authorization);
	der_close(w, extensions);
	der_close(w, wrapped);
}

static enum err make_body(const struct key *key, const char *identifier,
	struct str key_authorization, struct buf *body)
{
	struct der_writer w = {body, E_OK};
	size_t outer = der_open(&w, DER_SEQUENCE);

	der_add_raw(&w, STR("\xa0\x03\x02\x01\x02")); /* version 3 */
	add_serial(&w, key, key_authorization);
	der_add_raw(&w, key_signature_algorithm(key));
	der_add_raw(&w, STR(SUBJECT));
	add_validity(&w);
	der_add_raw(&w, STR(SUBJECT));
	der_add_raw(&w, key_public(key));
	add_extensions(&w, identifier, key_authorization);
	der_close(&w, outer);
	return w.err;
}

enum err x509_make_challenge(
	const struct key *key, struct str identifier, struct str key_authorization, struct buf *der)
{
	struct der_writer w = {der, E_OK};
	struct buf body, signature;
	char name[SAN_NAME];
	size_t outer;

	ASSERT(key && key_authorization.len > 0);
	if (!str_copy(name, sizeof(name), identifier))
		return E_NAME;
	buf_init(&body, 0);
	buf_init(&signature, 0);
	w.err = make_body(key, name, key_authorization, &body);
	if (!w.err)
		w.err = key_sign(key, buf_str(&body), &signature);
	outer = der_open(&w, DER_SEQUENCE);
	der_add_raw(&w, buf_str(&body));
	der_add_raw(&w, key_signature_algorithm(key));
	der_add_bits(&w, buf_str(&signature));
	der_close(&w, outer);
	buf_fini(&body);
	buf_fini(&signature);
	return w.err;
}
