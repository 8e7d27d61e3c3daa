/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Door: a chain or key as a CA or the operator delivers it: PEM, and the DER inside it. The input
 * is also taken as DER itself, which a mutation of base64 seldom reaches.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "certstore/pem.h"
#include "certstore/x509.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void try_chain(struct str der)
{
	struct x509_check want = {.now_ms = 1795327101000};
	struct x509_facts facts;
	struct str rest = der;

	(void)x509_check_chain(der, &want, NULL);
	while (rest.len > 0) {
		struct str one = x509_chain_next(&rest);

		if (!one.at)
			break;
		(void)x509_parse(one, &facts, NULL);
		x509_facts_fini(&facts);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct str text = str_of(bytes, n), rest = text;
	struct pem_block block;
	struct buf der;
	struct key *key;

	while (pem_next(&rest, &block) == E_OK)
		buf_fini(&block.der);
	buf_init(&der, 0);
	if (!x509_chain_from_pem(text, &der, NULL))
		try_chain(buf_str(&der));
	buf_fini(&der);
	try_chain(text);
	if (!key_from_pem(text, &key))
		key_unref(&key);
	if (!key_from_der(text, &key))
		key_unref(&key);
	return 0;
}
