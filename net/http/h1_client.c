/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * h1_client: one HTTP/1.1 connection to a server, one exchange at a time.
 *
 *   IDLE --> SEND --> HEAD --> BODY --> ENDED --> IDLE … --> CLOSED --> on_closed, freed
 *     ^                 \--> TUNNEL --/
 *     one byte or EOF while IDLE closes: what nobody asked for is no answer
 *
 * step() takes input as far as the state and the owner's demand allow. It runs from the stream's events
 * and from the end-of-turn task, never from within an op. on_idle and on_closed alone come from within
 * side_release, because their owner may be gone a moment later.
 */
#include "net/http/h1_client.h"

#include "base/check.h"
#include "base/log.h"
#include "net/deadline.h"
#include "net/http/h1_input.h"
#include "net/http/h1_parser.h"
#include "net/http/h1_writer.h"

#define STATES(X) \
	X(IDLE, "no exchange") \
	X(SEND, "exchange given out, nothing sent yet") \
	X(HEAD, "request on its way, waiting for the response head") \
	X(BODY, "response body arriving") \
	X(TUNNEL, "upgraded: raw bytes both ways") \
	X(ENDED, "response complete, waiting for the release") \
	X(CLOSED, "the stream is gone")

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
	INTERIM_MAX = 256,           /* 1xx heads per exchange */
	ARENA_MAX = 1024 * 1024,
	INPUT_SLACK = 4 * LOOP_READ_BUFFER,
};

struct exchange {
	struct side side;
	struct h1_client *c;         /* NULL: the connection is over, the owner has yet to release */
	struct arena arena;
	struct response_head head;
	struct h1_message message;
	struct h1_body body;
	struct h1_writer writer;
	enum err failure;            /* of an op, to be reported at the end of the turn */
	unsigned n_interim;
	bool is_head_request, may_upgrade, awaits_continue, is_released, has_demand, is_out_done;
};

struct h1_client {
	struct stream *stream;
	struct h1_client_args args;
	struct deadline deadline, write_deadline;
	struct loop_task task;
	struct exchange *x;
	struct h1_input input;
	struct h1_scan scan;
	uint64_t taken_bytes;        /* by the server when write_deadline was armed */
	enum state state;
	unsigned n_exchanges;
	bool is_busy, is_dead, is_reading, is_eof;
};

static void step(struct h1_client *c, struct str bytes);
static bool take_head(struct h1_client *c);
static bool take_body(struct h1_client *c);
static bool take_raw(struct h1_client *c);
static void fail(struct h1_client *c, enum err err);
static void close_stream(struct h1_client *c, enum stream_close how);
static void report_closed(struct h1_client *c);
static void on_deadline(struct deadline *d);
static void on_write_deadline(struct deadline *d);
static void on_task(struct loop_task *t);

static const struct stream_events stream_events;
static const struct side_ops ops;

static const struct log area = { "h1_client" };

/* The only place that assigns the state. The response's deadline starts when the request is out. */
static void enter(struct h1_client *c, enum state state)
{
	c->state = state;
	log_trace(&area, "state", "connection=%p state=%s", (void *)c, state_names[state]);
	if (state == HEAD && (c->x->is_out_done || c->x->awaits_continue))
		deadline_arm(&c->deadline, c->args.response_ms);
	else if (state == BODY && c->x->has_demand)
		deadline_arm(&c->deadline, c->args.body_ms);
	else
		deadline_disarm(&c->deadline);
}

struct h1_client *h1_client_new(struct stream **s, const struct h1_client_args *args)
{
	struct h1_client *c = mem_new(sizeof(*c));

	ASSERT(*s && args->limits && args->events);
	c->stream = *s;
	*s = NULL;
	c->args = *args;
	h1_input_init(&c->input, args->limits->head_bytes + INPUT_SLACK);
	loop_task_init(&c->task, on_task);
	deadline_init(&c->deadline, args->loop, on_deadline);
	deadline_init(&c->write_deadline, args->loop, on_write_deadline);
	stream_own(c->stream, &stream_events, c);
	enter(c, IDLE);
	/* Reading starts at the end of the turn: a start function never calls back. */
	loop_defer(args->loop, &c->task);
	return c;
}

