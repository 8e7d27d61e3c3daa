/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * h1_client: HTTP/1.1 to upstreams and other servers over one connected stream: one exchange at a time,
 * connection re-used when both messages ended cleanly and the server keeps it.
 *
 *   IDLE --> SEND --> HEAD --> BODY --> IDLE … --> CLOSED
 *                               \--> TUNNEL
 */
#ifndef NET_HTTP_H1_CLIENT_H
#define NET_HTTP_H1_CLIENT_H

#include "net/http/exchange.h"
#include "net/loop.h"
#include "net/stream.h"

struct h1_client;

struct h1_client_events {
	/* The exchange was released and the connection can carry another: the owner may put it into its pool
	 * or close it. */
	void (*on_idle)(void *owner);
	/* The connection is over (also while idle in a pool); the codec frees itself after this returns. A side
	 * still owned has had on_fail. Not called after h1_client_close. */
	void (*on_closed)(void *owner);
};

struct h1_client_args {
	struct loop *loop;
	const struct http_limits *limits;
	const struct h1_client_events *events;
	void *owner;
	int64_t response_ms;   /* request sent to response head; 1xx restarts it */
	int64_t body_ms;       /* longest silence while demanded */
	int64_t write_ms;
};

struct h1_client *h1_client_new(struct stream **s, const struct h1_client_args *args);
void h1_client_set_owner(struct h1_client *c, const struct h1_client_events *events, void *owner);
/* New limits for the next exchange (a pooled connection changes hands). */
void h1_client_set_times(struct h1_client *c, int64_t response_ms, int64_t body_ms, int64_t write_ms);
/* Only while idle. The owner calls side_own, side_send_request… */
struct side *h1_client_exchange(struct h1_client *c);
bool h1_client_is_idle(const struct h1_client *c);
/* At once; no event follows. Nulls the pointer. */
void h1_client_close(struct h1_client **c);

#endif
