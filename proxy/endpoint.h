/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * endpoint: one URL that is asked about names: GET URL?domain=…&ip=…, and how it fares.
 *
 *   200 allow · 403, 404, 410 deny · anything else, or nothing: unknown
 *
 * One that gave no verdict twice in a row is to be left out for a while when there is another (the caller's
 * choice). Unless the configuration says "canary": "off", it is asked by itself about a name that cannot
 * exist. Control loop only.
 */
#ifndef PROXY_ENDPOINT_H
#define PROXY_ENDPOINT_H

#include "base/buf.h"
#include "conf/conf.h"
#include "net/loop.h"
#include "net/tls_context.h"

#define ASK_VERDICTS(X) \
	X(ASK_UNKNOWN, "unknown") \
	X(ASK_ALLOW, "allow") \
	X(ASK_DENY, "deny")

enum ask_verdict {
#define X(name, text) name,
	ASK_VERDICTS(X)
#undef X
};

/* What is known of its answer about a name that cannot exist. */
#define ENDPOINT_CANARIES(X) \
	X(ENDPOINT_UNTRIED, "not answered yet") \
	X(ENDPOINT_STRICT, "denied") \
	X(ENDPOINT_OPEN, "allowed") \
	X(ENDPOINT_TRUSTED, "not asked")

enum endpoint_canary {
#define X(name, text) name,
	ENDPOINT_CANARIES(X)
#undef X
};

struct endpoint;
struct endpoint_args {
	struct loop *loop;
	const char *url;                    /* outlives it, as the next two */
	const struct conf_on_demand *conf;
	const char *user_agent;
	struct tls_context *tls;            /* for an https URL; referenced */
};

/* The canary is asked in the next turn. */
struct endpoint *endpoint_new(const struct endpoint_args *args);
/* No callback follows. */
void endpoint_free(struct endpoint **e);

/* body: of a 200, borrowed for the call. why: for ASK_UNKNOWN, else NULL. */
typedef void endpoint_fn(void *owner, enum ask_verdict verdict, struct str body, const struct fault *why);
struct endpoint_call;
/* Never calls back before it returns. NULL: the URL with this name is too long; then fn does not come. */
struct endpoint_call *endpoint_ask(struct endpoint *e, const char *name, const char *client_ip,
	int64_t timeout_ms, endpoint_fn *fn, void *owner);
/* Nulls, accepts NULL; after the callback the pointer is dead. */
void endpoint_cancel(struct endpoint_call **c);

/* False: it failed lately, better ask another. */
bool endpoint_is_ready(const struct endpoint *e);
enum endpoint_canary endpoint_canary(const struct endpoint *e);

/* For status. */
struct endpoint_look {
	char url[256];                  /* without its query, which may hold a secret */
	bool is_well;
	unsigned failures;              /* in a row, now */
	struct fault fault;             /* of the last of them */
	int64_t since_ms, retry_at_ms;  /* wall clock, when not well */
	enum endpoint_canary canary;
	const char *canary_text;
};
void endpoint_look(const struct endpoint *e, struct endpoint_look *out);

/* The URL asked: percent-encoded, an existing query kept. E_LIMIT. */
enum err endpoint_url(struct buf *out, const char *base, const char *name, const char *client_ip);

#endif