void h1_client_set_owner(struct h1_client *c, const struct h1_client_events *events, void *owner)
{
	c->args.events = events;
	c->args.owner = owner;
}

void h1_client_set_times(struct h1_client *c, int64_t response_ms, int64_t body_ms, int64_t write_ms)
{
	c->args.response_ms = response_ms;
	c->args.body_ms = body_ms;
	c->args.write_ms = write_ms;
}

bool h1_client_is_idle(const struct h1_client *c)
{
	return c->state == IDLE;
}

static void free_exchange(struct exchange *x)
{
	h1_writer_fini(&x->writer);
	arena_reset(&x->arena);
	mem_release(x);
}

struct side *h1_client_exchange(struct h1_client *c)
{
	struct exchange *x = mem_new(sizeof(*x));

	ASSERT(c->state == IDLE && !c->x);
	arena_init(&x->arena, ARENA_MAX + 4 * c->args.limits->head_bytes);
	x->side = (struct side){ .ops = &ops, .arena = &x->arena, .is_reused = c->n_exchanges };
	x->c = c;
	h1_writer_init(&x->writer, c->stream);
	c->x = x;
	c->n_exchanges++;
	enter(c, SEND);
	return &x->side;
}

static bool advance(struct h1_client *c)
{
	switch (c->state) {
	case IDLE:
	case SEND:
		/* Only the end of the connection, or an answer to nothing, can be here. */
		if (c->input.now.len || c->is_eof)
			fail(c, c->input.now.len ? E_UPSTREAM_PROTOCOL : E_UPSTREAM_CLOSED);
		return false;
	case HEAD:
		return take_head(c);
	case BODY:
		return take_body(c);
	case TUNNEL:
		return take_raw(c);
	case ENDED:
	case CLOSED:
		return false;
	}
	UNREACHABLE();
}

static bool wants_reading(const struct h1_client *c)
{
	bool has_room = !h1_input_has_rest(&c->input);

	if (c->is_eof)
		return false;
	if (c->state == BODY || c->state == TUNNEL)
		return has_room && c->x->has_demand;
	return c->state != ENDED || has_room;
}

/* Last thing in a callback: starting may deliver at once. */
static void update_reading(struct h1_client *c)
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

static void free_client(struct h1_client *c)
{
	h1_input_fini(&c->input);
	mem_release(c);
}

static void step(struct h1_client *c, struct str bytes)
{
	enum err e;

	ASSERT(!c->is_busy);
	c->is_busy = true;
	e = h1_input_begin(&c->input, bytes);
	if (bytes.len && c->x)
		c->x->side.was_answered = true;
	while (!e && !c->is_dead && advance(c))
		;
	c->is_busy = false;
	if (c->is_dead) {
		free_client(c);
		return;
	}
	if (h1_input_end(&c->input))
		e = E_LIMIT;
	if (e)
		fail(c, e);
	else if (c->state == CLOSED)
		report_closed(c);
	else
		update_reading(c);
}

static enum err start_body(struct exchange *x)
{
	enum h1_body_how how = H1_BODY_COUNTED;

	if (x->message.is_chunked)
		how = H1_BODY_CHUNKED;
	else if (x->message.is_until_eof)
		how = H1_BODY_UNTIL_EOF;
	/* A HEAD's announced length is not followed by bytes. */
	return h1_body_init(&x->body, how, x->head.body == BODY_LENGTH ? x->head.length : 0,
		&x->arena, x->c->args.limits);
}

static enum err parse_head(struct exchange *x, struct str bytes, struct arena *a,
	struct response_head *head)
{
	const struct h1_response_args args = {
		.limits = x->c->args.limits,
		.is_head = x->is_head_request,
		.may_upgrade = x->may_upgrade,
	};
	char *text = arena_alloc(a, bytes.len);

