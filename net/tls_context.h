/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tls_context: what TLS connections share: policy (versions, suites, groups), ticket keys, trust,
 * and server certificates made ready. wolfSSL objects stay behind this door. Contexts and
 * certificates are immutable after creation, reference-counted, usable from any thread.
 */
#ifndef NET_TLS_CONTEXT_H
#define NET_TLS_CONTEXT_H

#include "base/err.h"
#include "base/str.h"

/* Before the first thread: initialises wolfSSL and its CPU dispatch. */
enum err tls_setup(void);
/* wolfSSL's. */
const char *tls_library_version(void);

/* ---- ticket keys: one set for all workers, rotated by its owner ---- */

struct tls_tickets;
/* Starts with one random key. Keys encrypt for rotate_ms and decrypt for twice that. */
struct tls_tickets *tls_tickets_new(void);
/* Any one thread: makes a new key current, keeps the two before it for decryption. */
void tls_tickets_rotate(struct tls_tickets *t);
/* After the last connection is gone. */
void tls_tickets_free(struct tls_tickets **t);

/* ---- server certificates ---- */

struct tls_certificate;
/* chain: DER certificates one after the other, leaf first; key: DER (SEC1, PKCS#1 or PKCS#8).
 * Copies. Checks that the key fits the leaf: E_KEY, E_CHAIN, E_NOMEM. */
enum err tls_certificate_new(
	struct str chain_der, struct str key_der, struct tls_certificate **out);
struct tls_certificate *tls_certificate_ref(struct tls_certificate *c);
void tls_certificate_unref(struct tls_certificate **c);
/* The same chain and key. */
bool tls_certificate_is_same(const struct tls_certificate *a, const struct tls_certificate *b);
/* Memory it holds, for byte-bounded caches. */
size_t tls_certificate_bytes(const struct tls_certificate *c);

/* ---- contexts ---- */

struct tls_context;

struct tls_server_args {
	bool tls13_only;
	struct tls_tickets *tickets; /* NULL: no session tickets */
	bool is_challenge; /* acme-tls/1: no tickets, nothing but the challenge certificate */
};
enum err tls_context_server(const struct tls_server_args *args, struct tls_context **out);

/* By which keys a server may prove itself to a client of ours. */
enum tls_signer { TLS_SIGNER_ANY, TLS_SIGNER_ECDSA, TLS_SIGNER_RSA };

struct tls_client_args {
	const char *trust_file; /* PEM; NULL: the system's store */
	/* Referenced. Only its leaf is accepted, whatever its issuer, name and time; NULL: the usual. */
	struct tls_certificate *only;
	enum tls_signer signer; /* offered as signature algorithms */
	bool offer_h2;          /* later */
	bool trusts_anyone;     /* for diagnosis alone: nothing is said over such a connection */
};
/* Reads files: before the loops run, or on the work queue. Client contexts verify chain, name and
 * validity, always, but for trusts_anyone. */
enum err tls_context_client(
	const struct tls_client_args *args, struct tls_context **out, struct fault *fault);
/* Whether this client context trusts exactly what one made now with this trust file would: the same file, not
 * written to since. Blocking as above. */
bool tls_context_is_current(const struct tls_context *c, const char *trust_file);
struct tls_context *tls_context_ref(struct tls_context *c);
void tls_context_unref(struct tls_context **c);

#endif
