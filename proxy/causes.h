/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * causes: why names were refused lately, in words, for those who ask "why?". Never more than a fixed
 * number: names are what clients send. One thread.
 */
#ifndef PROXY_CAUSES_H
#define PROXY_CAUSES_H

#include "base/err.h"
#include "base/map.h"

struct cause {
	struct fault fault;
	int64_t since_ms;       /* wall clock: when it was first refused for this reason */
	int64_t until_ms;
};

struct causes {
	/* private */
	struct map by_name;
	unsigned max;
};

void causes_init(struct causes *c, unsigned max);
void causes_fini(struct causes *c);
/* A second time for the same code keeps since_ms. */
void causes_note(struct causes *c, struct str name, const struct fault *fault, int64_t now_ms,
	int64_t until_ms);
/* Borrowed; NULL: none known. */
const struct cause *causes_get(const struct causes *c, struct str name);
void causes_forget(struct causes *c, struct str name);

#endif
