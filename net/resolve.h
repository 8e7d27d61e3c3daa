/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * resolve: host name -> addresses, never on the loop's thread: getaddrinfo on the work queue, or
 * c-ares when the configuration names a resolver of its own. Results keep the resolver's order (RFC
 * 6724).
 */
#ifndef NET_RESOLVE_H
#define NET_RESOLVE_H

#include "net/addr.h"
#include "net/loop.h"

enum { RESOLVE_MAX = 16 };

struct resolve_result {
	struct addr at[RESOLVE_MAX];
	unsigned n;
};

/* result is NULL when err is not E_OK. Never called before resolve_start returns. */
typedef void resolve_fn(void *owner, enum err err, const struct resolve_result *result);

struct resolve;

/* Process-wide, before the loops run: "address:port" or NULL for the system's. E_PARSE. */
enum err resolve_set_server(const char *address);
/* NULL with *err set when it cannot start. IP literals are answered without a lookup. */
struct resolve *resolve_start(struct loop *l, struct str host, uint16_t port, int64_t timeout_ms,
	resolve_fn *fn, void *owner);
/* No callback follows. Nulls the caller's pointer; accepts NULL. After the callback the object
 * frees itself and the pointer must be forgotten. */
void resolve_cancel(struct resolve **r);

/* The same, on a pool thread: blocks. */
enum err resolve_blocking(struct str host, uint16_t port, int64_t timeout_ms,
	struct resolve_result *out);
/* Where names are asked for: the configuration's server, else the system's. Reads files: pool threads.
 * Returns how many, at most max. */
unsigned resolve_servers(struct addr *out, unsigned max);

#endif
