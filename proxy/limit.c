/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * limit: whole numbers only; a clock that jumps back refills nothing.
 */
#include "proxy/limit.h"

#include "base/check.h"

enum { TOKEN = 60 * 1000 };

void limit_init(struct limit *l, unsigned per_minute, unsigned burst, int64_t now_ms)
{
	ASSERT(per_minute == 0 || burst > 0);
	*l = (struct limit){
		.per_minute = per_minute,
		.burst = burst,
		.level = (int64_t)burst * TOKEN,
		.at_ms = now_ms,
	};
}

static void refill(struct limit *l, int64_t now_ms)
{
	int64_t room = l->burst * TOKEN - l->level;
	int64_t passed = now_ms - l->at_ms;

	l->at_ms = now_ms;
	if (passed <= 0)
		return;
	if (passed > room / l->per_minute)
		l->level = l->burst * TOKEN;
	else
		l->level += passed * l->per_minute;
}

bool limit_take(struct limit *l, int64_t now_ms)
{
	if (l->per_minute == 0)
		return true;
	refill(l, now_ms);
	if (l->level < TOKEN)
		return false;
	l->level -= TOKEN;
	return true;
}

int64_t limit_wait_ms(struct limit *l, int64_t now_ms)
{
	if (l->per_minute == 0)
		return 0;
	refill(l, now_ms);
	if (l->level >= TOKEN)
		return 0;
	return (TOKEN - l->level + l->per_minute - 1) / l->per_minute;
}
