/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * pem: textual encoding (RFC 7468), strict enough for keys, tolerant of text and CRLF between
 * blocks.
 */
#ifndef CERTSTORE_PEM_H
#define CERTSTORE_PEM_H

#include "base/buf.h"

struct pem_block {
	struct str label; /* "CERTIFICATE" */
	struct buf der;   /* owned by the caller */
};

/* Takes the next block out of *text (advances it). E_NOT_FOUND at the end, E_PARSE when malformed,
 * E_LIMIT above 1 MiB. */
enum err pem_next(struct str *text, struct pem_block *out);
enum err pem_add(struct buf *out, const char *label, struct str der);

#endif
