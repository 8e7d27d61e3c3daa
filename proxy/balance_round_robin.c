/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * balance_round_robin: in turn, weighted and smooth: each gains its weight per pick, the richest is taken
 * and pays the total, so that 5:1:1 is not five in a row.
 */
#include "proxy/balance.h"

static unsigned pick(struct balance_server *const *at, unsigned n)
{
	int64_t total = 0;
	unsigned best = 0;

	for (unsigned i = 0; i < n; i++) {
		at[i]->turn += at[i]->weight;
		total += at[i]->weight;
		if (at[i]->turn > at[best]->turn)
			best = i;
	}
	at[best]->turn -= total;
	return best;
}

const struct balance balance_round_robin = { "round_robin", pick };
