/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * poll: pure; the caller brings the clock. The number of looks in a given time is bounded by
 * POLL_QUICK_MAX plus that time divided by Retry-After: quick looks come beside the regular ones and
 * neither push them away nor pull them closer.
 */
#include "acme/poll.h"

/* Without Retry-After: 1, 2, 4, 8, then 10 s. */
static int64_t regular_ms(const struct poll *p, int64_t retry_after_ms)
{
	if (retry_after_ms < 0)
		return p->regular < 4 ? (int64_t)POLL_MIN_MS << p->regular : 10 * POLL_MIN_MS;
	if (retry_after_ms < POLL_MIN_MS)
		return POLL_MIN_MS;
	return retry_after_ms < POLL_MAX_MS ? retry_after_ms : POLL_MAX_MS;
}

static int64_t until_due(const struct poll *p, int64_t now_ms)
{
	return p->due_ms > now_ms ? p->due_ms - now_ms : 0;
}

/* The next look: a quick one while there are any left and it comes before the regular one. */
static int64_t plan(struct poll *p, int64_t now_ms)
{
	int64_t wait_ms = until_due(p, now_ms), quick_ms = (int64_t)POLL_QUICK_MS << p->since_hint;
	if (p->since_hint >= POLL_QUICK_PER_HINT || p->quick >= POLL_QUICK_MAX || quick_ms >= wait_ms)
		return wait_ms;
	p->is_quick = true;
	p->since_hint++;
	p->quick++;
	return quick_ms;
}

int64_t poll_start(struct poll *p, int64_t retry_after_ms, int64_t now_ms)
{
	*p = (struct poll){ .since_hint = POLL_QUICK_PER_HINT, .quick = 1, .is_quick = true };
	p->due_ms = now_ms + regular_ms(p, retry_after_ms);
	p->regular++;
	return POLL_BLIND_MS;
}

int64_t poll_hint(struct poll *p, int64_t now_ms)
{
	if (p->is_quick) {
		/* Several validators, one after the other: shortly after the last of them, but not
		 * later than the regular look (strangers can pose as validators). */
		int64_t wait_ms = until_due(p, now_ms);
		p->since_hint = 1;
		return wait_ms < POLL_QUICK_MS ? wait_ms : POLL_QUICK_MS;
	}
	p->since_hint = 0;
	return plan(p, now_ms);
}

int64_t poll_again(struct poll *p, int64_t retry_after_ms, int64_t now_ms)
{
	p->looks++;
	p->is_quick = false;
	if (p->due_ms <= now_ms) {
		p->due_ms = now_ms + regular_ms(p, retry_after_ms);
		p->regular++;
	}
	return plan(p, now_ms);
}

unsigned poll_count(const struct poll *p)
{
	return p->looks;
}
