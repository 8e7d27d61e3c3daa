/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ask: whether the operator's endpoints allow a name. They are asked in order until one gives a verdict, all
 * within one deadline; those that failed lately come last.
 *
 * The body of a 200 may be a JSON object: {"tenant": "acme-corp", "ttl": 600}: on whose behalf the name is
 * ordered, and how many seconds the yes holds; {"to": "10.0.0.5:80", "profile": "shortlived"}: where its requests
 * go, and what its certificates are like. Whatever else it is does not matter.
 *
 * Answers are remembered, in bounded memory. While no endpoint gives a verdict, a name that was allowed earlier
 * stays allowed for a while. Control loop only; one question per name at a time is the caller's duty.
 */
#ifndef PROXY_ASK_H
#define PROXY_ASK_H

#include "proxy/endpoint.h"
#include "proxy/promises.h"
#include "net/tls_context.h"

const char *ask_verdict_text(enum ask_verdict v);

struct ask;
struct ask_args {
	struct loop *loop;
	const struct conf_on_demand *conf;  /* it names a URL; outlives the ask */
	const char *user_agent;
	/* A yes came that says this. Not E_OK: it is none, for the reason in fault. NULL: nobody cares. */
	enum err (*on_promise)(void *owner, const char *name, const struct promise *promise, struct fault *fault);
	void *owner;
	struct tls_context *tls;            /* as ask_trust; referenced. NULL: read by ask_new */
};

/* The trust for its https URLs, NULL when it has none. Reads files; any thread. */
enum err ask_trust(const struct conf_on_demand *conf, struct tls_context **out, struct fault *fault);

/* Reads the system's trust store for https URLs unless it is given (blocking): before the loops run. */
enum err ask_new(const struct ask_args *args, struct ask **out, struct fault *fault);
/* Whoever was denied is asked about again. */
void ask_forget_denials(struct ask *a);
/* What was allowed by the same endpoints before a reload is still allowed; denials are not taken over. */
void ask_inherit(struct ask *a, struct ask *before);
/* No callback follows. */
void ask_free(struct ask **a);

/* fault says why for ASK_UNKNOWN (also when an allow is an old one because of it), or is NULL. */
typedef void ask_fn(void *owner, enum ask_verdict verdict, const struct fault *fault);
/* Never calls back before it returns. */
void ask_start(struct ask *a, const char *name, const char *client_ip, ask_fn *fn, void *owner);
/* The tenant it was last allowed for, "" for none. Borrowed until the next answer. */
const char *ask_tenant(const struct ask *a, const char *name);
/* For status: the endpoints in their order. */
unsigned ask_endpoints(const struct ask *a);
void ask_look(const struct ask *a, unsigned endpoint, struct endpoint_look *out);
/* What is remembered of the name now. */
enum ask_verdict ask_recall(const struct ask *a, const char *name);

/* What a yes may say beside it. */
enum { ASK_TENANT = 64 };
struct ask_permit {
	char tenant[ASK_TENANT];   /* printable ASCII without spaces, or "" */
	struct promise promise;       /* its "to" as it was said, not looked at */
	int64_t ttl_ms;            /* -1: nothing said */
};
/* From the body of a 200; a body that is not understood says nothing. */
void ask_read(struct str body, struct ask_permit *permit);

#endif
