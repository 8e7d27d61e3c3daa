/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * buf: owned bytes that grow up to a cap. One byte more than cap is allocated, for the NUL.
 */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/check.h"
#include "base/mem.h"

void buf_init(struct buf *b, size_t max_bytes)
{
	*b = (struct buf){ .max = max_bytes };
}

void buf_set_max(struct buf *b, size_t max_bytes)
{
	b->max = max_bytes && max_bytes < b->len ? b->len : max_bytes;
}

void buf_fini(struct buf *b)
{
	buf_release(b);
}

enum err buf_reserve(struct buf *b, size_t n)
{
	size_t need, cap = b->cap ? b->cap : 64;
	char *at;

	ASSERT(b->len <= b->cap);
	if (b->at && n <= b->cap - b->len)
		return E_OK;
	if (n > SIZE_MAX / 4 - b->len || (b->max && n > b->max - b->len))
		return E_LIMIT;
	need = b->len + n;
	while (cap < need)
		cap *= 2;
	if (b->max && cap > b->max)
		cap = b->max;
	at = mem_try_resize(b->at, cap + 1);
	if (!at)
		return E_NOMEM;
	b->at = at;
	b->cap = cap;
	return E_OK;
}

enum err buf_add(struct buf *b, struct str s)
{
	enum err e;

	if (!s.len)
		return E_OK;
	e = buf_reserve(b, s.len);
	if (e)
		return e;
	memcpy(b->at + b->len, s.at, s.len);
	b->len += s.len;
	return E_OK;
}

enum err buf_addf(struct buf *b, const char *fmt, ...)
{
	va_list args, again;
	enum err e;
	int n;

	va_start(args, fmt);
	va_copy(again, args);
	n = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	ASSERT(n >= 0);
	e = buf_reserve(b, (size_t)n);
	if (!e) {
		/* The spare byte takes vsnprintf's NUL. */
		vsnprintf(b->at + b->len, (size_t)n + 1, fmt, again);
		b->len += (size_t)n;
	}
	va_end(again);
	return e;
}

void buf_consume(struct buf *b, size_t n)
{
	ASSERT(n <= b->len);
	b->len -= n;
	if (n && b->len)
		memmove(b->at, b->at + n, b->len);
}

void buf_clear(struct buf *b)
{
	b->len = 0;
}

void buf_release(struct buf *b)
{
	mem_free(&b->at);
	b->len = b->cap = 0;
}

const char *buf_cstring(struct buf *b)
{
	ASSERT(b->at || buf_reserve(b, 0) == E_OK);
	b->at[b->len] = 0;
	return b->at;
}
