/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * answer: what we say ourselves: small error pages with their code, redirects, challenge tokens.
 */
#ifndef PROXY_ANSWER_H
#define PROXY_ANSWER_H

#include "net/http/exchange.h"

/* What a request gets for an error of ours: 502, 504, 404 … */
unsigned answer_status(enum err err);

/* Complete answers, head to end; the caller releases the side afterwards. head is the request's. */
enum err answer_error(struct side *client, const struct request_head *head, enum err err, struct str id);
enum err answer_redirect(struct side *client, const struct request_head *head, unsigned status,
	struct str location);
enum err answer_text(struct side *client, const struct request_head *head, struct str text);

/* The whole HTTP/1.1 answer for a client that speaks HTTP where TLS is spoken. */
struct str answer_not_tls(void);

#endif
