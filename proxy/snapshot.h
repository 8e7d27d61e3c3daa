/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * snapshot: the runtime built from a conf, immutable, reference-counted, shared by all workers: sites and
 * routes ready for matching, TLS contexts, upstream definitions, operator certificates.
 */
#ifndef PROXY_SNAPSHOT_H
#define PROXY_SNAPSHOT_H

#include <stdatomic.h>

#include "certstore/entry.h"
#include "conf/conf.h"
#include "net/http/head.h"
#include "net/tls_context.h"

struct snapshot {
	atomic_uint refs;
	struct conf *conf;                     /* referenced */
	struct router *router;                 /* host and path -> site and route */
	struct tls_context *tls_server;        /* clients */
	struct tls_context *tls_challenge;     /* acme-tls/1 */
	struct tls_context **tls_upstream;     /* per conf upstream, NULL for plain ones */
	struct entry **operator_entries;       /* per conf site, NULL where not CONF_TLS_FILE */
	struct http_limits limits;
	/* Verdicts of the active checks: written by the worker that checks, read by all. */
	unsigned *server_at;                   /* per conf upstream: where its servers begin in is_down */
	atomic_bool *is_down;
};

/* Reads certificate and trust files (blocking): before the loops run, or on the work queue. tickets is
 * shared across snapshots. */
enum err snapshot_new(struct conf *conf, struct tls_tickets *tickets, struct snapshot **out,
	struct fault *fault);
/* The one after old: what both say alike is shared, so that sessions, connections and prepared certificates
 * outlive the change. The files are read again. Work queue; old is kept by the caller meanwhile. */
enum err snapshot_next(struct conf *conf, struct tls_tickets *tickets, struct snapshot *old,
	struct snapshot **out, struct fault *fault);
struct snapshot *snapshot_ref(struct snapshot *s);
void snapshot_unref(struct snapshot **s);

#endif
