/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * listener: owns a listening socket and one spare descriptor.
 *
 *   ACCEPTING <--> PAUSED (out of descriptors)
 */
#include "net/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/counter.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/deadline.h"
#include "net/watch.h"

enum { BATCH = 64, PAUSE_MS = 100, REFUSE_BATCH = 16 };

struct listener {
	struct loop *loop;
	struct watch watch;
	struct deadline pause;
	struct loop_task grave;
	int spare_fd;
	listener_fn *fn;
	void *owner;
};

static const struct log area = {"net"};

static void on_ready(struct watch *w, unsigned events);
static void on_pause_over(struct deadline *d);
static void on_grave(struct loop_task *t);

static enum err bind_fault(const struct addr *at, int error, struct fault *fault)
{
	char text[ADDR_TEXT];

	addr_text(text, at);
	switch (error) {
	case EACCES:
		return fault_set(fault, E_BIND,
			"%s: permission denied; a port below 1024 needs root or "
			"CAP_NET_BIND_SERVICE, a socket path a writable folder",
			text);
	case EADDRINUSE:
		return fault_set(fault, E_BIND, "%s: in use by another program", text);
	case EADDRNOTAVAIL:
		return fault_set(fault, E_BIND, "%s: this machine has no such address", text);
	case EAFNOSUPPORT:
		return fault_set(
			fault, E_BIND, "%s: the kernel does not support this address family", text);
	default:
		return fault_set(fault, E_BIND, "%s: %s", text, strerror(error));
	}
}

/* A socket left behind by a dead process would be in use for ever. */
static void remove_stale_socket(const struct addr *at)
{
	struct stat st;

	if (lstat(at->un.sun_path, &st) != 0 || !S_ISSOCK(st.st_mode))
		return;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && connect(fd, &at->any, addr_len(at)) != 0 && errno == ECONNREFUSED)
		unlink(at->un.sun_path);
	if (fd >= 0)
		close(fd);
}

static int set_options(int fd, const struct addr *at)
{
	int one = 1;

	if (at->any.sa_family == AF_UNIX)
		return 0;
	/* Accepted sockets inherit TCP_NODELAY. */
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) != 0 ||
		setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)) != 0 ||
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) != 0)
		return -1;
	if (at->any.sa_family == AF_INET6)
		return setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	return 0;
}

enum err listener_bind(const struct addr *at, int *fd, struct fault *fault)
{
	fault_during(fault, "listening");
	*fd = socket(at->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (*fd < 0)
		return bind_fault(at, errno, fault);
	if (at->any.sa_family == AF_UNIX)
		remove_stale_socket(at);
	if (set_options(*fd, at) != 0 || bind(*fd, &at->any, addr_len(at)) != 0) {
		int error = errno;

		close(*fd);
		*fd = -1;
		return bind_fault(at, error, fault);
	}
	return E_OK;
}

uint16_t listener_port(int fd)
{
	struct addr a;
	socklen_t len = sizeof(a);

	memset(&a, 0, sizeof(a));
	return getsockname(fd, &a.any, &len) == 0 ? addr_port(&a) : 0;
}

void listener_await_data(int fd)
{
	int seconds = 1;

	/* A wake-up less per connection; where it cannot be had nothing is lost. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds, sizeof(seconds));
}

static int open_spare(void)
{
	return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

struct listener *listener_start(struct loop *l, int fd, int backlog, listener_fn *fn, void *owner)
{
	struct listener *li = mem_new(sizeof(*li));

	*li = (struct listener){.loop = l,
		.watch = {.fn = on_ready, .fd = -1},
		.fn = fn,
		.owner = owner,
		.spare_fd = open_spare()};
	deadline_init(&li->pause, l, on_pause_over);
	loop_task_init(&li->grave, on_grave);
	if (listen(fd, backlog) == 0 && watch_open(l, &li->watch, fd, WATCH_LEVEL) == E_OK)
		return li;
	log_error(&area, "cannot listen", "errno=%d", errno);
	close(fd);
	listener_close(&li);
	return NULL;
}

void listener_set_backlog(struct listener *li, int backlog)
{
	if (listen(li->watch.fd, backlog) != 0)
		log_warn(&area, "backlog not changed", "errno=%d", errno);
}

/* Out of descriptors: the clients at the door get a reset instead of silence, then we wait a
 * little. */
static void shed(struct listener *li)
{
	for (int i = 0; i < REFUSE_BATCH && li->spare_fd >= 0; i++) {
		close(li->spare_fd);
		int fd = accept4(li->watch.fd, NULL, NULL, SOCK_CLOEXEC);
		if (fd >= 0) {
			struct linger reset = {.l_onoff = 1};

			setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
			close(fd);
			counter_add(COUNTER_CONNECTIONS_SHED, 1);
		}
		li->spare_fd = open_spare();
		if (fd < 0)
			break;
	}
	watch_pause(li->loop, &li->watch);
	deadline_arm(&li->pause, PAUSE_MS);
}

static void on_pause_over(struct deadline *d)
{
	struct listener *li = container_of(d, struct listener, pause);

	if (li->spare_fd < 0)
		li->spare_fd = open_spare();
	watch_resume(li->loop, &li->watch);
}

static void on_ready(struct watch *w, unsigned events)
{
	struct listener *li = container_of(w, struct listener, watch);

	(void)events;
	/* The owner may close the listener from its callback. */
	for (int i = 0; i < BATCH && w->fd >= 0; i++) {
		struct addr peer;
		socklen_t len = sizeof(peer);

		peer.any.sa_family = AF_UNIX;
		peer.un.sun_path[0] = '\0';
		int fd = accept4(w->fd, &peer.any, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0) {
			li->fn(li->owner, fd, &peer);
		} else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
			   errno == ENOMEM) {
			shed(li);
			return;
		} else if (errno == EAGAIN) {
			return;
		}
		/* Other errors belong to the connection that failed before we saw it. */
	}
}

void listener_close(struct listener **lip)
{
	struct listener *li = *lip;

	if (!li)
		return;
	*lip = NULL;
	deadline_disarm(&li->pause);
	if (li->watch.fd >= 0) {
		int fd = li->watch.fd;

		watch_close(li->loop, &li->watch);
		close(fd);
	}
	if (li->spare_fd >= 0)
		close(li->spare_fd);
	loop_defer(li->loop, &li->grave);
}

static void on_grave(struct loop_task *t)
{
	mem_release(container_of(t, struct listener, grave));
}
