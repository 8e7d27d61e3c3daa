/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * h1_writer: one outgoing HTTP/1.1 message: head, body framing, trailers, onto a stream. The head is held
 * until something follows it or the owner flushes, so that both share a record and a system call.
 */
#ifndef NET_HTTP_H1_WRITER_H
#define NET_HTTP_H1_WRITER_H

#include "base/buf.h"
#include "net/http/head.h"
#include "net/stream.h"

enum h1_write_how {
	H1_WRITE_HEAD,          /* no final head yet */
	H1_WRITE_DISCARD,       /* has no body whatever its head says: HEAD, 204, 304 */
	H1_WRITE_COUNTED,
	H1_WRITE_CHUNKED,
	H1_WRITE_UNTIL_CLOSE,   /* to HTTP/1.0 clients */
	H1_WRITE_RAW,           /* tunnel */
	H1_WRITE_ENDED,
};

struct h1_writer {
	enum h1_write_how how;
	uint64_t left;          /* COUNTED */
	uint64_t total_bytes;   /* given to the stream so far */
	/* private */
	struct stream *stream;
	struct buf held;
};

void h1_writer_init(struct h1_writer *w, struct stream *s);
void h1_writer_fini(struct h1_writer *w);
/* E_HTTP: the head holds what must not be written (line breaks, spaces in the path); nothing is. */
enum err h1_writer_request(struct h1_writer *w, const struct request_head *head);

struct h1_answer_args {
	bool is_http10;         /* the client's version */
	bool is_head;           /* answers a HEAD request */
	bool keep_alive;
	struct str date;        /* written when the head has none */
};
/* 1xx heads may come several times before the final one; 101 turns to RAW. */
enum err h1_writer_response(struct h1_writer *w, const struct response_head *head,
	const struct h1_answer_args *args);
/* E_LIMIT above the announced length, and what stream_write returns. */
enum err h1_writer_body(struct h1_writer *w, struct str bytes);
/* Ends the body, writes what is held. E_HTTP: bytes are missing. */
enum err h1_writer_end(struct h1_writer *w, const struct headers *trailers);
enum err h1_writer_flush(struct h1_writer *w);
/* A response head is held whose body is known to be short and has not begun. One that waits for it saves a record, a
 * system call and a segment, for the client too; of a long body, or one of unknown length, it is worth having early. */
bool h1_writer_awaits_body(const struct h1_writer *w);
static inline size_t h1_writer_held(const struct h1_writer *w)
{
	return w->held.len;
}

/* A whole answer that says only its status and closes the connection; borrows the buffer. */
enum { H1_LAST_ANSWER = 512 };
struct str h1_writer_last_answer(char text[H1_LAST_ANSWER], unsigned status);

/* Now, for Date: made once a second. Borrowed until the next call of this thread; NUL-terminated. */
struct str h1_writer_date(void);

#endif
