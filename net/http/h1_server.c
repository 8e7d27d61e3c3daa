/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * h1_server: one HTTP/1 connection from a client, its requests one after the other.
 *
 *   IDLE --> HEAD --> EXCHANGE --> DRAIN --> IDLE … --> CLOSED --> on_closed, freed
 *                        \--> TUNNEL --> DRAIN
 *
 * step() takes input as far as the state and the owner's demand allow. It runs from the stream's events
 * and from the end-of-turn task, never from within an op, so that an owner's call never calls back.
 * Between requests only this struct is left: the exchange, its arena and its buffers come and go.
 *
 * DRAIN: the owner has released the exchange with its answer complete; what is left of the request is
 * dropped (up to a bound), what is left of the answer must be taken by the client before the next
 * request is looked at, so that pipelining cannot pile up answers.
 */
#include "net/http/h1_server.h"

#include "base/check.h"
#include "base/log.h"
#include "net/deadline.h"
#include "net/http/h1_input.h"
#include "net/http/h1_parser.h"
#include "net/http/h1_writer.h"

#define STATES(X) \
	X(IDLE, "nothing of a request arrived") \
	X(HEAD, "a request head is arriving") \
	X(EXCHANGE, "the owner has a request to answer") \
	X(TUNNEL, "upgraded: raw bytes both ways") \
	X(DRAIN, "answered: dropping the rest of the request, flushing the answer") \
	X(CLOSED, "the stream is gone, the owner not yet told")

enum state {
#define X(name, meaning) name,
	STATES(X)
#undef X
};

static const char *const state_names[] = {
#define X(name, meaning) #name,
	STATES(X)
#undef X
};

enum {
	DRAIN_MAX = 256 * 1024,      /* of a request body nobody wants: beyond it closing is cheaper */
	ARENA_MAX = 1024 * 1024,
	INPUT_SLACK = 4 * LOOP_READ_BUFFER,
	HEAD_WAITS_MS = 10,          /* for a short body: many backends send the two apart */
};

struct exchange {
	struct side side;
	struct h1_server *c;         /* NULL: the connection is over, the owner has yet to release */
	struct arena arena;
	struct request_head head;
	struct h1_message message;
	struct h1_body body;
	struct h1_writer writer;
	struct deadline write_deadline;
	uint64_t taken_bytes;        /* by the client when write_deadline was armed */
	size_t dropped_bytes;
	enum err failure;            /* of an op, to be reported at the end of the turn */
	bool is_released, has_demand, wants_continue, keep_alive;
	bool is_in_done, is_out_done, is_final_sent;
	bool has_waited, is_waiting; /* write_deadline is for the body that its head waits for */
};

struct h1_server {
	struct stream *stream;
	struct h1_server_args args;
	struct http_limits limits;   /* args.limits points here */
	struct deadline deadline;
	struct loop_task task;
	struct exchange *x;
	struct h1_input input;
	struct h1_scan scan;
	enum state state;
	unsigned n_requests;
	bool is_busy, is_dead, is_reading, is_eof, is_draining, has_skipped_line;
};

static void step(struct h1_server *c, struct str bytes);
static bool take_head(struct h1_server *c);
static bool take_body(struct h1_server *c);
static bool take_raw(struct h1_server *c);
static bool drop_body(struct h1_server *c);
static void settle(struct h1_server *c);
static void fail(struct h1_server *c, enum err err, unsigned status);
static void close_stream(struct h1_server *c, enum stream_close how);
static void on_deadline(struct deadline *d);
static void on_write_deadline(struct deadline *d);
static void on_task(struct loop_task *t);

static const struct stream_events stream_events;
static const struct side_ops ops;

static const struct log area = { "h1_server" };

/* The only place that assigns the state. */
static void enter(struct h1_server *c, enum state state)
{
	c->state = state;
	log_trace(&area, "state", "connection=%p state=%s", (void *)c, state_names[state]);
	if (state == IDLE)
		deadline_arm(&c->deadline, c->args.idle_ms);
	else if (state == HEAD)
		deadline_arm(&c->deadline, c->args.head_ms);
	else if (state == DRAIN && !c->x->is_in_done)
		deadline_arm(&c->deadline, c->args.body_ms);
	else
		deadline_disarm(&c->deadline);
}