	if (!text)
		return E_NOMEM;
	memcpy(text, bytes.at, bytes.len);
	return h1_parse_response(str_of(text, bytes.len), a, &args, head, &x->message);
}

/* 1xx heads live in an arena of their own, so that any number of them costs nothing. */
static bool take_interim(struct h1_client *c, struct str bytes)
{
	struct exchange *x = c->x;
	struct response_head head;
	struct arena arena;
	enum err e;

	arena_init(&arena, 0);
	e = parse_head(x, bytes, &arena, &head);
	if (!e && ++x->n_interim > INTERIM_MAX)
		e = E_UPSTREAM_PROTOCOL;
	h1_input_take(&c->input, bytes.len);
	if (e) {
		fail(c, e);
	} else {
		x->awaits_continue = false;
		enter(c, HEAD);
		x->side.events->on_response(x->side.owner, &head);
	}
	arena_reset(&arena);
	return !e;
}

static bool take_final(struct h1_client *c, struct str bytes)
{
	struct exchange *x = c->x;
	enum err e = parse_head(x, bytes, &x->arena, &x->head);

	h1_input_take(&c->input, bytes.len);
	if (!e)
		e = start_body(x);
	if (e) {
		fail(c, e);
		return false;
	}
	enter(c, x->head.status == 101 ? TUNNEL : BODY);
	/* A tunnel's two ends are told anew. */
	if (c->state == TUNNEL) {
		x->is_out_done = false;
		x->writer.how = H1_WRITE_RAW;
	}
	x->side.events->on_response(x->side.owner, &x->head);
	return true;
}

/* "HTTP/1.1 1xx" but 101. */
static bool is_interim(struct str head)
{
	struct str status;

	str_cut(str_of(head.at + 9, head.len - 9), ' ', &status);
	return head.at[9] == '1' && !str_has_prefix(status, STR("101"));
}

static bool take_head(struct h1_client *c)
{
	struct str now = c->input.now;
	enum err e = E_AGAIN;
	size_t len;

	if (now.len)
		e = h1_scan_head(&c->scan, now, c->args.limits, &len);
	if (e == E_AGAIN) {
		if (c->is_eof)
			fail(c, now.len ? E_UPSTREAM_PROTOCOL : E_UPSTREAM_CLOSED);
		return false;
	}
	if (e) {
		fail(c, E_UPSTREAM_PROTOCOL);
		return false;
	}
	c->scan = (struct h1_scan){ 0 };
	now = str_of(now.at, len);
	return len > 12 && is_interim(now) ? take_interim(c, now) : take_final(c, now);
}

static void end_response(struct h1_client *c)
{
	struct exchange *x = c->x;

	enter(c, ENDED);
	x->side.events->on_end(x->side.owner, &x->body.trailers);
}

static bool take_body(struct h1_client *c)
{
	struct exchange *x = c->x;
	bool is_counted_out = x->body.how == H1_BODY_COUNTED && !x->body.left;
	struct str piece;

	if (!x->has_demand && !is_counted_out)
		return false;
	switch (h1_body_next(&x->body, &c->input.now, &piece)) {
	case H1_BODY_MORE:
		if (c->is_eof && x->body.how == H1_BODY_UNTIL_EOF) {
			end_response(c);
			return true;
		}
		if (c->is_eof)
			fail(c, E_UPSTREAM_CLOSED);
		return false;
	case H1_BODY_BAD:
		fail(c, E_UPSTREAM_PROTOCOL);
		return false;
	case H1_BODY_PIECE:
		deadline_arm(&c->deadline, c->args.body_ms);
		x->side.events->on_body(x->side.owner, piece);
		return true;
	case H1_BODY_END:
		end_response(c);
		return true;
	}
	UNREACHABLE();
}

