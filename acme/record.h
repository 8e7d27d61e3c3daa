/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * record: "name: value" lines, an empty line, then perhaps PEM: the text of what acme keeps in the store
 * beside certificates.
 */
#ifndef ACME_RECORD_H
#define ACME_RECORD_H

#include "base/buf.h"

/* STR_NONE when absent. Borrowed from text. */
struct str record_get(struct str text, const char *name);
int64_t record_get_int(struct str text, const char *name, int64_t otherwise);
/* False (dst = "") when absent or too long. */
bool record_copy(struct str text, const char *name, char *dst, size_t cap);
/* E_PARSE for a value with control characters, E_LIMIT. Empty values are left out. */
enum err record_add(struct buf *out, const char *name, struct str value);
enum err record_add_int(struct buf *out, const char *name, int64_t value);

#endif