struct h1_server *h1_server_new(struct stream **s, const struct h1_server_args *args)
{
	struct h1_server *c = mem_new(sizeof(*c));

	ASSERT(*s && args->limits && args->events);
	c->stream = *s;
	*s = NULL;
	c->args = *args;
	c->limits = *args->limits;
	c->args.limits = &c->limits;
	h1_input_init(&c->input, args->limits->head_bytes + INPUT_SLACK);
	loop_task_init(&c->task, on_task);
	deadline_init(&c->deadline, args->loop, on_deadline);
	stream_own(c->stream, &stream_events, c);
	enter(c, IDLE);
	/* Reading starts at the end of the turn: a start function never calls back. */
	loop_defer(args->loop, &c->task);
	return c;
}

static void free_exchange(struct exchange *x)
{
	deadline_disarm(&x->write_deadline);
	h1_writer_fini(&x->writer);
	arena_reset(&x->arena);
	mem_release(x);
}

static struct exchange *new_exchange(struct h1_server *c)
{
	struct exchange *x = mem_new(sizeof(*x));

	arena_init(&x->arena, ARENA_MAX + 4 * c->args.limits->head_bytes);
	x->side = (struct side){ .ops = &ops, .arena = &x->arena, .was_answered = true };
	x->c = c;
	h1_writer_init(&x->writer, c->stream);
	deadline_init(&x->write_deadline, c->args.loop, on_write_deadline);
	return x;
}

static bool advance(struct h1_server *c)
{
	switch (c->state) {
	case IDLE:
	case HEAD:
		return take_head(c);
	case EXCHANGE:
		return take_body(c);
	case TUNNEL:
		return take_raw(c);
	case DRAIN:
		return drop_body(c);
	case CLOSED:
		return false;
	}
	UNREACHABLE();
}

/* While the owner works on a complete request one more read is taken, to notice a reset; what it
 * brings is kept for later, and reading stops. */
static bool wants_reading(const struct h1_server *c)
{
	bool has_room = !h1_input_has_rest(&c->input);

	if (c->is_eof || c->state == CLOSED)
		return false;
	if (c->state == EXCHANGE)
		return has_room && (c->x->is_in_done || c->x->has_demand);
	if (c->state == TUNNEL)
		return has_room && c->x->has_demand;
	if (c->state == DRAIN)
		return has_room;
	return true;
}

/* Last thing in a callback: starting may deliver at once. */
static void update_reading(struct h1_server *c)
{
	bool wanted = wants_reading(c);

	if (wanted == c->is_reading || c->state == CLOSED)
		return;
	c->is_reading = wanted;
	if (wanted)
		stream_read_start(c->stream);
	else
		stream_read_stop(c->stream);
}

static void step(struct h1_server *c, struct str bytes)
{
	enum err e;

	ASSERT(!c->is_busy);
	c->is_busy = true;
	e = h1_input_begin(&c->input, bytes);
	while (!e && !c->is_dead && advance(c))
		;
	c->is_busy = false;
	if (c->is_dead) {
		h1_input_fini(&c->input);
		mem_release(c);
		return;
	}
	if (h1_input_end(&c->input))
		e = E_LIMIT;
	if (e)
		fail(c, e, 0);
	else
		update_reading(c);
}

static void answer_and_close(struct h1_server *c, unsigned status)
{
	char text[H1_LAST_ANSWER];
	struct str part = h1_writer_last_answer(text, status);

	/* Should it fail there is nobody left to tell. */
	(void)stream_write(c->stream, &part, 1);
	close_stream(c, STREAM_CLOSE_GRACEFUL);
}

/* Nothing after a refused request is looked at: where it would begin is what we do not agree about. */
static void refuse(struct h1_server *c, enum err err, unsigned status)
{
	answer_and_close(c, status);
	c->args.events->on_refused(c->args.owner, err, status);
}

static enum err start_exchange(struct h1_server *c, struct exchange *x, size_t len)
{
	const struct h1_request_args args = { c->args.limits, c->args.is_tls };
	enum h1_body_how how;
	char *text = arena_alloc(&x->arena, len);
	enum err e;

