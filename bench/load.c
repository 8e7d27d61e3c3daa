/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * load: the client of the benchmarks: HTTP/1.1 over TLS 1.3 on one thread with epoll, the same for every
 * proxy. Prints one JSON object.
 *
 *   load PORT HOST MODE [key=value …]
 *     MODE  request   keep-alive connections, one request after the other on each
 *           connect   connect, full handshake, one request, close
 *           resume    the same, resumed by a ticket
 *           handshake connect, full handshake, close
 *           idle      opens connections, one request on each, says "ready", holds until stdin ends
 *     c=64  connections   n=1000  requests in all   path=/small   body=BYTES  uploads that much
 *     group=x25519|mlkem   rate=PER_SECOND  open loop: latency counts from the intended start
 *
 * A connection's life: CONNECT --> HANDSHAKE --> SEND --> HEAD --> BODY --> (SEND | CLOSED)
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <wolfssl/wolfcrypt/settings.h>

#include <wolfssl/ssl.h>

enum mode { MODE_REQUEST, MODE_CONNECT, MODE_RESUME, MODE_IDLE, MODE_HANDSHAKE };
enum state { CONN_CLOSED, CONN_CONNECT, CONN_HANDSHAKE, CONN_SEND, CONN_HEAD, CONN_BODY, CONN_HELD };

struct conn {
	int fd;
	enum state state;
	WOLFSSL *ssl;
	uint64_t begin_us;
	size_t sent;        /* of the request, head and body */
	size_t left;        /* of the answer's body */
	char head[4096];
	size_t head_len;
	bool wants_write;
};

static struct {
	const char *host, *path;
	int port;
	enum mode mode;
	unsigned connections;
	uint64_t requests, started, finished, failed, held;
	size_t body;
	int group;
	double rate;
	uint64_t begin_us;
	char request[1024];
	size_t request_len;
	uint32_t *latency_us;
	WOLFSSL_CTX *ctx;
	WOLFSSL_SESSION *session;
	int epoll;
	uint64_t resumed;
} run;

static char zeros[64 * 1024], sink[64 * 1024];

/* wolfCrypt's random source in this build. */
int sp_random_block(unsigned char *out, unsigned int n);
int sp_random_block(unsigned char *out, unsigned int n)
{
	static unsigned char pool[4096];
	static unsigned int at = sizeof(pool);

	for (; n; n--, out++) {
		if (at == sizeof(pool)) {
			if (getrandom(pool, sizeof(pool), 0) != sizeof(pool))
				abort();
			at = 0;
		}
		*out = pool[at++];
	}
	return 0;
}

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static void die(const char *what)
{
	fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void watch(struct conn *c, int op)
{
	struct epoll_event e = { .events = EPOLLIN | (c->wants_write ? EPOLLOUT : 0), .data.ptr = c };

	epoll_ctl(run.epoll, op, c->fd, &e);
}

static void open_conn(struct conn *c)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)run.port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int on = 1;

	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (c->fd < 0)
		die("socket");
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connect(c->fd, (struct sockaddr *)&to, sizeof(to)) < 0 && errno != EINPROGRESS)
		die("connect");
	c->ssl = wolfSSL_new(run.ctx);
	wolfSSL_UseSNI(c->ssl, WOLFSSL_SNI_HOST_NAME, run.host, (unsigned short)strlen(run.host));
	wolfSSL_UseKeyShare(c->ssl, (word16)run.group);
	if (run.mode == MODE_RESUME && run.session)
		wolfSSL_set_session(c->ssl, run.session);
	wolfSSL_set_fd(c->ssl, c->fd);
	c->state = CONN_CONNECT;
	c->wants_write = true;
	watch(c, EPOLL_CTL_ADD);
}

static void begin_request(struct conn *c)
{
	c->sent = c->head_len = c->left = 0;
	c->state = CONN_SEND;
}

static void close_conn(struct conn *c)
{
	struct linger abort_now = { 1, 0 };

	wolfSSL_shutdown(c->ssl);
	wolfSSL_free(c->ssl);
	/* a reset keeps our side free of TIME_WAIT, which would run the ports dry */
	setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &abort_now, sizeof(abort_now));
	close(c->fd);
	c->ssl = NULL;
	c->state = CONN_CLOSED;
}

/* Takes the next request if one is due; false when none is. */
static bool take(struct conn *c)
{
	uint64_t now = now_us(), due = now;

	if (run.started >= run.requests)
		return false;
	if (run.rate > 0) {
		due = run.begin_us + (uint64_t)((double)run.started * 1e6 / run.rate);
		if (due > now)
			return false;
	}
	run.started++;
	c->begin_us = due;
	return true;
}

