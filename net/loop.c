/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * loop: owns an epoll set in which our sockets and libuv's own descriptor stand side by side. A
 * turn is one epoll_wait; libuv (work queue, signals) runs only when it has something to do.
 *
 *   wait --> short reads --> sockets --> sends --> deadlines --> libuv --> tasks --> sends --> flush the log --> wait
 */
#include "net/loop.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/loop_private.h"
#include "net/send_batch.h"

/* A loop that is only waiting for a deadline sleeps at least this long, so that many share a
 * wake-up. */
enum { TICK_MS = 10, TASK_ROUNDS = 8 };

static void turn(struct loop *l, int64_t timeout_ms);
static int64_t sleep_ms(struct loop *l);
static void deliver(struct loop *l, int64_t timeout_ms);
static void run_uv(struct loop *l);
static void run_tasks(struct loop *l);
static bool is_alive(struct loop *l);

static void on_uv_ready(struct watch *w, unsigned events)
{
	(void)events;
	container_of(w, struct loop, uv_watch)->uv_is_due = true;
}

struct loop *loop_new(void)
{
	struct loop *l = mem_new(sizeof(*l));

	list_init(&l->tasks);
	l->sends = send_batch_new();
	l->now_ms = clock_mono_ms();
	l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	ASSERT(l->epoll_fd >= 0);
	ASSERT(uv_loop_init(&l->uv) == 0);
	/* uv_run looks at nothing, not even at signals, while no handle holds it. */
	ASSERT(uv_async_init(&l->uv, &l->uv_anchor, NULL) == 0);
	l->uv_is_due = true;
	l->uv_watch.fn = on_uv_ready;
	ASSERT(watch_open(l, &l->uv_watch, uv_backend_fd(&l->uv), WATCH_BACKGROUND) == E_OK);
	return l;
}

void loop_run(struct loop *l)
{
	while (!l->is_stopped)
		turn(l, sleep_ms(l));
	int64_t end_ms = l->now_ms + LOOP_LINGER_MS;
	while (is_alive(l) && l->now_ms < end_ms) {
		int64_t ms = sleep_ms(l);
		int64_t left_ms = end_ms - l->now_ms;

		turn(l, ms < 0 || ms > left_ms ? left_ms : ms);
	}
}

bool loop_turn(struct loop *l)
{
	turn(l, 0);
	return is_alive(l);
}

void loop_stop(struct loop *l)
{
	l->is_stopped = true;
}

static void turn(struct loop *l, int64_t timeout_ms)
{
	deliver(l, timeout_ms);
	send_batch_flush(l->sends);
	deadline_expire(l);
	run_uv(l);
	run_tasks(l);
	send_batch_flush(l->sends);
	log_flush();
}

static int64_t sleep_ms(struct loop *l)
{
	if (l->is_stopped && !is_alive(l))
		return 0;
	if (!list_is_empty(&l->tasks) || l->uv_is_due)
		return 0;
	int64_t ms = deadline_next_ms(l);
	if (ms > 0 && ms < TICK_MS)
		ms = TICK_MS;
	int uv_ms = uv_backend_timeout(&l->uv);
	if (uv_ms >= 0 && (ms < 0 || uv_ms < ms))
		ms = uv_ms;
	return ms;
}

static char *buffer(struct loop *l, unsigned i, size_t bytes)
{
	if (!l->buffers[i])
		l->buffers[i] = mem_new(bytes);
	return l->buffers[i];
}

static bool is_hangup(uint32_t events)
{
	return events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR);
}

/* Short reads in a row, as short writes are: between them the kernel's code stays in the CPU's caches. */
static void read_early(struct loop *l)
{
	enum { LINE = 64 };
	char *room = buffer(l, 3, LOOP_BATCH * WATCH_EARLY_READ);

	for (int i = 0; i < l->n_batch; i++) {
		struct watch *w = l->batch[i].data.ptr;
		uint32_t e = l->batch[i].events;

		if (w && w->early && (e & EPOLLIN) && !is_hangup(e))
			room += (w->early(w, room) + LINE - 1) / LINE * LINE;
	}
}

static void deliver(struct loop *l, int64_t timeout_ms)
{
	int timeout = timeout_ms > 60000 ? 60000 : (int)timeout_ms;

	send_batch_flush(l->sends); /* what was written between two turns */
	int n = epoll_wait(l->epoll_fd, l->batch, LOOP_BATCH, timeout);

	ASSERT(n >= 0 || errno == EINTR);
	l->now_ms = clock_mono_ms();
	l->n_batch = n < 0 ? 0 : n;
	if (n > 1)
		read_early(l);
	for (int i = 0; i < l->n_batch; i++) {
		struct watch *w = l->batch[i].data.ptr;
		uint32_t e = l->batch[i].events;

		if (w)
			w->fn(w, (e & EPOLLIN ? WATCH_READ : 0) | (e & EPOLLOUT ? WATCH_WRITE : 0) |
					 (is_hangup(e) ? WATCH_HANGUP : 0));
	}
	l->n_batch = 0;
}

