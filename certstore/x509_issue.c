/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * x509_issue: certificates of an authority of our own (RFC 5280 4): root, intermediate and leaf, with
 * exactly the extensions a strict verifier asks of each.
 */
#include "certstore/x509.h"

#include "base/check.h"
#include "certstore/der.h"
#include "certstore/digest.h"
#include "certstore/san.h"
#include "certstore/x509_walk.h"
#include "net/random.h"

enum { SERIAL = 16, KEY_ID = 20, COMMON_NAME_MAX = 64 };

#define OID_COMMON_NAME STR("\x06\x03\x55\x04\x03")
#define OID_BASIC_CONSTRAINTS STR("\x06\x03\x55\x1d\x13")
#define OID_KEY_USAGE STR("\x06\x03\x55\x1d\x0f")
#define OID_EXTENDED_KEY_USAGE STR("\x06\x03\x55\x1d\x25")
#define OID_SUBJECT_KEY_ID STR("\x06\x03\x55\x1d\x0e")
#define OID_AUTHORITY_KEY_ID STR("\x06\x03\x55\x1d\x23")
#define OID_SERVER_AUTH STR("\x06\x08\x2b\x06\x01\x05\x05\x07\x03\x01")
#define TRUE_CRITICAL STR("\x01\x01\xff")
/* keyCertSign and cRLSign; digitalSignature */
#define USAGE_AUTHORITY STR("\x03\x02\x01\x06")
#define USAGE_LEAF STR("\x03\x02\x07\x80")

/* RFC 7093 2, method 1: the left 160 bits of SHA-256 over the key's bits. */
static bool key_id(struct str public_der, unsigned char id[DIGEST_SHA256])
{
	struct str content, algorithm, bits;

	if (!der_take(&public_der, DER_SEQUENCE, &content) ||
		!der_take(&content, DER_SEQUENCE, &algorithm) ||
		!der_take(&content, DER_BIT_STRING, &bits) || bits.len < 2)
		return false;
	digest_sha256(id, str_of(bits.at + 1, bits.len - 1));
	return true;
}

static void add_serial(struct der_writer *w)
{
	unsigned char serial[SERIAL];

	random_bytes(serial, sizeof(serial));
	serial[0] = (serial[0] & 0x3f) | 0x40; /* positive, no leading zero */
	der_add(w, DER_INTEGER, str_of(serial, sizeof(serial)));
}

static void add_name(struct der_writer *w, const char *common_name)
{
	size_t name = der_open(w, DER_SEQUENCE), set = der_open(w, DER_SET);
	size_t pair = der_open(w, DER_SEQUENCE);

	der_add_raw(w, OID_COMMON_NAME);
	der_add(w, DER_UTF8_STRING, str_from(common_name));
	der_close(w, pair);
	der_close(w, set);
	der_close(w, name);
}

struct extension {
	size_t whole, value;
};

static struct extension open_extension(struct der_writer *w, struct str oid, struct str critical)
{
	struct extension e = {.whole = der_open(w, DER_SEQUENCE)};

	der_add_raw(w, oid);
	der_add_raw(w, critical);
	e.value = der_open(w, DER_OCTET_STRING);
	return e;
}

static void close_extension(struct der_writer *w, struct extension e)
{
	der_close(w, e.value);
	der_close(w, e.whole);
}

static void add_constraints(struct der_writer *w, const struct x509_issue *want)
{
	struct extension e = open_extension(w, OID_BASIC_CONSTRAINTS, TRUE_CRITICAL);
	size_t sequence = der_open(w, DER_SEQUENCE);
	char depth = (char)want->path_length;

	if (want->kind == X509_AUTHORITY) {
		der_add_raw(w, TRUE_CRITICAL);
		der_add(w, DER_INTEGER, str_of(&depth, 1));
	}
	der_close(w, sequence);
	close_extension(w, e);
}

