/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tcp_stream: owns one socket, what could not be written yet, and its way to the grave.
 *
 *   OPEN --> DRAINING --> LINGERING --> CLOSED --> freed
 *     \___________________________________^
 *     \--> FAILED ________________________^
 *
 * Readiness is edge-triggered: what the kernel said is remembered in is_readable and is_writable
 * until a call says otherwise. Small writes wait in the loop's send_batch for the end of the turn, and who
 * last read little is read early, in a row with all others of the turn.
 * Memory goes at the end of the turn, so callbacks may close at will.
 */
#include "net/tcp_stream.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "base/bufq.h"
#include "base/mem.h"
#include "net/deadline.h"
#include "net/send_batch.h"
#include "net/watch.h"

enum { QUEUE_CAP = 8 * 1024 * 1024, READS_PER_TURN = 4, SLICES = 64 };

/* X(state, deadline in ms or 0, meaning) */
#define TCP_STATES(X) \
	X(OPEN, 0, "in use") \
	X(FAILED, 0, "broken, waiting for its owner to close it") \
	X(DRAINING, 5000, "closed by its owner, sending what is queued") \
	X(LINGERING, 1000, "all sent, dropping input until the peer is done") \
	X(CLOSED, 0, "socket gone, memory goes at the end of the turn")

enum tcp_state {
#define X(name, ms, meaning) name,
	TCP_STATES(X)
#undef X
};

static const int64_t deadline_ms[] = {
#define X(name, ms, meaning) ms,
	TCP_STATES(X)
#undef X
};

struct tcp_stream {
	struct stream stream;
	struct loop *loop;
	struct watch watch;
	struct loop_task task;
	struct deadline deadline;
	struct send_slot batched; /* goes before out, which is empty until it went */
	struct bufq out;
	uint8_t state; /* enum tcp_state */
	bool is_unix, carries_tls;
	bool is_readable, is_writable;
	bool saw_hangup; /* a short read is no sign of an empty socket any more */
	bool at_eof;
	bool reads_little; /* the last read was short: the next may be an early one */
	uint16_t early_error; /* enum err, of an early read */
	uint32_t n_early;  /* bytes read early and not delivered yet */
	char *early;       /* in the loop's room for them, or kept for later */
	char *kept;
	bool wants_read;
	bool wants_shutdown, is_shut;
	bool owes_drain;
	bool owes_error;
	uint16_t error; /* enum err */
	uint16_t write_error; /* the peer takes no more, but may have said something before */
};

static atomic_uint n_open;

static void enter(struct tcp_stream *t, enum tcp_state state);
static void step(struct tcp_stream *t);
static void step_open(struct tcp_stream *t);
static void step_draining(struct tcp_stream *t);
static void step_lingering(struct tcp_stream *t);
static void on_ready(struct watch *w, unsigned events);
static size_t read_early(struct watch *w, char *room);
static void on_task(struct loop_task *task);
static void on_send(struct send_slot *slot);
static void on_deadline(struct deadline *d);
static void close_socket(struct tcp_stream *t);

static const struct stream_ops ops;

static struct tcp_stream *from_stream(const struct stream *s)
{
	ASSERT(s->ops == &ops);
	return container_of(s, struct tcp_stream, stream);
}

struct stream *tcp_stream_adopt(struct loop *l, int fd, const struct addr *peer)
{
	struct tcp_stream *t = mem_try(sizeof(*t));

	if (!t) {
		close(fd);
		return NULL;
	}
	*t = (struct tcp_stream){.stream.ops = &ops,
		.loop = l,
		.watch = {.fn = on_ready, .early = read_early},
		.is_unix = peer->any.sa_family == AF_UNIX,
		.is_writable = true};
	loop_task_init(&t->task, on_task);
	deadline_init(&t->deadline, l, on_deadline);
	send_slot_init(&t->batched, on_send);
	bufq_init(&t->out, QUEUE_CAP);
	if (watch_open(l, &t->watch, fd, WATCH_STREAM) != E_OK) {
		close(fd);
		mem_release(t);
		return NULL;
	}
	atomic_fetch_add_explicit(&n_open, 1, memory_order_relaxed);
	return &t->stream;
}

void tcp_stream_carries_tls(struct stream *s)
{
	from_stream(s)->carries_tls = true;
}

unsigned tcp_stream_count(void)
{
	return atomic_load_explicit(&n_open, memory_order_relaxed);
}

static void enter(struct tcp_stream *t, enum tcp_state state)
{
	t->state = (uint8_t)state;
	if (deadline_ms[state])
		deadline_arm(&t->deadline, deadline_ms[state]);
	else
		deadline_disarm(&t->deadline);
}

