/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * origin: the backend of the benchmarks: HTTP/1.1 on one thread with epoll, keep-alive, made to cost so little that
 * the proxy before it is what there is too little of. It trusts its peers to be the proxies under test.
 *
 *   origin PORT
 *     GET /small   120 bytes, head and body in one write, as application servers do
 *     GET /apart   the same in two writes, as servers do that send files or flush their head
 *     GET /64k /1m that much
 *     PUT /upload  reads the body (Content-Length), then 120 bytes
 *
 * A connection's life: HEAD --> BODY (of an upload) --> ANSWER (what the socket did not take at once) --> HEAD
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum { HEAD_MAX = 4096, BATCH = 256, READ = 256 * 1024, LARGEST = 1 << 20 };

struct answer {
	const char *path;
	size_t body_len;
	bool is_apart;
	char head[400];
	size_t head_len;
};

struct conn {
	int fd;
	size_t head_len;             /* bytes of a request head so far */
	size_t left;                 /* of an upload */
	const struct answer *answer; /* under way, sent bytes of it are out */
	size_t sent;
	char head[HEAD_MAX];
};

static struct answer answers[] = {
	{ .path = "/small", .body_len = 120 },
	{ .path = "/apart", .body_len = 120, .is_apart = true },
	{ .path = "/64k", .body_len = 64 << 10 },
	{ .path = "/1m", .body_len = LARGEST },
	{ .path = "/upload", .body_len = 120 },
};
static char body[LARGEST], input[READ];

static void die(const char *what)
{
	perror(what);
	exit(1);
}

/* As long a head as a file server gives. */
static void make_answers(void)
{
	memset(body, 'x', sizeof(body));
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		struct answer *a = &answers[i];

		a->head_len = (size_t)snprintf(a->head, sizeof(a->head),
			"HTTP/1.1 200 OK\r\nServer: origin\r\nDate: Sun, 29 Nov 2026 12:00:00 GMT\r\n"
			"Content-Type: application/octet-stream\r\nContent-Length: %zu\r\n"
			"Last-Modified: Sun, 29 Nov 2026 11:00:00 GMT\r\nConnection: keep-alive\r\n"
			"ETag: \"692ad0f0-78\"\r\nAccept-Ranges: bytes\r\n\r\n", a->body_len);
	}
}

static void end(struct conn *c)
{
	close(c->fd);
	free(c);
}

/* What of the answer goes out now; its head alone at first when they are to be apart. */
static ssize_t send_part(const struct conn *c)
{
	const struct answer *a = c->answer;
	bool has_head = c->sent < a->head_len;
	size_t at = has_head ? 0 : c->sent - a->head_len;
	struct iovec parts[] = {
		{ (char *)a->head + c->sent, has_head ? a->head_len - c->sent : 0 },
		{ body + at, has_head && a->is_apart ? 0 : a->body_len - at },
	};

	return sendmsg(c->fd, &(struct msghdr){ .msg_iov = parts, .msg_iovlen = 2 }, MSG_NOSIGNAL);
}

/* False: the connection is gone. */
static bool go_on_sending(struct conn *c)
{
	while (c->answer) {
		ssize_t n = send_part(c);

		if (n < 0 && errno == EAGAIN)
			return true;
		if (n < 0) {
			end(c);
			return false;
		}
		c->sent += (size_t)n;
		if (c->sent == c->answer->head_len + c->answer->body_len)
			c->answer = NULL;
	}
	return true;
}

static const struct answer *answer_for(const char *head)
{
	const char *path = strchr(head, ' ');

	for (size_t i = 0; path && i < sizeof(answers) / sizeof(answers[0]); i++) {
		size_t len = strlen(answers[i].path);

		if (!strncmp(path + 1, answers[i].path, len) && path[1 + len] == ' ')
			return &answers[i];
	}
	return NULL;
}

static size_t content_length(const char *head)
{
	const char *field = strcasestr(head, "\r\ncontent-length:");

	return field ? strtoull(field + 17, NULL, 10) : 0;
}

/* How much of the bytes belongs to the head; complete at its empty line, c->answer says what it asks for. */
static size_t take_head(struct conn *c, const char *bytes, size_t n)
{
	size_t before = c->head_len, room = HEAD_MAX - 1 - before;
	char *stop;

	if (n > room)
		n = room;
	memcpy(c->head + before, bytes, n);
	c->head_len = before + n;
	c->head[c->head_len] = 0;
	stop = strstr(c->head, "\r\n\r\n");
	if (!stop)
		return n;
	c->head_len = 0;
	stop[2] = 0;
	c->answer = answer_for(c->head);
	c->left = content_length(c->head);
	c->sent = 0;
	return (size_t)(stop + 4 - c->head) - before;
}

/* One request at a time, as all proxies here send them. False: the connection is gone. */
static bool take(struct conn *c, const char *bytes, size_t n)
{
	size_t used = c->answer ? 0 : take_head(c, bytes, n);

	if (!c->answer && c->head_len && c->head_len < HEAD_MAX - 1)
		return true;
	if (!c->answer || n - used > c->left) {
		fprintf(stderr, "origin: not understood: %.60s\n", c->head);
		end(c);
		return false;
	}
	c->left -= n - used;
	return c->left || go_on_sending(c);
}

static void on_ready(struct conn *c)
{
	for (;;) {
		ssize_t n;

		/* while an answer is under way nothing is read: the edge stays for the next round */
		if (c->answer && !c->left && (!go_on_sending(c) || c->answer))
			return;
		n = recv(c->fd, input, sizeof(input), 0);
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0) {
			end(c);
			return;
		}
		if (!take(c, input, (size_t)n) || n < (ssize_t)sizeof(input))
			return;
	}
}

static void accept_all(int listener, int epoll)
{
	int fd, on = 1;

	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
		struct conn *c = calloc(1, sizeof(*c));
		struct epoll_event e = { .events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = c };

		if (!c)
			die("calloc");
		c->fd = fd;
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e) < 0)
			die("epoll_ctl");
	}
}

static int listen_at(int port)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 || listen(fd, 4096) < 0)
		die("origin");
	return fd;
}

int main(int argc, char **argv)
{
	struct epoll_event batch[BATCH], e = { .events = EPOLLIN };
	int epoll = epoll_create1(0), listener;

	if (argc != 2)
		return 2;
	make_answers();
	listener = listen_at(atoi(argv[1]));
	epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &e);
	for (;;) {
		int n = epoll_wait(epoll, batch, BATCH, -1);

		for (int i = 0; i < n; i++)
			if (batch[i].data.ptr)
				on_ready(batch[i].data.ptr);
			else
				accept_all(listener, epoll);
	}
}
