/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * pump: one direction of one exchange: what comes out of one side goes into the other, and the first is
 * paused while the second holds too much.
 */
#ifndef PROXY_PUMP_H
#define PROXY_PUMP_H

#include "net/http/exchange.h"

struct pump {
	struct side *from, *to;  /* borrowed */
	size_t mark_bytes;       /* pause above */
	uint64_t bytes;          /* moved so far */
	bool has_ended;
	/* private */
	bool is_paused;
};

enum err pump_body(struct pump *p, struct str bytes);
enum err pump_end(struct pump *p, const struct headers *trailers);
/* to's queue is empty again. May call back: last thing to do. */
void pump_writable(struct pump *p);

#endif