static void add_usage(struct der_writer *w, const struct x509_issue *want)
{
	struct extension e = open_extension(w, OID_KEY_USAGE, TRUE_CRITICAL);
	size_t list;

	der_add_raw(w, want->kind == X509_AUTHORITY ? USAGE_AUTHORITY : USAGE_LEAF);
	close_extension(w, e);
	if (want->kind == X509_AUTHORITY)
		return;
	e = open_extension(w, OID_EXTENDED_KEY_USAGE, STR_NONE);
	list = der_open(w, DER_SEQUENCE);
	der_add_raw(w, OID_SERVER_AUTH);
	der_close(w, list);
	close_extension(w, e);
}

static void add_key_ids(struct der_writer *w, struct str own_key, struct str issuer_key)
{
	unsigned char own[DIGEST_SHA256], issuer[DIGEST_SHA256];
	struct extension e;
	size_t sequence;

	if (!key_id(own_key, own) || !key_id(issuer_key, issuer)) {
		w->err = E_KEY;
		return;
	}
	e = open_extension(w, OID_SUBJECT_KEY_ID, STR_NONE);
	der_add(w, DER_OCTET_STRING, str_of(own, KEY_ID));
	close_extension(w, e);
	e = open_extension(w, OID_AUTHORITY_KEY_ID, STR_NONE);
	sequence = der_open(w, DER_SEQUENCE);
	der_add(w, DER_CONTEXT, str_of(issuer, KEY_ID));
	der_close(w, sequence);
	close_extension(w, e);
}

static void add_extensions(struct der_writer *w, const struct x509_issue *want)
{
	size_t wrapped = der_open(w, DER_CONTEXT_CONSTRUCTED | 3);
	size_t extensions = der_open(w, DER_SEQUENCE);

	add_constraints(w, want);
	add_usage(w, want);
	add_key_ids(w, want->public_der, key_public(want->issuer_key));
	if (want->n_names)
		san_add_extension(w, want->names, want->n_names);
	der_close(w, extensions);
	der_close(w, wrapped);
}

static enum err make_body(const struct x509_issue *want, struct str issuer, struct buf *body)
{
	struct der_writer w = {body, E_OK};
	size_t outer = der_open(&w, DER_SEQUENCE), validity;

	der_add_raw(&w, STR("\xa0\x03\x02\x01\x02")); /* version 3 */
	add_serial(&w);
	der_add_raw(&w, key_signature_algorithm(want->issuer_key));
	if (issuer.at)
		der_add_raw(&w, issuer);
	else
		add_name(&w, want->subject);
	validity = der_open(&w, DER_SEQUENCE);
	der_add_time(&w, want->not_before_ms);
	der_add_time(&w, want->not_after_ms);
	der_close(&w, validity);
	add_name(&w, want->subject);
	der_add_raw(&w, want->public_der);
	add_extensions(&w, want);
	der_close(&w, outer);
	return w.err;
}

static enum err seal(const struct key *key, struct str body, struct buf *der)
{
	struct der_writer w = {der, E_OK};
	struct buf signature;
	size_t outer;

	buf_init(&signature, 0);
	w.err = key_sign(key, body, &signature);
	outer = der_open(&w, DER_SEQUENCE);
	der_add_raw(&w, body);
	der_add_raw(&w, key_signature_algorithm(key));
	der_add_bits(&w, buf_str(&signature));
	der_close(&w, outer);
	buf_fini(&signature);
	return w.err;
}

enum err x509_issue(const struct x509_issue *want, struct buf *der)
{
	struct x509_parts issuer = {0};
	struct buf body;
	enum err err;

	ASSERT(want->issuer_key && want->subject && want->public_der.at);
	ASSERT(want->not_before_ms < want->not_after_ms);
	if (!want->subject[0] || strlen(want->subject) > COMMON_NAME_MAX)
		return E_NAME;
	if (want->issuer_der.at && !x509_walk(want->issuer_der, &issuer))
		return E_CHAIN;
	buf_init(&body, 0);
	err = make_body(want, issuer.subject, &body);
	if (!err)
		err = seal(want->issuer_key, buf_str(&body), der);
	buf_fini(&body);
	return err;
}
