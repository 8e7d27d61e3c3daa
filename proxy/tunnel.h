/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tunnel: an upgraded exchange: raw bytes both ways until both directions ended or nothing was said for a
 * while. Embedded in the exchange that was upgraded.
 */
#ifndef PROXY_TUNNEL_H
#define PROXY_TUNNEL_H

#include "net/deadline.h"
#include "proxy/pump.h"

struct tunnel {
	struct pump up, down;
	/* private */
	struct deadline idle;
	int64_t idle_ms;
	void (*on_over)(struct tunnel *t, enum err err);
};

struct tunnel_args {
	struct side *client, *upstream;  /* borrowed until on_over, which releases them */
	size_t mark_bytes;
	int64_t idle_ms;
	void (*on_over)(struct tunnel *t, enum err err);
};

void tunnel_init(struct tunnel *t, struct loop *l);
/* May call back: last thing to do. */
void tunnel_open(struct tunnel *t, const struct tunnel_args *args);
/* No callback follows. Harmless when it was never opened. */
void tunnel_close(struct tunnel *t);

#endif