static void next_round(struct conn *c)
{
	bool keeps = run.mode == MODE_REQUEST;

	if (run.mode == MODE_IDLE) {
		c->state = CONN_HELD;
		run.held++;
		return;
	}
	if (!keeps)
		close_conn(c);
	if (!take(c)) {
		if (keeps)
			c->state = CONN_HELD;
		return;
	}
	if (keeps)
		begin_request(c);
	else
		open_conn(c);
}

static void finish(struct conn *c, bool good)
{
	if (good) {
		run.latency_us[run.finished++] = (uint32_t)(now_us() - c->begin_us);
		if (run.mode == MODE_RESUME) {
			if (run.session)
				wolfSSL_SESSION_free(run.session);
			run.session = wolfSSL_get1_session(c->ssl);
			run.resumed += (uint64_t)wolfSSL_session_reused(c->ssl);
		}
		next_round(c);
		return;
	}
	run.failed++;
	close_conn(c);
	if (run.failed < 1000 && take(c))
		open_conn(c);
}

/* True while there is more to send at once. */
static bool step_send(struct conn *c)
{
	const char *from;
	size_t n;
	int got;

	if (c->sent < run.request_len) {
		from = run.request + c->sent;
		n = run.request_len - c->sent;
	} else {
		from = zeros;
		n = run.request_len + run.body - c->sent;
		if (n > sizeof(zeros))
			n = sizeof(zeros);
	}
	got = wolfSSL_write(c->ssl, from, (int)n);
	if (got <= 0)
		return false;
	c->sent += (size_t)got;
	if (c->sent == run.request_len + run.body)
		c->state = CONN_HEAD;
	return true;
}

static bool step_head(struct conn *c)
{
	const char *end, *length;
	size_t past;
	int got = wolfSSL_read(c->ssl, c->head + c->head_len, (int)(sizeof(c->head) - 1 - c->head_len));

	if (got <= 0)
		return false;
	c->head_len += (size_t)got;
	c->head[c->head_len] = 0;
	end = strstr(c->head, "\r\n\r\n");
	if (!end)
		return true;
	length = strcasestr(c->head, "\r\ncontent-length:");
	if (strncmp(c->head, "HTTP/1.1 200", 12) != 0 || !length) {
		finish(c, false);
		return false;
	}
	c->left = strtoull(length + 17, NULL, 10);
	past = c->head_len - (size_t)(end + 4 - c->head);
	c->left -= past;
	c->state = CONN_BODY;
	return true;
}

static bool step_body(struct conn *c)
{
	int got;

	if (c->left == 0) {
		finish(c, true);
		return c->state == CONN_SEND;
	}
	got = wolfSSL_read(c->ssl, sink, (int)(c->left < sizeof(sink) ? c->left : sizeof(sink)));
	if (got <= 0)
		return false;
	c->left -= (size_t)got;
	return true;
}

static bool step_handshake(struct conn *c)
{
	if (wolfSSL_connect(c->ssl) != WOLFSSL_SUCCESS)
		return false;
	if (run.mode == MODE_HANDSHAKE) {
		finish(c, true);
		return false;
	}
	begin_request(c);
	return true;
}

static void step(struct conn *c)
{
	bool more = true;
	int err;

	while (more) {
		switch (c->state) {
		case CONN_CONNECT:
			c->state = CONN_HANDSHAKE;
			break;
		case CONN_HANDSHAKE:
			more = step_handshake(c);
			break;
		case CONN_SEND:
			more = step_send(c);
			break;
		case CONN_HEAD:
			more = step_head(c);
			break;
		case CONN_BODY:
			more = step_body(c);
			break;
		default:
			return;
		}
	}
	if (c->state == CONN_CLOSED || c->state == CONN_HELD || c->state == CONN_CONNECT)
		return;
	err = wolfSSL_get_error(c->ssl, 0);
	if (err != WOLFSSL_ERROR_WANT_READ && err != WOLFSSL_ERROR_WANT_WRITE && err != 0) {
		finish(c, false);
		return;
	}
	if (c->wants_write != (err == WOLFSSL_ERROR_WANT_WRITE)) {
		c->wants_write = !c->wants_write;
		watch(c, EPOLL_CTL_MOD);
	}
}

static void wake(struct conn *c)
{
	if (c->state == CONN_CLOSED) {
		open_conn(c);
	} else {
		begin_request(c);
		step(c);
	}
}

/* Open loop, and the start of every run: connections without work take what is due. */
static void dispatch(struct conn *conns)
{
	unsigned i;

	for (i = 0; i < run.connections && run.started < run.requests; i++) {
		struct conn *c = &conns[i];
		bool is_free = c->state == CONN_CLOSED || (c->state == CONN_HELD && run.mode != MODE_IDLE);

		if (!is_free)
			continue;
		if (!take(c))
			return;
		wake(c);
	}
}

