/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * rollover: another key for the same account (RFC 8555 7.3.5). Both keys are durable before the CA hears of the
 * new one, and the old one goes only after the CA has taken the new one's signature: some say 200 to a change
 * and make none, some make it and the answer is lost. The same questions settle which of two keys an
 * interrupted change left in force.
 */
#ifndef ACME_ROLLOVER_H
#define ACME_ROLLOVER_H

#include "acme/account_record.h"
#include "acme/ca.h"

struct rollover_args {
	struct ca *ca;                    /* its directory is held */
	struct store *store;
	const char *name;                 /* of the record in the store, whose lock is held */
	struct account_record *record;    /* borrowed; its keys are changed as things become certain */
};

struct rollover;
/* E_OK: the new key is in force. Otherwise fault tells why; record->next_key is NULL when it is certain that
 * the old one is. The rollover is dead when this is called. */
typedef void rollover_fn(void *owner, enum err err, const struct fault *fault);
/* to: referenced; NULL: one is made. Never calls back before it returns. */
struct rollover *rollover_start(const struct rollover_args *args, struct key *to, rollover_fn *fn, void *owner);
/* The record has two keys: which is it? E_OK: one of them, the record has only that. */
struct rollover *rollover_settle(const struct rollover_args *args, rollover_fn *fn, void *owner);
/* No callback follows. Nulls, accepts NULL. */
void rollover_cancel(struct rollover **r);

/* The inner signature, by the new key over who it is for. For its test too. */
enum err rollover_payload(const struct account_record *record, const struct key *to, const char *url,
	struct buf *out);

#endif
