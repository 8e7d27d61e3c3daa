/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * count: fixed work for counting instructions. Client, proxy and backend share one thread and take turns,
 * so that two runs do the same; all that the proxy does happens within loop_turn, which callgrind is told
 * to collect alone (see bench/budget). Randomness comes from a fixed seed.
 *
 *   count MODE N
 *     handshake  N times: accept, full TLS 1.3 handshake (X25519, P-256), ticket, close
 *     request    one connection, N small requests
 *     64k        one connection, N responses of 64 KiB
 *     upload     one connection, N uploads of 64 KiB
 *
 * Prints allocations made within loop_turn.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "conf/load.h"
#include "net/tls_engine.h"
#include "proxy/attempt.h"
#include "proxy/client.h"
#include "proxy/frontend.h"
#include "tests/support/blocking.h"

enum { LARGE = 64 * 1024, TURNS_MAX = 1000 };

/* ---- what the libraries would take from elsewhere ---- */

ssize_t getrandom(void *at, size_t n, unsigned flags);
ssize_t getrandom(void *at, size_t n, unsigned flags)
{
	static uint64_t x = 88172645463325252;
	unsigned char *to = at;

	(void)flags;
	for (size_t i = 0; i < n; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		to[i] = (unsigned char)(x >> 32);
	}
	return (ssize_t)n;
}

static bool is_counting;
static unsigned long n_allocations;

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);

void *malloc(size_t n)
{
	n_allocations += is_counting;
	return __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
	n_allocations += is_counting;
	return __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
	n_allocations += is_counting;
	return __libc_realloc(p, n);
}

/* ---- the proxy: what worker.c would set up on a thread of its own ---- */

struct world {
	struct context context;
	struct tls_tickets *tickets;
	struct snapshot *snapshot;
	atomic_uint connections, waiting;
	int backend, upstream; /* listening, accepted */
	struct tls_context *trust;
	/* the client */
	int fd;
	struct tls_engine *engine;
	size_t got, wanted;
	const char *answer;
	size_t answer_len, request_len, taken;
};

static void on_name(void *owner, const char *name)
{
	(void)owner;
	(void)name;
}

static void on_want(void *owner, const char *name, const char *ip)
{
	(void)ip;
	on_name(owner, name);
}

static void on_seen(void *owner, enum conf_challenge kind, struct str identifier)
{
	(void)owner;
	(void)kind;
	(void)identifier;
}

static void on_gone(void *owner)
{
	(void)owner;
}

static struct snapshot *read_config(struct world *w, const char *dir)
{
	static struct conf_problems problems;
	struct load_args args = { 0 };
	struct conf *conf = NULL;
	struct snapshot *s = NULL;
	struct fault fault = { 0 };
	char text[1024];

	snprintf(text, sizeof(text), "{ \"store\": \"unused\", \"log\": { \"access\": false }, "
		"\"sites\": { \"localhost\": { \"cert\": \"%s/cert.pem\", \"key\": \"%s/key.pem\", "
		"\"to\": \"unix:%s/backend\" } } }", dir, dir, dir);
	ASSERT(!load_text(str_from(text), "count", &args, &conf, &problems));
	ASSERT(!snapshot_new(conf, w->tickets, &s, &fault));
	conf_unref(&conf);
	return s;
}

static void start_proxy(struct world *w, const char *dir)
{
	struct context *x = &w->context;
	struct waiting_args waiting = { on_want, on_name, w, &w->waiting };

	ASSERT(!tls_setup());
	w->tickets = tls_tickets_new();
	w->snapshot = read_config(w, dir);
	x->loop = loop_new();
	x->upstreams = upstream_set_new(x->loop, w->snapshot, &attempt_ops, NULL);
	x->cache = cache_new(1024 * 1024, 16);
	x->waiting = waiting_new(&waiting);
	x->forwards = forward_home_new(x->loop);
	list_init(&x->clients);
	list_init(&x->held);
	x->connections = &w->connections;
	x->connections_max = 100;
	x->https_port = 443;
	x->on_challenge_seen = on_seen;
	x->on_due = on_name;
	x->on_client_gone = on_gone;
}

static void turn(struct world *w)
{
	is_counting = true;
	loop_turn(w->context.loop);
	is_counting = false;
}

/* ---- the backend: answers when request_len bytes have come ---- */

static void start_backend(struct world *w, const char *dir)
{
	struct addr at;
	char path[128];

	snprintf(path, sizeof(path), "%s/backend", dir);
	ASSERT(!addr_unix(&at, str_from(path)));
	w->backend = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	ASSERT(!bind(w->backend, &at.any, addr_len(&at)) && !listen(w->backend, 8));
	w->upstream = -1;
}

