/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * stream: the one interface for a two-way flow of bytes: TCP, Unix socket, TLS over either, memory
 * in tests. A stream has one owner, which sets events and owner before anything else.
 *
 * Reading is demand: nothing is delivered until stream_read_start. on_read borrows the bytes to the
 * owner for the time of the call; the owner takes them all (stop reading beforehand or keep a
 * copy). Writing never blocks and never keeps the caller's memory: small writes may be
 * kept for the end of the turn, where they are sent one after the other, and what the kernel does not
 * take at once is copied into the stream's queue; the owner watches stream_queued and waits for on_drain.
 * Closing: stream_close may be called from any callback, at any time, once; no event follows it,
 * and the stream frees itself when its handles are closed. A stream that reported on_error still
 * has to be closed by its owner.
 */
#ifndef NET_STREAM_H
#define NET_STREAM_H

#include <stdbool.h>

#include "base/err.h"
#include "base/str.h"

struct stream;

struct stream_events {
	void (*on_read)(void *owner, struct str bytes);
	/* The peer will send no more (FIN or close_notify). Writing is still possible. For TLS a
	 * FIN without close_notify is on_error(E_RESET). */
	void (*on_eof)(void *owner);
	/* The queue became empty after a write had to be queued. */
	void (*on_drain)(void *owner);
	/* Fatal: only stream_close is left to do. */
	void (*on_error)(void *owner, enum err err);
};

enum stream_close { STREAM_CLOSE_GRACEFUL, STREAM_CLOSE_ABORT };

struct stream_ops {
	void (*read_start)(struct stream *s);
	void (*read_stop)(struct stream *s);
	enum err (*write)(struct stream *s, const struct str *parts, unsigned n);
	size_t (*queued)(const struct stream *s);
	void (*shutdown)(struct stream *s);
	void (*close)(struct stream *s, enum stream_close how);
};

struct stream {
	const struct stream_ops *ops;
	const struct stream_events *events;
	void *owner;
};

static inline void stream_own(struct stream *s, const struct stream_events *events, void *owner)
{
	s->events = events;
	s->owner = owner;
}
/* Idempotent. The first delivery may come from within (bytes already at hand), so call it last. */
static inline void stream_read_start(struct stream *s)
{
	s->ops->read_start(s);
}
/* Idempotent; nothing is delivered after it returns until read_start. */
static inline void stream_read_stop(struct stream *s)
{
	s->ops->read_stop(s);
}
/* Takes everything, in order, as if the parts were one (TLS: small parts share a record), or fails:
 * E_LIMIT (queue beyond its hard cap of 8 MiB), E_RESET and so on; after a failure on_error follows
 * in a later turn unless the stream is closed first. That a small write failed may be known only at
 * the end of the turn: then on_error alone tells. Never calls back. */
static inline enum err stream_write(struct stream *s, const struct str *parts, unsigned n)
{
	return s->ops->write(s, parts, n);
}
/* Bytes the kernel did not take yet though it was asked to. */
static inline size_t stream_queued(const struct stream *s)
{
	return s->ops->queued(s);
}
/* Half-close after what is queued: close_notify and FIN. Reading goes on. */
static inline void stream_shutdown(struct stream *s)
{
	s->ops->shutdown(s);
}
/* GRACEFUL: what is queued is still sent (5 s at most), the half-close is sent, and input is read
 * and dropped for up to 1 s, so that the peer reads our last words instead of a reset (RFC 9112
 * 9.6). ABORT: at once, with a reset for TCP. */
static inline void stream_close(struct stream **s, enum stream_close how)
{
	struct stream *dying = *s;
	*s = 0;
	if (dying)
		dying->ops->close(dying, how);
}

#endif
