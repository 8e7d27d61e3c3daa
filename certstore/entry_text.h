/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * entry_text: the header lines of a bundle. The checksum stands in the second line and covers all
 * that follows it, header and PEM. Private to certstore.
 */
#ifndef CERTSTORE_ENTRY_TEXT_H
#define CERTSTORE_ENTRY_TEXT_H

#include "certstore/entry.h"
#include "certstore/x509.h"

struct entry_text {
	char name[ENTRY_NAME]; /* with the series, when it has one */
	char ca[ENTRY_TEXT], account[ENTRY_TEXT], profile[64], challenge[32], serial[132];
	char ari_id[160], key_type[12]; /* key_type "": not told */
	char series[8]; /* "": the first */
	int64_t not_before_ms, not_after_ms, issued_at_ms;
	struct str body; /* the PEM part; borrowed */
};

/* E_STORE_CORRUPT, or E_STORE for one of a newer version (which must not be thrown away). */
enum err entry_text_parse(struct str text, struct entry_text *out, struct fault *fault);
/* Header, empty line and body. */
enum err entry_text_write(const struct entry_args *args, const struct x509_facts *facts,
	struct str body, struct buf *out);

#endif
