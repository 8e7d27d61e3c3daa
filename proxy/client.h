/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * client: one client connection, whichever listener took it: counted, listed for draining, and from the
 * moment it speaks HTTP served by a codec. Embedded first in the listener's own struct.
 */
#ifndef PROXY_CLIENT_H
#define PROXY_CLIENT_H

#include "net/http/h1_server.h"
#include "proxy/context.h"
#include "proxy/peer.h"

struct client {
	struct list node;
	struct context *context;
	struct snapshot *snapshot;   /* under which it was accepted; NULL once it speaks HTTP */
	struct h1_server *http;      /* NULL: does not speak HTTP (yet) */
	struct peer peer;
	/* While http is NULL: close at once. */
	void (*cut)(struct client *c);
	/* After client_fini: the memory is the owner's to free. */
	void (*on_closed)(struct client *c);
};

/* False (fd closed) when the process has as many connections as it may have. */
bool client_admit(struct context *x, int fd);
/* cut and on_closed are set by the caller beforehand. */
void client_init(struct client *c, struct context *x, const struct addr *peer);
/* Ends the bookkeeping of one that never spoke HTTP. */
void client_fini(struct client *c);
/* HTTP/1 from here on; the stream is taken over. on_closed follows some day. */
void client_serve_h1(struct client *c, struct stream **s);
/* All of the context, after a new snapshot: its limits and times hold for those that speak HTTP, and those of
 * sites that are no more end as in a drain. */
void client_settle_all(struct context *x);
/* All of the context: idle ones end now, the others with their exchange. */
void client_drain_all(struct context *x);
/* Exchanges must have been cut before. */
void client_cut_all(struct context *x);

#endif
