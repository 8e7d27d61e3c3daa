/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * forward: one exchange end to end.
 *
 *              side found       response head passed on
 *   CONNECT ------------> HEAD -------------------------> RELAY --> OVER
 *     \  ^                 |  \-- 101 --> TUNNEL --------------------^
 *      \  \-- stale idle --/                                         |
 *       \---------------- our own answer instead --------------------/
 *
 * Until the head was passed on, any failure becomes an answer of ours; afterwards releasing an unfinished
 * client side is all that is left, which its codec makes visible to the client.
 * A side may be released from within its own events: an exchange that is over is freed at the end of
 * the turn, so that callers further up may still look at its state.
 */
#include "proxy/forward.h"

#include "base/check.h"
#include "base/counter.h"
#include "base/log.h"
#include "proxy/answer.h"
#include "proxy/rewrite.h"
#include "proxy/tunnel.h"

/* X(enumerator, name, meaning) */
#define FORWARD_STATES(X) \
	X(FORWARD_CONNECT, "connect", "an upstream side is being looked for") \
	X(FORWARD_HEAD, "head", "the request goes out, no final response head yet") \
	X(FORWARD_RELAY, "relay", "the response goes back") \
	X(FORWARD_TUNNEL, "tunnel", "upgraded: raw bytes both ways") \
	X(FORWARD_OVER, "over", "both sides released")

enum forward_state {
#define X(name, text, meaning) name,
	FORWARD_STATES(X)
#undef X
};

static const char *const state_names[] = {
#define X(name, text, meaning) text,
	FORWARD_STATES(X)
#undef X
};

enum {
	FREE_MAX = 256,
	PATIENCE_MS = 1000,  /* for a 100 (Continue) of the upstream; then the body is asked for anyway */
};

struct forward {
	struct list node;
	struct forward_home *home;
	enum forward_state state;
	struct side *client, *upstream;
	struct request_head *head;
	struct attempt attempt;
	struct pump up, down;
	struct tunnel tunnel;
	struct deadline patience;
	struct access_record record;
	uint64_t body_max;
	size_t mark_bytes;
	int64_t tunnel_ms;
	bool was_repeated, has_request_ended;
};

struct forward_home {
	struct loop *loop;
	struct list live, dying, spare;
	unsigned n_spare;
	struct loop_task bury;
};

static const struct log area = { "forward" };

static void find_side(struct forward *f);
static void on_side(void *owner, enum err err, struct side *s);
static void send_request(struct forward *f);
static void open_tunnel(struct forward *f, struct response_head *head);
static void pass_interim(struct forward *f, struct response_head *head);
static void pass_response(struct forward *f, struct response_head *head);
static void upstream_failed(struct forward *f, enum err err);
static void refuse(struct forward *f, enum err err);
static void over(struct forward *f, enum err err);
static void on_bury(struct loop_task *t);
static void on_patience(struct deadline *d);

static const struct side_events client_events, upstream_events;

static void enter(struct forward *f, enum forward_state state)
{
	f->state = state;
	log_trace(&area, "state", "exchange=%p state=%s", (void *)f, state_names[state]);
}

/* ---- home ---- */

struct forward_home *forward_home_new(struct loop *l)
{
	struct forward_home *h = mem_new(sizeof(*h));

	h->loop = l;
	list_init(&h->live);
	list_init(&h->dying);
	list_init(&h->spare);
	loop_task_init(&h->bury, on_bury);
	return h;
}

static struct forward *take_spare(struct forward_home *h)
{
	struct forward *f = list_first(&h->spare, struct forward, node);

	if (!f)
		return mem_new(sizeof(*f));
	list_remove(&f->node);
	h->n_spare--;
	memset(f, 0, sizeof(*f));
	return f;
}

static void on_bury(struct loop_task *t)
{
	struct forward_home *h = container_of(t, struct forward_home, bury);

	list_each(&h->dying, node, tmp) {
		struct forward *f = list_entry(node, struct forward, node);

		list_remove(node);
		if (h->n_spare < FREE_MAX) {
			list_prepend(&h->spare, node);
			h->n_spare++;
		} else {
			mem_free(&f);
		}
	}
}

/* Ending one may end others (their connection closes), so each round starts at the list's head. */
void forward_home_cut(struct forward_home *h)
{
	while (!list_is_empty(&h->live))
		over(list_first(&h->live, struct forward, node), E_DRAINING);
}

void forward_home_free(struct forward_home **h)
{
	if (!*h)
		return;
	ASSERT(list_is_empty(&(*h)->live));
	loop_task_cancel(&(*h)->bury);
	on_bury(&(*h)->bury);
	list_each(&(*h)->spare, node, tmp) {
		struct forward *f = list_entry(node, struct forward, node);

		mem_free(&f);
	}
	mem_free(h);
}

/* ---- start ---- */