static void turn_backend(struct world *w)
{
	static char sink[LARGE], kept[4096];
	ssize_t n;

	if (w->upstream < 0)
		w->upstream = accept4(w->backend, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	while (w->upstream >= 0 && (n = recv(w->upstream, sink, sizeof(sink), 0)) > 0) {
		if (!w->taken && n < (ssize_t)sizeof(kept)) {
			memcpy(kept, sink, (size_t)n);
			kept[n] = '\0';
		}
		w->taken += (size_t)n;
	}
	/* the head's own length does not matter: a body is told by its size */
	if (!w->taken || w->taken < w->request_len)
		return;
	w->taken = 0;
	for (size_t sent = 0; sent < w->answer_len;) {
		n = send(w->upstream, w->answer + sent, w->answer_len - sent, MSG_NOSIGNAL);
		if (n > 0)
			sent += (size_t)n;
		else
			turn(w);
	}
}

/* ---- the client ---- */

static void on_output(void *owner, struct str bytes)
{
	struct world *w = owner;

	while (bytes.len) {
		ssize_t n = send(w->fd, bytes.at, bytes.len, MSG_NOSIGNAL);

		if (n > 0)
			bytes = str_of(bytes.at + n, bytes.len - (size_t)n);
		else
			turn(w), turn_backend(w);
	}
}

static bool receive(struct world *w)
{
	static char piece[LARGE];
	ssize_t n = recv(w->fd, piece, sizeof(piece), 0);

	if (n <= 0)
		return false;
	tls_engine_input(w->engine, str_of(piece, (size_t)n));
	return true;
}

static void open_client(struct world *w)
{
	struct tls_connect_args args = { w->trust, "localhost", "http/1.1" };
	struct addr peer;
	int pair[2];
	enum err err;

	ASSERT(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair));
	ASSERT(!addr_parse_ip(&peer, STR("192.0.2.7"), 4711));
	w->fd = pair[0];
	is_counting = true;
	frontend_accept(&w->context, pair[1], &peer);
	is_counting = false;
	ASSERT(!tls_engine_connect(&args, on_output, w, &w->engine));
	while ((err = tls_engine_handshake(w->engine)) == E_AGAIN)
		if (!receive(w))
			turn(w);
	ASSERT(!err);
	turn(w);
}

static void close_client(struct world *w)
{
	tls_engine_shutdown(w->engine);
	tls_engine_free(&w->engine);
	close(w->fd);
	for (int i = 0; i < 4; i++)
		turn(w);
}

static size_t read_some(struct world *w)
{
	static char plain[LARGE];
	size_t n = 0;

	return tls_engine_read(w->engine, plain, sizeof(plain), &n) ? 0 : n;
}

static void exchange(struct world *w, struct str request)
{
	size_t got = 0;

	ASSERT(!tls_engine_write(w->engine, &request, 1));
	for (int i = 0; i < TURNS_MAX && got < w->wanted; i++) {
		size_t n;

		turn(w);
		turn_backend(w);
		while ((n = read_some(w)) || receive(w))
			got += n;
	}
	ASSERT(got >= w->wanted);
}

/* ---- the work ---- */

static char *make_text(const char *head, size_t body, size_t *len)
{
	size_t n = strlen(head);
	char *text = malloc(n + body + 1);

	ASSERT(text);
	memcpy(text, head, n + 1);
	memset(text + n, 'x', body);
	*len = n + body;
	return text;
}

static void run_requests(struct world *w, unsigned n, size_t up, size_t down)
{
	char head[256];
	size_t len;
	char *request;

	snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nServer: count\r\nDate: Sun, 22 Nov 2026 07:00:00 "
		"GMT\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\nETag: \"5f-78\"\r\n"
		"Accept-Ranges: bytes\r\n\r\n", down);
	w->answer = make_text(head, down, &w->answer_len);
	w->wanted = w->answer_len;
	snprintf(head, sizeof(head), up ? "POST /upload HTTP/1.1\r\nHost: localhost\r\n"
		"Content-Length: %zu\r\n\r\n" : "GET /small HTTP/1.1\r\nHost: localhost\r\n"
		"User-Agent: count\r\nAccept: */*\r\n\r\n", up);
	request = make_text(head, up, &len);
	w->request_len = up;
	open_client(w);
	for (unsigned i = 0; i < n; i++)
		exchange(w, str_of(request, len));
	close_client(w);
}

int main(int argc, char **argv)
{
	static struct world w;
	const char *dir = blocking_certificate();
	const char *mode = argc == 3 ? argv[1] : "";
	unsigned n = argc == 3 ? (unsigned)atoi(argv[2]) : 0;

	w.trust = blocking_trust(dir);
	start_proxy(&w, dir);
	start_backend(&w, dir);
	turn(&w);
	if (strcmp(mode, "request") == 0)
		run_requests(&w, n, 0, 120);
	else if (strcmp(mode, "64k") == 0)
		run_requests(&w, n, 0, LARGE);
	else if (strcmp(mode, "upload") == 0)
		run_requests(&w, n, LARGE, 2);
	else if (strcmp(mode, "handshake") == 0)
		for (unsigned i = 0; i < n; i++) {
			open_client(&w);
			close_client(&w);
		}
	else
		return 2;
	printf("allocations %lu\n", n_allocations);
	return 0;
}
