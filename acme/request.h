/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * request: one signed POST to a CA and its repetitions: bad nonces, network trouble, server errors.
 * The caller meets only the last answer. Tells the CA's breaker what it learned.
 */
#ifndef ACME_REQUEST_H
#define ACME_REQUEST_H

#include "acme/ca.h"
#include "certstore/key.h"

/* May it be sent again when the first may have been acted upon? Finalize and challenges never: their
 * owners look at the order or authorization first. */
enum request_repeat { REQUEST_REPEATABLE, REQUEST_REPEAT_ONCE,
	REQUEST_REPEAT_UNANSWERED,  /* once; but any answer, even a server error, is one */
	REQUEST_NO_REPEAT };

struct request_args {
	struct ca *ca;            /* its directory is held */
	/* Referenced. NULL: the account's own, the one it has when the request goes out (signer). */
	const struct key *key;
	const char *kid;          /* copied; NULL: the key goes along, as in newAccount */
	const char *url;          /* copied */
	struct str payload;       /* copied; "" is POST-as-GET */
	const char *accept;       /* literal, or NULL */
	enum request_repeat repeat;
};

struct request_answer {
	unsigned status;          /* 2xx */
	const struct headers *headers;
	struct str body;
};

struct request;
/* answer is NULL unless err is E_OK. The request is dead when this is called. */
typedef void request_fn(void *owner, enum err err, const struct request_answer *answer,
	const struct fault *fault);
/* Never calls back before it returns. */
struct request *request_start(const struct request_args *args, request_fn *fn, void *owner);
/* No callback follows. Nulls, accepts NULL. */
void request_cancel(struct request **r);

/* Location or the like: a fine URL into dst, false otherwise. */
bool request_header_url(const struct headers *h, const char *name, char dst[ACME_URL]);
/* Retry-After as milliseconds from now (both forms), at least 0; -1 when absent or unreadable. */
int64_t request_retry_after_ms(const struct headers *h, int64_t wall_now_ms);

#endif
