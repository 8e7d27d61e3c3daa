/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * rehearsal: whether an order goes to the staging of a CA first. A name whose validation failed is likely to
 * fail again, and each failure spends an allowance that is small at production and large at staging. Pure.
 *
 *   production fails ──► (backoff) ──► staging fails ──► (backoff) ──► staging …
 *                                        └── succeeds ──► production, in the same job
 *
 * What a staging issues is thrown away. Its own troubles are nobody's verdict: production is asked then.
 */
#ifndef ACME_REHEARSAL_H
#define ACME_REHEARSAL_H

#include "acme/failure.h"
#include "certstore/entry.h"
#include "conf/conf.h"

/* Whether a validation failed for a reason that a staging finds as well as production does. used: the
 * challenge (enum conf_challenge) that was tried, or -1. Not a CAA record, which may name our account. */
bool rehearsal_is_verdict(const struct fault *fault, int used);
/* Whether the name's next order is to be rehearsed, after this failure (count 0: none) and with this
 * certificate (or NULL): not when it is about to end, for then every attempt counts. */
bool rehearsal_is_wise(const struct failure *failure, const struct entry *held, int64_t now_ms);
/* Says in the fault's activity where it happened. */
void rehearsal_tell(struct fault *fault, const char *staging);
/* The staging where the next order of the name would begin, or NULL: for telling. failure: or NULL. */
const struct conf_ca *rehearsal_place(const struct conf_acme *acme, const char *name,
	const struct failure *failure, const struct entry *held, int64_t now_ms);

#endif
