/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * blocking: see the header.
 */
#include "tests/support/blocking.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/check.h"
#include "base/mem.h"
#include "net/addr.h"
#include "net/tls_engine.h"

/* The worker's thread may not listen yet. */
int blocking_dial(uint16_t port)
{
	struct timeval patience = { 5, 0 };
	struct addr at;
	int fd = -1;

	ASSERT(!addr_parse_ip(&at, STR("127.0.0.1"), port));
	for (int i = 0; fd < 0 && i < 1000; i++) {
		fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (!connect(fd, &at.any, addr_len(&at)))
			break;
		close(fd);
		fd = -1;
		usleep(2000);
	}
	ASSERT(fd >= 0);
	ASSERT(!setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)));
	return fd;
}

void blocking_send(int fd, struct str bytes)
{
	while (bytes.len) {
		ssize_t n = send(fd, bytes.at, bytes.len, MSG_NOSIGNAL);

		if (n <= 0)
			return;
		bytes = str_of(bytes.at + n, bytes.len - (size_t)n);
	}
}

void blocking_read(int fd, struct buf *out, const char *until)
{
	char piece[4096];

	while (!until || !out->len || !strstr(buf_cstring(out), until)) {
		ssize_t n = recv(fd, piece, sizeof(piece), 0);

		if (n <= 0)
			return;
		ASSERT(!buf_add(out, str_of(piece, (size_t)n)));
	}
}

const char *blocking_ask(uint16_t port, const char *request)
{
	static struct buf out;
	int fd = blocking_dial(port);

	buf_fini(&out);
	buf_init(&out, 0);
	blocking_send(fd, str_from(request));
	blocking_read(fd, &out, NULL);
	close(fd);
	return buf_cstring(&out);
}

/* ---- TLS ---- */

const char *blocking_certificate(void)
{
	static char dir[] = "/tmp/sallyport-proxy-XXXXXX";
	static bool is_made;
	char command[512];

	if (is_made)
		return dir;
	ASSERT(mkdtemp(dir));
	snprintf(command, sizeof(command), "openssl req -x509 -newkey ec -pkeyopt "
		"ec_paramgen_curve:P-256 -nodes -keyout %s/key.pem -out %s/cert.pem -subj /CN=test "
		"-days 30 -addext subjectAltName=DNS:localhost,DNS:*.test.example,IP:127.0.0.1 "
		"2> /dev/null", dir, dir);
	ASSERT(!system(command));
	is_made = true;
	return dir;
}

struct tls_context *blocking_trust(const char *dir)
{
	struct tls_client_args args = { 0 };
	struct tls_context *context = NULL;
	struct fault fault;
	char file[128];

	snprintf(file, sizeof(file), "%s/cert.pem", dir);
	args.trust_file = file;
	ASSERT(!tls_context_client(&args, &context, &fault));
	return context;
}

static void on_output(void *owner, struct str ciphertext)
{
	blocking_send(((struct blocking_tls *)owner)->fd, ciphertext);
}

void blocking_tls_hello(struct blocking_tls *t, uint16_t port, const struct blocking_hello *hello)
{
	struct tls_connect_args args = { hello->context, hello->name, hello->alpn };

	*t = (struct blocking_tls){ .fd = blocking_dial(port), .alert = -1 };
	buf_init(&t->out, 0);
	ASSERT(!tls_engine_connect(&args, on_output, t, &t->engine));
	ASSERT(tls_engine_handshake(t->engine) == E_AGAIN);
}

/* A fatal alert in the clear: type 21, version, length 2, level 2, description. */
static void note_alert(struct blocking_tls *t, const char *at, ssize_t n)
{
	if (n == 7 && at[0] == 21 && at[5] == 2)
		t->alert = (unsigned char)at[6];
}

static enum err feed(struct blocking_tls *t, char *piece, size_t cap)
{
	ssize_t n = recv(t->fd, piece, cap, 0);

	if (n <= 0)
		return E_EOF;
	note_alert(t, piece, n);
	tls_engine_input(t->engine, str_of(piece, (size_t)n));
	return E_OK;
}

enum err blocking_tls_finish(struct blocking_tls *t)
{
	char piece[16384];
	enum err err;

