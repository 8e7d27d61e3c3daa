/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tls_stream: owns an engine and the stream below it, and carries bytes between them.
 *
 *   HANDSHAKE --> OPEN --> CLOSING --> freed
 *        \          \         ^
 *         \__________\--> FAILED
 *
 * Ciphertext comes in the loop's read buffer and is decrypted into its plain buffer, several
 * records to one on_read. What an owner does not want yet stays encrypted in `held`. Memory goes at
 * the end of the turn, so callbacks may close at will.
 */
#include "net/tls_stream.h"

#include "base/buf.h"
#include "base/check.h"
#include "base/mem.h"
#include "net/send_batch.h"

enum { RECORD = 16384, CORK_FROM = 1369, QUEUE_CAP = 8 * 1024 * 1024, IDLE_MS = 1000 };

/* X(state, meaning); handshakes are timed by their owner, who knows what else it waited for */
#define TLS_STATES(X) \
	X(HANDSHAKE, "until both sides have finished") \
	X(OPEN, "in use") \
	X(FAILED, "broken, waiting for its owner to close it") \
	X(CLOSING, "closed, memory goes at the end of the turn")

enum tls_state {
#define X(name, meaning) name,
	TLS_STATES(X)
#undef X
};

struct tls_stream {
	struct stream stream;
	struct loop *loop;
	struct stream *inner;
	struct tls_engine *engine;
	tls_handshake_fn *done;
	struct loop_task task;
	struct buf held; /* ciphertext read and not yet wanted */
	int64_t written_at_ms;
	char *late;        /* a ticket that travels with the first bytes written, or NULL */
	uint32_t n_late;
	uint32_t n_corked; /* bytes waiting in the loop's record buffer */
	uint8_t state;     /* enum tls_state */
	bool is_corked;
	bool wants_read;
	bool at_eof; /* close_notify came */
	bool is_shut;
	bool owes_done, owes_error, owes_eof;
	uint16_t error; /* enum err */
};

static void enter(struct tls_stream *t, enum tls_state state);
static void handshake(struct tls_stream *t);
static enum err deliver(struct tls_stream *t);
static void uncork(struct tls_stream *t);
static void fail(struct tls_stream *t, enum err err);
static void on_output(void *owner, struct str ciphertext);
static void on_task(struct loop_task *task);

static const struct stream_ops ops;
static const struct stream_events inner_events;

static struct tls_stream *from_stream(const struct stream *s)
{
	ASSERT(s->ops == &ops);
	return container_of(s, struct tls_stream, stream);
}

static void enter(struct tls_stream *t, enum tls_state state)
{
	t->state = (uint8_t)state;
}

static struct tls_stream *new_stream(struct loop *l, struct stream **inner, tls_handshake_fn *done)
{
	struct tls_stream *t = mem_try(sizeof(*t));

	if (!t) {
		stream_close(inner, STREAM_CLOSE_ABORT);
		return NULL;
	}
	*t = (struct tls_stream){.stream.ops = &ops, .loop = l, .inner = *inner, .done = done};
	*inner = NULL;
	loop_task_init(&t->task, on_task);
	buf_init(&t->held, 0);
	stream_own(t->inner, &inner_events, t);
	return t;
}

static void free_stream(struct tls_stream *t)
{
	loop_task_cancel(&t->task);
	stream_close(&t->inner, STREAM_CLOSE_ABORT);
	tls_engine_free(&t->engine);
	buf_fini(&t->held);
	mem_free(&t->late);
	mem_release(t);
}

/* First steps of both sides: what they have to say is told by the task, after the start
 * returned. */
static void begin(struct tls_stream *t, struct stream **out)
{
	stream_read_start(t->inner);
	*out = &t->stream;
}

enum err tls_stream_accept(struct loop *l, struct stream **inner,
	const struct tls_accept_args *args, const struct str *received, unsigned n_received,
	tls_handshake_fn *done, struct stream **out)
{
	struct tls_stream *t = new_stream(l, inner, done);
	enum err err = E_OK;

	*out = NULL;
	if (!t)
		return E_NOMEM;
	for (unsigned i = 0; i < n_received && err == E_OK; i++)
		err = buf_add(&t->held, received[i]);
	if (err == E_OK)
		err = tls_engine_accept(args, on_output, t, &t->engine);
	if (err != E_OK) {
		free_stream(t);
		return err;
	}
	if (t->held.len > 0)
		loop_defer(l, &t->task);
	begin(t, out);
	return E_OK;
}

enum err tls_stream_connect(struct loop *l, struct stream **inner,
	const struct tls_connect_args *args, tls_handshake_fn *done, struct stream **out)
{
	struct tls_stream *t = new_stream(l, inner, done);

	*out = NULL;
	if (!t)
		return E_NOMEM;
	enum err err = tls_engine_connect(args, on_output, t, &t->engine);
	if (err != E_OK) {
		free_stream(t);
		return err;
	}
	/* The hello goes out at once. */
	err = tls_engine_handshake(t->engine);
	if (err != E_AGAIN)
		fail(t, err == E_OK ? E_INTERNAL : err);
	begin(t, out);
	return E_OK;
}