	x->message.status = 503;
	if (!text)
		return E_NOMEM;
	memcpy(text, c->input.now.at, len);
	e = h1_parse_request(str_of(text, len), &x->arena, &args, &x->head, &x->message);
	if (e)
		return e;
	how = x->message.is_chunked ? H1_BODY_CHUNKED : H1_BODY_COUNTED;
	x->wants_continue = x->head.expects_continue;
	x->message.status = 503;
	return h1_body_init(&x->body, how, x->head.length, &x->arena, c->args.limits);
}

/* An empty line before a request is forgiven once (RFC 9112 2.2). True: look again. */
static bool skip_line(struct h1_server *c)
{
	struct str now = c->input.now;

	if (c->has_skipped_line || now.len < 2 || now.at[1] != '\n')
		return false;
	c->has_skipped_line = true;
	h1_input_take(&c->input, 2);
	return true;
}

static bool take_head(struct h1_server *c)
{
	struct str now = c->input.now;
	struct exchange *x;
	size_t len;
	enum err e;

	if (!now.len && c->is_eof && c->state == IDLE)
		close_stream(c, STREAM_CLOSE_GRACEFUL);
	if (!now.len)
		return false;
	if (now.at[0] == '\r' && skip_line(c))
		return true;
	if (now.at[0] == '\r' && now.len == 1 && !c->has_skipped_line)
		e = E_AGAIN;
	else
		e = h1_scan_head(&c->scan, now, c->args.limits, &len);
	if (e == E_AGAIN) {
		if (c->is_eof)
			close_stream(c, STREAM_CLOSE_GRACEFUL);
		else if (c->state == IDLE)
			enter(c, HEAD);
		return false;
	}
	if (e) {
		refuse(c, e, e == E_HTTP ? 400 : c->scan.line ? 431 : 414);
		return false;
	}
	x = new_exchange(c);
	e = start_exchange(c, x, len);
	h1_input_take(&c->input, len);
	c->scan = (struct h1_scan){ 0 };
	c->has_skipped_line = false;
	if (e) {
		unsigned status = x->message.status;

		free_exchange(x);
		refuse(c, e, status);
		return false;
	}
	c->x = x;
	c->n_requests++;
	enter(c, EXCHANGE);
	c->args.events->on_request(c->args.owner, &x->side, &x->head);
	return true;
}

/* The end of an Upgrade request waits for the answer: should it be a 101, the client's bytes go on. */
static bool is_end_withheld(const struct exchange *x)
{
	return x->head.upgrade.len && !x->is_final_sent;
}

static bool take_body(struct h1_server *c)
{
	struct exchange *x = c->x;
	bool is_counted_out = x->body.how == H1_BODY_COUNTED && !x->body.left;
	struct str piece;

	if (x->is_in_done || is_end_withheld(x) || (!x->has_demand && !is_counted_out))
		return false;
	switch (h1_body_next(&x->body, &c->input.now, &piece)) {
	case H1_BODY_MORE:
		if (c->is_eof)
			fail(c, E_EOF, 0);
		return false;
	case H1_BODY_BAD:
		fail(c, E_HTTP, 400);
		return false;
	case H1_BODY_PIECE:
		x->wants_continue = false;
		deadline_arm(&c->deadline, c->args.body_ms);
		x->side.events->on_body(x->side.owner, piece);
		return true;
	case H1_BODY_END:
		x->is_in_done = true;
		deadline_disarm(&c->deadline);
		x->side.events->on_end(x->side.owner, &x->body.trailers);
		return true;
	}
	UNREACHABLE();
}

static bool take_raw(struct h1_server *c)
{
	struct exchange *x = c->x;
	struct str piece = c->input.now;

	if (x->is_in_done || !x->has_demand)
		return false;
	if (piece.len) {
		h1_input_take(&c->input, piece.len);
		x->side.events->on_body(x->side.owner, piece);
		return true;
	}
	if (c->is_eof) {
		x->is_in_done = true;
		x->side.events->on_end(x->side.owner, NULL);
		return true;
	}
	return false;
}

