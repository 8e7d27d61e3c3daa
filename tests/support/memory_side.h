/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * memory_side: a struct side in memory: the test says what comes out of it and sees what went into it. No
 * protocol version anywhere.
 */
#ifndef TESTS_SUPPORT_MEMORY_SIDE_H
#define TESTS_SUPPORT_MEMORY_SIDE_H

#include "base/buf.h"
#include "net/http/exchange.h"

struct memory_side {
	struct side side;
	struct arena arena;
	/* what was done to it */
	unsigned n_requests, n_responses, n_ends, n_releases;
	unsigned statuses[8];
	const struct request_head *request;
	struct str last_via;             /* of the last response */
	struct buf body;
	unsigned n_trailers;
	bool wants;
	/* what it does */
	size_t queued;                   /* what side_queued says */
	enum err fails;                  /* what every op returns */
};

void memory_side_init(struct memory_side *m);
void memory_side_fini(struct memory_side *m);

/* Events, checked against the contract: nothing after a release, bodies only on demand. */
void memory_side_say_response(struct memory_side *m, unsigned status, const char *upgrade);
void memory_side_say_body(struct memory_side *m, const char *text);
void memory_side_say_end(struct memory_side *m, const struct headers *trailers);
void memory_side_say_writable(struct memory_side *m);
void memory_side_say_fail(struct memory_side *m, enum err err);
/* What was sent into it, as text. */
const char *memory_side_text(struct memory_side *m);

#endif