static void run_uv(struct loop *l)
{
	if (!l->uv_is_due && uv_backend_timeout(&l->uv) != 0)
		return;
	uv_run(&l->uv, UV_RUN_NOWAIT);
	l->uv_is_due = uv_backend_timeout(&l->uv) == 0;
}

/* Tasks may schedule tasks; after some rounds the sockets get their turn again. */
static void run_tasks(struct loop *l)
{
	for (int round = 0; round < TASK_ROUNDS && !list_is_empty(&l->tasks); round++) {
		struct list batch;

		batch = l->tasks;
		batch.next->prev = batch.prev->next = &batch;
		list_init(&l->tasks);
		while (!list_is_empty(&batch)) {
			struct loop_task *t = list_first(&batch, struct loop_task, node);

			list_remove(&t->node);
			t->fn(t);
		}
	}
}

static bool is_alive(struct loop *l)
{
	uv_unref((uv_handle_t *)&l->uv_anchor);
	bool uv_is_alive = uv_loop_alive(&l->uv);
	uv_ref((uv_handle_t *)&l->uv_anchor);
	return l->n_watches > 0 || l->n_heap > 0 || !list_is_empty(&l->tasks) || uv_is_alive;
}

uv_loop_t *loop_uv(struct loop *l)
{
	/* Whoever asks is about to start or close a handle, which libuv takes note of when it
	 * runs. */
	l->uv_is_due = true;
	return &l->uv;
}

int64_t loop_now_ms(const struct loop *l)
{
	return l->now_ms;
}

char *loop_read_buffer(struct loop *l)
{
	return buffer(l, 0, LOOP_READ_BUFFER);
}

char *loop_plain_buffer(struct loop *l)
{
	return buffer(l, 1, LOOP_READ_BUFFER);
}

char *loop_record_buffer(struct loop *l)
{
	return buffer(l, 2, LOOP_RECORD_BUFFER);
}

struct send_batch *loop_send_batch(struct loop *l)
{
	return l->sends;
}

void loop_task_init(struct loop_task *t, void (*fn)(struct loop_task *t))
{
	list_init(&t->node);
	t->fn = fn;
}

void loop_defer(struct loop *l, struct loop_task *t)
{
	ASSERT(t->fn);
	if (list_is_empty(&t->node))
		list_append(&l->tasks, &t->node);
}

void loop_task_cancel(struct loop_task *t)
{
	list_remove(&t->node);
}

static void on_signal(uv_signal_t *uv, int signum)
{
	struct loop_signal *s = container_of(uv, struct loop_signal, uv);

	s->fn(s->owner, signum);
}

void loop_on_signal(struct loop *l, int signum, void (*fn)(void *owner, int signum), void *owner)
{
	ASSERT(l->n_signals < LOOP_SIGNALS && signum > 0);
	struct loop_signal *s = &l->signals[l->n_signals++];

	s->fn = fn;
	s->owner = owner;
	ASSERT(uv_signal_init(loop_uv(l), &s->uv) == 0);
	ASSERT(uv_signal_start(&s->uv, on_signal, signum) == 0);
	uv_unref((uv_handle_t *)&s->uv);
}

void loop_free(struct loop **lp)
{
	struct loop *l = *lp;

	if (!l)
		return;
	*lp = NULL;
	for (unsigned i = 0; i < l->n_signals; i++)
		uv_close((uv_handle_t *)&l->signals[i].uv, NULL);
	run_tasks(l);
	ASSERT(l->n_watches == 0 && l->n_heap == 0 && list_is_empty(&l->tasks));
	uv_close((uv_handle_t *)&l->uv_anchor, NULL);
	uv_run(&l->uv, UV_RUN_NOWAIT);
	watch_close(l, &l->uv_watch);
	/* A lookup nobody waits for may hang in the resolver: its thread will still report to this
	 * memory, so it stays. Only a process about to end comes here like that. */
	if (uv_loop_close(&l->uv) != 0)
		return;
	close(l->epoll_fd);
	for (unsigned i = 0; i < ARRAY_LEN(l->buffers); i++)
		mem_free(&l->buffers[i]);
	send_batch_free(&l->sends);
	mem_free(&l->heap);
	mem_release(l);
}

const char *loop_library_version(void)
{
	return uv_version_string();
}