static bool drop_body(struct h1_server *c)
{
	struct exchange *x = c->x;
	enum h1_body_event event = H1_BODY_END;
	struct str piece;

	if (!x->is_in_done)
		event = h1_body_next(&x->body, &c->input.now, &piece);
	if (event == H1_BODY_PIECE) {
		x->dropped_bytes += piece.len;
		if (x->dropped_bytes <= DRAIN_MAX)
			return true;
		x->keep_alive = false;
		x->is_in_done = true;
	} else if (event == H1_BODY_END) {
		x->is_in_done = true;
	} else if (event == H1_BODY_BAD || c->is_eof) {
		x->keep_alive = false;
		x->is_in_done = true;
	}
	if (x->is_in_done)
		deadline_disarm(&c->deadline);
	settle(c);
	return c->state != DRAIN;
}

static void end_exchange(struct h1_server *c)
{
	struct exchange *x = c->x;
	bool keep_alive = x->keep_alive && !c->is_draining;

	c->x = NULL;
	free_exchange(x);
	if (!keep_alive) {
		close_stream(c, STREAM_CLOSE_GRACEFUL);
		return;
	}
	enter(c, IDLE);
	if (!c->is_busy && (h1_input_has_rest(&c->input) || c->is_eof || !c->is_reading))
		loop_defer(c->args.loop, &c->task);
}

/* In DRAIN: goes on to the next request when both messages are through. */
static void settle(struct h1_server *c)
{
	struct exchange *x = c->x;

	ASSERT(c->state == DRAIN && x->is_released && x->is_out_done);
	if (x->is_in_done && !stream_queued(c->stream))
		end_exchange(c);
}

static void start_drain(struct h1_server *c)
{
	struct exchange *x = c->x;
	bool was_tunnel = c->state == TUNNEL;

	/* A client still waiting for 100 may or may not send its body now; one in a tunnel never
	 * speaks HTTP again. */
	if (was_tunnel || x->wants_continue ||
		(x->body.how == H1_BODY_COUNTED && x->body.left > DRAIN_MAX)) {
		x->keep_alive = x->keep_alive && !was_tunnel && x->is_in_done;
		x->is_in_done = true;
	}
	if (x->is_in_done && !stream_queued(c->stream)) {
		end_exchange(c);
		return;
	}
	enter(c, DRAIN);
	if (!c->is_busy)
		loop_defer(c->args.loop, &c->task);
}

static void release(struct side *s)
{
	struct exchange *x = container_of(s, struct exchange, side);
	struct h1_server *c = x->c;

	ASSERT(!x->is_released);
	x->is_released = true;
	if (!c) {
		free_exchange(x);
	} else if (x->is_out_done && !x->failure) {
		start_drain(c);
	} else {
		c->x = NULL;
		free_exchange(x);
		close_stream(c, STREAM_CLOSE_ABORT);
	}
}

static void watch_writes(struct exchange *x)
{
	if (deadline_is_armed(&x->write_deadline) || !stream_queued(x->c->stream))
		return;
	x->taken_bytes = x->writer.total_bytes - stream_queued(x->c->stream);
	deadline_arm(&x->write_deadline, x->c->args.write_ms);
}

/* Op results: a failure is told to the caller now and to on_fail at the end of the turn. */
static enum err wrote(struct exchange *x, enum err e)
{
	if (e) {
		x->failure = e;
		loop_defer(x->c->args.loop, &x->c->task);
		return e;
	}
	x->side.was_sent = x->side.was_sent || x->writer.total_bytes;
	if (h1_writer_held(&x->writer))
		loop_defer(x->c->args.loop, &x->c->task);
	else if (x->is_waiting)
		deadline_disarm(&x->write_deadline);
	x->is_waiting = x->is_waiting && h1_writer_held(&x->writer);
	watch_writes(x);
	return E_OK;
}

static bool wait_for_body(struct exchange *x)
{
	if (!x->has_waited && h1_writer_awaits_body(&x->writer)) {
		deadline_arm(&x->write_deadline, HEAD_WAITS_MS);
		x->has_waited = x->is_waiting = true;
	}
	return x->is_waiting;
}

static enum err write_response(struct exchange *x, const struct response_head *head)
{
	const struct h1_answer_args args = {
		.is_http10 = x->head.version < 11,
		.is_head = str_is(x->head.method, "HEAD"),
		.keep_alive = x->keep_alive,
		.date = h1_writer_date(),
	};

	return wrote(x, h1_writer_response(&x->writer, head, &args));
}

