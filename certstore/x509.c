/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * x509: the facts of a leaf, and chains as the bytes TLS wants.
 */
#include "certstore/x509.h"

#include <stdio.h>

#include "base/check.h"
#include "base/encode.h"
#include "base/mem.h"
#include "certstore/der.h"
#include "certstore/pem.h"
#include "certstore/san.h"
#include "certstore/x509_walk.h"

enum { CHAIN_BYTES = 256 * 1024, KEY_ID = DER_CONTEXT };

#define OID_SAN STR("\x55\x1d\x11")
#define OID_AKI STR("\x55\x1d\x23")
#define OID_COMMON_NAME STR("\x55\x04\x03")
#define OID_ORGANIZATION STR("\x55\x04\x0a")

/* The last value of this attribute in a Name. */
static struct str name_attribute(struct str name, struct str oid)
{
	struct str sequence, set, pair, type, found = STR_NONE;
	struct der_item value;

	if (!der_take(&name, DER_SEQUENCE, &sequence))
		return STR_NONE;
	while (der_take(&sequence, DER_SET, &set))
		while (der_take(&set, DER_SEQUENCE, &pair))
			if (der_take(&pair, DER_OID, &type) && der_next(&pair, &value) &&
				str_equal(type, oid))
				found = value.content;
	return found;
}

static void set_issuer(struct x509_facts *f, const struct x509_parts *parts)
{
	struct str text = name_attribute(parts->issuer, OID_COMMON_NAME);

	if (!text.at)
		text = name_attribute(parts->issuer, OID_ORGANIZATION);
	encode_printable(f->issuer, sizeof(f->issuer), text);
}

static void set_ids(struct x509_facts *f, const struct x509_parts *parts)
{
	struct str value = x509_extension_value(parts, OID_AKI), aki, key_id = STR_NONE;
	char text[2][ENCODE_B64_SIZE(X509_SERIAL)];

	encode_hex(f->serial, parts->serial);
	if (!value.at || !der_take(&value, DER_SEQUENCE, &aki) ||
		!der_take_optional(&aki, KEY_ID, &key_id))
		return;
	if (key_id.len == 0 || key_id.len > X509_SERIAL)
		return;
	encode_hex(f->aki, key_id);
	encode_base64url(text[0], key_id);
	encode_base64url(text[1], parts->serial);
	if (snprintf(f->ari_id, sizeof(f->ari_id), "%s.%s", text[0], text[1]) >=
		(int)sizeof(f->ari_id))
		f->ari_id[0] = '\0';
}

static enum err set_names(struct x509_facts *f, const struct x509_parts *parts, struct fault *fault)
{
	struct str value = x509_extension_value(parts, OID_SAN), names;
	char text[SAN_NAME];

	if (!value.at)
		return E_OK;
	if (!der_take(&value, DER_SEQUENCE, &names))
		return fault_set(fault, E_CHAIN, "its subjectAltName is malformed");
	while (names.len > 0) {
		if (!san_next(&names, text))
			return fault_set(fault, E_CHAIN, "its subjectAltName is malformed");
		if (text[0] == '\0')
			continue;
		if (f->n_names == X509_NAMES)
			return fault_set(fault, E_CHAIN, "it has more than %d names", X509_NAMES);
		f->names[f->n_names++] = mem_strdup(text);
	}
	return E_OK;
}

enum err x509_parse(struct str leaf_der, struct x509_facts *out, struct fault *fault)
{
	struct x509_parts parts;

	ASSERT(out);
	memset(out, 0, sizeof(*out));
	if (!x509_walk(leaf_der, &parts))
		return fault_set(fault, E_CHAIN, "not an X.509 certificate");
	if (parts.serial.len > X509_SERIAL)
		return fault_set(fault, E_CHAIN, "its serial number is too long");
	out->not_before_ms = parts.not_before_ms;
	out->not_after_ms = parts.not_after_ms;
	set_issuer(out, &parts);
	set_ids(out, &parts);
	return set_names(out, &parts, fault);
}

void x509_facts_fini(struct x509_facts *f)
{
	for (unsigned i = 0; i < f->n_names; i++)
		mem_free(&f->names[i]);
	f->n_names = 0;
}

static enum err add_certificate(struct buf *der, struct str certificate, struct fault *fault)
{
	struct x509_parts parts;

	if (!x509_walk(certificate, &parts))
		return fault_set(fault, E_CHAIN, "a CERTIFICATE block holds no X.509 certificate");
	if (buf_add(der, certificate))
		return fault_set(fault, E_CHAIN, "the chain is larger than %d bytes", CHAIN_BYTES);
	return E_OK;
}

enum err x509_chain_from_pem(struct str pem, struct buf *der, struct fault *fault)
{
	struct pem_block block;
	unsigned n = 0;
	enum err err;

	ASSERT(der);
	while ((err = pem_next(&pem, &block)) == E_OK) {
		if (str_is(block.label, "CERTIFICATE")) {
			err = n++ < X509_CHAIN && der->len + block.der.len <= CHAIN_BYTES
				      ? add_certificate(der, buf_str(&block.der), fault)
				      : fault_set(fault, E_CHAIN,
						"more than %d certificates or %d bytes", X509_CHAIN,
						CHAIN_BYTES);
		}
		mem_wipe(block.der.at, block.der.len);
		buf_fini(&block.der);
		if (err)
			return err;
	}
	if (err != E_NOT_FOUND)
		return fault_set(fault, E_CHAIN, "malformed PEM");
	return n > 0 ? E_OK : fault_set(fault, E_CHAIN, "no certificate in it");
}

struct str x509_chain_next(struct str *chain_der)
{
	struct der_item item;

	if (!der_next(chain_der, &item))
		return STR_NONE;
	return item.whole;
}
