/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * entry: one name's key and chain with its facts, ready for TLS. Immutable, reference-counted, any
 * thread. Its text form is the bundle file: header lines, key, chain, all PEM-readable by other
 * servers:
 *
 *   sallyport-bundle: 1
 *   checksum: sha256:…                  (of all that follows this line)
 *   name: app.example.com
 *   issuer: …          ca: …            account: …      profile: …      challenge: …
 *   not-before: …      not-after: …     serial: …       ari-id: …       issued-at: …
 *   key-type: p256     series: rsa      (of a second certificate, see series.h)
 *
 *   -----BEGIN PRIVATE KEY-----
 *   …
 */
#ifndef CERTSTORE_ENTRY_H
#define CERTSTORE_ENTRY_H

#include <stdatomic.h>

#include "base/buf.h"
#include "certstore/key.h"
#include "certstore/series.h"
#include "net/tls_context.h"

enum { ENTRY_NAME = 256, ENTRY_TEXT = 192, ENTRY_FILE_MAX = 512 * 1024 };

struct entry {
	atomic_uint refs;
	char name[ENTRY_NAME];       /* lower-case; "*.example.com" for a wildcard; a series (series.h) */
	struct tls_certificate *tls; /* made when the entry is made */
	int64_t not_before_ms, not_after_ms;
	int64_t issued_at_ms;
	int64_t renew_at_ms; /* by lifetime, acme.md 3.4; jitter from a hash of the serial */
	char issuer[128];    /* issuer CN */
	char ca[ENTRY_TEXT]; /* directory URL, "" for files of the operator */
	char account[ENTRY_TEXT];
	char profile[64];
	char challenge[32]; /* "tls-alpn-01": what worked last */
	char serial[132];
	char ari_id[160];
	bool is_operators; /* from "cert"/"key" files: never renewed by us */
	uint8_t key_type;  /* enum conf_key_type */
	char *to;          /* where its requests go instead of the site's upstream; NULL: there. Not in the bundle */
};

struct entry_args {
	const char *name; /* a series */
	const struct key *key;
	struct str chain_pem;
	const char *ca, *account, *profile, *challenge; /* NULL: "" */
	int64_t issued_at_ms;
	bool is_operators;
};

/* Work queue (up to a millisecond). Facts come from the leaf. E_CHAIN, E_KEY (also one that is not of the
 * series' family). */
enum err entry_new(const struct entry_args *args, struct entry **out, struct fault *fault);
struct entry *entry_ref(struct entry *e);
void entry_unref(struct entry **e);
/* Copies to ("" or NULL: none). Before it is given to another thread; for one that was, nothing changes. */
void entry_lead(struct entry *e, const char *to);
/* For byte-bounded caches. */
size_t entry_bytes(const struct entry *e);
/* Whether it can be served for this host name at this time (exact or one-label wildcard; RFC
 * 6125). */
bool entry_covers(const struct entry *e, struct str host);
/* By a clock that may be behind by this much, or by any time if it was right when we got it. */
enum { ENTRY_SKEW_MS = 3600 * 1000 };
bool entry_is_valid_at(const struct entry *e, int64_t now_ms);

/* The bundle's text. */
enum err entry_write(const struct entry_args *args, struct buf *out, struct fault *fault);
/* Text -> entry: checks header, checksum, pair and chain links. E_STORE_CORRUPT with the reason. A
 * bundle whose checksum is right but whose certificate expired is fine. want_name: must match, or
 * NULL. */
enum err entry_parse(
	struct str text, const char *want_name, struct entry **out, struct fault *fault);
/* The header alone, without touching key or certificates: for sweeps. E_STORE_CORRUPT. */
struct entry_summary {
	char name[ENTRY_NAME];
	int64_t not_before_ms, not_after_ms, renew_at_ms, issued_at_ms;
	char serial[132], ca[ENTRY_TEXT], challenge[32], ari_id[160];
	char key_type[12]; /* "": written before it was told */
};
enum err entry_summarise(struct str text, struct entry_summary *out);
/* acme.md 3.4: notBefore + 2/3 of the lifetime (1/2 under 10 days), earlier by up to 5 % of the
 * lifetime by a hash of seed (the serial). */
int64_t entry_renewal_time(int64_t not_before_ms, int64_t not_after_ms, struct str seed);
/* Key and chain files of the operator's ("cert"/"key"), blocking. */
enum err entry_from_files(const char *name, const char *cert_file, const char *key_file,
	struct entry **out, struct fault *fault);

/* For the store: makes an entry of a value; and what gives it up. */
enum err entry_read(struct str bytes, const char *name, void **object, struct fault *fault);
void entry_release(void *entry);

#endif