static void step(struct tcp_stream *t)
{
	switch ((enum tcp_state)t->state) {
	case OPEN:
		step_open(t);
		return;
	case FAILED:
		return;
	case DRAINING:
		step_draining(t);
		return;
	case LINGERING:
		step_lingering(t);
		return;
	case CLOSED:
		return;
	}
	UNREACHABLE();
}

/* What is not out yet never will be. */
static void drop_output(struct tcp_stream *t)
{
	send_batch_drop(loop_send_batch(t->loop), &t->batched);
	bufq_consume(&t->out, bufq_bytes(&t->out));
}

/* Remembered here, told to the owner in a turn of its own. */
static void fail(struct tcp_stream *t, enum err err)
{
	drop_output(t);
	enter(t, FAILED);
	t->error = (uint16_t)err;
	t->owes_error = true;
	loop_defer(t->loop, &t->task);
}

/* A peer that answers early and closes resets what we go on sending: its answer is still in the
 * socket, and worth more than our bytes. Those are dropped from now on; the error is told when the
 * reader has got everything. Whether it was put off so. */
static bool outlives_write(struct tcp_stream *t, enum err err)
{
	if (err == E_LIMIT || t->state != OPEN || !t->wants_read || t->at_eof)
		return false;
	t->write_error = (uint16_t)err;
	t->is_readable = true;
	drop_output(t);
	loop_defer(t->loop, &t->task);
	return true;
}

/* What the kernel takes at once: how much in *sent. */
static enum err send_now(struct tcp_stream *t, const struct str *parts, unsigned n, size_t *sent)
{
	struct iovec iov[SLICES];
	ssize_t taken;

	*sent = 0;
	if (n > SLICES)
		n = SLICES;
	for (unsigned i = 0; i < n; i++)
		iov[i] = (struct iovec){(void *)(uintptr_t)parts[i].at, parts[i].len};
	if (n == 1)
		taken = send(t->watch.fd, parts[0].at, parts[0].len, MSG_NOSIGNAL);
	else
		taken = sendmsg(t->watch.fd, &(struct msghdr){.msg_iov = iov, .msg_iovlen = n}, MSG_NOSIGNAL);
	if (taken >= 0)
		*sent = (size_t)taken;
	else if (errno == EAGAIN)
		t->is_writable = false;
	else if (errno != EINTR)
		return err_from_errno(-errno);
	return E_OK;
}

static enum err queue_rest(struct tcp_stream *t, const struct str *parts, unsigned n, size_t sent)
{
	for (unsigned i = 0; i < n; i++) {
		if (sent >= parts[i].len) {
			sent -= parts[i].len;
			continue;
		}
		enum err err = bufq_add(&t->out, str_of(parts[i].at + sent, parts[i].len - sent));
		if (err != E_OK)
			return err;
		sent = 0;
	}
	t->owes_drain = true;
	/* A part may have been taken without the kernel having said "no more": ask again later. */
	if (t->is_writable)
		loop_defer(t->loop, &t->task);
	return E_OK;
}

/* The end of the turn, or something that cannot wait behind it. */
static enum err send_batched(struct tcp_stream *t)
{
	struct send_batch *b = loop_send_batch(t->loop);
	struct str bytes = send_batch_bytes(b, &t->batched);
	size_t sent;

	if (!bytes.len)
		return E_OK;
	enum err err = send_now(t, &bytes, 1, &sent);
	if (err == E_OK && sent < bytes.len)
		err = queue_rest(t, &bytes, 1, sent);
	send_batch_drop(b, &t->batched);
	return err;
}

static void on_send(struct send_slot *slot)
{
	struct tcp_stream *t = container_of(slot, struct tcp_stream, batched);

	ASSERT(t->state == OPEN);
	enum err err = send_batched(t);
	if (err != E_OK && !outlives_write(t, err))
		fail(t, err);
}

/* Sends what is queued until the kernel takes no more. */
static enum err flush(struct tcp_stream *t)
{
	enum err err = send_batched(t);

	if (err != E_OK)
		return err;
	while (t->is_writable && bufq_bytes(&t->out) > 0) {
		struct str slices[SLICES];
		struct iovec iov[SLICES];
		unsigned n = bufq_peek(&t->out, slices, SLICES);

		for (unsigned i = 0; i < n; i++)
			iov[i] = (struct iovec){(void *)(uintptr_t)slices[i].at, slices[i].len};
		ssize_t sent = sendmsg(t->watch.fd,
			&(struct msghdr){.msg_iov = iov, .msg_iovlen = n}, MSG_NOSIGNAL);
		if (sent >= 0)
			bufq_consume(&t->out, (size_t)sent);
		else if (errno == EAGAIN)
			t->is_writable = false;
		else if (errno != EINTR)
			return err_from_errno(-errno);
	}
	if (bufq_bytes(&t->out) == 0 && t->wants_shutdown && !t->is_shut) {
		t->is_shut = true;
		shutdown(t->watch.fd, SHUT_WR);
	}
	return E_OK;
}

