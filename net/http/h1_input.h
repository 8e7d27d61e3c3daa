/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * h1_input: bytes that arrived and were not parsed yet: borrowed from the stream while it delivers, copied
 * only when some are left over. Owns nothing while nothing is left.
 */
#ifndef NET_HTTP_H1_INPUT_H
#define NET_HTTP_H1_INPUT_H

#include "base/buf.h"

struct h1_input {
	struct str now;      /* what to parse; the parser cuts off its front */
	/* private */
	struct buf saved;
	bool is_borrowed;
};

void h1_input_init(struct h1_input *in, size_t max_bytes);
/* What is saved already stays. */
void h1_input_set_cap(struct h1_input *in, size_t max_bytes);
void h1_input_fini(struct h1_input *in);
/* bytes come after what is saved; STR_NONE to look at that alone. E_LIMIT, E_NOMEM. */
enum err h1_input_begin(struct h1_input *in, struct str bytes);
/* Keeps what is left of now. */
enum err h1_input_end(struct h1_input *in);
static inline void h1_input_take(struct h1_input *in, size_t n)
{
	in->now = str_of(in->now.at + n, in->now.len - n);
}
/* Between end and begin: whether something waits. */
static inline bool h1_input_has_rest(const struct h1_input *in)
{
	return in->saved.len;
}

#endif