static enum err send_interim(struct exchange *x, const struct response_head *head)
{
	/* HTTP/1.0 knows none (RFC 9110 15.2); a 100 nobody asked for tells nothing. */
	if (x->head.version < 11 || (head->status == 100 && !x->wants_continue))
		return E_OK;
	if (head->status == 100)
		x->wants_continue = false;
	return write_response(x, head);
}

static enum err open_tunnel(struct exchange *x, const struct response_head *head)
{
	enum err e;

	if (!x->head.upgrade.len || !head->upgrade.len)
		return wrote(x, E_HTTP);
	e = write_response(x, head);
	if (!e) {
		x->is_final_sent = true;
		enter(x->c, TUNNEL);
		loop_defer(x->c->args.loop, &x->c->task);
	}
	return e;
}

static bool can_keep_alive(const struct exchange *x, const struct response_head *head)
{
	const struct h1_server *c = x->c;
	bool ends_by_close = x->head.version < 11 && head->body == BODY_STREAM &&
		!str_is(x->head.method, "HEAD");

	return x->message.keep_alive && !c->is_draining && !ends_by_close && !x->wants_continue &&
		(!c->is_eof || h1_input_has_rest(&c->input)) &&
		(!c->args.requests_max || c->n_requests < c->args.requests_max);
}

static enum err send_response(struct side *s, const struct response_head *head)
{
	struct exchange *x = container_of(s, struct exchange, side);
	enum err e;

	if (!x->c)
		return E_RESET;
	ASSERT(!x->is_final_sent && !x->is_released);
	if (head->status == 101)
		return open_tunnel(x, head);
	if (head->status < 200)
		return send_interim(x, head);
	x->keep_alive = can_keep_alive(x, head);
	e = write_response(x, head);
	x->is_final_sent = !e;
	return e;
}

static enum err send_body(struct side *s, struct str bytes)
{
	struct exchange *x = container_of(s, struct exchange, side);

	if (!x->c)
		return E_RESET;
	ASSERT(x->is_final_sent && !x->is_out_done);
	return wrote(x, h1_writer_body(&x->writer, bytes));
}

static enum err send_end(struct side *s, const struct headers *trailers)
{
	struct exchange *x = container_of(s, struct exchange, side);
	enum err e;

	if (!x->c)
		return E_RESET;
	ASSERT(x->is_final_sent && !x->is_out_done);
	e = wrote(x, h1_writer_end(&x->writer, trailers));
	x->is_out_done = !e;
	if (!e && x->c->state == TUNNEL)
		stream_shutdown(x->c->stream);
	return e;
}

static void send_continue(struct exchange *x)
{
	const struct response_head head = { .status = 100 };

	if (send_interim(x, &head) == E_OK)
		(void)wrote(x, h1_writer_flush(&x->writer));
}

static void set_demand(struct side *s, bool wanted)
{
	struct exchange *x = container_of(s, struct exchange, side);
	struct h1_server *c = x->c;

	x->has_demand = wanted;
	if (!c || x->is_in_done)
		return;
	if (wanted && x->wants_continue && !x->is_final_sent)
		send_continue(x);
	if (!wanted)
		deadline_disarm(&c->deadline);
	else if (c->state == EXCHANGE && !is_end_withheld(x))
		deadline_arm(&c->deadline, c->args.body_ms);
	if (wanted && !c->is_busy)
		loop_defer(c->args.loop, &c->task);
}

static size_t queued(const struct side *s)
{
	const struct exchange *x = container_of(s, struct exchange, side);

	return x->c ? stream_queued(x->c->stream) + h1_writer_held(&x->writer) : 0;
}

static const struct side_ops ops = {
	.send_response = send_response,
	.send_body = send_body,
	.send_end = send_end,
	.set_demand = set_demand,
	.queued = queued,
	.release = release,
};

static void on_read(void *owner, struct str bytes)
{
	step(owner, bytes);
}

static void on_eof(void *owner)
{
	struct h1_server *c = owner;

	c->is_eof = true;
	step(c, STR_NONE);
}

static void on_drain(void *owner)
{
	struct h1_server *c = owner;
	struct exchange *x = c->x;

	if (!x)
		return;
	deadline_disarm(&x->write_deadline);
	if (x->is_released)
		step(c, STR_NONE);
	else
		x->side.events->on_writable(x->side.owner);
}

