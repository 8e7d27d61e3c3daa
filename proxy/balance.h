/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * balance: which of the usable servers gets the next request. A policy is one file and one row in
 * balance.c. One thread (each worker balances on its own).
 */
#ifndef PROXY_BALANCE_H
#define PROXY_BALANCE_H

#include <stdint.h>

#include "conf/conf.h"

/* A server as the policies see it; embedded in the upstream's own struct. */
struct balance_server {
	unsigned weight;
	unsigned in_flight;
	int64_t turn;        /* a policy's own memory */
};

struct balance {
	const char *name;
	/* n >= 1 usable servers, in configured order; returns an index. */
	unsigned (*pick)(struct balance_server *const *at, unsigned n);
};

extern const struct balance balance_random_two, balance_round_robin, balance_least_requests,
	balance_first;

const struct balance *balance_policy(enum conf_balance which);
/* Whether a has less to do for its weight than b. */
bool balance_is_lighter(const struct balance_server *a, const struct balance_server *b);

#endif
