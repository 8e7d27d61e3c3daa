/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * memory_stream: each end owns the bytes on their way to it (inbox: in the other's "kernel") and
 * the bytes it could not send (outbox). All movement happens in tasks.
 */
#include "tests/support/memory_stream.h"

#include "base/check.h"
#include "base/mem.h"

enum { QUEUE_CAP = 8 * 1024 * 1024 };

struct memory_stream {
	struct stream stream;
	struct loop *loop;
	struct loop_task task;
	struct memory_stream *peer; /* NULL once it is closed */
	struct buf inbox, outbox;
	size_t window, segment;
	bool wants_read, wants_shutdown, is_shut;
	bool has_fin; /* the peer will send no more */
	bool told_eof, told_error, owes_drain, is_closed;
	enum err err;
};

static unsigned n_alive;
static const struct stream_ops ops;

static struct memory_stream *from_stream(const struct stream *s)
{
	ASSERT(s->ops == &ops);
	return container_of(s, struct memory_stream, stream);
}

static void poke(struct memory_stream *m)
{
	if (m)
		loop_defer(m->loop, &m->task);
}

/* Moves from our outbox to the peer's inbox as far as the window allows. */
static void push(struct memory_stream *m)
{
	size_t room, n;

	if (m->peer && m->outbox.len > 0) {
		room = m->window > m->peer->inbox.len ? m->window - m->peer->inbox.len : 0;
		n = m->outbox.len < room ? m->outbox.len : room;
		ASSERT(buf_add(&m->peer->inbox, str_of(m->outbox.at, n)) == E_OK);
		buf_consume(&m->outbox, n);
		if (n > 0)
			poke(m->peer);
	}
	if (m->peer && m->wants_shutdown && !m->is_shut && m->outbox.len == 0) {
		m->is_shut = m->peer->has_fin = true;
		poke(m->peer);
	}
}

static void deliver(struct memory_stream *m)
{
	while (m->wants_read && !m->is_closed && m->err == E_OK && m->inbox.len > 0) {
		char piece[16384];
		size_t n = m->inbox.len < sizeof(piece) ? m->inbox.len : sizeof(piece);

		if (m->segment && n > m->segment)
			n = m->segment;
		memcpy(piece, m->inbox.at, n);
		buf_consume(&m->inbox, n);
		poke(m->peer);
		m->stream.events->on_read(m->stream.owner, str_of(piece, n));
	}
	if (m->wants_read && !m->is_closed && m->err == E_OK && m->inbox.len == 0 && m->has_fin &&
		!m->told_eof) {
		m->told_eof = true;
		m->stream.events->on_eof(m->stream.owner);
	}
}

static void on_task(struct loop_task *t)
{
	struct memory_stream *m = container_of(t, struct memory_stream, task);

	push(m);
	if (m->is_closed) {
		if (m->outbox.len > 0 && m->peer)
			return; /* graceful close still sending */
		if (m->peer) {
			m->peer->has_fin = true;
			m->peer->peer = NULL;
			poke(m->peer);
		}
		buf_fini(&m->inbox);
		buf_fini(&m->outbox);
		n_alive--;
		mem_release(m);
		return;
	}
	if (m->err != E_OK) {
		if (!m->told_error) {
			m->told_error = true;
			m->stream.events->on_error(m->stream.owner, m->err);
		}
		return;
	}
	if (m->owes_drain && m->outbox.len == 0) {
		m->owes_drain = false;
		m->stream.events->on_drain(m->stream.owner);
	}
	deliver(m);
}

static struct memory_stream *new_end(struct loop *l)
{
	struct memory_stream *m = mem_new(sizeof(*m));

	m->stream.ops = &ops;
	m->loop = l;
	m->window = 64 * 1024;
	loop_task_init(&m->task, on_task);
	buf_init(&m->inbox, 0);
	buf_init(&m->outbox, QUEUE_CAP);
	n_alive++;
	return m;
}

void memory_stream_pair(struct loop *l, struct stream **a, struct stream **b)
{
	struct memory_stream *x = new_end(l), *y = new_end(l);

	x->peer = y;
	y->peer = x;
	*a = &x->stream;
	*b = &y->stream;
}

void memory_stream_set_window(struct stream *s, size_t bytes)
{
	from_stream(s)->window = bytes;
	poke(from_stream(s));
}

void memory_stream_set_segment(struct stream *s, size_t n)
{
	from_stream(s)->segment = n;
}

static void fail(struct memory_stream *m, enum err err)
{
	if (m->err == E_OK)
		m->err = err;
	poke(m);
}

void memory_stream_break(struct stream *s, enum err err)
{
	struct memory_stream *m = from_stream(s);

	fail(m, err);
	if (m->peer)
		fail(m->peer, E_RESET);
}

unsigned memory_stream_count(void)
{
	return n_alive;
}

static void memory_read_start(struct stream *s)
{
	from_stream(s)->wants_read = true;
	poke(from_stream(s));
}

static void memory_read_stop(struct stream *s)
{
	from_stream(s)->wants_read = false;
}

static enum err memory_write(struct stream *s, const struct str *parts, unsigned n)
{
	struct memory_stream *m = from_stream(s);
	size_t total = 0;

	ASSERT(!m->is_closed);
	if (m->err != E_OK)
		return m->err;
	ASSERT(!m->wants_shutdown);
	for (unsigned i = 0; i < n; i++)
		total += parts[i].len;
	if (total > QUEUE_CAP - m->outbox.len) {
		fail(m, E_LIMIT);
		return E_LIMIT;
	}
	if (!m->peer) {
		fail(m, E_RESET);
		return E_RESET;
	}
	for (unsigned i = 0; i < n; i++)
		ASSERT(buf_add(&m->outbox, parts[i]) == E_OK);
	push(m);
	if (m->outbox.len > 0)
		m->owes_drain = true;
	return E_OK;
}

static size_t memory_queued(const struct stream *s)
{
	return from_stream(s)->outbox.len;
}

static void memory_shutdown(struct stream *s)
{
	from_stream(s)->wants_shutdown = true;
	push(from_stream(s));
}

static void memory_close(struct stream *s, enum stream_close how)
{
	struct memory_stream *m = from_stream(s);

	ASSERT(!m->is_closed);
	m->is_closed = true;
	if (how == STREAM_CLOSE_ABORT || m->err != E_OK) {
		buf_clear(&m->outbox);
		if (m->peer && !m->is_shut)
			fail(m->peer, E_RESET);
	}
	poke(m);
}

static const struct stream_ops ops = {memory_read_start, memory_read_stop, memory_write,
	memory_queued, memory_shutdown, memory_close};

static void on_read(void *owner, struct str bytes)
{
	struct memory_end *e = owner;

	ASSERT(buf_add(&e->got, bytes) == E_OK);
}

static void on_eof(void *owner)
{
	((struct memory_end *)owner)->is_eof = true;
}

static void on_drain(void *owner)
{
	((struct memory_end *)owner)->n_drains++;
}

static void on_error(void *owner, enum err err)
{
	((struct memory_end *)owner)->err = err;
}

void memory_end_init(struct memory_end *e, struct stream **s)
{
	static const struct stream_events events = {on_read, on_eof, on_drain, on_error};

	*e = (struct memory_end){.stream = *s};
	*s = NULL;
	buf_init(&e->got, 0);
	stream_own(e->stream, &events, e);
	stream_read_start(e->stream);
}

void memory_end_write(struct memory_end *e, struct str bytes)
{
	ASSERT(stream_write(e->stream, &bytes, 1) == E_OK);
}

void memory_end_fini(struct memory_end *e)
{
	stream_close(&e->stream, STREAM_CLOSE_ABORT);
	buf_fini(&e->got);
}
