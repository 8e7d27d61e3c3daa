/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * watch: epoll registrations of one loop.
 */
#include "net/watch.h"

#include <errno.h>

#include "net/loop_private.h"

static uint32_t interest(enum watch_kind kind)
{
	return kind == WATCH_STREAM ? EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET : EPOLLIN;
}

static enum err control(struct loop *l, struct watch *w, int operation, uint32_t events)
{
	struct epoll_event e = {.events = events, .data.ptr = w};

	return epoll_ctl(l->epoll_fd, operation, w->fd, &e) == 0 ? E_OK : err_from_errno(-errno);
}

enum err watch_open(struct loop *l, struct watch *w, int fd, enum watch_kind kind)
{
	ASSERT(w->fn && fd >= 0);
	w->fd = fd;
	w->kind = kind;
	enum err err = control(l, w, EPOLL_CTL_ADD, interest(kind));
	if (err == E_OK && kind != WATCH_BACKGROUND)
		l->n_watches++;
	return err;
}

/* Removed explicitly and not by close(fd): a child between fork and exec may hold the descriptor a
 * little longer, and its events would then name freed memory. */
void watch_close(struct loop *l, struct watch *w)
{
	ASSERT(w->fd >= 0);
	control(l, w, EPOLL_CTL_DEL, 0);
	for (int i = 0; i < l->n_batch; i++)
		if (l->batch[i].data.ptr == w)
			l->batch[i].data.ptr = NULL;
	if (w->kind != WATCH_BACKGROUND) {
		ASSERT(l->n_watches > 0);
		l->n_watches--;
	}
	w->fd = -1;
}

void watch_pause(struct loop *l, struct watch *w)
{
	ASSERT(w->kind != WATCH_STREAM);
	control(l, w, EPOLL_CTL_MOD, 0);
}

void watch_resume(struct loop *l, struct watch *w)
{
	ASSERT(w->kind != WATCH_STREAM);
	control(l, w, EPOLL_CTL_MOD, interest(w->kind));
}
