/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * account: our account at one CA (RFC 8555 7.3): its key is durable before the CA learns of it, its URL
 * is kept afterwards. Also has the directory ready, so that whoever waited may begin. An account the CA
 * forgot, deactivated or wants somebody to agree for is seen to here once for all names.
 */
#ifndef ACME_ACCOUNT_H
#define ACME_ACCOUNT_H

#include "acme/account_record.h"
#include "acme/account_update.h"
#include "acme/ca.h"
#include "acme/errand.h"

struct account_args {
	struct ca *ca;
	struct store *store;
	const char *email;         /* NULL: none */
};
/* Begins to read what the store has, for status. The CA is asked only to settle a key change that was interrupted,
 * or told of another contact. */
struct account *account_new(const struct account_args *args);
void account_free(struct account **a);

/* The account can be used and the directory is held. */
bool account_is_ready(const struct account *a);
/* Registers what is missing and tells w: any failure means nothing goes at this CA for now; fault's
 * retry_at_ms says until when. Leave by list_remove(&w->node). */
void account_wait(struct account *a, struct waiter *w);

/* What a refused order may tell of the account with this kid; the next wait sees to it. */
/* The CA does not know it (any more): the same key is registered again. */
void account_lost(struct account *a, const char *kid);
/* 403 unauthorized: perhaps deactivated, which the CA is asked then, and a new account made if it is so, once a
 * week. False: it was found good a moment ago. */
bool account_doubt(struct account *a, const char *kid);
/* The store may know better: it is read, and the CA asked if it does not. */
void account_suspect(struct account *a);
/* userActionRequired: nothing goes until the operator says so, across restarts. */
void account_must_agree(struct account *a, const char *kid);

/* Of a ready account; borrowed. Its key is the signer's. */
const char *account_kid(const struct account *a);

/* For status and the operator's commands; all is borrowed and may be empty. */
const struct account_record *account_facts(const struct account *a);
/* As account_wait; but w is told E_OK also when its standing keeps names out. */
void account_wait_up(struct account *a, struct waiter *w);
/* Another key (rollover); w is told the end of it. to: referenced; NULL: one is made. E_LOCKED: another
 * change is under way; E_USAGE: it has this key. Then w is not told. */
enum err account_roll(struct account *a, struct key *to, struct waiter *w, struct fault *fault);
/* w is not told any more; a change that was begun goes on. */
void account_unroll(struct account *a, struct waiter *w);
/* What the CA answered to an update, written down in the background. */
void account_took_contact(struct account *a, const char *email, const struct account_answer *answer);
void account_closed(struct account *a);
void account_agreed(struct account *a);
/* The next wait makes a new key and a new account; the old one is left as it is. */
void account_renew(struct account *a);

#endif