static void on_error(void *owner, enum err err)
{
	fail(owner, err, 0);
}

static const struct stream_events stream_events = { on_read, on_eof, on_drain, on_error };

static void on_deadline(struct deadline *d)
{
	struct h1_server *c = container_of(d, struct h1_server, deadline);

	if (c->state == IDLE)
		close_stream(c, STREAM_CLOSE_GRACEFUL);
	else if (c->state == HEAD)
		refuse(c, E_TIMEOUT, 408);
	else
		fail(c, E_TIMEOUT, 408);
}

static void on_write_deadline(struct deadline *d)
{
	struct exchange *x = container_of(d, struct exchange, write_deadline);
	size_t waiting = stream_queued(x->c->stream);

	/* Slow is allowed, standing still is not. */
	if (x->is_waiting)
		(void)wrote(x, h1_writer_flush(&x->writer));
	else if (!waiting || x->writer.total_bytes - waiting > x->taken_bytes)
		watch_writes(x);
	else
		fail(x->c, E_TIMEOUT, 0);
}

static void on_task(struct loop_task *t)
{
	struct h1_server *c = container_of(t, struct h1_server, task);
	struct exchange *x = c->x;

	if (c->state == CLOSED) {
		/* Busy: an owner that closes us from there must not free us twice. */
		c->is_busy = true;
		c->args.events->on_closed(c->args.owner);
		c->is_busy = false;
		h1_server_close(&c);
		return;
	}
	if (x && !x->failure && h1_writer_held(&x->writer) && !wait_for_body(x))
		(void)wrote(x, h1_writer_flush(&x->writer));
	if (x && x->failure)
		fail(c, x->failure, 0);
	else
		step(c, STR_NONE);
}

static void close_stream(struct h1_server *c, enum stream_close how)
{
	if (c->state == CLOSED)
		return;
	enter(c, CLOSED);
	c->is_reading = false;
	stream_close(&c->stream, how);
	loop_defer(c->args.loop, &c->task);
}

/* status: what to tell a client that has had no answer yet; 0 nothing. */
static void fail(struct h1_server *c, enum err err, unsigned status)
{
	struct exchange *x = c->x;
	bool can_answer = x && status && !x->is_final_sent && !h1_writer_held(&x->writer);

	if (c->state == CLOSED)
		return;
	c->x = NULL;
	if (can_answer)
		answer_and_close(c, status);
	else
		close_stream(c, STREAM_CLOSE_ABORT);
	if (!x)
		return;
	x->c = NULL;
	deadline_disarm(&x->write_deadline);
	if (x->is_released)
		free_exchange(x);
	else
		x->side.events->on_fail(x->side.owner, err);
}

void h1_server_adjust(struct h1_server *c, const struct h1_server_args *args)
{
	c->limits = *args->limits;
	h1_input_set_cap(&c->input, args->limits->head_bytes + INPUT_SLACK);
	c->args.idle_ms = args->idle_ms;
	c->args.head_ms = args->head_ms;
	c->args.body_ms = args->body_ms;
	c->args.write_ms = args->write_ms;
	c->args.requests_max = args->requests_max;
	if (c->state == IDLE)
		deadline_arm(&c->deadline, c->args.idle_ms);
}

void h1_server_drain(struct h1_server *c)
{
	c->is_draining = true;
	if (c->state == IDLE && !h1_input_has_rest(&c->input))
		close_stream(c, STREAM_CLOSE_GRACEFUL);
}

bool h1_server_is_idle(const struct h1_server *c)
{
	return !c->x;
}

void h1_server_close(struct h1_server **server)
{
	struct h1_server *c = *server;
	struct exchange *x;

	*server = NULL;
	if (!c)
		return;
	x = c->x;
	c->x = NULL;
	close_stream(c, STREAM_CLOSE_ABORT);
	loop_task_cancel(&c->task);
	if (x && x->is_released) {
		free_exchange(x);
	} else if (x) {
		x->c = NULL;
		deadline_disarm(&x->write_deadline);
	}
	c->is_dead = true;
	if (c->is_busy)
		return;
	h1_input_fini(&c->input);
	mem_release(c);
}
