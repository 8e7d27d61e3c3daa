/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * dispatch: what a request gets: an upstream, a redirect, a challenge's answer or a refusal.
 */
#ifndef PROXY_DISPATCH_H
#define PROXY_DISPATCH_H

#include "proxy/context.h"
#include "proxy/peer.h"

/* Owns the side from now on. peer outlives it. */
void dispatch_request(struct context *c, const struct peer *peer, struct side *s,
	struct request_head *head);
/* Ends all requests that wait for a challenge to be found. */
void dispatch_cut_held(struct context *c);

#endif
