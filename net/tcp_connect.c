/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tcp_connect: one attempt to connect, until it is a tcp_stream.
 *
 *   WAITING --> DONE (callback, freed)
 *        \_______--> canceled (freed)
 */
#include "net/tcp_stream.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include "base/mem.h"
#include "net/watch.h"

struct tcp_connect {
	struct loop *loop;
	struct addr to;
	struct watch watch;
	struct loop_task task; /* for an answer known at once */
	enum err err;
	tcp_connect_fn *fn;
	void *owner;
};

static void on_ready(struct watch *w, unsigned events);
static void on_task(struct loop_task *task);

static enum err start(struct tcp_connect *c)
{
	int one = 1;
	int fd = socket(c->to.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return err_from_errno(-errno);
	if (c->to.any.sa_family != AF_UNIX)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	enum err err = watch_open(c->loop, &c->watch, fd, WATCH_STREAM);
	if (err != E_OK) {
		close(fd);
		return err;
	}
	if (connect(fd, &c->to.any, addr_len(&c->to)) == 0 || errno == EINPROGRESS)
		return E_OK;
	/* A Unix socket whose backlog is full: nobody tells when it is not. */
	return errno == EAGAIN ? E_REFUSED : err_from_errno(-errno);
}

struct tcp_connect *tcp_stream_connect(
	struct loop *l, const struct addr *to, tcp_connect_fn *fn, void *owner)
{
	struct tcp_connect *c = mem_new(sizeof(*c));

	*c = (struct tcp_connect){.loop = l,
		.to = *to,
		.watch = {.fn = on_ready, .fd = -1},
		.fn = fn,
		.owner = owner};
	loop_task_init(&c->task, on_task);
	c->err = start(c);
	if (c->err != E_OK)
		loop_defer(l, &c->task);
	return c;
}

static void finish(struct tcp_connect *c, enum err err)
{
	tcp_connect_fn *fn = c->fn;
	void *owner = c->owner;
	struct stream *s = NULL;

	if (err == E_OK) {
		int fd = c->watch.fd;

		watch_close(c->loop, &c->watch);
		s = tcp_stream_adopt(c->loop, fd, &c->to);
		if (!s)
			err = E_NOMEM;
	}
	tcp_stream_connect_cancel(&c);
	fn(owner, err, s);
}

static void on_ready(struct watch *w, unsigned events)
{
	struct tcp_connect *c = container_of(w, struct tcp_connect, watch);
	int error = 0;
	socklen_t len = sizeof(error);

	/* A socket reports a hang-up before connect has been called. */
	if (c->err != E_OK || !(events & WATCH_WRITE))
		return;
	if (getsockopt(w->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
		error = errno;
	finish(c, error ? err_from_errno(-error) : E_OK);
}

static void on_task(struct loop_task *task)
{
	struct tcp_connect *c = container_of(task, struct tcp_connect, task);

	finish(c, c->err);
}

void tcp_stream_connect_cancel(struct tcp_connect **cp)
{
	struct tcp_connect *c = *cp;

	if (!c)
		return;
	*cp = NULL;
	loop_task_cancel(&c->task);
	if (c->watch.fd >= 0) {
		int fd = c->watch.fd;

		watch_close(c->loop, &c->watch);
		close(fd);
	}
	mem_release(c);
}
