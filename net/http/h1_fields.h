/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * h1_fields: what the fields of an HTTP/1 head mean for the connection: framing (RFC 9112 6), keep-alive
 * (9.3), and which of them end here (RFC 9110 7.6.1). Same rules for requests and responses.
 */
#ifndef NET_HTTP_H1_FIELDS_H
#define NET_HTTP_H1_FIELDS_H

#include "net/http/head.h"

/* X(enumerator, name): fields the codec reads and takes out. */
#define H1_FIELD_ROWS(X) \
	X(H1_CONNECTION, "connection") \
	X(H1_CONTENT_LENGTH, "content-length") \
	X(H1_EXPECT, "expect") \
	X(H1_HOST, "host") \
	X(H1_HTTP2_SETTINGS, "http2-settings") \
	X(H1_KEEP_ALIVE, "keep-alive") \
	X(H1_PROXY_CONNECTION, "proxy-connection") \
	X(H1_TE, "te") \
	X(H1_TRANSFER_ENCODING, "transfer-encoding") \
	X(H1_UPGRADE, "upgrade")

enum h1_field {
#define X(field, name) field,
	H1_FIELD_ROWS(X)
#undef X
	H1_FIELD_COUNT,
	H1_OTHER = H1_FIELD_COUNT
};

struct h1_fields {
	unsigned n[H1_FIELD_COUNT];
	struct str first[H1_FIELD_COUNT];   /* the value, of the first one */
	bool close, keep_alive, upgrade;    /* options of Connection */
	bool te_trailers;
	unsigned named;                     /* other options: fields to be removed */
	bool has_length, is_chunked;
	uint64_t length;
};

enum h1_field h1_field_of(struct str name);
/* Names, values and framing; E_HTTP for whatever is malformed or ambiguous. version 10 or 11. */
enum err h1_fields_read(struct h1_fields *f, struct headers *h, unsigned version);
/* Leaves the end-to-end fields. What Connection names goes too, unless others rely on it. */
void h1_fields_strip(const struct h1_fields *f, struct headers *h);
/* The protocol of an Upgrade field that Connection confirms, or "". */
struct str h1_fields_upgrade(const struct h1_fields *f);
bool h1_fields_keep_alive(const struct h1_fields *f, unsigned version);

#endif
