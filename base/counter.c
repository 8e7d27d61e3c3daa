/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * counter: the metrics. Each thread adds to one of a few shards, so that workers do not fight for a
 * cache line at every request; reading sums them.
 */
#include "base/counter.h"

#include <stdatomic.h>

#include "base/check.h"

enum { SHARDS = 16 };

static struct shard {
	_Alignas(64) _Atomic int64_t values[COUNTER_COUNT];
} shards[SHARDS];

static atomic_uint next_shard;
static _Thread_local struct shard *mine;

static const struct {
	const char *name, *help;
} rows[COUNTER_COUNT] = {
#define X(name, text, help) [name] = { text, help },
	COUNTER_ROWS(X)
#undef X
};

void counter_add(enum counter c, int64_t n)
{
	ASSERT((unsigned)c < COUNTER_COUNT);
	if (!mine)
		mine = &shards[atomic_fetch_add(&next_shard, 1) % SHARDS];
	atomic_fetch_add_explicit(&mine->values[c], n, memory_order_relaxed);
}

int64_t counter_get(enum counter c)
{
	int64_t sum = 0;

	ASSERT((unsigned)c < COUNTER_COUNT);
	for (unsigned i = 0; i < SHARDS; i++)
		sum += atomic_load_explicit(&shards[i].values[c], memory_order_relaxed);
	return sum;
}

const char *counter_name(enum counter c)
{
	ASSERT((unsigned)c < COUNTER_COUNT);
	return rows[c].name;
}

const char *counter_help(enum counter c)
{
	ASSERT((unsigned)c < COUNTER_COUNT);
	return rows[c].help;
}
