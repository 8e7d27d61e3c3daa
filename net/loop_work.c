/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * loop_work: libuv's work queue behind loop.h. The request lives in the caller's struct.
 */
#include "net/loop.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <threads.h>
#include <unistd.h>

#include "net/loop_private.h"

_Static_assert(sizeof(uv_work_t) <= sizeof(((struct loop_work *)0)->private_),
	"struct loop_work has no room for uv_work_t");

static uv_work_t *request(struct loop_work *w)
{
	return (uv_work_t *)(void *)w->private_;
}

/* X(place, nicer than the process by) */
#define PLACES(X) \
	X(LOOP_FIRST, 0) \
	X(LOOP_SECOND, 5) \
	X(LOOP_LAST, 10)

static const int nicer[] = {
#define X(place, by) [place] = by,
	PLACES(X)
#undef X
};

static int process_nice;

static void note_process_nice(void)
{
	process_nice = getpriority(PRIO_PROCESS, (id_t)getpid());
}

void loop_take_place(enum loop_place place)
{
	/* before any thread gives way, the first one included: it is the one getpriority answers for */
	static once_flag noted = ONCE_FLAG_INIT;
	/* struct sched_attr of sched_setattr(2), which this libc has not */
	struct {
		uint32_t size, policy;
		uint64_t flags;
		int32_t nice;
		uint32_t priority;
		uint64_t runtime_ns, deadline_ns, period_ns;
	} want = {.size = sizeof(want), .policy = SCHED_OTHER, .runtime_ns = LOOP_SHORT_SLICE_US * 1000};

	call_once(&noted, note_process_nice);
	want.nice = process_nice + nicer[place];
	if (want.nice > 19)
		want.nice = 19;
	/* forbidden in some containers: nothing depends on it */
	if (syscall(SYS_sched_setattr, 0, &want, 0) != 0)
		setpriority(PRIO_PROCESS, (id_t)gettid(), want.nice);
}

/* Keys, signatures and files of new names must not keep the clients of others waiting for a core. */
static void give_way(void)
{
	static thread_local bool has_place;

	if (!has_place)
		loop_take_place(LOOP_LAST);
	has_place = true;
}

static void on_pool_thread(uv_work_t *uv)
{
	struct loop_work *w = uv->data;

	give_way();
	w->fn(w);
}

static void on_done(uv_work_t *uv, int status)
{
	struct loop_work *w = uv->data;

	w->done(w, status == UV_ECANCELED);
}

void loop_work_start(struct loop *l, struct loop_work *w)
{
	ASSERT(w->fn && w->done);
	request(w)->data = w;
	ASSERT(uv_queue_work(loop_uv(l), request(w), on_pool_thread, on_done) == 0);
}

void loop_work_cancel(struct loop_work *w)
{
	uv_cancel((uv_req_t *)request(w));
}

void loop_set_pool_size(unsigned threads)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", threads);
	setenv("UV_THREADPOOL_SIZE", text, 1);
}
