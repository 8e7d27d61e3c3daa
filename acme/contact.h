/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * contact: what a CA was told about whom to write to, against what the configuration says: decisions about a
 * record, and telling it once in the background.
 */
#ifndef ACME_CONTACT_H
#define ACME_CONTACT_H

#include "acme/account_record.h"
#include "acme/account_update.h"

/* Whether the CA is still to be told of this address ("": none). One that it refused is not. */
bool contact_is_due(const struct account_record *r, const char *email);
/* The CA answered newAccount with this status and body; email "": none was given; is_refused: it went
 * without, because the CA did not like this one. An account that was there keeps the contact it had. */
void contact_registered(struct account_record *r, unsigned status, struct str body, const char *email,
	bool is_refused);
/* The CA answered an update. ca: its name, for the log. */
void contact_updated(struct account_record *r, const char *ca, const char *email,
	const struct account_answer *answer);
/* Tells it, once in a life; what fails is tried again in the next. */
struct contact {
	struct ca *ca;
	struct account_record *record;
	void (*on_told)(struct contact *c);   /* the record changed */
	/* private */
	struct account_update *update;
	bool was_tried;
	char email[ACCOUNT_CONTACT];
};
void contact_init(struct contact *c, struct ca *ca, struct account_record *record,
	void (*on_told)(struct contact *c));
void contact_fini(struct contact *c);
/* If it is due; the account can be used. Never calls back before it returns. */
void contact_tell(struct contact *c, const char *email);

#endif
