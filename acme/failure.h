/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * failure: what is remembered of a name that could not be had, across restarts: how often, why, and
 * when it may be tried again.
 */
#ifndef ACME_FAILURE_H
#define ACME_FAILURE_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"

struct failure {
	uint64_t count;
	int64_t first_at_ms, last_at_ms, retry_at_ms;   /* wall clock */
	bool is_validation;        /* a CA looked and found no proof (rehearsal_is_verdict) */
	struct fault fault;
};

struct failure_rule {
	int64_t min_ms, max_ms;    /* first step and cap */
	int64_t remaining_ms;      /* life left in the certificate we hold; 0: none */
};

/* The pause after the count-th failure: min, 10 min, 100 min, then the cap or an eighth of what is left.
 * dice: uniform in [0, 1000]: +-20 %, never above the cap. Saturates for every input; at least a tenth of a
 * second. */
int64_t failure_delay_ms(const struct failure_rule *rule, uint64_t count, unsigned dice);

/* One more: counts it and sets the times. A CA's own wish (fault->retry_at_ms) can only lengthen the
 * pause, up to 48 h. */
void failure_add(struct failure *f, const struct fault *fault, const struct failure_rule *rule,
	int64_t now_ms, unsigned dice);
/* Whether it forbids an attempt now. A time further away than any pause can be (the clock was wrong) does
 * not. */
bool failure_forbids(const struct failure *f, int64_t now_ms);

enum err failure_write(const struct failure *f, struct buf *out);
/* E_STORE_CORRUPT. */
enum err failure_parse(struct str text, struct failure *out, struct fault *fault);

#endif
