/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * h1_server: HTTP/1.0 and 1.1 from clients (RFC 9112): one connection, its requests one after the other
 * (pipelined ones wait their turn), strict framing, keep-alive, lingering close. An idle connection
 * owns no parser buffer and no arena.
 *
 *   IDLE --> HEAD --> EXCHANGE --> IDLE … --> CLOSING --> gone
 *                         \--> TUNNEL
 */
#ifndef NET_HTTP_H1_SERVER_H
#define NET_HTTP_H1_SERVER_H

#include "net/http/exchange.h"
#include "net/loop.h"
#include "net/stream.h"

struct h1_server;

struct h1_server_events {
	/* A request head is complete and well-formed. The owner calls side_own on it and keeps it until
	 * side_release. More events follow only after this one returns. */
	void (*on_request)(void *owner, struct side *s, struct request_head *head);
	/* A request was refused by the codec itself (400, 408, 414, 431, 501, 505 …): for access log and
	 * counters. The answer is already on its way. */
	void (*on_refused)(void *owner, enum err err, unsigned status);
	/* The connection is over; the stream is closed and the codec frees itself after this returns. Sides
	 * still owned have had on_fail. Not called after h1_server_close. */
	void (*on_closed)(void *owner);
};

struct h1_server_args {
	struct loop *loop;
	const struct http_limits *limits;   /* copied */
	const struct h1_server_events *events;
	void *owner;
	bool is_tls;                        /* scheme "https" */
	int64_t idle_ms, head_ms, body_ms, write_ms;
	unsigned requests_max;              /* then Connection: close; 0: no limit */
};

/* Takes the stream over (nulled). early: bytes already read (plain listener), or STR_NONE. */
struct h1_server *h1_server_new(struct stream **s, const struct h1_server_args *args);
/* Other limits, times and number of requests from now on, as in args; what is armed already runs out as it
 * was. */
void h1_server_adjust(struct h1_server *c, const struct h1_server_args *args);
/* Drain: idle connections close now, others after their current exchange. */
void h1_server_drain(struct h1_server *c);
/* At once; no event follows. Nulls the pointer. */
void h1_server_close(struct h1_server **c);
/* Idle: no exchange is going on. */
bool h1_server_is_idle(const struct h1_server *c);

#endif
