/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * announced: names the operator told us of before their DNS points here. Each is a permission (nobody is
 * asked), kept in the store, and is ordered within seconds of its DNS record appearing. Control loop only.
 */
#ifndef PROXY_ANNOUNCED_H
#define PROXY_ANNOUNCED_H

#include "certstore/store.h"

enum { ANNOUNCED_MAX = 10000 };

struct announced;
struct announced_args {
	struct loop *loop;
	struct store *store;
	/* It resolves now: have it ordered. */
	void (*on_arrived)(void *owner, const char *name);
	void *owner;
};

struct announced *announced_new(const struct announced_args *args);
/* Store callbacks under way do nothing from now on. */
void announced_free(struct announced **a);
/* Reads what earlier runs kept, in the background. */
void announced_start(struct announced *a);

/* E_LIMIT. A name announced before is looked up again at once. */
enum err announced_add(struct announced *a, const char *name, struct fault *fault);
/* True: it was. */
bool announced_remove(struct announced *a, const char *name);
bool announced_has(const struct announced *a, const char *name);
/* Still waiting for its DNS record; *next_at_ms (wall clock) is the next look. */
bool announced_is_waiting(const struct announced *a, const char *name, int64_t *next_at_ms);
unsigned announced_count(const struct announced *a);

#endif