static size_t read_early(struct watch *w, char *room)
{
	struct tcp_stream *t = container_of(w, struct tcp_stream, watch);
	ssize_t n;

	if (t->state != OPEN || !t->wants_read || !t->reads_little || t->n_early || t->at_eof)
		return 0;
	n = recv(t->watch.fd, room, WATCH_EARLY_READ, 0);
	if (n < 0 && errno != EAGAIN && errno != EINTR)
		t->early_error = (uint16_t)err_from_errno(-errno);
	if (n <= 0)
		return 0; /* an end is read again */
	t->early = room;
	t->n_early = (uint32_t)n;
	return (size_t)n;
}

static void drop_early(struct tcp_stream *t)
{
	mem_free(&t->kept);
	t->n_early = 0;
}

/* The owner did not want them after all, or not yet: the loop needs its room. */
static void keep_early(struct tcp_stream *t)
{
	if (!t->n_early || t->early == t->kept)
		return;
	t->early = t->kept = mem_copy(t->early, t->n_early);
}

static void note_read(struct tcp_stream *t, size_t n, size_t most)
{
	/* A short read emptied the socket: the next bytes raise a new edge. */
	if (n < most && !t->saw_hangup)
		t->is_readable = false;
	t->reads_little = n < WATCH_EARLY_READ;
}

static struct str take_early(struct tcp_stream *t)
{
	struct str bytes = str_of(t->early, t->n_early);

	t->n_early = 0;
	if (t->early != t->kept) {
		note_read(t, bytes.len, WATCH_EARLY_READ);
		return bytes;
	}
	/* more may have come since: only the next read tells */
	t->is_readable = true;
	/* who gets them may close us, and what is kept with us */
	bytes.at = memcpy(loop_read_buffer(t->loop), bytes.at, bytes.len);
	mem_free(&t->kept);
	return bytes;
}

/* One read into the shared buffer, or what was read early. E_AGAIN: nothing there; E_EOF; or what broke. */
static enum err receive(struct tcp_stream *t, struct str *bytes)
{
	if (t->n_early) {
		*bytes = take_early(t);
		return E_OK;
	}
	if (t->early_error)
		return (enum err)t->early_error;

	char *at = loop_read_buffer(t->loop);
	ssize_t n, most = t->carries_tls ? TCP_STREAM_TLS_READ : LOOP_READ_BUFFER;

	do {
		n = recv(t->watch.fd, at, (size_t)most, 0);
	} while (n < 0 && errno == EINTR);
	if (n < 0 && errno != EAGAIN)
		return err_from_errno(-errno);
	if (n < 0) {
		t->is_readable = false;
		return E_AGAIN;
	}
	note_read(t, (size_t)n, (size_t)most);
	if (n == 0) {
		t->at_eof = true;
		t->is_readable = false;
		return E_EOF;
	}
	*bytes = str_of(at, (size_t)n);
	return E_OK;
}

/* Every callback may have closed or stopped us: the loop's condition asks again. */
static void step_open(struct tcp_stream *t)
{
	enum err err = flush(t);

	if (err != E_OK && !outlives_write(t, err)) {
		fail(t, err);
		return;
	}
	if (t->owes_drain && bufq_bytes(&t->out) == 0) {
		t->owes_drain = false;
		t->stream.events->on_drain(t->stream.owner);
	}
	for (int i = 0; i < READS_PER_TURN; i++) {
		struct str bytes;

		if (t->state != OPEN || !t->wants_read || !t->is_readable || t->at_eof)
			return;
		err = receive(t, &bytes);
		if (err == E_OK)
			t->stream.events->on_read(t->stream.owner, bytes);
		else if (err == E_EOF)
			t->stream.events->on_eof(t->stream.owner);
		else if (err != E_AGAIN)
			fail(t, err);
		if (err != E_OK && t->write_error && t->state == OPEN)
			fail(t, (enum err)t->write_error);
	}
	if (t->state == OPEN && t->wants_read && t->is_readable && !t->at_eof)
		loop_defer(t->loop, &t->task);
}

static void step_draining(struct tcp_stream *t)
{
	if (flush(t) != E_OK)
		close_socket(t);
	else if (bufq_bytes(&t->out) == 0) {
		enter(t, LINGERING);
		step_lingering(t);
	}
}

static void step_lingering(struct tcp_stream *t)
{
	for (int i = 0; i < READS_PER_TURN && t->is_readable && !t->at_eof; i++) {
		struct str dropped;
		enum err err = receive(t, &dropped);

		if (err != E_OK && err != E_AGAIN && err != E_EOF) {
			close_socket(t);
			return;
		}
	}
	if (t->at_eof)
		close_socket(t);
	else if (t->is_readable)
		loop_defer(t->loop, &t->task);
}

