/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * poll: when to look again at something the CA works on. A CA's Retry-After is written for clients
 * that know nothing. We see its validators come by, so that a few quick looks right after are worth it;
 * all others follow Retry-After.
 */
#ifndef ACME_POLL_H
#define ACME_POLL_H

#include <stdbool.h>
#include <stdint.h>

enum {
	POLL_QUICK_MAX = 8,         /* quick looks in all */
	POLL_QUICK_PER_HINT = 4,    /* after one hint: 40, 80, 160, 320 ms */
	POLL_QUICK_MS = 40,
	POLL_BLIND_MS = 300,        /* one look without a hint: failures are quick, too */
	POLL_MIN_MS = 1000, POLL_MAX_MS = 60000,
};

struct poll {
	/* private */
	unsigned looks, quick, since_hint, regular;
	bool is_quick;              /* the look that is planned is a quick one */
	int64_t due_ms;             /* the next regular look */
};

/* All return how long to wait for the next look. retry_after_ms: as the CA said, or -1. */

/* The work was just handed to the CA. */
int64_t poll_start(struct poll *p, int64_t retry_after_ms, int64_t now_ms);
/* Something happened (a validator came, we finalized): quick looks make sense again. */
int64_t poll_hint(struct poll *p, int64_t now_ms);
/* A look found it still unfinished. */
int64_t poll_again(struct poll *p, int64_t retry_after_ms, int64_t now_ms);
unsigned poll_count(const struct poll *p);

#endif
