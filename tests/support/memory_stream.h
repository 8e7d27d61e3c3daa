/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * memory_stream: a pair of connected struct streams without sockets, for tests of what stands on
 * streams. Bytes arrive in a later round of the loop's tasks, as they would from a socket.
 */
#ifndef TESTS_SUPPORT_MEMORY_STREAM_H
#define TESTS_SUPPORT_MEMORY_STREAM_H

#include "base/buf.h"
#include "net/loop.h"
#include "net/stream.h"

void memory_stream_pair(struct loop *l, struct stream **a, struct stream **b);
/* How many unread bytes stand between s and its reader before s has to queue; 64 KiB at first. */
void memory_stream_set_window(struct stream *s, size_t bytes);
/* Delivers what s reads in pieces of at most n bytes (0: as they come). */
void memory_stream_set_segment(struct stream *s, size_t n);
/* s gets on_error(err) in a later round, and its peer E_RESET. */
void memory_stream_break(struct stream *s, enum err err);
/* Streams made by a pair and not yet closed and freed: 0 at the end of a test. */
unsigned memory_stream_count(void);

/* An owner that keeps what it gets, for the end the test plays itself. Owns the stream. */
struct memory_end {
	struct stream *stream;
	struct buf got;
	bool is_eof;
	int n_drains;
	enum err err;
};

/* Takes *s over (nulled) and starts reading. */
void memory_end_init(struct memory_end *e, struct stream **s);
void memory_end_write(struct memory_end *e, struct str bytes);
/* Closes the stream when it is still open. */
void memory_end_fini(struct memory_end *e);

#endif
