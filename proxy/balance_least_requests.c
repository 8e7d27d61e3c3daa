/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * balance_least_requests: the server with the fewest requests for its weight; among equals a random one,
 * or every idle worker would begin with the same server.
 */
#include "proxy/balance.h"

#include "net/random.h"

static unsigned pick(struct balance_server *const *at, unsigned n)
{
	unsigned start = (unsigned)random_below(n);
	unsigned best = start;

	for (unsigned k = 1; k < n; k++) {
		unsigned i = (start + k) % n;

		if (balance_is_lighter(at[i], at[best]))
			best = i;
	}
	return best;
}

const struct balance balance_least_requests = { "least_requests", pick };
