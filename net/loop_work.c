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

enum { POOL_NICER = 5 };

/* Keys, signatures and files of new names must not keep the clients of others waiting for a core. */
static void give_way(void)
{
	static thread_local bool is_nice;

	if (!is_nice)
		setpriority(PRIO_PROCESS, (id_t)gettid(), getpriority(PRIO_PROCESS, (id_t)gettid()) + POOL_NICER);
	is_nice = true;
}

void loop_take_short_slices(void)
{
	/* struct sched_attr of sched_setattr(2), which this libc has not */
	struct {
		uint32_t size, policy;
		uint64_t flags;
		int32_t nice;
		uint32_t priority;
		uint64_t runtime_ns, deadline_ns, period_ns;
	} want = {.size = sizeof(want),
		.policy = SCHED_OTHER,
		.nice = getpriority(PRIO_PROCESS, (id_t)gettid()),
		.runtime_ns = LOOP_SHORT_SLICE_US * 1000};

	/* forbidden in some containers: nothing depends on it */
	syscall(SYS_sched_setattr, 0, &want, 0);
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
