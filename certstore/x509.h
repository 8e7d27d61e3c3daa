/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * x509: reading and checking certificates (RFC 5280), making the tls-alpn-01 one (RFC 8737) and those
 * of an authority of our own.
 * Any thread; checks take up to a millisecond: work queue, or the control loop.
 */
#ifndef CERTSTORE_X509_H
#define CERTSTORE_X509_H

#include "base/buf.h"
#include "certstore/key.h"

enum { X509_NAMES = 512, X509_SERIAL = 64, X509_CHAIN = 10 };

struct x509_facts {
	int64_t not_before_ms, not_after_ms;
	char serial[2 * X509_SERIAL + 1]; /* hex of the DER content octets, leading 00 kept */
	char aki[2 * X509_SERIAL + 1];    /* authority key identifier, hex, "" when absent */
	char issuer[128];                 /* issuer CN (or O), printable */
	char ari_id[160];                 /* RFC 9773 certID, "" when it has no AKI */
	unsigned n_names;
	char *names[X509_NAMES]; /* dNSName lower-case and iPAddress as text; owned */
};

/* leaf: one DER certificate. Free with x509_facts_fini, also after failure. E_CHAIN. */
enum err x509_parse(struct str leaf_der, struct x509_facts *out, struct fault *fault);
void x509_facts_fini(struct x509_facts *f);
/* Its SubjectPublicKeyInfo, borrowed from it; STR_NONE when it is no certificate. */
struct str x509_public(struct str leaf_der);

/* PEM text -> concatenated DER, leaf first; order kept, key and other blocks skipped. E_CHAIN for
 * none, more than X509_CHAIN, or over 256 KiB. */
enum err x509_chain_from_pem(struct str pem, struct buf *der, struct fault *fault);
/* Cuts the first certificate off *chain_der. STR_NONE at the end. */
struct str x509_chain_next(struct str *chain_der);

struct x509_check {
	const struct key *key;    /* must fit the leaf; NULL: not checked */
	const char *const *names; /* the SAN set must equal these */
	unsigned n_names;
	int64_t now_ms; /* validity must cover it, with skew_ms allowed at the start;
	                               * 0: not checked */
	int64_t skew_ms;
};
/* Key, names, validity, and every certificate signed by the next one. E_CHAIN or E_KEY with the
 * reason in fault. A self-signed single certificate is fine when names is NULL (not checked
 * then). */
enum err x509_check_chain(struct str chain_der, const struct x509_check *want, struct fault *fault);

/* The self-signed challenge certificate of RFC 8737 3 for a DNS name or IP literal: one SAN,
 * critical acmeIdentifier with SHA-256(key_authorization), constant subject. DER of certificate. */
enum err x509_make_challenge(const struct key *key, struct str identifier,
	struct str key_authorization, struct buf *der);

/* A certificate signed by a key of ours. */
struct x509_issue {
	enum { X509_LEAF, X509_AUTHORITY } kind;
	int path_length;              /* of an authority: how many authorities may follow below */
	const char *subject;          /* common name, 1 to 64 bytes */
	struct str public_der;        /* SubjectPublicKeyInfo of its key */
	const char *const *names;     /* of a leaf: DNS names and IP literals */
	unsigned n_names;
	struct str issuer_der;        /* the issuer's certificate; STR_NONE: self-signed */
	const struct key *issuer_key;
	int64_t not_before_ms, not_after_ms;
};
/* Work queue. DER of the certificate is added. E_NAME, E_CHAIN, E_KEY. */
enum err x509_issue(const struct x509_issue *want, struct buf *der);

#endif
