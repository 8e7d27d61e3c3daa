/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * x509_walk: one certificate taken apart into slices of itself (RFC 5280 4.1). Private to
 * certstore.
 */
#ifndef CERTSTORE_X509_WALK_H
#define CERTSTORE_X509_WALK_H

#include "base/str.h"

struct x509_parts {
	struct str tbs;                         /* encoded: what is signed */
	struct str serial;                      /* content octets */
	struct str issuer, subject, public_der; /* encoded */
	struct str extensions;                  /* content: one after the other */
	struct str algorithm, signature;        /* contents */
	int64_t not_before_ms, not_after_ms;
};
/* False when it is no certificate, or has bytes after it. */
bool x509_walk(struct str der, struct x509_parts *out);

struct x509_extension {
	struct str oid, value; /* contents */
	bool is_critical;
};
/* Takes the next one; false at the end or when malformed (*extensions is then not empty). */
bool x509_extension_next(struct str *extensions, struct x509_extension *out);
/* STR_NONE when there is none, or two. oid: content octets. */
struct str x509_extension_value(const struct x509_parts *parts, struct str oid);

#endif
