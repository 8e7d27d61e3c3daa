/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bufq: a queue of bytes in chunks. The first chunk of an empty queue is only as large as what it
 * must hold (most answers are small); the ones behind it are full size.
 */
#include "base/bufq.h"

#include "base/mem.h"

enum { CHUNK_SMALLEST = 1024 };

struct chunk {
	struct list node;
	size_t start, end, cap;  /* bytes[start..end) wait */
	char bytes[];
};

void bufq_init(struct bufq *q, size_t cap_bytes)
{
	list_init(&q->chunks);
	q->bytes = 0;
	q->cap_bytes = cap_bytes;
}

static void free_chunks(struct list *chunks)
{
	list_each(chunks, node, tmp) {
		struct chunk *c = list_entry(node, struct chunk, node);

		list_remove(node);
		mem_free(&c);
	}
}

void bufq_fini(struct bufq *q)
{
	free_chunks(&q->chunks);
	q->bytes = 0;
}

size_t bufq_bytes(const struct bufq *q)
{
	return q->bytes;
}

static struct chunk *new_chunk(const struct bufq *q, size_t need)
{
	size_t cap = BUFQ_CHUNK;
	struct chunk *c;

	if (!q->bytes && need < cap)
		cap = need < CHUNK_SMALLEST ? CHUNK_SMALLEST : need;
	c = mem_try(sizeof(*c) + cap);
	if (!c)
		return NULL;
	c->start = c->end = 0;
	c->cap = cap;
	return c;
}

static size_t fill(struct chunk *c, struct str s)
{
	size_t n = c->cap - c->end;

	if (n > s.len)
		n = s.len;
	memcpy(c->bytes + c->end, s.at, n);
	c->end += n;
	return n;
}

/* Fresh chunks for all of s, appended to fresh; E_NOMEM leaves what was made for the caller to free. */
static enum err fill_fresh(const struct bufq *q, struct list *fresh, struct str s)
{
	while (s.len) {
		struct chunk *c = new_chunk(q, s.len);
		size_t n;

		if (!c)
			return E_NOMEM;
		list_append(fresh, &c->node);
		n = fill(c, s);
		s = str_of(s.at + n, s.len - n);
	}
	return E_OK;
}

enum err bufq_add(struct bufq *q, struct str s)
{
	struct chunk *last = list_last(&q->chunks, struct chunk, node);
	size_t room = last ? last->cap - last->end : 0;
	struct list fresh;

	ASSERT(q->bytes <= q->cap_bytes);
	if (s.len > q->cap_bytes - q->bytes)
		return E_LIMIT;
	if (!s.len)
		return E_OK;
	if (room > s.len)
		room = s.len;
	list_init(&fresh);
	/* All or nothing: what may fail comes before the queue is touched. */
	if (fill_fresh(q, &fresh, str_of(s.at + room, s.len - room))) {
		free_chunks(&fresh);
		return E_NOMEM;
	}
	if (room)
		fill(last, str_of(s.at, room));
	list_each(&fresh, node, tmp) {
		list_remove(node);
		list_append(&q->chunks, node);
	}
	q->bytes += s.len;
	return E_OK;
}

unsigned bufq_peek(const struct bufq *q, struct str *out, unsigned max)
{
	unsigned n = 0;

	for (const struct list *node = q->chunks.next; node != &q->chunks && n < max;
	     node = node->next) {
		const struct chunk *c = list_entry(node, struct chunk, node);

		out[n++] = str_of(c->bytes + c->start, c->end - c->start);
	}
	return n;
}

void bufq_consume(struct bufq *q, size_t bytes)
{
	ASSERT(bytes <= q->bytes);
	q->bytes -= bytes;
	list_each(&q->chunks, node, tmp) {
		struct chunk *c = list_entry(node, struct chunk, node);
		size_t n = c->end - c->start;

		if (n > bytes) {
			c->start += bytes;
			return;
		}
		bytes -= n;
		list_remove(node);
		mem_free(&c);
	}
}
