/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bucket: a token bucket that is one number: when it will be full again. A full one is zero, so that what
 * was not used lately need not be kept. Pure; the caller brings the clock.
 */
#ifndef ACME_BUCKET_H
#define ACME_BUCKET_H

#include <stdint.h>

struct rate {
	unsigned burst;       /* tokens of a full bucket; 0: no limit */
	int64_t every_ms;     /* one more comes after this long */
};

struct bucket {
	int64_t full_at_ms;   /* in the past or 0: full */
	int64_t closed_until_ms; /* refused until then, whatever we counted: the CA said so */
	unsigned held;        /* tokens promised and not taken yet: they do not come back by waiting */
};

/* How long until a token can be had while `reserve` others stay; 0: now. */
int64_t bucket_wait_ms(const struct bucket *b, const struct rate *r, unsigned reserve, int64_t now_ms);
/* Takes one, be there any or not. */
void bucket_take(struct bucket *b, const struct rate *r, int64_t now_ms);
void bucket_empty(struct bucket *b, const struct rate *r, int64_t now_ms);
/* Whole tokens there now, without those promised. */
unsigned bucket_tokens(const struct bucket *b, const struct rate *r, int64_t now_ms);
/* How long until there is one more than now, whatever is promised; 0: it is full. */
int64_t bucket_next_ms(const struct bucket *b, const struct rate *r, int64_t now_ms);
/* Nothing to remember. */
int bucket_is_idle(const struct bucket *b, int64_t now_ms);

#endif
