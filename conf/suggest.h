/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * suggest: "did you mean". Fed with the names that would be right, it keeps the nearest.
 */
#ifndef CONF_SUGGEST_H
#define CONF_SUGGEST_H

#include "base/str.h"

enum { SUGGEST_TEXT = 256 };

struct suggest {
	/* private */
	struct str wrong;
	const char *nearest;
	unsigned distance, n;
	char all[SUGGEST_TEXT];
};

void suggest_init(struct suggest *s, struct str wrong);
/* right must outlive s. */
void suggest_add(struct suggest *s, const char *right);
/* "did you mean "x"?", or "known are a, b, c" when nothing is near; NUL-terminated. */
void suggest_text(const struct suggest *s, char dst[SUGGEST_TEXT]);
/* Edits (insert, delete, replace, swap neighbours) from a to b without regard to case; what is
 * longer than 63 bytes is far from everything. */
unsigned suggest_distance(struct str a, struct str b);

#endif
