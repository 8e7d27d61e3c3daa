/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * head: request and response heads, version-neutral. All texts live in the arena of the exchange (or
 * whoever made the head). Header names keep the case they came in (lower case from HTTP/2).
 */
#ifndef NET_HTTP_HEAD_H
#define NET_HTTP_HEAD_H

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"

struct http_limits {
	size_t head_bytes;      /* a whole head, also a trailer section */
	unsigned headers;       /* fields in one section */
};

struct header {
	struct str name, value;
};

/* In order of arrival. A growing array in the arena. */
struct headers {
	struct header *at;
	unsigned n;
	/* private */
	unsigned cap;
	unsigned n_checked;     /* so many, from the first, went through h1_fields_read: the writer need not */
};

/* Borrowed slices are kept as they are: they must live as long as the list. E_NOMEM. */
enum err headers_add(struct headers *h, struct arena *a, struct str name, struct str value);
/* First value with this name (case ignored), or STR_NONE. */
struct str headers_get(const struct headers *h, const char *name);
unsigned headers_count(const struct headers *h, const char *name);
/* Removes all of that name; returns how many. */
unsigned headers_remove(struct headers *h, const char *name);
/* Takes out those whose name was made empty. */
void headers_compact(struct headers *h);
/* Replaces all of that name by one. */
enum err headers_set(struct headers *h, struct arena *a, const char *name, struct str value);
/* All values of that name joined by ", " into the arena; STR_NONE when there is none. */
struct str headers_join(const struct headers *h, struct arena *a, const char *name);
/* Whether token is an element of the comma-separated list(s) under name, case ignored. */
bool headers_has_token(const struct headers *h, const char *name, struct str token);
/* Field name is a token; value has no CR, LF, NUL or other control character but HTAB (RFC 9110 5). */
bool header_name_is_valid(struct str name);
bool header_value_is_valid(struct str value);
/* Bytes before the first control character (C0, DEL; HTAB is one). */
size_t head_plain_length(struct str s);
/* RFC 9110 5.6.2 token. */
bool head_is_token(struct str s);

/* How a body is delimited, whatever the version: what the codec needs to know to write it. */
enum body_kind {
	BODY_NONE,      /* no body at all */
	BODY_LENGTH,    /* exactly length bytes */
	BODY_STREAM,    /* until its end is told: chunked in HTTP/1.1, END_STREAM in HTTP/2 */
};

struct request_head {
	struct str method;       /* "GET" */
	struct str scheme;       /* "https" or "http": how the client reached us */
	struct str authority;    /* host[:port] as sent (Host, absolute-form or :authority) */
	struct str host;         /* lower-case, without port and trailing dot; "" when none was sent */
	struct str path;         /* origin-form: "/a?b", or "*" for OPTIONS */
	struct str upgrade;      /* protocol asked for by Upgrade (HTTP/1.1) or :protocol; "" none */
	bool expects_continue;
	bool is_idempotent;      /* RFC 9110 9.2.2 by method */
	unsigned version;        /* 10, 11, 20, 30: the client's */
	enum body_kind body;
	uint64_t length;         /* with BODY_LENGTH */
	/* End-to-end fields only: the codec has removed what belongs to its connection (Connection and
	 * the fields it names, Keep-Alive, Proxy-Connection, Transfer-Encoding, Upgrade, TE other than
	 * trailers, Content-Length, Host, HTTP2-Settings), and the other side's codec writes its own. */
	struct headers headers;
};

struct response_head {
	unsigned status;         /* 100..599; 1xx may come several times before the final one */
	struct str reason;       /* HTTP/1 only; may be empty */
	unsigned version;
	enum body_kind body;     /* as announced; HEAD, 204 and 304 have BODY_NONE */
	uint64_t length;         /* with BODY_LENGTH; for HEAD and 304: announced_length */
	bool has_announced_length; /* HEAD/304: Content-Length is to be sent although there is no body */
	struct str upgrade;      /* with 101: the protocol agreed */
	struct headers headers;  /* end-to-end only, as above */
};

/* IANA's reason phrase, or "". */
const char *head_reason(unsigned status);
bool head_method_is_idempotent(struct str method);
/* Splits authority into host (lower-cased into the arena, trailing dot removed, brackets kept off) and port
 * (0 when none). E_PARSE when it is no valid host (RFC 3986 3.2.2, no userinfo). */
enum err head_parse_authority(struct str authority, struct arena *a, struct str *host, uint16_t *port);

#endif