static void on_ready(struct watch *w, unsigned events)
{
	struct tcp_stream *t = container_of(w, struct tcp_stream, watch);

	if (events & WATCH_WRITE)
		t->is_writable = true;
	if (events & (WATCH_READ | WATCH_HANGUP))
		t->is_readable = true;
	if (events & WATCH_HANGUP)
		t->saw_hangup = true;
	step(t);
	keep_early(t);
}

static void on_task(struct loop_task *task)
{
	struct tcp_stream *t = container_of(task, struct tcp_stream, task);

	if (t->state == CLOSED) {
		mem_release(t);
	} else if (t->owes_error && t->state == FAILED) {
		t->owes_error = false;
		t->stream.events->on_error(t->stream.owner, (enum err)t->error);
	} else {
		step(t);
	}
}

static void on_deadline(struct deadline *d)
{
	struct tcp_stream *t = container_of(d, struct tcp_stream, deadline);

	ASSERT(t->state == DRAINING || t->state == LINGERING);
	close_socket(t);
}

static void tcp_read_start(struct stream *s)
{
	struct tcp_stream *t = from_stream(s);

	t->wants_read = true;
	/* Never from here: the shared buffer may be in a caller's hands. */
	if (t->state == OPEN && t->is_readable && !t->at_eof)
		loop_defer(t->loop, &t->task);
}

static void tcp_read_stop(struct stream *s)
{
	from_stream(s)->wants_read = false;
}

static enum err tcp_write(struct stream *s, const struct str *parts, unsigned n)
{
	struct tcp_stream *t = from_stream(s);
	size_t total = 0, sent = 0;
	enum err err = E_OK;

	ASSERT(t->state == OPEN || t->state == FAILED);
	if (t->state == FAILED)
		return (enum err)t->error;
	if (t->write_error)
		return E_OK;
	ASSERT(!t->wants_shutdown);
	for (unsigned i = 0; i < n; i++)
		total += parts[i].len;
	if (total == 0)
		return E_OK;
	if (total > QUEUE_CAP || total + t->batched.len + bufq_bytes(&t->out) > QUEUE_CAP) {
		err = E_LIMIT;
	} else if (t->is_writable && bufq_bytes(&t->out) == 0) {
		if (send_batch_add(loop_send_batch(t->loop), &t->batched, parts, n))
			return E_OK;
		err = send_batched(t);
		if (err == E_OK && t->is_writable && bufq_bytes(&t->out) == 0)
			err = send_now(t, parts, n, &sent);
	}
	if (err == E_OK && sent < total)
		err = queue_rest(t, parts, n, sent);
	if (err == E_OK || outlives_write(t, err))
		return E_OK;
	fail(t, err);
	return err;
}

static size_t tcp_queued(const struct stream *s)
{
	return bufq_bytes(&from_stream(s)->out);
}

static void tcp_shutdown(struct stream *s)
{
	struct tcp_stream *t = from_stream(s);

	if (t->state != OPEN)
		return;
	t->wants_shutdown = true;
	enum err err = flush(t);
	if (err != E_OK && !outlives_write(t, err))
		fail(t, err);
}

static void tcp_close(struct stream *s, enum stream_close how)
{
	struct tcp_stream *t = from_stream(s);

	ASSERT(t->state == OPEN || t->state == FAILED);
	drop_early(t);
	if (how == STREAM_CLOSE_GRACEFUL && t->state == OPEN) {
		t->wants_shutdown = true;
		enter(t, DRAINING);
		/* Reading and dropping waits for the end of the turn: the shared buffer may be in
		 * use. */
		if (flush(t) == E_OK) {
			if (bufq_bytes(&t->out) == 0 && t->at_eof)
				close_socket(t);
			else
				loop_defer(t->loop, &t->task);
			return;
		}
	} else if (how == STREAM_CLOSE_ABORT && !t->is_unix) {
		struct linger reset = {.l_onoff = 1};

		/* an alert, or the part of an answer there was: the peer may see it before the reset */
		if (t->state == OPEN)
			(void)send_batched(t);
		setsockopt(t->watch.fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	}
	close_socket(t);
}

static void close_socket(struct tcp_stream *t)
{
	int fd = t->watch.fd;

	ASSERT(t->state != CLOSED);
	enter(t, CLOSED);
	watch_close(t->loop, &t->watch);
	close(fd);
	drop_early(t);
	drop_output(t);
	bufq_fini(&t->out);
	atomic_fetch_sub_explicit(&n_open, 1, memory_order_relaxed);
	loop_defer(t->loop, &t->task);
}

static const struct stream_ops ops = {
	tcp_read_start, tcp_read_stop, tcp_write, tcp_queued, tcp_shutdown, tcp_close};
