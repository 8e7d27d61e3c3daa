/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * x509_walk: down the ASN.1 of a certificate, once, in its order.
 */
#include "certstore/x509_walk.h"

#include "certstore/der.h"

static bool take_whole(struct str *in, unsigned tag, struct str *whole)
{
	struct der_item item;

	if (!der_next(in, &item) || item.tag != tag)
		return false;
	*whole = item.whole;
	return true;
}

static bool take_bits(struct str *in, struct str *bytes)
{
	struct str bits;

	if (!der_take(in, DER_BIT_STRING, &bits) || bits.len < 2 || bits.at[0] != 0)
		return false;
	*bytes = str_of(bits.at + 1, bits.len - 1);
	return true;
}

static bool walk_validity(struct str *tbs, struct x509_parts *out)
{
	struct str validity;

	return der_take(tbs, DER_SEQUENCE, &validity) &&
	       der_take_time(&validity, &out->not_before_ms) &&
	       der_take_time(&validity, &out->not_after_ms) && validity.len == 0;
}

/* issuerUniqueID, subjectUniqueID, extensions: all optional */
static bool walk_tail(struct str tbs, struct x509_parts *out)
{
	struct str ignored, wrapped;

	out->extensions = STR_NONE;
	if (!der_take_optional(&tbs, DER_CONTEXT | 1, &ignored) ||
		!der_take_optional(&tbs, DER_CONTEXT | 2, &ignored) ||
		!der_take_optional(&tbs, DER_CONTEXT_CONSTRUCTED | 3, &wrapped) || tbs.len != 0)
		return false;
	return !wrapped.at ||
	       (der_take(&wrapped, DER_SEQUENCE, &out->extensions) && wrapped.len == 0);
}

static bool walk_tbs(struct str tbs, struct x509_parts *out, struct str *algorithm)
{
	struct str version;

	return der_take_optional(&tbs, DER_CONTEXT_CONSTRUCTED, &version) &&
	       der_take(&tbs, DER_INTEGER, &out->serial) && out->serial.len > 0 &&
	       der_take(&tbs, DER_SEQUENCE, algorithm) &&
	       take_whole(&tbs, DER_SEQUENCE, &out->issuer) && walk_validity(&tbs, out) &&
	       take_whole(&tbs, DER_SEQUENCE, &out->subject) &&
	       take_whole(&tbs, DER_SEQUENCE, &out->public_der) && walk_tail(tbs, out);
}

bool x509_walk(struct str der, struct x509_parts *out)
{
	struct str certificate, tbs, inner_algorithm;
	struct der_item item;

	if (!der_take(&der, DER_SEQUENCE, &certificate) || der.len != 0)
		return false;
	if (!der_next(&certificate, &item) || item.tag != DER_SEQUENCE)
		return false;
	out->tbs = item.whole;
	tbs = item.content;
	return walk_tbs(tbs, out, &inner_algorithm) &&
	       der_take(&certificate, DER_SEQUENCE, &out->algorithm) &&
	       take_bits(&certificate, &out->signature) && certificate.len == 0 &&
	       /* else the signature would not protect the choice of its own algorithm */
	       str_equal(inner_algorithm, out->algorithm);
}

bool x509_extension_next(struct str *extensions, struct x509_extension *out)
{
	struct str rest = *extensions, one, critical;

	if (!der_take(&rest, DER_SEQUENCE, &one) || !der_take(&one, DER_OID, &out->oid) ||
		!der_take_optional(&one, DER_BOOLEAN, &critical) ||
		!der_take(&one, DER_OCTET_STRING, &out->value) || one.len != 0)
		return false;
	if (critical.at && critical.len != 1)
		return false;
	out->is_critical = critical.at && critical.at[0] != 0;
	*extensions = rest;
	return true;
}

struct str x509_extension_value(const struct x509_parts *parts, struct str oid)
{
	struct str rest = parts->extensions, found = STR_NONE;
	struct x509_extension extension;

	while (x509_extension_next(&rest, &extension)) {
		if (!str_equal(extension.oid, oid))
			continue;
		if (found.at)
			return STR_NONE;
		found = extension.value;
	}
	return rest.len == 0 ? found : STR_NONE;
}
