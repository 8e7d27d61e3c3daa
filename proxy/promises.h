/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * promises: what the yes of an ask endpoint said about a name that must outlive the question: where its requests go
 * and which profile its certificates have. Kept in the store until the name is asked about again or forgotten.
 * Control loop only.
 */
#ifndef PROXY_PROMISES_H
#define PROXY_PROMISES_H

#include "certstore/catalog.h"

enum { PROMISE_TO = 128, PROMISE_PROFILE = 65 };

struct promise {
	char to[PROMISE_TO];             /* "" for none */
	char profile[PROMISE_PROFILE];   /* "" for none */
};

/* [a-z0-9-], at most 64. */
bool promise_is_profile(struct str text);

struct promises;
/* Reads what earlier runs kept in this directory's store (blocking): before the loops run. */
struct promises *promises_new(struct loop *l, struct store *s, const char *directory);
void promises_free(struct promises **g);
/* An empty one is forgotten. True: it changed. */
bool promises_note(struct promises *g, const char *name, const struct promise *promise);
void promises_forget(struct promises *g, const char *name);
/* Empty texts when nothing is known. */
void promises_get(const struct promises *g, const char *name, struct promise *out);

#endif
