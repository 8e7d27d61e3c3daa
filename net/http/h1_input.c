/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * h1_input: bytes that arrived and were not parsed yet.
 */
#include "net/http/h1_input.h"

#include "base/check.h"

void h1_input_init(struct h1_input *in, size_t max_bytes)
{
	*in = (struct h1_input){ 0 };
	buf_init(&in->saved, max_bytes);
}

void h1_input_set_cap(struct h1_input *in, size_t max_bytes)
{
	buf_set_max(&in->saved, max_bytes);
}

void h1_input_fini(struct h1_input *in)
{
	buf_fini(&in->saved);
	in->now = STR_NONE;
}

enum err h1_input_begin(struct h1_input *in, struct str bytes)
{
	enum err e = E_OK;

	ASSERT(!in->now.len);
	in->is_borrowed = bytes.len && !in->saved.len;
	if (in->is_borrowed) {
		in->now = bytes;
		return E_OK;
	}
	if (bytes.len)
		e = buf_add(&in->saved, bytes);
	in->now = buf_str(&in->saved);
	return e;
}

enum err h1_input_end(struct h1_input *in)
{
	struct str rest = in->now;

	in->now = STR_NONE;
	if (in->is_borrowed)
		return rest.len ? buf_add(&in->saved, rest) : E_OK;
	ASSERT(rest.len <= in->saved.len);
	if (rest.len)
		buf_consume(&in->saved, in->saved.len - rest.len);
	else
		buf_release(&in->saved);
	return E_OK;
}
