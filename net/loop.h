/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * loop: one event loop per thread, with what every object on it shares: the clock read once per
 * turn, one read buffer, end-of-turn tasks, the work queue, and the timer list behind net/deadline.
 * Everything here belongs to the loop's own thread unless it says "any thread".
 */
#ifndef NET_LOOP_H
#define NET_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/list.h"

struct loop;
struct send_batch;
typedef struct uv_loop_s uv_loop_t; /* uv.h only in net's own .c files */

enum { LOOP_READ_BUFFER = 64 * 1024, LOOP_LINGER_MS = 7000 };

struct loop *loop_new(void);
/* Runs until loop_stop, then until every handle is closed (LOOP_LINGER_MS at most). */
void loop_run(struct loop *l);
/* One turn without blocking; true while handles are alive. For tests. */
bool loop_turn(struct loop *l);
void loop_stop(struct loop *l);
/* All objects on it must be closed. Nulls the caller's pointer. */
void loop_free(struct loop **l);

uv_loop_t *loop_uv(struct loop *l);
/* Monotonic milliseconds, read once per turn. */
int64_t loop_now_ms(const struct loop *l);
/* The shared buffer, LOOP_READ_BUFFER bytes: valid until the callback it was filled for returns. */
char *loop_read_buffer(struct loop *l);
/* Where streams keep what they send at the end of the turn. Who is about to compute for long flushes it first. */
struct send_batch *loop_send_batch(struct loop *l);
/* Two more for net/tls_stream alone: decrypted bytes, and records on their way out. */
enum { LOOP_RECORD_BUFFER = 80 * 1024 };
char *loop_plain_buffer(struct loop *l);
char *loop_record_buffer(struct loop *l);

/* Something to run once at the end of this turn, before the loop sleeps (flush, batch). Scheduling
 * a task twice runs it once. Initialise with loop_task_init; cancel before freeing. */
struct loop_task {
	struct list node;
	void (*fn)(struct loop_task *t);
};
void loop_task_init(struct loop_task *t, void (*fn)(struct loop_task *t));
void loop_defer(struct loop *l, struct loop_task *t);
void loop_task_cancel(struct loop_task *t);

/*
 * Work for the work queue: fn runs on a pool thread, done on this loop afterwards (also when the
 * work was cancelled before it ran: then with canceled true). The struct is the caller's and must
 * live until done. Pool threads give way to the loops (loop_take_place). Pool size:
 * loop_set_pool_size before the first loop.
 */
struct loop_work {
	void (*fn)(struct loop_work *w);
	void (*done)(struct loop_work *w, bool canceled);
	/* private */
	void *private_[20];
};
void loop_work_start(struct loop *l, struct loop_work *w);
/* Best effort: done still follows. */
void loop_work_cancel(struct loop_work *w);
void loop_set_pool_size(unsigned threads);
/* When there is less CPU than there is to do, threads that answer clients go before the one that gets
 * certificates, and both before the work queue's, which take the last place by themselves: by nice values
 * (0, 5 and 10 above the process's) and by short slices of time, so that who wakes up is put before others
 * of its place (EEVDF; Linux before 6.12 takes no notice). For the calling thread; what it starts
 * afterwards inherits its place. */
enum loop_place { LOOP_FIRST, LOOP_SECOND, LOOP_LAST };
enum { LOOP_SHORT_SLICE_US = 200 };
void loop_take_place(enum loop_place place);

/* Signals, delivered on this loop; at most 8 kinds. signum 0 in no row. Stays until the loop
 * ends. */
void loop_on_signal(struct loop *l, int signum, void (*fn)(void *owner, int signum), void *owner);

/* libuv's. */
const char *loop_library_version(void);

#endif
