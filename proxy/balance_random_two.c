/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * balance_random_two: two at random by weight, the one with less to do of them. Near the best choice
 * without a herd: workers know only their own requests.
 */
#include "proxy/balance.h"

#include "net/random.h"

static unsigned pick_weighted(struct balance_server *const *at, unsigned n, uint64_t total)
{
	uint64_t left = random_below(total);

	for (unsigned i = 0; i < n; i++) {
		if (left < at[i]->weight)
			return i;
		left -= at[i]->weight;
	}
	return 0;
}

static unsigned pick(struct balance_server *const *at, unsigned n)
{
	uint64_t total = 0;
	unsigned a, b;

	if (n == 1)
		return 0;
	for (unsigned i = 0; i < n; i++)
		total += at[i]->weight;
	a = pick_weighted(at, n, total);
	b = pick_weighted(at, n, total);
	return balance_is_lighter(at[b], at[a]) ? b : a;
}

const struct balance balance_random_two = { "random_two", pick };
