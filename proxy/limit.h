/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * limit: a token bucket. One thread. Time is given, so that tests need no clock.
 */
#ifndef PROXY_LIMIT_H
#define PROXY_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

struct limit {
	/* private */
	int64_t per_minute, burst;
	int64_t level;  /* tokens times 60,000: refills by per_minute each millisecond */
	int64_t at_ms;
};

/* per_minute 0: no limit. Starts full. */
void limit_init(struct limit *l, unsigned per_minute, unsigned burst, int64_t now_ms);
/* Takes a token; false when there is none. */
bool limit_take(struct limit *l, int64_t now_ms);
/* How long until there is one; 0 now. */
int64_t limit_wait_ms(struct limit *l, int64_t now_ms);

#endif
