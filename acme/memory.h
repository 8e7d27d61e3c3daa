/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * memory: the failures of names, in memory first and in the store behind it, so that a disk that is
 * slow or full does not make us ask a CA too early.
 */
#ifndef ACME_MEMORY_H
#define ACME_MEMORY_H

#include "acme/errand.h"
#include "acme/failure.h"
#include "base/map.h"

enum { MEMORY_MAX = 1024 };   /* in memory; the store has no bound */

struct memory {
	/* private */
	struct store *store;
	struct map failures;
};

void memory_init(struct memory *m, struct store *store);
void memory_fini(struct memory *m);
/* fn gets a struct failure (the callee's, mem_release) or NULL: nothing is known. */
struct errand *memory_recall(struct memory *m, const char *name, errand_fn *fn, void *owner);
/* What memory alone knows, which is newer than the store; NULL: nothing. Borrowed. */
const struct failure *memory_newest(const struct memory *m, const char *name);
void memory_keep(struct memory *m, const char *name, const struct failure *failure);
void memory_forget(struct memory *m, const char *name);
/* Those that memory has itself, in the store too. */
void memory_forget_all(struct memory *m);

#endif
