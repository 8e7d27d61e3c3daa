/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * rewrite: the header fields a proxy owes both sides: who the client is, how it came, who passed it on.
 * What a client says about these counts only when it is a trusted proxy; otherwise it is replaced.
 * (What belongs to one connection was removed by the codec before.)
 */
#ifndef PROXY_REWRITE_H
#define PROXY_REWRITE_H

#include "conf/conf.h"
#include "net/http/head.h"
#include "proxy/peer.h"

enum { REWRITE_ID = 33, REWRITE_ID_MAX = 128 };

struct rewrite_args {
	struct arena *arena;        /* the exchange's */
	const struct conf *conf;
	const struct peer *peer;
	const char *host;           /* Host to send; NULL: the client's */
};

/* Changes head in place; *id is the request's id, in the arena. E_NOMEM. */
enum err rewrite_request(struct request_head *head, const struct rewrite_args *args, struct str *id);
enum err rewrite_response(struct response_head *head, struct arena *a);
bool rewrite_is_trusted(const struct conf *conf, const struct addr_small *peer);

#endif
