/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * exchange: one request and its answer, whatever versions the two sides speak.
 *
 *            request head, body, trailers
 *   client ══► server codec ──► owner (forward) ──► client codec ══► upstream
 *            ◄──────────────────────────────────────
 *            1xx…, response head, body, trailers
 *
 * Each codec implements a struct side: messages come out of it as events and go into it by ops. The two
 * sides are alike: what a server codec reads is a request, what a client codec reads is a response; so
 * moving a body is the same code in both directions, and a test can put memory on either side.
 *
 * Order of events on a side: on_request | (on_response)+ , on_body*, on_end — or on_fail at any point,
 * after which no event follows. Order of ops: send_request | (send_response)+ , send_body*, send_end.
 *
 * Demand: on_body comes only while the side is resumed (side_resume); it starts paused. Heads come
 * unasked, and so does the end of a message without a body. Pausing takes effect at once: no on_body
 * after side_pause returns. Ops never call back, but that a release may tell the connection's owner.
 * Back-pressure: send_body takes all bytes; the owner looks at side_queued afterwards and pauses the
 * other side above its mark; on_writable comes when the queue is empty again.
 * Upgrade: once a 101 was passed on (both sides' upgrade set), bodies in both directions are the raw
 * bytes of the tunnel, ended by send_end/on_end each (half-close). The on_end of an Upgrade request waits
 * for the final head: it is the request's if that is no 101, else the tunnel's. A send_end before the
 * 101 ends the request only.
 * Release: the owner calls side_release exactly once per side, at any time, from any event; it means
 * "I want nothing more". A codec whose message is complete goes on to its next one; otherwise it
 * aborts its message (h1: closes the connection). No event follows. After on_fail it is still owed.
 * Calling up comes last: after an event returns the codec assumes the side may have been released.
 */
#ifndef NET_HTTP_EXCHANGE_H
#define NET_HTTP_EXCHANGE_H

#include "net/http/head.h"

struct side;

struct side_events {
	/* Server codecs only. The head and its arena belong to the exchange object the codec made and
	 * stay until side_release. */
	void (*on_request)(void *owner, struct request_head *head);
	/* Client codecs only; head is valid until side_release (1xx heads: until the event returns). */
	void (*on_response)(void *owner, struct response_head *head);
	void (*on_body)(void *owner, struct str bytes);
	/* The message is complete. trailers: end-to-end fields only; NULL or empty when none. */
	void (*on_end)(void *owner, const struct headers *trailers);
	void (*on_writable)(void *owner);
	/* Server codecs: the client is gone or sent nonsense in the body. Client codecs: the upstream
	 * failed; side_was_sent and side_was_answered tell whether a repetition is safe. */
	void (*on_fail)(void *owner, enum err err);
};

struct side_ops {
	enum err (*send_request)(struct side *s, const struct request_head *head);
	enum err (*send_response)(struct side *s, const struct response_head *head);
	enum err (*send_body)(struct side *s, struct str bytes);
	enum err (*send_end)(struct side *s, const struct headers *trailers);
	void (*set_demand)(struct side *s, bool wanted);
	size_t (*queued)(const struct side *s);
	void (*release)(struct side *s);
};

/* Embedded in the codec's object for one message pair. */
struct side {
	const struct side_ops *ops;
	const struct side_events *events;
	void *owner;
	struct arena *arena;    /* lives until release; for what belongs to this exchange */
	bool was_sent;          /* at least one byte of our message went to the peer's kernel side */
	bool was_answered;      /* at least one byte of the peer's answer arrived */
	bool is_reused;         /* client codec: not the first exchange on its connection */
};

static inline void side_own(struct side *s, const struct side_events *events, void *owner)
{
	s->events = events;
	s->owner = owner;
}
static inline enum err side_send_request(struct side *s, const struct request_head *h)
{
	return s->ops->send_request(s, h);
}
/* Heads may be held back until the first body bytes or the end of the turn, so that they share a record
 * and a system call. A final response may be sent before the request body has ended. */
static inline enum err side_send_response(struct side *s, const struct response_head *h)
{
	return s->ops->send_response(s, h);
}
/* Errors: E_LIMIT (length announced exceeded, queue over its hard cap), E_RESET… on_fail follows later
 * unless the side is released first. */
static inline enum err side_send_body(struct side *s, struct str bytes)
{
	return s->ops->send_body(s, bytes);
}
/* Too few bytes for the announced length: the codec aborts its message. trailers may be NULL. */
static inline enum err side_send_end(struct side *s, const struct headers *trailers)
{
	return s->ops->send_end(s, trailers);
}
static inline void side_resume(struct side *s)
{
	s->ops->set_demand(s, true);
}
static inline void side_pause(struct side *s)
{
	s->ops->set_demand(s, false);
}
static inline size_t side_queued(const struct side *s)
{
	return s->ops->queued(s);
}
static inline void side_release(struct side **s)
{
	struct side *dying = *s;
	*s = 0;
	if (dying)
		dying->ops->release(dying);
}

#endif