static bool take_raw(struct h1_client *c)
{
	struct exchange *x = c->x;
	struct str piece = c->input.now;

	if (!x->has_demand)
		return false;
	if (piece.len) {
		h1_input_take(&c->input, piece.len);
		x->side.events->on_body(x->side.owner, piece);
		return true;
	}
	if (!c->is_eof)
		return false;
	x->message.keep_alive = false;
	end_response(c);
	return true;
}

/* Bytes behind the response belong to no request: such a connection is not used again. */
static bool can_keep_alive(const struct h1_client *c, const struct exchange *x)
{
	return c->state == ENDED && x->is_out_done && !x->failure && x->message.keep_alive &&
		x->head.status != 101 && !c->is_eof && !c->input.now.len &&
		(c->is_busy || !h1_input_has_rest(&c->input)) &&
		!stream_queued(c->stream);
}

static void release(struct side *s)
{
	struct exchange *x = container_of(s, struct exchange, side);
	struct h1_client *c = x->c;
	bool is_clean = c && c->state == ENDED && x->is_out_done;

	ASSERT(!x->is_released);
	x->is_released = true;
	if (!c || !can_keep_alive(c, x)) {
		free_exchange(x);
		if (!c)
			return;
		c->x = NULL;
		close_stream(c, is_clean ? STREAM_CLOSE_GRACEFUL : STREAM_CLOSE_ABORT);
		report_closed(c);
		return;
	}
	free_exchange(x);
	c->x = NULL;
	deadline_disarm(&c->write_deadline);
	enter(c, IDLE);
	if (!c->is_reading && !c->is_busy)
		loop_defer(c->args.loop, &c->task);
	c->args.events->on_idle(c->args.owner);
}

static void watch_writes(struct h1_client *c)
{
	if (deadline_is_armed(&c->write_deadline) || !stream_queued(c->stream))
		return;
	c->taken_bytes = c->x->writer.total_bytes - stream_queued(c->stream);
	deadline_arm(&c->write_deadline, c->args.write_ms);
}

/* Op results: a failure is told to the caller now and to on_fail at the end of the turn. */
static enum err wrote(struct exchange *x, enum err e)
{
	struct h1_client *c = x->c;

	if (e) {
		x->failure = e;
		loop_defer(c->args.loop, &c->task);
		return e;
	}
	x->side.was_sent = x->side.was_sent || x->writer.total_bytes;
	if (h1_writer_held(&x->writer))
		loop_defer(c->args.loop, &c->task);
	watch_writes(c);
	return E_OK;
}

static enum err send_request(struct side *s, const struct request_head *head)
{
	struct exchange *x = container_of(s, struct exchange, side);
	struct h1_client *c = x->c;

	if (!c)
		return E_RESET;
	ASSERT(c->state == SEND);
	x->is_head_request = str_is(head->method, "HEAD");
	x->may_upgrade = head->upgrade.len;
	x->is_out_done = head->body == BODY_NONE;
	x->awaits_continue = head->expects_continue;
	enter(c, HEAD);
	return wrote(x, h1_writer_request(&x->writer, head));
}

static enum err send_body(struct side *s, struct str bytes)
{
	struct exchange *x = container_of(s, struct exchange, side);

	if (!x->c)
		return E_RESET;
	ASSERT(x->c->state != SEND);
	/* From here on it is the owner who takes its time. */
	if (x->awaits_continue && x->c->state == HEAD)
		deadline_disarm(&x->c->deadline);
	x->awaits_continue = false;
	return wrote(x, h1_writer_body(&x->writer, bytes));
}

static enum err send_end(struct side *s, const struct headers *trailers)
{
	struct exchange *x = container_of(s, struct exchange, side);
	struct h1_client *c = x->c;
	enum err e;

	if (!c)
		return E_RESET;
	ASSERT(c->state != SEND);
	/* A bodiless message ended with its head; being told so again is harmless. */
	if (x->writer.how == H1_WRITE_ENDED)
		return E_OK;
	e = wrote(x, h1_writer_end(&x->writer, trailers));
	x->is_out_done = !e;
	if (!e && c->state == TUNNEL)
		stream_shutdown(c->stream);
	if (!e && c->state == HEAD)
		deadline_arm(&c->deadline, c->args.response_ms);
	return e;
}

