/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * standing: whether an account's record lets names order, and if not, why, in words and for how long. Decisions
 * about a record, and the log's loud lines about it.
 */
#ifndef ACME_STANDING_H
#define ACME_STANDING_H

#include "acme/account_record.h"

void standing_set(struct account_record *r, enum account_standing standing);
/* Why nothing goes until the operator acts, E_ACCOUNT; E_OK: it is good. ca: its name. The time in fault is when
 * names look again; the CA is not asked then. */
enum err standing_refusal(const struct account_record *r, const char *ca, struct fault *fault);
/* The same for the log. */
void standing_shout(const struct account_record *r, const char *ca);

/* A deactivated account may be replaced by itself: once a week. Notes that it is. */
bool standing_may_replace(struct account_record *r, const char *ca);
/* The kid is the CA's answer to a registration: has it changed? Notes and tells it: records at name servers may
 * name the account (CAA accounturi, RFC 8657; dns-persist-01). */
void standing_note_url(struct account_record *r, const char *ca);

#endif