static int compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static void report(uint64_t took_us)
{
	uint64_t n = run.finished;

	qsort(run.latency_us, n, sizeof(uint32_t), compare);
	printf("{\"done\": %llu, \"failed\": %llu, \"seconds\": %.6f, \"resumed\": %llu, "
	       "\"p50_us\": %u, \"p99_us\": %u, \"max_us\": %u}\n", (unsigned long long)n,
	       (unsigned long long)run.failed, (double)took_us / 1e6, (unsigned long long)run.resumed,
	       n ? run.latency_us[n / 2] : 0, n ? run.latency_us[n * 99 / 100] : 0,
	       n ? run.latency_us[n - 1] : 0);
}

static void loop(struct conn *conns)
{
	struct epoll_event events[256];
	int i, n;

	while (run.finished + run.failed < run.requests && run.failed < 1000) {
		dispatch(conns);
		n = epoll_wait(run.epoll, events, 256, run.rate > 0 ? 1 : 1000);
		for (i = 0; i < n; i++) {
			struct conn *c = events[i].data.ptr;

			if (c->state == CONN_HELD && !(run.mode == MODE_IDLE)) {
				/* the server ended a kept connection while it had no request */
				if (recv(c->fd, sink, 1, MSG_PEEK) == 0)
					close_conn(c);
				else
					wolfSSL_read(c->ssl, sink, 1);
			} else {
				step(c);
			}
		}
	}
}

static void parse(int argc, char **argv)
{
	static const char *const modes[] = { "request", "connect", "resume", "idle", "handshake" };
	int i;

	if (argc < 4) {
		fprintf(stderr, "usage: load PORT HOST request|connect|resume|idle|handshake [c= n= path= body= "
			"group= rate=]\n");
		exit(2);
	}
	run.port = atoi(argv[1]);
	run.host = argv[2];
	for (i = 0; i < (int)(sizeof(modes) / sizeof(*modes)); i++)
		if (strcmp(argv[3], modes[i]) == 0)
			run.mode = (enum mode)i;
	run.connections = 64;
	run.requests = 1000;
	run.path = "/small";
	run.group = WOLFSSL_ECC_X25519;
	for (i = 4; i < argc; i++) {
		const char *v = strchr(argv[i], '=') + 1;

		switch (argv[i][0]) {
		case 'c': run.connections = (unsigned)atoi(v); break;
		case 'n': run.requests = (uint64_t)atoll(v); break;
		case 'p': run.path = v; break;
		case 'b': run.body = (size_t)atoll(v); break;
		case 'r': run.rate = atof(v); break;
		case 'g': run.group = *v == 'm' ? WOLFSSL_X25519MLKEM768 : WOLFSSL_ECC_X25519; break;
		}
	}
	if (run.mode == MODE_IDLE)
		run.requests = run.connections;
}

static void setup(void)
{
	struct rlimit fds;
	int groups[] = { run.group };

	getrlimit(RLIMIT_NOFILE, &fds);
	fds.rlim_cur = fds.rlim_max;
	setrlimit(RLIMIT_NOFILE, &fds);
	wolfSSL_Init();
	run.ctx = wolfSSL_CTX_new(wolfTLSv1_3_client_method());
	wolfSSL_CTX_set_verify(run.ctx, WOLFSSL_VERIFY_NONE, NULL);
	wolfSSL_CTX_set_cipher_list(run.ctx, "TLS13-AES128-GCM-SHA256");
	wolfSSL_CTX_set_groups(run.ctx, groups, 1);
	if (run.mode == MODE_RESUME)
		wolfSSL_CTX_UseSessionTicket(run.ctx);
	run.request_len = (size_t)snprintf(run.request, sizeof(run.request),
		run.body ? "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Length: %zu\r\n\r\n"
			 : "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: load\r\nAccept: */*\r\n\r\n",
		run.path, run.host, run.body);
	run.latency_us = calloc(run.requests + 1, sizeof(uint32_t));
	run.epoll = epoll_create1(0);
}

int main(int argc, char **argv)
{
	struct conn *conns;

	parse(argc, argv);
	setup();
	conns = calloc(run.connections, sizeof(*conns));
	run.begin_us = now_us();
	loop(conns);
	if (run.mode == MODE_IDLE) {
		printf("ready %llu\n", (unsigned long long)run.held);
		fflush(stdout);
		while (read(0, sink, sizeof(sink)) > 0)
			;
	}
	report(now_us() - run.begin_us);
	return run.failed ? 1 : 0;
}
