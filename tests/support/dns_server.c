/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * dns_server: one poll over both sockets; a TCP client is served to its end before the next.
 */
#include "tests/support/dns_server.h"

#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "base/check.h"

enum { TIMEOUT_MS = 20 };

static void serve_udp(struct dns_server *s)
{
	struct sockaddr_in from;
	socklen_t len = sizeof(from);
	char query[2048];
	ssize_t n = recvfrom(s->udp, query, sizeof(query), 0, (struct sockaddr *)&from, &len);
	struct dns_reader r;
	struct buf answer;

	if (n <= 0 || dns_read(&r, str_of(query, (size_t)n)))
		return;
	atomic_fetch_add(&s->n_udp, 1);
	buf_init(&answer, 0);
	if (s->fn(s, &r, str_of(query, (size_t)n), false, &answer) == DNS_SERVER_ANSWER)
		sendto(s->udp, answer.at, answer.len, 0, (struct sockaddr *)&from, len);
	buf_fini(&answer);
}

static bool read_all(int fd, char *at, size_t n)
{
	while (n) {
		ssize_t got = recv(fd, at, n, 0);

		if (got <= 0)
			return false;
		at += got;
		n -= (size_t)got;
	}
	return true;
}

static void serve_tcp(struct dns_server *s)
{
	int fd = accept(s->tcp, NULL, NULL);
	unsigned char len[2];
	char query[65536];
	struct dns_reader r;
	struct buf answer;
	struct timeval wait = { .tv_sec = 2 };
	enum dns_server_fate fate = DNS_SERVER_CLOSE;
	size_t n;

	if (fd < 0)
		return;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	buf_init(&answer, 0);
	if (read_all(fd, (char *)len, 2) && read_all(fd, query, n = (size_t)len[0] << 8 | len[1]) &&
		!dns_read(&r, str_of(query, n))) {
		atomic_fetch_add(&s->n_tcp, 1);
		fate = s->fn(s, &r, str_of(query, n), true, &answer);
	}
	if (fate == DNS_SERVER_ANSWER) {
		len[0] = (unsigned char)(answer.len >> 8);
		len[1] = (unsigned char)answer.len;
		if (send(fd, len, 2, MSG_NOSIGNAL) == 2 && answer.len)
			send(fd, answer.at, answer.len, MSG_NOSIGNAL);
	}
	while (fate == DNS_SERVER_SILENCE && recv(fd, query, sizeof(query), 0) > 0)
		;
	buf_fini(&answer);
	close(fd);
}

static void *run(void *server)
{
	struct dns_server *s = server;

	while (!atomic_load(&s->is_stopping)) {
		struct pollfd fds[] = { { s->udp, POLLIN, 0 }, { s->tcp, POLLIN, 0 } };

		if (poll(fds, 2, TIMEOUT_MS) <= 0)
			continue;
		if (fds[0].revents)
			serve_udp(s);
		if (fds[1].revents)
			serve_tcp(s);
	}
	return NULL;
}

bool dns_server_start(struct dns_server *s)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(at);

	for (int tries = 0; tries < 50; tries++) {
		s->tcp = socket(AF_INET, SOCK_STREAM, 0);
		s->udp = socket(AF_INET, SOCK_DGRAM, 0);
		at.sin_port = 0;
		ASSERT(bind(s->tcp, (struct sockaddr *)&at, sizeof(at)) == 0 && listen(s->tcp, 16) == 0);
		ASSERT(getsockname(s->tcp, (struct sockaddr *)&at, &len) == 0);
		if (bind(s->udp, (struct sockaddr *)&at, sizeof(at)) == 0)
			break;
		close(s->tcp);
		close(s->udp);
	}
	s->port = ntohs(at.sin_port);
	snprintf(s->text, sizeof(s->text), "127.0.0.1:%u", s->port);
	s->addr.in = at;
	atomic_store(&s->is_stopping, false);
	return pthread_create(&s->thread, NULL, run, s) == 0;
}

void dns_server_stop(struct dns_server *s)
{
	atomic_store(&s->is_stopping, true);
	pthread_join(s->thread, NULL);
	close(s->udp);
	close(s->tcp);
}

void dns_server_head(const struct dns_reader *r, unsigned flags, unsigned n_answers, unsigned n_authority,
	struct buf *answer)
{
	struct dns_header h = { .id = r->header.id,
		.flags = (uint16_t)(DNS_RESPONSE | (r->header.flags & DNS_OPCODE_MASK) | flags),
		.counts = { 1, (uint16_t)n_answers, (uint16_t)n_authority } };

	ASSERT(dns_put_header(answer, &h) == E_OK);
	ASSERT(dns_put_question(answer, r->question, r->type, r->class) == E_OK);
}

void dns_server_add(struct buf *answer, const char *name, unsigned type, const char *value)
{
	struct dns_put put = { .name = name, .type = type, .class = DNS_IN, .ttl = 1 };
	struct buf rdata;

	buf_init(&rdata, 0);
	if (type == DNS_TXT)
		ASSERT(dns_put_text(&rdata, str_from(value)) == E_OK);
	else
		ASSERT(dns_put_name(&rdata, value) == E_OK);
	if (type == DNS_SOA) {
		ASSERT(dns_put_name(&rdata, "hostmaster.example") == E_OK);
		for (int i = 0; i < 5; i++)
			ASSERT(dns_put_u32(&rdata, 1) == E_OK);
	}
	put.rdata = buf_str(&rdata);
	ASSERT(dns_put_record(answer, &put) == E_OK);
	buf_fini(&rdata);
}
