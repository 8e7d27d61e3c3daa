/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * permits: all who allow names on demand, and what they said: the ask endpoints, the lists, the promises of replies.
 * Control loop only.
 */
#ifndef PROXY_PERMITS_H
#define PROXY_PERMITS_H

#include "proxy/ask.h"
#include "proxy/lists.h"

struct permits;
struct permits_args {
	struct loop *loop;
	struct store *store;                 /* outlives it */
	struct conf *conf;                   /* referenced */
	const char *user_agent;
	/* As lists_args. */
	void (*on_change)(void *owner);
	void *owner;
};

/* Reads trust, lists and what earlier runs kept (blocking): before the loops run. */
enum err permits_open(const struct permits_args *args, struct permits **out, struct fault *fault);
void permits_free(struct permits **p);
/* Another configuration. has_other_ask: with trust as of ask_trust; true: questions under way are gone. */
bool permits_use(struct permits *p, struct conf *conf, bool has_other_ask, struct tls_context *trust);

/* Not of a name that is configured or announced: whether somebody allows it, or may do so. */
bool permits_may(const struct permits *p, const char *name);
/* Borrowed until the next call; "" for none. */
const char *permits_tenant(const struct permits *p, const char *name);
const char *permits_profile(const struct permits *p, const char *name);

/* NULL: nobody is asked. Borrowed until the next permits_use. */
struct ask *permits_ask(const struct permits *p);
struct lists *permits_lists(const struct permits *p);
struct promises *permits_promises(const struct permits *p);

#endif
