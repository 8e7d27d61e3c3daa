/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * h1_parser: HTTP/1 bytes -> heads and bodies (RFC 9112), both roles, no I/O. llhttp splits the text and
 * decodes chunks; every rule about framing is checked here as well, and anything either of the two
 * finds odd is an error: nothing is repaired.
 */
#ifndef NET_HTTP_H1_PARSER_H
#define NET_HTTP_H1_PARSER_H

#include "net/http/head.h"

/* Where a head ends, found while its bytes arrive. Zero is the start state. */
struct h1_scan {
	size_t line;     /* where the unfinished line begins */
	size_t scanned;
};
/* bytes is the head from its first byte, more of it at each call. E_OK with *len: bytes[0..len) is a head
 * with its empty line. E_AGAIN. E_HTTP: cannot be one. E_HEAD_TOO_LARGE: longer than limits say. */
enum err h1_scan_head(struct h1_scan *scan, struct str bytes, const struct http_limits *limits,
	size_t *len);

/* What a head says about its connection and its body, beyond struct request_head and response_head. */
struct h1_message {
	bool keep_alive;
	bool is_chunked;
	bool is_until_eof;   /* responses only */
	unsigned status;     /* with an error in a request: what to answer */
};

struct h1_request_args {
	const struct http_limits *limits;
	bool is_tls;
};
/* text: a whole head as h1_scan_head found it, in memory that lives as long as head. Other results go
 * to the arena. Any error: m->status is the refusal. */
enum err h1_parse_request(struct str text, struct arena *a, const struct h1_request_args *args,
	struct request_head *head, struct h1_message *m);

struct h1_response_args {
	const struct http_limits *limits;
	bool is_head;        /* answers a HEAD request */
	bool may_upgrade;    /* the request asked for it */
};
/* E_UPSTREAM_PROTOCOL, E_NOMEM. */
enum err h1_parse_response(struct str text, struct arena *a, const struct h1_response_args *args,
	struct response_head *head, struct h1_message *m);

/* A body being read: pulled piece by piece, so that the caller can stop at any. */
enum h1_body_how { H1_BODY_COUNTED, H1_BODY_CHUNKED, H1_BODY_UNTIL_EOF };

struct h1_body {
	enum h1_body_how how;
	uint64_t left;                  /* COUNTED */
	struct headers trailers;        /* CHUNKED, complete at END; the allowed ones only */
	/* private */
	struct h1_chunks *chunks;
};

enum h1_body_event {
	H1_BODY_MORE,    /* all input was taken */
	H1_BODY_PIECE,   /* *piece is of the body, a slice of what was input */
	H1_BODY_END,     /* complete; input holds what follows the message */
	H1_BODY_BAD,
};
/* E_NOMEM. With chunks the state lives in the arena. */
enum err h1_body_init(struct h1_body *b, enum h1_body_how how, uint64_t length, struct arena *a,
	const struct http_limits *limits);
/* Takes from the front of *input. After END or BAD it must not be called again. */
enum h1_body_event h1_body_next(struct h1_body *b, struct str *input, struct str *piece);

/* Whether a field may be in a trailer section: nothing about framing, routing, authentication or how
 * to read the content (RFC 9110 6.5.1). */
bool h1_is_allowed_trailer(struct str name);

/* llhttp's. */
const char *h1_parser_library_version(void);

#endif