static void set_demand(struct side *s, bool wanted)
{
	struct exchange *x = container_of(s, struct exchange, side);
	struct h1_client *c = x->c;

	x->has_demand = wanted;
	if (!c || (c->state != BODY && c->state != TUNNEL))
		return;
	if (!wanted)
		deadline_disarm(&c->deadline);
	else if (c->state == BODY)
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
	.send_request = send_request,
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
	struct h1_client *c = owner;

	c->is_eof = true;
	step(c, STR_NONE);
}

static void on_drain(void *owner)
{
	struct h1_client *c = owner;
	struct exchange *x = c->x;

	deadline_disarm(&c->write_deadline);
	if (x && c->state != SEND)
		x->side.events->on_writable(x->side.owner);
}

static void on_error(void *owner, enum err err)
{
	fail(owner, err == E_EOF || err == E_RESET ? E_UPSTREAM_CLOSED : err);
}

static const struct stream_events stream_events = { on_read, on_eof, on_drain, on_error };

static void on_deadline(struct deadline *d)
{
	fail(container_of(d, struct h1_client, deadline), E_UPSTREAM_TIMEOUT);
}

static void on_write_deadline(struct deadline *d)
{
	struct h1_client *c = container_of(d, struct h1_client, write_deadline);
	size_t waiting = stream_queued(c->stream);

	/* Slow is allowed, standing still is not. */
	if (!waiting || c->x->writer.total_bytes - waiting > c->taken_bytes)
		watch_writes(c);
	else
		fail(c, E_UPSTREAM_TIMEOUT);
}

static void on_task(struct loop_task *t)
{
	struct h1_client *c = container_of(t, struct h1_client, task);
	struct exchange *x = c->x;

	if (x && !x->failure && h1_writer_held(&x->writer))
		(void)wrote(x, h1_writer_flush(&x->writer));
	if (x && x->failure)
		fail(c, x->failure);
	else
		step(c, STR_NONE);
}

static void close_stream(struct h1_client *c, enum stream_close how)
{
	if (c->state == CLOSED)
		return;
	enter(c, CLOSED);
	deadline_disarm(&c->write_deadline);
	loop_task_cancel(&c->task);
	stream_close(&c->stream, how);
}

/* Tells the owner and frees; while busy, step() does it on its way out. */
static void report_closed(struct h1_client *c)
{
	bool was_busy = c->is_busy;

	ASSERT(c->state == CLOSED && !c->x);
	/* Busy: an owner that closes us from there must not free us twice. */
	c->is_busy = true;
	if (!c->is_dead)
		c->args.events->on_closed(c->args.owner);
	c->is_busy = was_busy;
	c->is_dead = true;
	if (!was_busy)
		free_client(c);
}

static void fail(struct h1_client *c, enum err err)
{
	struct exchange *x = c->x;
	bool was_busy = c->is_busy;

	if (c->state == CLOSED)
		return;
	close_stream(c, STREAM_CLOSE_ABORT);
	c->x = NULL;
	if (x) {
		x->c = NULL;
		/* The owner may close us from there. */
		c->is_busy = true;
		x->side.events->on_fail(x->side.owner, err);
		c->is_busy = was_busy;
	}
	if (was_busy)
		return;
	if (c->is_dead)
		free_client(c);
	else
		report_closed(c);
}

void h1_client_close(struct h1_client **client)
{
	struct h1_client *c = *client;
	struct exchange *x;

	*client = NULL;
	if (!c)
		return;
	x = c->x;
	c->x = NULL;
	close_stream(c, STREAM_CLOSE_ABORT);
	if (x)
		x->c = NULL;
	c->is_dead = true;
	if (!c->is_busy)
		free_client(c);
}
