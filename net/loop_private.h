/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * loop_private: what loop.c, watch.c, deadline.c and loop_work.c know of struct loop. No other file
 * includes it.
 */
#ifndef NET_LOOP_PRIVATE_H
#define NET_LOOP_PRIVATE_H

#include <sys/epoll.h>
#include <uv.h>

#include "net/deadline.h"
#include "net/watch.h"

enum { LOOP_BATCH = 128, LOOP_SIGNALS = 8 };

struct loop_timer {
	int64_t key_ms; /* at or before the deadline's own at_ms */
	struct deadline *deadline;
};

struct loop_signal {
	uv_signal_t uv;
	void (*fn)(void *owner, int signum);
	void *owner;
};

struct loop {
	int epoll_fd;
	int64_t now_ms;
	bool is_stopped;
	unsigned n_watches; /* those that keep the loop alive */
	struct list tasks;
	struct loop_timer *heap; /* smallest key first */
	uint32_t n_heap, cap_heap;
	int n_batch; /* events being delivered now */
	struct epoll_event batch[LOOP_BATCH];
	uv_loop_t uv;
	uv_async_t uv_anchor; /* keeps uv_run from returning at once */
	bool uv_is_due;
	struct watch uv_watch;
	struct loop_signal signals[LOOP_SIGNALS];
	unsigned n_signals;
	struct send_batch *sends;
	char *buffers[4];
};

/* Calls what is due. */
void deadline_expire(struct loop *l);
/* Milliseconds until the first may be due; -1 none. */
int64_t deadline_next_ms(const struct loop *l);

#endif
