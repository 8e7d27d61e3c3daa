/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * account: our account at one CA (RFC 8555 7.3): its key is durable before the CA learns of it, its URL
 * is kept afterwards. Also has the directory ready, so that whoever waited may begin.
 */
#ifndef ACME_ACCOUNT_H
#define ACME_ACCOUNT_H

#include "acme/ca.h"
#include "acme/errand.h"
#include "certstore/key.h"

struct account_args {
	struct ca *ca;
	struct store *store;
	const char *email;         /* NULL: none */
};
struct account *account_new(const struct account_args *args);
void account_free(struct account **a);

/* The account can be used and the directory is held. */
bool account_is_ready(const struct account *a);
/* Registers what is missing and tells w: any failure means nothing goes at this CA for now; fault's
 * retry_at_ms says until when. Leave by list_remove(&w->node). */
void account_wait(struct account *a, struct waiter *w);
/* The CA does not know this kid (any more): the same key is registered again at the next wait. */
void account_lost(struct account *a, const char *kid);

/* Of a ready account; borrowed. */
const struct key *account_key(const struct account *a);
const char *account_kid(const struct account *a);

/* The stored text, for the reader of it. E_STORE_CORRUPT. */
struct account_record {
	struct key *key;
	char kid[ACME_URL];        /* "" before the CA answered */
};
enum err account_record_parse(struct str text, struct account_record **out, struct fault *fault);
void account_record_free(struct account_record **r);

#endif
