/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * memory_side: see the header.
 */
#include "tests/support/memory_side.h"

#include "base/check.h"

static struct memory_side *of(const struct side *s)
{
	return container_of(s, struct memory_side, side);
}

static enum err send_request(struct side *s, const struct request_head *head)
{
	struct memory_side *m = of(s);

	ASSERT(!m->n_releases && !m->n_requests);
	m->n_requests++;
	m->request = head;
	return m->fails;
}

static enum err send_response(struct side *s, const struct response_head *head)
{
	struct memory_side *m = of(s);

	ASSERT(!m->n_releases && m->n_responses < ARRAY_LEN(m->statuses));
	m->statuses[m->n_responses++] = head->status;
	m->last_via = headers_get(&head->headers, "via");
	if (m->last_via.at)
		m->last_via = str_from(arena_strndup(&m->arena, m->last_via.at, m->last_via.len));
	return m->fails;
}

static enum err send_body(struct side *s, struct str bytes)
{
	struct memory_side *m = of(s);

	ASSERT(!m->n_releases && !m->n_ends && (m->n_requests || m->n_responses));
	ASSERT(!buf_add(&m->body, bytes));
	return m->fails;
}

static enum err send_end(struct side *s, const struct headers *trailers)
{
	struct memory_side *m = of(s);

	ASSERT(!m->n_releases && (m->n_requests || m->n_responses));
	m->n_ends++;
	m->n_trailers = trailers ? trailers->n : 0;
	return m->fails;
}

static void set_demand(struct side *s, bool wanted)
{
	ASSERT(!of(s)->n_releases);
	of(s)->wants = wanted;
}

static size_t queued(const struct side *s)
{
	return of(s)->queued;
}

static void release(struct side *s)
{
	of(s)->n_releases++;
}

static const struct side_ops ops = {
	send_request, send_response, send_body, send_end, set_demand, queued, release,
};

void memory_side_init(struct memory_side *m)
{
	*m = (struct memory_side){ 0 };
	arena_init(&m->arena, 0);
	buf_init(&m->body, 0);
	m->side.ops = &ops;
	m->side.arena = &m->arena;
}

void memory_side_fini(struct memory_side *m)
{
	buf_fini(&m->body);
	arena_reset(&m->arena);
}

void memory_side_say_response(struct memory_side *m, unsigned status, const char *upgrade)
{
	struct response_head *head = arena_alloc(&m->arena, sizeof(*head));

	ASSERT(!m->n_releases && m->n_requests);
	m->side.was_answered = true;
	*head = (struct response_head){ .status = status, .version = 20, .body = BODY_STREAM,
		.upgrade = str_from(upgrade) };
	m->side.events->on_response(m->side.owner, head);
}

void memory_side_say_body(struct memory_side *m, const char *text)
{
	ASSERT(!m->n_releases && m->wants);
	m->side.events->on_body(m->side.owner, str_from(text));
}

void memory_side_say_end(struct memory_side *m, const struct headers *trailers)
{
	ASSERT(!m->n_releases);
	m->side.events->on_end(m->side.owner, trailers);
}

void memory_side_say_writable(struct memory_side *m)
{
	ASSERT(!m->n_releases);
	m->side.events->on_writable(m->side.owner);
}

void memory_side_say_fail(struct memory_side *m, enum err err)
{
	ASSERT(!m->n_releases);
	m->side.events->on_fail(m->side.owner, err);
}

const char *memory_side_text(struct memory_side *m)
{
	return buf_cstring(&m->body);
}
