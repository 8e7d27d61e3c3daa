/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ledger: token buckets by key, never more than a fixed number: idle ones are forgotten first, then the one
 * not touched for longest. Pure.
 */
#ifndef ACME_LEDGER_H
#define ACME_LEDGER_H

#include "acme/bucket.h"
#include "base/str.h"

struct ledger;
struct ledger *ledger_new(unsigned max);
void ledger_free(struct ledger **l);
/* NULL: nothing is noted, which is a full bucket. Good until the next ledger_at. */
struct bucket *ledger_find(const struct ledger *l, struct str key);
/* Makes one where there is none. */
struct bucket *ledger_at(struct ledger *l, struct str key, int64_t now_ms);
/* From the one touched last: *cursor NULL at first; false at the end. Nothing may be added meanwhile. */
bool ledger_next(const struct ledger *l, const void **cursor, struct str *key,
	const struct bucket **b);
unsigned ledger_count(const struct ledger *l);

#endif