/* Told by the task. */
static void fail(struct tls_stream *t, enum err err)
{
	if (t->state == FAILED || t->state == CLOSING)
		return;
	t->error = (uint16_t)err;
	if (t->state == HANDSHAKE)
		t->owes_done = true;
	else
		t->owes_error = true;
	enter(t, FAILED);
	stream_read_stop(t->inner);
	loop_defer(t->loop, &t->task);
}

static void sync_reading(struct tls_stream *t)
{
	if (t->state == HANDSHAKE || (t->state == OPEN && t->wants_read && !t->at_eof))
		stream_read_start(t->inner);
	else
		stream_read_stop(t->inner);
}

/* Gives ciphertext to the engine and works through it as far as the owner wants; keeps the rest. */
static void feed(struct tls_stream *t, struct str ciphertext)
{
	enum err err = E_OK;

	tls_engine_input(t->engine, ciphertext);
	if (t->state == HANDSHAKE)
		handshake(t);
	while (err == E_OK && t->state == OPEN && t->wants_read && !t->at_eof)
		err = deliver(t);
	struct str left = tls_engine_unread(t->engine);
	if (t->state != OPEN || t->at_eof)
		return;
	if (err != E_OK && err != E_AGAIN)
		fail(t, err);
	else if (buf_add(&t->held, left) != E_OK)
		fail(t, E_NOMEM);
}

/* A system call and a wake-up of the client less, and nobody misses a ticket before its connection says
 * something. */
static void keep_late(struct tls_stream *t)
{
	t->late = t->n_corked ? mem_try(t->n_corked) : NULL;
	if (!t->late)
		return;
	memcpy(t->late, loop_record_buffer(t->loop), t->n_corked);
	t->n_late = t->n_corked;
	t->n_corked = 0;
}

static void handshake(struct tls_stream *t)
{
	/* what others have to say does not wait for our signature */
	send_batch_flush(loop_send_batch(t->loop));
	t->is_corked = true;
	enum err err = tls_engine_handshake(t->engine);
	t->is_corked = false;
	if (err == E_OK && tls_engine_output_may_wait(t->engine))
		keep_late(t);
	uncork(t);
	if (err == E_AGAIN)
		return;
	if (err != E_OK) {
		fail(t, err);
		return;
	}
	enter(t, OPEN);
	t->written_at_ms = loop_now_ms(t->loop);
	t->done(t->stream.owner, E_OK, "");
}

/* One on_read with as many whole records as there are and fit. */
static enum err deliver(struct tls_stream *t)
{
	char *plain = loop_plain_buffer(t->loop);
	size_t len = 0, n;
	enum err err = E_OK;

	while (err == E_OK && LOOP_READ_BUFFER - len >= RECORD) {
		err = tls_engine_read(t->engine, plain + len, LOOP_READ_BUFFER - len, &n);
		len += n;
	}
	if (err == E_EOF)
		t->at_eof = t->owes_eof = true;
	if (len > 0)
		t->stream.events->on_read(t->stream.owner, str_of(plain, len));
	return err;
}

static void tell_eof(struct tls_stream *t)
{
	if (!t->owes_eof || t->state != OPEN || !t->wants_read)
		return;
	t->owes_eof = false;
	t->stream.events->on_eof(t->stream.owner);
}

/* All that a turn may bring, in the order the owner must see it. */
static void settle(struct tls_stream *t)
{
	if (t->state == OPEN && !t->owes_eof)
		sync_reading(t);
	tell_eof(t);
}

static void on_inner_read(void *owner, struct str bytes)
{
	struct tls_stream *t = owner;

	if (t->held.len > 0) {
		if (buf_add(&t->held, bytes) != E_OK)
			fail(t, E_NOMEM);
		loop_defer(t->loop, &t->task);
		return;
	}
	feed(t, bytes);
	settle(t);
}

/* The bytes of a TLS stream end with close_notify; without it somebody may have cut them off. */
static void on_inner_eof(void *owner)
{
	struct tls_stream *t = owner;

	if (!t->at_eof)
		fail(t, t->state == HANDSHAKE ? E_EOF : E_RESET);
}

static void on_inner_drain(void *owner)
{
	struct tls_stream *t = owner;

	if (t->state == OPEN)
		t->stream.events->on_drain(t->stream.owner);
}

static void on_inner_error(void *owner, enum err err)
{
	fail(owner, err);
}

static const struct stream_events inner_events = {
	on_inner_read, on_inner_eof, on_inner_drain, on_inner_error};

static void feed_held(struct tls_stream *t)
{
	struct buf held = t->held;

	buf_init(&t->held, 0);
	feed(t, buf_str(&held));
	buf_fini(&held);
}

