/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * breaker: pure; the caller brings the clock.
 */
#include "acme/breaker.h"

#include "base/check.h"

enum { DOUBTFUL_MAX = 3, PROBE_MS = 2 * 60 * 1000, LASTING_OPENINGS = 3,
	LASTING_MS = 3600 * 1000 };

/* A CA may ask for more than our own steps, within reason. */
static const int64_t asked_max_ms = (int64_t)48 * 3600 * 1000;
static const int64_t steps_ms[] = { 10000, 30000, 60000, 300000, 900000, 1800000 };

bool breaker_is_open(const struct breaker *b, int64_t now_ms)
{
	return b->state == BREAKER_OPEN && now_ms < b->until_ms;
}

bool breaker_may_start(struct breaker *b, int64_t now_ms)
{
	if (b->state == BREAKER_CLOSED)
		return true;
	if (b->state == BREAKER_OPEN && now_ms < b->until_ms)
		return false;
	/* A probe that never reported (its job was cancelled) does not block for ever. */
	if (b->state == BREAKER_PROBING && now_ms - b->probe_at_ms < PROBE_MS)
		return false;
	b->state = BREAKER_PROBING;
	b->probe_at_ms = now_ms;
	return true;
}

void breaker_worked(struct breaker *b)
{
	b->state = BREAKER_CLOSED;
	b->openings = b->failures = 0;
}

void breaker_failed(struct breaker *b, enum breaker_evidence evidence, int64_t asked_until_ms,
	int64_t now_ms)
{
	bool is_open = breaker_is_open(b, now_ms);
	if (b->state == BREAKER_CLOSED && evidence == BREAKER_DOUBTFUL && ++b->failures < DOUBTFUL_MAX)
		return;
	unsigned step = b->openings < ARRAY_LEN(steps_ms) ? b->openings : ARRAY_LEN(steps_ms) - 1;
	if (!b->openings)
		b->down_since_ms = now_ms;
	if (!is_open) {  /* those begun before it opened tell nothing new */
		b->openings++;
		b->until_ms = now_ms + steps_ms[step];
	}
	if (asked_until_ms > now_ms + asked_max_ms)
		asked_until_ms = now_ms + asked_max_ms;
	if (asked_until_ms > b->until_ms)
		b->until_ms = asked_until_ms;
	b->state = BREAKER_OPEN;
	b->failures = 0;
}

int64_t breaker_until(const struct breaker *b, int64_t now_ms)
{
	switch (b->state) {
	case BREAKER_CLOSED:
		return now_ms;
	case BREAKER_OPEN:
		return b->until_ms > now_ms ? b->until_ms : now_ms;
	case BREAKER_PROBING:
		return now_ms + steps_ms[0];
	}
	UNREACHABLE();
}

unsigned breaker_openings(const struct breaker *b)
{
	return b->openings;
}

bool breaker_is_lasting(const struct breaker *b, int64_t now_ms)
{
	return b->openings >= LASTING_OPENINGS
		|| (b->openings && now_ms - b->down_since_ms >= LASTING_MS);
}

const char *breaker_text(const struct breaker *b)
{
	static const char *const texts[] = {
#define X(name, text) [name] = text,
		BREAKER_STATES(X)
#undef X
	};
	return texts[b->state];
}

bool breaker_is_closed(const struct breaker *b)
{
	return b->state == BREAKER_CLOSED;
}
