/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bucket: the generic cell rate algorithm, the other way round.
 */
#include "acme/bucket.h"

/* What is missing from a full bucket, in time; a bucket of a clock that was wrong counts as empty. */
static int64_t missing_ms(const struct bucket *b, const struct rate *r, int64_t now_ms)
{
	int64_t most_ms = (int64_t)r->burst * r->every_ms;
	int64_t missing = b->full_at_ms > now_ms ? b->full_at_ms - now_ms : 0;
	return missing < most_ms ? missing : most_ms;
}

int64_t bucket_wait_ms(const struct bucket *b, const struct rate *r, unsigned reserve, int64_t now_ms)
{
	int64_t closed_ms = b->closed_until_ms > now_ms ? b->closed_until_ms - now_ms : 0;
	if (!r->burst)
		return closed_ms;
	if (reserve >= r->burst)
		reserve = r->burst - 1;
	int64_t allowed_ms = (int64_t)(r->burst - 1 - reserve) * r->every_ms;
	int64_t wait_ms = missing_ms(b, r, now_ms) + (int64_t)b->held * r->every_ms - allowed_ms;
	return wait_ms > closed_ms ? wait_ms : closed_ms;
}

void bucket_take(struct bucket *b, const struct rate *r, int64_t now_ms)
{
	if (r->burst)
		b->full_at_ms = now_ms + missing_ms(b, r, now_ms) + r->every_ms;
}

void bucket_empty(struct bucket *b, const struct rate *r, int64_t now_ms)
{
	if (r->burst)
		b->full_at_ms = now_ms + (int64_t)r->burst * r->every_ms;
}

unsigned bucket_tokens(const struct bucket *b, const struct rate *r, int64_t now_ms)
{
	if (!r->burst)
		return 0;
	unsigned gone = (unsigned)((missing_ms(b, r, now_ms) + r->every_ms - 1) / r->every_ms) + b->held;
	return gone < r->burst ? r->burst - gone : 0;
}

int64_t bucket_next_ms(const struct bucket *b, const struct rate *r, int64_t now_ms)
{
	int64_t closed_ms = b->closed_until_ms > now_ms ? b->closed_until_ms - now_ms : 0;
	int64_t missing = r->burst ? missing_ms(b, r, now_ms) : 0;
	int64_t next_ms = missing ? (missing - 1) % r->every_ms + 1 : 0;
	return next_ms > closed_ms ? next_ms : closed_ms;
}

int bucket_is_idle(const struct bucket *b, int64_t now_ms)
{
	return !b->held && b->full_at_ms <= now_ms && b->closed_until_ms <= now_ms;
}