	while ((err = tls_engine_handshake(t->engine)) == E_AGAIN)
		if (feed(t, piece, sizeof(piece)))
			return E_EOF;
	return err;
}

enum err blocking_tls_open(struct blocking_tls *t, uint16_t port, const struct blocking_hello *hello)
{
	blocking_tls_hello(t, port, hello);
	return blocking_tls_finish(t);
}

static bool has(struct buf *b, const char *until)
{
	return until && b->len && strstr(buf_cstring(b), until);
}

const char *blocking_tls_ask(struct blocking_tls *t, const char *request, const char *until)
{
	struct str text = str_from(request);
	char piece[16384], plain[16384];
	enum err err = E_OK;

	buf_clear(&t->out);
	if (text.len)
		ASSERT(!tls_engine_write(t->engine, &text, 1));
	while (!err && !has(&t->out, until)) {
		size_t n = 0;

		err = tls_engine_read(t->engine, plain, sizeof(plain), &n);
		ASSERT(!buf_add(&t->out, str_of(plain, n)));
		if (err == E_AGAIN)
			err = feed(t, piece, sizeof(piece));
	}
	return buf_cstring(&t->out);
}

void blocking_tls_close(struct blocking_tls *t)
{
	tls_engine_free(&t->engine);
	buf_fini(&t->out);
	close(t->fd);
}

/* ---- backend ---- */

struct backend_connection {
	struct blocking_backend *b;
	int fd;
};

/* Reads one head; false at the end of the connection. Bodies are not expected. */
static bool take_request(struct blocking_backend *b, int fd)
{
	size_t n = 0;
	char head[sizeof(b->last)];

	while (n < sizeof(head) - 1) {
		ssize_t got = recv(fd, head + n, sizeof(head) - 1 - n, 0);

		if (got < 0 && errno == EAGAIN && !b->is_stopping)
			continue;
		if (got <= 0)
			return false;
		n += (size_t)got;
		head[n] = '\0';
		if (strstr(head, "\r\n\r\n"))
			break;
	}
	memcpy(b->last, head, n + 1);
	return true;
}

static void *serve_connection(void *arg)
{
	struct backend_connection *c = arg;
	struct blocking_backend *b = c->b;
	struct timeval often = {.tv_usec = 100000};

	ASSERT(!setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &often, sizeof(often)));
	while (take_request(b, c->fd)) {
		/* first: who has the answer may look at the count */
		b->n_requests++;
		blocking_send(c->fd, str_from(b->answer));
		if (b->closes_after_answer)
			break;
	}
	close(c->fd);
	free(arg);
	b->n_open--;
	return NULL;
}

static void *serve(void *arg)
{
	struct blocking_backend *b = arg;
	int fd;

	while ((fd = accept(b->fd, NULL, NULL)) >= 0 && !b->is_stopping) {
		struct backend_connection *c = malloc(sizeof(*c));
		pthread_t thread;

		c->b = b;
		c->fd = fd;
		b->n_connections++;
		b->n_open++;
		ASSERT(!pthread_create(&thread, NULL, serve_connection, c));
		pthread_detach(thread);
	}
	if (fd >= 0)
		close(fd);
	return NULL;
}

void blocking_backend_start(struct blocking_backend *b, const char *answer)
{
	struct addr at;
	socklen_t len = sizeof(at);

	memset(b, 0, sizeof(*b));
	b->answer = answer;
	b->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ASSERT(!addr_parse_ip(&at, STR("127.0.0.1"), 0));
	ASSERT(!bind(b->fd, &at.any, addr_len(&at)) && !listen(b->fd, 128));
	ASSERT(!getsockname(b->fd, &at.any, &len));
	b->port = addr_port(&at);
	ASSERT(!pthread_create(&b->thread, NULL, serve, b));
}

/* No thread of it is left behind: they look at is_stopping between two heads. */
void blocking_backend_stop(struct blocking_backend *b)
{
	b->is_stopping = true;
	shutdown(b->fd, SHUT_RDWR);
	pthread_join(b->thread, NULL);
	while (b->n_open > 0)
		usleep(1000);
	close(b->fd);
}
