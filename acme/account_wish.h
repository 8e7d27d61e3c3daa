/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * account_wish: what the operator wants of an account, from the wish to the CA's answer.
 */
#ifndef ACME_ACCOUNT_WISH_H
#define ACME_ACCOUNT_WISH_H

#include "acme/account.h"

/* X(enumerator, word, the account must be there already) */
#define ACCOUNT_WISHES(X) \
	X(ACCOUNT_WISH_SHOW, "show", true)              /* as the CA sees it */ \
	X(ACCOUNT_WISH_CONTACT, "contact", true)        /* tell it the configured address now */ \
	X(ACCOUNT_WISH_AGREE, "agree", true)            /* to its new terms; names go on */ \
	X(ACCOUNT_WISH_ROLLOVER, "rollover", true)      /* another key */ \
	X(ACCOUNT_WISH_DEACTIVATE, "deactivate", true)  /* for good; no other is made by itself */ \
	X(ACCOUNT_WISH_REGISTER, "register", false)     /* another after that, or the first */ \
	X(ACCOUNT_WISH_RELOAD, "reload", false)         /* somebody put another into the store */

enum account_wish_kind {
#define X(name, word, needs) name,
	ACCOUNT_WISHES(X)
#undef X
	ACCOUNT_WISH_COUNT
};
/* False when there is none of this word. */
bool account_wish_named(struct str word, enum account_wish_kind *out);

struct account_wish_args {
	struct ca *ca;             /* not our own */
	enum account_wish_kind kind;
	const char *email;         /* ACCOUNT_WISH_CONTACT: the configured one, or NULL; borrowed until the end */
	struct key *key;           /* ACCOUNT_WISH_ROLLOVER: to this one; NULL: one is made; referenced */
};

struct account_wish;
/* answer: what the CA told, perhaps nothing; NULL unless err is E_OK. E_NOT_FOUND: there is no account.
 * The wish is dead when this is called. */
typedef void account_wish_fn(void *owner, enum err err, const struct account_answer *answer,
	const struct fault *fault);
/* Never calls back before it returns. */
struct account_wish *account_wish_start(const struct account_wish_args *args, account_wish_fn *fn, void *owner);
/* No callback follows; a key change that was begun goes on. Nulls, accepts NULL. */
void account_wish_cancel(struct account_wish **w);

#endif
