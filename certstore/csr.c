/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * csr: CertificationRequest of RFC 2986 with one attribute, extensionRequest (RFC 2985 5.4.2).
 */
#include "certstore/csr.h"

#include "base/check.h"
#include "certstore/der.h"
#include "certstore/san.h"

#define EXTENSION_REQUEST_OID "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x09\x0e"

static void add_attributes(struct der_writer *w, const char *const *names, unsigned n)
{
	size_t attributes = der_open(w, DER_CONTEXT_CONSTRUCTED);
	size_t attribute = der_open(w, DER_SEQUENCE), values, extensions;

	der_add_raw(w, STR(EXTENSION_REQUEST_OID));
	values = der_open(w, DER_SET);
	extensions = der_open(w, DER_SEQUENCE);
	san_add_extension(w, names, n);
	der_close(w, extensions);
	der_close(w, values);
	der_close(w, attribute);
	der_close(w, attributes);
}

static enum err make_body(
	const struct key *key, const char *const *names, unsigned n, struct buf *body)
{
	struct der_writer w = {body, E_OK};
	size_t outer = der_open(&w, DER_SEQUENCE);

	der_add(&w, DER_INTEGER, STR("\0"));
	/* empty subject: a CN would have to fit 64 bytes, and every CA reads the SAN */
	der_add(&w, DER_SEQUENCE, STR_NONE);
	der_add_raw(&w, key_public(key));
	add_attributes(&w, names, n);
	der_close(&w, outer);
	return w.err;
}

enum err csr_make(const struct key *key, const char *const *names, unsigned n, struct buf *der)
{
	struct der_writer w = {der, E_OK};
	struct buf body, signature;
	size_t outer;

	ASSERT(n > 0);
	buf_init(&body, 0);
	buf_init(&signature, 0);
	w.err = make_body(key, names, n, &body);
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
