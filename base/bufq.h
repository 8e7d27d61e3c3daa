/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bufq: a queue of bytes in chunks, for output waiting for a slow peer. Empty queues own nothing.
 */
#ifndef BASE_BUFQ_H
#define BASE_BUFQ_H

#include "base/err.h"
#include "base/list.h"
#include "base/str.h"

enum { BUFQ_CHUNK = 16 * 1024 };

struct bufq {
	/* private */
	struct list chunks;
	size_t bytes, cap_bytes;
};

void bufq_init(struct bufq *q, size_t cap_bytes);
void bufq_fini(struct bufq *q);
size_t bufq_bytes(const struct bufq *q);
/* All or nothing; E_LIMIT above the cap. */
enum err bufq_add(struct bufq *q, struct str s);
/* Fills up to max slices from the front without consuming; returns how many. */
unsigned bufq_peek(const struct bufq *q, struct str *out, unsigned max);
void bufq_consume(struct bufq *q, size_t bytes);

#endif
