/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * probe: a challenge nobody asked for, planted for "sallyport diagnose" for a few seconds, and how often somebody
 * came for it. A CA's own challenges are answered before it. Control loop only.
 */
#ifndef PROXY_ADMIN_PROBE_H
#define PROXY_ADMIN_PROBE_H

#include "certstore/challenge.h"

enum { PROBE_TEXT = 64 };

struct probe_look {
	char token[PROBE_TEXT], key_authorization[2 * PROBE_TEXT];
	unsigned http_seen, alpn_seen;
};

struct probes;
struct probes *probes_new(struct loop *l, struct challenge_table *table);
void probes_free(struct probes **p);

/* fn comes once every worker answers both, or it cannot be had; never before this returns, and E_CANCELED
 * comes from within probes_free. A second one for a name replaces the first. E_LIMIT: too many now; then fn
 * does not come. */
typedef void probe_fn(void *owner, enum err err);
enum err probes_plant(struct probes *p, const char *name, probe_fn *fn, void *owner);
/* False: none is planted. */
bool probes_look(const struct probes *p, const char *name, struct probe_look *out);

#endif
