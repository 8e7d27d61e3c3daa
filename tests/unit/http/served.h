/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * served: a server connection over memory streams, a client that says and hears, and an owner of its
 * requests, for the tests of h1_server.
 */
#ifndef TESTS_UNIT_HTTP_SERVED_H
#define TESTS_UNIT_HTTP_SERVED_H

#include "net/http/h1_server.h"
#include "tests/support/memory_stream.h"

#define GET "GET / HTTP/1.1\r\nHost: a\r\n"
#define POST "POST / HTTP/1.1\r\nHost: a\r\n"

/* What the owner of a request does by itself. */
enum manner {
	ECHO,      /* resumes; at the end answers 200 with "METHOD path body", and releases */
	MANUAL,    /* nothing */
	RESUME,    /* resumes only */
};

struct app {
	struct loop *loop;
	struct h1_server *server;
	struct memory_end client;
	struct stream *stream;        /* the server's end */
	enum manner manner;
	struct side *side;
	struct request_head *head;
	struct buf body;
	struct headers trailers;
	unsigned n_requests, n_ends, n_refused, status, n_closed, n_writable;
	enum err failed;
	bool closes_on_fail;
};

/* The clock stands still. segment: bytes per delivery to the server, 0 as they come. */
void served_start_with(struct app *a, enum manner manner, size_t segment, unsigned requests_max);
void served_start(struct app *a, enum manner manner);
/* Closes whatever is still open. */
void served_stop(struct app *a);
void served_turn(struct app *a);
void served_say(struct app *a, const char *text);
void served_wait(struct app *a, int64_t ms);
/* Head, body and end; the release is the caller's. */
void served_answer(struct app *a, unsigned status, const char *text);
/* What the client has heard. */
const char *served_got(struct app *a);
bool served_has(struct app *a, const char *text);
unsigned served_count(struct app *a, const char *text);

#endif