static void on_task(struct loop_task *task)
{
	struct tls_stream *t = container_of(task, struct tls_stream, task);

	if (t->state == CLOSING) {
		free_stream(t);
	} else if (t->owes_done) {
		t->owes_done = false;
		t->done(t->stream.owner, (enum err)t->error, tls_engine_error(t->engine));
	} else if (t->owes_error) {
		t->owes_error = false;
		t->stream.events->on_error(t->stream.owner, (enum err)t->error);
	} else if (t->state != FAILED) {
		if (t->held.len > 0 && (t->state == HANDSHAKE || t->wants_read))
			feed_held(t);
		settle(t);
	}
}

static void tls_read_start(struct stream *s)
{
	struct tls_stream *t = from_stream(s);

	t->wants_read = true;
	if (t->state == OPEN && (t->held.len > 0 || t->owes_eof))
		loop_defer(t->loop, &t->task);
	else
		sync_reading(t);
}

static void tls_read_stop(struct stream *s)
{
	struct tls_stream *t = from_stream(s);

	t->wants_read = false;
	sync_reading(t);
}

static void send_on(struct tls_stream *t, struct str bytes)
{
	enum err err = stream_write(t->inner, &bytes, 1);

	/* Only remembered: the stream below reports it, and wolfSSL is on the stack. */
	if (err != E_OK && t->error == E_OK)
		t->error = (uint16_t)err;
}

static void uncork(struct tls_stream *t)
{
	uint32_t n = t->n_corked;

	t->n_corked = 0;
	if (n > 0)
		send_on(t, str_of(loop_record_buffer(t->loop), n));
}

static void cork(struct tls_stream *t, struct str bytes)
{
	if (bytes.len > LOOP_RECORD_BUFFER - t->n_corked)
		uncork(t);
	/* a flight with a very long chain */
	if (bytes.len > LOOP_RECORD_BUFFER) {
		send_on(t, bytes);
		return;
	}
	memcpy(loop_record_buffer(t->loop) + t->n_corked, bytes.at, bytes.len);
	t->n_corked += (uint32_t)bytes.len;
}

/* A record, or the messages of a flight. While corked they travel together in one system call. */
static void on_output(void *owner, struct str ciphertext)
{
	struct tls_stream *t = owner;

	if (!t->is_corked && !t->late) {
		send_on(t, ciphertext);
		return;
	}
	if (t->late) {
		cork(t, str_of(t->late, t->n_late));
		mem_free(&t->late);
	}
	cork(t, ciphertext);
	if (!t->is_corked)
		uncork(t);
}

static void note_idleness(struct tls_stream *t)
{
	int64_t now_ms = loop_now_ms(t->loop);

	if (now_ms - t->written_at_ms > IDLE_MS)
		tls_engine_after_idle(t->engine);
	t->written_at_ms = now_ms;
}

static enum err tls_write(struct stream *s, const struct str *parts, unsigned n)
{
	struct tls_stream *t = from_stream(s);
	size_t total = 0;

	ASSERT(t->state == OPEN || t->state == FAILED);
	if (t->state == FAILED)
		return t->error ? (enum err)t->error : E_RESET;
	ASSERT(!t->is_shut);
	for (unsigned i = 0; i < n; i++)
		total += parts[i].len;
	/* Refused as a whole: half a record would be worse than none. */
	if (total > QUEUE_CAP / 16 * 15 || stream_queued(t->inner) > QUEUE_CAP / 16 * 15 - total) {
		fail(t, E_LIMIT);
		return E_LIMIT;
	}
	note_idleness(t);
	t->is_corked = total > CORK_FROM;
	enum err err = tls_engine_write(t->engine, parts, n);
	t->is_corked = false;
	uncork(t);
	if (err == E_OK)
		err = (enum err)t->error;
	if (err != E_OK)
		fail(t, err);
	return err;
}

static size_t tls_queued(const struct stream *s)
{
	const struct tls_stream *t = from_stream(s);

	return t->inner ? stream_queued(t->inner) : 0;
}

static void tls_shutdown(struct stream *s)
{
	struct tls_stream *t = from_stream(s);

	if (t->state != OPEN || t->is_shut)
		return;
	t->is_shut = true;
	tls_engine_shutdown(t->engine);
	stream_shutdown(t->inner);
}

static void tls_close(struct stream *s, enum stream_close how)
{
	struct tls_stream *t = from_stream(s);

	ASSERT(t->state != CLOSING);
	if (how == STREAM_CLOSE_GRACEFUL && t->state == OPEN && !t->is_shut)
		tls_engine_shutdown(t->engine);
	/* A failed handshake's alert still has to reach the peer. */
	enter(t, CLOSING);
	stream_close(&t->inner, how);
	loop_defer(t->loop, &t->task);
}

void tls_stream_facts(const struct stream *s, struct tls_facts *out)
{
	tls_engine_facts(from_stream(s)->engine, out);
}

static const struct stream_ops ops = {
	tls_read_start, tls_read_stop, tls_write, tls_queued, tls_shutdown, tls_close};
