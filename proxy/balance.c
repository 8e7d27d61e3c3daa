/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * balance: the rows, and what the policies share.
 */
#include "proxy/balance.h"

#include "base/check.h"

static const struct balance *const rows[] = {
	[CONF_BALANCE_RANDOM_TWO] = &balance_random_two,
	[CONF_BALANCE_ROUND_ROBIN] = &balance_round_robin,
	[CONF_BALANCE_LEAST_REQUESTS] = &balance_least_requests,
	[CONF_BALANCE_FIRST] = &balance_first,
};

const struct balance *balance_policy(enum conf_balance which)
{
	ASSERT(which < ARRAY_LEN(rows));
	return rows[which];
}

/* The coming request counts, or an idle heavy server would not differ from an idle light one. */
bool balance_is_lighter(const struct balance_server *a, const struct balance_server *b)
{
	return (uint64_t)(a->in_flight + 1) * b->weight < (uint64_t)(b->in_flight + 1) * a->weight;
}
