/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * asking: an endpoint that answers by the name it is asked for, in a thread of its own. Include after cmocka.
 */
#ifndef TESTS_UNIT_PROXY_ASKING_H
#define TESTS_UNIT_PROXY_ASKING_H

#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"

enum { ASKED_HUGE = 4 * 1024 * 1024, ASKED_SLOW_MS = 800 };

static const struct asked_reply {
	const char *name, *text;
} asked_replies[] = {
	{ "domain=ok.", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok" },
	{ "domain=created.", "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n" },
	{ "domain=tenant.", "HTTP/1.1 200 OK\r\nContent-Length: 31\r\n\r\n{\"tenant\":\"acme-corp\",\"ttl\": 5}" },
	{ "domain=no.", "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n" },
	{ "domain=missing.", "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n" },
	{ "domain=gone.", "HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n" },
	{ "domain=broken.", "HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n" },
	{ "domain=moved.", "HTTP/1.1 302 Found\r\nLocation: /ok\r\nContent-Length: 0\r\n\r\n" },
	{ "domain=garbage.", "\x16\x03\x01 what is this\r\n\r\n" },
	{ "domain=cut.", "HTTP/1.1 200 OK\r\nContent-Le" },
	{ "domain=huge.", "HTTP/1.1 200 OK\r\nContent-Length: 4194304\r\n\r\n" },
};

struct asked {
	int fd;
	pthread_t thread;
	atomic_int n_connections, n_requests, n_canaries;
	atomic_int canary;          /* the status of its answer */
	atomic_bool is_down;        /* hangs up */
	atomic_bool is_silent;      /* says nothing */
	int held[64];               /* whom it says nothing to */
	unsigned n_held;
	bool is_first;              /* "split." is broken here, and allowed by the other */
	char url[64], last[2048];
};

static inline void asked_respond(struct asked *e, int fd, const char *request)
{
	static const char body[65536];
	char text[128];

	if (strstr(request, "domain=split."))
		request = e->is_first ? "domain=broken." : "domain=ok.";
	if (strstr(request, "domain=canary-")) {
		snprintf(text, sizeof(text), "HTTP/1.1 %d Canary\r\nContent-Length: 0\r\n\r\n",
			atomic_load(&e->canary));
		if (write(fd, text, strlen(text)) < 0)
			perror("canary");
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(asked_replies); i++) {
		if (!strstr(request, asked_replies[i].name))
			continue;
		if (write(fd, asked_replies[i].text, strlen(asked_replies[i].text)) < 0)
			return;
		for (size_t sent = 0; strstr(request, "domain=huge.") && sent < ASKED_HUGE; sent += sizeof(body))
			if (write(fd, body, sizeof(body)) < 0)
				return;
		return;
	}
	usleep(ASKED_SLOW_MS * 1000);
}

static inline void *asked_serve(void *arg)
{
	struct asked *e = arg;

	for (;;) {
		int fd = accept(e->fd, NULL, NULL);
		bool is_canary;
		ssize_t n;

		if (fd < 0)
			return NULL;
		atomic_fetch_add(&e->n_connections, 1);
		n = read(fd, e->last, sizeof(e->last) - 1);
		e->last[n > 0 ? n : 0] = 0;
		is_canary = strstr(e->last, "domain=canary-");
		if (n > 0 && atomic_load(&e->is_silent) && e->n_held < ARRAY_LEN(e->held)) {
			e->held[e->n_held++] = fd;
			continue;
		}
		if (n > 0 && !atomic_load(&e->is_down)) {
			atomic_fetch_add(is_canary ? &e->n_canaries : &e->n_requests, 1);
			asked_respond(e, fd, e->last);
		}
		close(fd);
	}
}

static inline void asked_start(struct asked *e)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(at);
	static unsigned n;

	atomic_store(&e->n_connections, 0);
	atomic_store(&e->n_requests, 0);
	atomic_store(&e->n_canaries, 0);
	atomic_store(&e->canary, 403);
	atomic_store(&e->is_down, false);
	atomic_store(&e->is_silent, false);
	e->is_first = n++ % 2 == 0;
	e->fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(e->fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(e->fd, 64), 0);
	assert_int_equal(getsockname(e->fd, (struct sockaddr *)&at, &len), 0);
	assert_int_equal(pthread_create(&e->thread, NULL, asked_serve, e), 0);
	snprintf(e->url, sizeof(e->url), "http://127.0.0.1:%u/check?key=1", ntohs(at.sin_port));
}

static inline void asked_stop(struct asked *e)
{
	shutdown(e->fd, SHUT_RDWR);
	pthread_join(e->thread, NULL);
	while (e->n_held)
		close(e->held[--e->n_held]);
	close(e->fd);
}

#endif
