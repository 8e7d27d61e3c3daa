/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * json_scan: strict, bounded validation of JSON text before any parser sees it. No recursion.
 */
#ifndef BASE_JSON_SCAN_H
#define BASE_JSON_SCAN_H

#include "base/buf.h"

struct json_limits {
	size_t bytes;
	unsigned depth, nodes;
};

/* Where a node's value and (for members) key begin. */
struct json_place {
	uint32_t value_at, key_at;
};

/* Places of all nodes, a parent before its children: freed by json_scan_fini. */
struct json_scan {
	struct json_place *places;
	size_t n;
	/* private */
	size_t cap;
};

/* E_PARSE (malformed, duplicate key, NUL, no UTF-8) or E_LIMIT; *error_at is set on failure. */
enum err json_scan_text(struct json_scan *s, struct str text, const struct json_limits *limits,
	size_t *error_at);
void json_scan_fini(struct json_scan *s);
/* Blanks comments, trailing commas and a byte order mark. E_PARSE for an unterminated comment. */
enum err json_scan_blank(char *text, size_t len, size_t *error_at);

#endif