void forward_start(struct forward_home *h, const struct forward_args *args)
{
	struct forward *f = take_spare(h);

	ASSERT(args->client && args->head && args->origin);
	list_append(&h->live, &f->node);
	f->home = h;
	f->client = args->client;
	f->head = args->head;
	args->origin->ops->ref(args->origin);
	f->attempt = (struct attempt){ .origin = args->origin, .fn = on_side, .owner = f };
	f->record = args->record;
	f->body_max = args->body_max;
	f->mark_bytes = args->mark_bytes;
	f->tunnel_ms = args->tunnel_ms;
	tunnel_init(&f->tunnel, h->loop);
	deadline_init(&f->patience, h->loop, on_patience);
	side_own(f->client, &client_events, f);
	find_side(f);
}

/* ---- CONNECT ---- */

static void find_side(struct forward *f)
{
	enter(f, FORWARD_CONNECT);
	attempt_open(&f->attempt);
}

static void on_side(void *owner, enum err err, struct side *s)
{
	struct forward *f = owner;

	ASSERT(f->state == FORWARD_CONNECT);
	f->record.upstream = f->attempt.server_text;
	f->record.connected_us = access_log_now_us(&f->record);
	if (err) {
		refuse(f, err);
		return;
	}
	f->upstream = s;
	send_request(f);
}

/* ---- HEAD: the request on its way ---- */

static void send_request(struct forward *f)
{
	enum err err;

	enter(f, FORWARD_HEAD);
	f->up = (struct pump){ .from = f->client, .to = f->upstream, .mark_bytes = f->mark_bytes };
	f->down = (struct pump){ .from = f->upstream, .to = f->client, .mark_bytes = f->mark_bytes };
	side_own(f->upstream, &upstream_events, f);
	err = side_send_request(f->upstream, f->head);
	if (!err && (f->head->body == BODY_NONE || f->has_request_ended))
		err = pump_end(&f->up, NULL);
	if (err)
		upstream_failed(f, err);
	else if (f->head->expects_continue && !f->up.has_ended)
		deadline_arm(&f->patience, PATIENCE_MS);
	else
		side_resume(f->client);
}

/* Asking for the body makes the client's codec send a 100 of its own if none was passed on. */
static void on_patience(struct deadline *d)
{
	struct forward *f = container_of(d, struct forward, patience);

	ASSERT(f->state == FORWARD_HEAD);
	side_resume(f->client);
}

static void on_client_body(void *owner, struct str bytes)
{
	struct forward *f = owner;
	enum err err;

	ASSERT(f->state == FORWARD_HEAD || f->state == FORWARD_RELAY);
	if (f->body_max && f->up.bytes + bytes.len > f->body_max) {
		refuse(f, E_BODY_TOO_LARGE);
		return;
	}
	err = pump_body(&f->up, bytes);
	if (err)
		upstream_failed(f, err);
}

static void on_client_end(void *owner, const struct headers *trailers)
{
	struct forward *f = owner;
	enum err err;

	f->has_request_ended = true;
	if (f->state == FORWARD_CONNECT || f->up.has_ended)
		return;
	err = pump_end(&f->up, trailers);
	if (err)
		upstream_failed(f, err);
}

static void on_client_writable(void *owner)
{
	struct forward *f = owner;

	if (f->state == FORWARD_RELAY)
		pump_writable(&f->down);
}

static void on_client_fail(void *owner, enum err err)
{
	over(owner, err);
}

static const struct side_events client_events = {
	.on_body = on_client_body, .on_end = on_client_end,
	.on_writable = on_client_writable, .on_fail = on_client_fail,
};

/* ---- HEAD and RELAY: the response on its way ---- */

static void on_response(void *owner, struct response_head *head)
{
	struct forward *f = owner;
	bool is_upgrade = head->status == 101;

	ASSERT(f->state == FORWARD_HEAD);
	if (is_upgrade && !f->head->upgrade.len)
		upstream_failed(f, E_UPSTREAM_PROTOCOL);
	else if (is_upgrade)
		open_tunnel(f, head);
	else if (head->status < 200)
		pass_interim(f, head);
	else
		pass_response(f, head);
}

/* Should it not get through, on_fail tells. */
static void pass_interim(struct forward *f, struct response_head *head)
{
	(void)side_send_response(f->client, head);
	if (head->status != 100 || !deadline_is_armed(&f->patience))
		return;
	deadline_disarm(&f->patience);
	side_resume(f->client);
}

static enum err send_final(struct forward *f, struct response_head *head)
{
	enum err err = rewrite_response(head, f->upstream->arena);

	deadline_disarm(&f->patience);
	f->record.answered_us = access_log_now_us(&f->record);
	f->record.status = head->status;
	return err ? err : side_send_response(f->client, head);
}

