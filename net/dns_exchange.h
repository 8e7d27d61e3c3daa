/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * dns_exchange: one DNS message to one server and its answer. Blocks: pool threads only.
 */
#ifndef NET_DNS_EXCHANGE_H
#define NET_DNS_EXCHANGE_H

#include "base/buf.h"
#include "net/addr.h"

enum dns_over { DNS_OVER_UDP, DNS_OVER_TCP };

struct dns_exchange {
	const struct addr *to;
	struct str message;
	enum dns_over over;       /* UDP goes on over TCP when the answer was cut */
	int64_t timeout_ms;       /* everything together */
};

/* Only an answer to this very message is taken (id, question, sender). E_TIMEOUT, E_REFUSED,
 * E_UNREACHABLE, E_RESET, E_EOF, E_PARSE. */
enum err dns_exchange(const struct dns_exchange *x, struct buf *answer);

#endif
