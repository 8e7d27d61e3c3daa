/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * forward: one exchange end to end, whatever versions its two sides speak.
 */
#ifndef PROXY_FORWARD_H
#define PROXY_FORWARD_H

#include "net/loop.h"
#include "proxy/access_log.h"
#include "proxy/origin.h"

/* The exchanges of one worker. */
struct forward_home;
struct forward_home *forward_home_new(struct loop *l);
/* Ends all exchanges at once. */
void forward_home_cut(struct forward_home *h);
/* None may be going on. Accepts NULL. */
void forward_home_free(struct forward_home **h);

struct forward_args {
	struct side *client;
	struct request_head *head;
	struct origin *origin;         /* referenced while the exchange lasts */
	uint64_t body_max;             /* 0: no limit */
	size_t mark_bytes;             /* held per direction before the source is paused */
	int64_t tunnel_ms;
	struct access_record record;   /* begun by the caller, written at the end */
};

/* Owns the client side from now on. May be over before it returns. */
void forward_start(struct forward_home *h, const struct forward_args *args);

#endif