static void pass_response(struct forward *f, struct response_head *head)
{
	enum err err = send_final(f, head);

	enter(f, FORWARD_RELAY);
	if (err)
		over(f, err);
	else
		side_resume(f->upstream);
}

static void on_upstream_body(void *owner, struct str bytes)
{
	struct forward *f = owner;
	enum err err;

	ASSERT(f->state == FORWARD_RELAY);
	err = pump_body(&f->down, bytes);
	if (err)
		over(f, err);
}

/* The request may not have ended: then both codecs see to it that their connections do. */
static void on_upstream_end(void *owner, const struct headers *trailers)
{
	struct forward *f = owner;

	ASSERT(f->state == FORWARD_RELAY);
	over(f, pump_end(&f->down, trailers));
}

static void on_upstream_writable(void *owner)
{
	struct forward *f = owner;

	pump_writable(&f->up);
}

static void on_upstream_fail(void *owner, enum err err)
{
	upstream_failed(owner, err);
}

static const struct side_events upstream_events = {
	.on_response = on_response, .on_body = on_upstream_body, .on_end = on_upstream_end,
	.on_writable = on_upstream_writable, .on_fail = on_upstream_fail,
};

/* ---- TUNNEL ---- */

static void on_tunnel_over(struct tunnel *t, enum err err)
{
	struct forward *f = container_of(t, struct forward, tunnel);

	f->up.bytes += t->up.bytes;
	f->down.bytes += t->down.bytes;
	over(f, err);
}

static void open_tunnel(struct forward *f, struct response_head *head)
{
	struct tunnel_args args = { f->client, f->upstream, f->mark_bytes, f->tunnel_ms, on_tunnel_over };
	enum err err = send_final(f, head);

	enter(f, FORWARD_TUNNEL);
	if (err)
		over(f, err);
	else
		tunnel_open(&f->tunnel, &args);
}

/* ---- failures ---- */

/* An idle connection the upstream closed while our request was under way says nothing about the upstream;
 * any other failure does. What it may have acted upon is repeated only if that is harmless. */
static bool may_repeat(const struct forward *f, enum err err)
{
	const struct side *s = f->upstream;
	bool is_late = err == E_TIMEOUT || err == E_UPSTREAM_TIMEOUT;
	bool is_stale = s->is_reused && !s->was_answered && !is_late;
	bool is_whole = !f->up.bytes && (f->head->body == BODY_NONE || !f->up.has_ended);

	return is_stale && is_whole && !f->was_repeated && (f->head->is_idempotent || !s->was_sent);
}

static void repeat(struct forward *f)
{
	counter_add(COUNTER_UPSTREAM_RETRIED, 1);
	f->was_repeated = true;
	f->attempt.wants_fresh = true;
	deadline_disarm(&f->patience);
	side_pause(f->client);
	side_release(&f->upstream);
	find_side(f);
}

static enum err upstream_error(enum err err)
{
	switch (err) {
	case E_TIMEOUT:
	case E_UPSTREAM_TIMEOUT:
		return E_UPSTREAM_TIMEOUT;
	case E_HTTP:
	case E_PARSE:
	case E_LIMIT:
	case E_HEAD_TOO_LARGE:
	case E_UPSTREAM_PROTOCOL:
		return E_UPSTREAM_PROTOCOL;
	case E_NOMEM:
		return E_INTERNAL;
	default:
		return E_UPSTREAM_CLOSED;
	}
}

static void upstream_failed(struct forward *f, enum err err)
{
	if (f->state != FORWARD_HEAD)
		over(f, upstream_error(err));
	else if (may_repeat(f, err))
		repeat(f);
	else
		refuse(f, upstream_error(err));
}

static void refuse(struct forward *f, enum err err)
{
	if (f->state == FORWARD_CONNECT || f->state == FORWARD_HEAD) {
		f->record.status = answer_status(err);
		if (f->record.status == 502 || f->record.status == 504)
			counter_add(COUNTER_UPSTREAM_FAILED, 1);
		answer_error(f->client, f->head, err, f->record.id);
	}
	over(f, err);
}

/* ---- OVER ---- */

static void over(struct forward *f, enum err err)
{
	struct forward_home *h = f->home;

	if (f->state == FORWARD_OVER)
		return;
	enter(f, FORWARD_OVER);
	f->record.err = err;
	f->record.bytes_in = f->up.bytes;
	f->record.bytes_out = f->down.bytes;
	access_log_write(&f->record);  /* before the texts go with the sides */
	tunnel_close(&f->tunnel);
	deadline_disarm(&f->patience);
	attempt_cancel(&f->attempt);
	list_remove(&f->node);
	list_append(&h->dying, &f->node);
	loop_defer(h->loop, &h->bury);
	side_release(&f->upstream);
	side_release(&f->client);
	f->attempt.origin->ops->unref(f->attempt.origin);
}
