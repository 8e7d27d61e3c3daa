/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * breaker: leaves a CA alone that is down, with one probe at a time.
 *
 *   CLOSED --fail--> OPEN --time--> PROBING --ok--> CLOSED
 *                      ^---------------fail
 */
#ifndef ACME_BREAKER_H
#define ACME_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

/* X(enumerator, text) */
#define BREAKER_STATES(X) \
	X(BREAKER_CLOSED, "works") \
	X(BREAKER_OPEN, "left alone") \
	X(BREAKER_PROBING, "being tried again")

enum breaker_state {
#define X(name, text) name,
	BREAKER_STATES(X)
#undef X
};

struct breaker {
	/* private */
	enum breaker_state state;
	unsigned openings;        /* since it last worked */
	unsigned failures;        /* while closed */
	int64_t until_ms, probe_at_ms, down_since_ms;
};

/* Monotonic milliseconds throughout. */

/* Whether work may begin; turns OPEN into PROBING for one caller when the time has come. */
bool breaker_may_start(struct breaker *b, int64_t now_ms);
/* Whether requests already begun should go on. */
bool breaker_is_open(const struct breaker *b, int64_t now_ms);
void breaker_worked(struct breaker *b);
/* asked_until_ms: the CA's own Retry-After as a time, or 0. certain: a refusal to serve anybody; else
 * three failures in a row are needed. */
enum breaker_evidence { BREAKER_CERTAIN, BREAKER_DOUBTFUL };
void breaker_failed(struct breaker *b, enum breaker_evidence evidence, int64_t asked_until_ms,
	int64_t now_ms);
/* When the next attempt makes sense. */
int64_t breaker_until(const struct breaker *b, int64_t now_ms);
unsigned breaker_openings(const struct breaker *b);
/* Down for so long, or so often, that another CA may be gone to: three openings, or an hour. */
bool breaker_is_lasting(const struct breaker *b, int64_t now_ms);
/* For status: "works", "left alone", "being tried again". */
const char *breaker_text(const struct breaker *b);
bool breaker_is_closed(const struct breaker *b);

#endif
