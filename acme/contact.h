/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * contact: what a CA was told about whom to write to, against what the configuration says. Decisions about a
 * record.
 */
#ifndef ACME_CONTACT_H
#define ACME_CONTACT_H

#include "acme/account_record.h"
#include "acme/account_update.h"

/* Whether the CA is still to be told of this address ("": none). One that it refused is not. */
bool contact_is_due(const struct account_record *r, const char *email);
/* The CA answered newAccount with this status and body; email "": none was given. An account that was there
 * keeps the contact it had. */
void contact_registered(struct account_record *r, unsigned status, struct str body, const char *email);
/* The CA answered an update. ca: its name, for the log. */
void contact_updated(struct account_record *r, const char *ca, const char *email,
	const struct account_answer *answer);

#endif
