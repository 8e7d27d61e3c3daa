/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Door: a bundle file as found on disk. A random one fails its checksum at once, so the input is
 * also tried behind a header whose checksum is right.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "base/encode.h"
#include "certstore/digest.h"
#include "certstore/entry.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void try(struct str text)
{
	struct entry_summary summary;
	struct fault fault = {0};
	struct entry *e;
	enum err err = entry_parse(text, NULL, &e, &fault);

	ASSERT((err == E_OK) == (e != NULL));
	if (!err)
		ASSERT(entry_summarise(text, &summary) == E_OK);
	entry_unref(&e);
	(void)entry_summarise(text, &summary);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	unsigned char digest[DIGEST_SHA256];
	char hex[ENCODE_HEX_SIZE(DIGEST_SHA256)];
	struct buf text;

	try(str_of(bytes, n));
	digest_sha256(digest, str_of(bytes, n));
	encode_hex(hex, str_of(digest, sizeof(digest)));
	buf_init(&text, 0);
	ASSERT(buf_addf(&text, "sallyport-bundle: 1\nchecksum: sha256:%s\n", hex) == E_OK);
	ASSERT(buf_add(&text, str_of(bytes, n)) == E_OK);
	try(buf_str(&text));
	buf_fini(&text);
	return 0;
}
