/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fetch: one URL, one answer, collected with a cap: for ACME, ask, health checks. Keeps idle connections
 * per origin in a small pool, so that an ACME order runs over one connection.
 *
 *   DIAL --> SEND --> HEAD --> BODY --> DONE
 *     \_______\________\________\________--> FAILED
 */
#ifndef NET_HTTP_FETCH_H
#define NET_HTTP_FETCH_H

#include "base/buf.h"
#include "net/dial.h"
#include "net/http/head.h"
#include "net/http/url.h"
#include "net/loop.h"

/* One per use (one per CA, one for ask …): its trust, caps and idle connections. */
struct fetcher;
struct fetcher_args {
	struct loop *loop;
	struct tls_context *tls;      /* referenced; NULL: only http: URLs work */
	const char *user_agent;       /* copied */
	bool https_only;              /* refuse http: URLs (ACME) */
	unsigned connections_max;     /* at once per fetcher; more requests wait. 0: 4 */
	int64_t connect_ms, response_ms, total_ms;  /* 0: 10 s, 30 s, 60 s */
	size_t body_max;              /* 0: 256 KiB */
	int64_t idle_ms;              /* 0: 15 s */
	const struct addr *address;   /* copied: whom to ask whatever the URL says (a Unix socket); NULL */
};
struct fetcher *fetcher_new(const struct fetcher_args *args);
/* Cancels all without callbacks. */
void fetcher_free(struct fetcher **f);

struct fetch_args {
	const char *method;           /* "GET", "HEAD", "POST" */
	struct str url;
	const struct header *headers; /* copied */
	unsigned n_headers;
	struct str body;              /* copied; content-type among headers */
	int64_t total_ms;             /* 0: the fetcher's */
};

struct fetch_answer {
	unsigned status;
	const struct headers *headers;
	struct str body;
};

/* answer is NULL unless err is E_OK (any status is E_OK). was_sent: the request may have been acted
 * upon. Redirects are not followed. Never called before fetch_start returns. */
typedef void fetch_fn(void *owner, enum err err, const struct fetch_answer *answer,
	const struct fault *fault, bool was_sent);

struct fetch;
/* E_PARSE for a bad URL comes by callback as well. */
struct fetch *fetch_start(struct fetcher *f, const struct fetch_args *args, fetch_fn *fn, void *owner);
/* No callback follows. Nulls, accepts NULL; after the callback the pointer is dead. */
void fetch_cancel(struct fetch **f);

#endif
