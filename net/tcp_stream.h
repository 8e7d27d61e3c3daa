/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tcp_stream: struct stream over a TCP or Unix socket. TCP_NODELAY is on.
 */
#ifndef NET_TCP_STREAM_H
#define NET_TCP_STREAM_H

#include "net/addr.h"
#include "net/loop.h"
#include "net/stream.h"

/* Adopts a connected, non-blocking socket; closes fd on failure (then NULL). */
struct stream *tcp_stream_adopt(struct loop *l, int fd, const struct addr *peer);
/* What is read are TLS records: a read ends where three of the largest do, so that of a peer that sends such no half
 * one is kept and put together. */
void tcp_stream_carries_tls(struct stream *s);
enum { TCP_STREAM_TLS_READ = 3 * (5 + 16384 + 1 + 16) };   /* RFC 8446 5.2 */
/* Result of tcp_stream_connect: stream is NULL unless err is E_OK. Never called before return. */
typedef void tcp_connect_fn(void *owner, enum err err, struct stream *s);
struct tcp_connect;
struct tcp_connect *tcp_stream_connect(
	struct loop *l, const struct addr *to, tcp_connect_fn *fn, void *owner);
/* No callback follows. Nulls the pointer, accepts NULL; after the callback the pointer is dead. */
void tcp_stream_connect_cancel(struct tcp_connect **c);
/* Process-wide number of sockets held by tcp_streams now. Any thread. */
unsigned tcp_stream_count(void);

#endif
