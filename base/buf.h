/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * buf: owned bytes that grow up to a cap.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/err.h"
#include "base/str.h"

struct buf {
	char *at;
	size_t len;
	/* private */
	size_t cap, max;
};

/* max_bytes caps len; 0 means no cap (only for sizes we choose ourselves). */
void buf_init(struct buf *b, size_t max_bytes);
void buf_fini(struct buf *b);
/* Another cap; what is held above it stays. */
void buf_set_max(struct buf *b, size_t max_bytes);
/* E_LIMIT beyond max, E_NOMEM; the content is then unchanged. */
enum err buf_add(struct buf *b, struct str s);
enum err buf_addf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Room for n more bytes at b->at + b->len; the caller adds what it wrote to len. */
enum err buf_reserve(struct buf *b, size_t n);
/* Removes n bytes from the front. */
void buf_consume(struct buf *b, size_t n);
/* Forgets the content, keeps the memory. */
void buf_clear(struct buf *b);
/* Frees the memory as well. */
void buf_release(struct buf *b);
/* NUL after the content (not counted in len); dies without memory. */
const char *buf_cstring(struct buf *b);
static inline struct str buf_str(const struct buf *b)
{
	return (struct str){ b->at, b->len };
}

#endif
