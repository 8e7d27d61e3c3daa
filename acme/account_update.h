/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * account_update: what is said to a CA about an account that is there: its contact, agreement to new terms, the
 * end; or nothing but a question (RFC 8555 7.3.2, 7.3.3, 7.3.6). One at a time per account is for the caller
 * to see to; the requests themselves may fall together with any others.
 */
#ifndef ACME_ACCOUNT_UPDATE_H
#define ACME_ACCOUNT_UPDATE_H

#include "acme/registration.h"

enum account_update_kind { ACCOUNT_UPDATE_LOOK, ACCOUNT_UPDATE_CONTACT, ACCOUNT_UPDATE_AGREE,
	ACCOUNT_UPDATE_DEACTIVATE };

struct account_update_args {
	struct ca *ca;                      /* its directory is held, its signer has the account's key */
	const char *kid;                    /* copied */
	enum account_update_kind kind;
	const char *email;                  /* ACCOUNT_UPDATE_CONTACT: "" for none; copied */
};

struct account_answer {
	struct registration_view view;      /* as the CA told it; perhaps empty */
	bool is_contact_refused;            /* it does not like this address … */
	bool is_contact_kept;               /* … and would not take none either: it has what it had */
};

struct account_update;
/* answer: NULL unless err is E_OK. The update is dead when this is called. */
typedef void account_update_fn(void *owner, enum err err, const struct account_answer *answer,
	const struct fault *fault);
/* Never calls back before it returns. */
struct account_update *account_update_start(const struct account_update_args *args, account_update_fn *fn,
	void *owner);
/* No callback follows. Nulls, accepts NULL. */
void account_update_cancel(struct account_update **u);

#endif
