/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/tls_stream.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "net/client_hello.h"
#include "net/listener.h"
#include "net/tcp_stream.h"
#include "tests/support/memory_stream.h"
#include "tests/support/test_ca.h"

static struct test_ca ca;
static struct test_leaf leaf;
static struct tls_certificate *certificate;
static struct tls_context *server, *client;
static struct tls_tickets *tickets;

static int set_up(void **state)
{
	struct tls_server_args s = {0};
	struct tls_client_args c = {0};

	(void)state;
	assert_int_equal(tls_setup(), E_OK);
	test_ca_init(&ca);
	test_ca_leaf(&ca, &leaf, "leaf", "ec", "DNS:app.example.test,DNS:two.example.test", 30);
	assert_int_equal(
		tls_certificate_new(buf_str(&leaf.chain_der), buf_str(&leaf.key_der), &certificate),
		E_OK);
	tickets = tls_tickets_new();
	s.tickets = tickets;
	c.trust_file = ca.ca_pem;
	assert_int_equal(tls_context_server(&s, &server), E_OK);
	assert_int_equal(tls_context_client(&c, &client, NULL), E_OK);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	tls_context_unref(&server);
	tls_context_unref(&client);
	tls_certificate_unref(&certificate);
	tls_tickets_free(&tickets);
	test_leaf_fini(&leaf);
	test_ca_fini(&ca);
	return 0;
}

/* One end of a TLS connection and what its owner was told. */
struct end {
	struct memory_end plain; /* must stay first: done and events share the owner */
	enum err shaken;
	int n_done;
};

static void on_done(void *owner, enum err err, const char *detail)
{
	struct end *e = owner;

	e->shaken = err;
	e->n_done++;
	assert_non_null(detail);
}

struct pair {
	struct loop *loop;
	struct stream *raw_server, *raw_client; /* the streams below, for mischief only */
	struct end server, client;
};

static void turn(struct loop *l, int n)
{
	for (int i = 0; i < n; i++)
		loop_turn(l);
}

static void pair_start(struct pair *p, size_t segment, const char *name)
{
	struct tls_accept_args a = {
		.context = server, .certificate = certificate, .binding = STR("app.example.test")};
	struct tls_connect_args c = {.context = client, .name = name};
	struct stream *x, *y, *s;

	memset(p, 0, sizeof(*p));
	p->loop = loop_new();
	memory_stream_pair(p->loop, &x, &y);
	p->raw_server = x;
	p->raw_client = y;
	memory_stream_set_segment(x, segment);
	memory_stream_set_segment(y, segment);
	assert_int_equal(tls_stream_accept(p->loop, &x, &a, NULL, 0, on_done, &s), E_OK);
	assert_null(x);
	memory_end_init(&p->server.plain, &s);
	assert_int_equal(tls_stream_connect(p->loop, &y, &c, on_done, &s), E_OK);
	memory_end_init(&p->client.plain, &s);
	assert_int_equal(p->client.n_done, 0);
}

static void pair_stop(struct pair *p)
{
	memory_end_fini(&p->server.plain);
	memory_end_fini(&p->client.plain);
	turn(p->loop, 20);
	assert_int_equal(memory_stream_count(), 0);
	loop_free(&p->loop);
}

static void a_handshake_is_told_once_to_both(void **state)
{
	struct pair p;
	struct tls_facts facts;

	(void)state;
	pair_start(&p, 0, "app.example.test");
	turn(p.loop, 20);
	assert_int_equal(p.server.n_done, 1);
	assert_int_equal(p.client.n_done, 1);
	assert_int_equal(p.server.shaken, E_OK);
	assert_int_equal(p.client.shaken, E_OK);
	tls_stream_facts(p.client.plain.stream, &facts);
	assert_string_equal(facts.version, "TLSv1.3");
	pair_stop(&p);
}

static void bytes_flow_in_any_segmentation(void **state)
{
	static const size_t segments[] = {0, 1, 7, 100, 1500, 16000};
	static char big[200000];

	(void)state;
	for (unsigned i = 0; i < 6; i++) {
		struct pair p;

		pair_start(&p, segments[i], "app.example.test");
		turn(p.loop, 40);
		assert_int_equal(p.server.shaken, E_OK);
		memory_end_write(&p.client.plain, STR("request"));
		memory_end_write(&p.server.plain, str_of(big, sizeof(big)));
		for (int k = 0; k < 2000 && p.client.plain.got.len < sizeof(big); k++)
			loop_turn(p.loop);
		assert_true(str_is(buf_str(&p.server.plain.got), "request"));
		assert_int_equal(p.client.plain.got.len, sizeof(big));
		assert_memory_equal(p.client.plain.got.at, big, sizeof(big));
		pair_stop(&p);
	}
}

static void on_one_read(void *owner, struct str bytes)
{
	struct end *e = owner;

	assert_int_equal(buf_add(&e->plain.got, bytes), E_OK);
	stream_read_stop(e->plain.stream);
}

static void on_eof(void *owner)
{
	((struct end *)owner)->plain.is_eof = true;
}

static void nothing_is_delivered_after_read_stop(void **state)
{
	static const struct stream_events events = {.on_read = on_one_read, .on_eof = on_eof};
	static char big[150000];
	struct pair p;
	size_t seen = 0;

	(void)state;
	pair_start(&p, 0, "app.example.test");
	turn(p.loop, 20);
	stream_own(p.client.plain.stream, &events, &p.client);
	memory_end_write(&p.server.plain, str_of(big, sizeof(big)));
	stream_close(&p.server.plain.stream, STREAM_CLOSE_GRACEFUL);
	for (int i = 0; i < 400 && !p.client.plain.is_eof; i++) {
		size_t before = p.client.plain.got.len;

		turn(p.loop, 5);
		assert_true(p.client.plain.got.len - seen <= LOOP_READ_BUFFER);
		if (i % 3 != 0) {
			assert_true(p.client.plain.got.len == before || before == seen);
			continue;
		}
		seen = p.client.plain.got.len;
		stream_read_start(p.client.plain.stream);
		assert_int_equal(p.client.plain.got.len, seen);
	}
	assert_int_equal(p.client.plain.got.len, sizeof(big));
	assert_true(p.client.plain.is_eof);
	pair_stop(&p);
}

static void close_notify_is_an_eof_and_writing_goes_on(void **state)
{
	struct pair p;

	(void)state;
	pair_start(&p, 0, "app.example.test");
	turn(p.loop, 20);
	memory_end_write(&p.client.plain, STR("last"));
	stream_shutdown(p.client.plain.stream);
	turn(p.loop, 20);
	assert_true(str_is(buf_str(&p.server.plain.got), "last"));
	assert_true(p.server.plain.is_eof);
	memory_end_write(&p.server.plain, STR("answer"));
	turn(p.loop, 20);
	assert_true(str_is(buf_str(&p.client.plain.got), "answer"));
	pair_stop(&p);
}

static void an_end_without_close_notify_is_a_reset(void **state)
{
	struct pair p;

	(void)state;
	pair_start(&p, 0, "app.example.test");
	turn(p.loop, 20);
	p.raw_client->ops->shutdown(p.raw_client);
	turn(p.loop, 20);
	assert_false(p.server.plain.is_eof);
	assert_int_equal(p.server.plain.err, E_RESET);
	pair_stop(&p);
}

static void a_refused_certificate_fails_both(void **state)
{
	struct pair p;

	(void)state;
	pair_start(&p, 0, "wrong.example.test");
	turn(p.loop, 20);
	assert_int_equal(p.client.n_done, 1);
	assert_int_equal(p.client.shaken, E_TRUST);
	stream_close(&p.client.plain.stream, STREAM_CLOSE_GRACEFUL);
	turn(p.loop, 20);
	assert_true(p.server.shaken != E_OK || p.server.plain.err != E_OK || p.server.plain.is_eof);
	pair_stop(&p);
}

static void close_in_HANDSHAKE_is_silent(void **state)
{
	(void)state;
	for (int turns = 0; turns < 3; turns++) {
		struct pair p;

		pair_start(&p, 50, "app.example.test");
		turn(p.loop, turns);
		int before = p.client.n_done;
		stream_close(&p.client.plain.stream,
			turns % 2 ? STREAM_CLOSE_ABORT : STREAM_CLOSE_GRACEFUL);
		turn(p.loop, 20);
		assert_int_equal(p.client.n_done, before);
		assert_true(p.server.n_done <= 1);
		pair_stop(&p);
	}
}

static void close_in_OPEN_sends_close_notify(void **state)
{
	struct pair p;

	(void)state;
	pair_start(&p, 0, "app.example.test");
	turn(p.loop, 20);
	stream_close(&p.server.plain.stream, STREAM_CLOSE_GRACEFUL);
	assert_null(p.server.plain.stream);
	turn(p.loop, 20);
	assert_true(p.client.plain.is_eof);
	assert_int_equal(p.client.plain.err, E_OK);
	pair_stop(&p);
}

static void close_in_FAILED_is_silent(void **state)
{
	struct pair p;

	(void)state;
	pair_start(&p, 0, "app.example.test");
	turn(p.loop, 20);
	memory_stream_break(p.raw_server, E_RESET);
	turn(p.loop, 20);
	assert_int_equal(p.server.plain.err, E_RESET);
	assert_int_equal(stream_write(p.server.plain.stream, &STR("x"), 1), E_RESET);
	stream_close(&p.server.plain.stream, STREAM_CLOSE_GRACEFUL);
	turn(p.loop, 5);
	pair_stop(&p);
}

static void too_much_for_the_queue_is_a_limit(void **state)
{
	struct pair p;
	size_t size = 5 * 1024 * 1024;
	char *big = calloc(1, size);
	struct str all = {big, size};

	(void)state;
	assert_non_null(big);
	pair_start(&p, 0, "app.example.test");
	turn(p.loop, 20);
	stream_read_stop(p.client.plain.stream);
	turn(p.loop, 2);
	assert_int_equal(stream_write(p.server.plain.stream, &all, 1), E_OK);
	assert_true(stream_queued(p.server.plain.stream) > size / 2);
	assert_int_equal(stream_write(p.server.plain.stream, &all, 1), E_LIMIT);
	assert_int_equal(p.server.plain.err, E_OK);
	turn(p.loop, 2);
	assert_int_equal(p.server.plain.err, E_LIMIT);
	free(big);
	pair_stop(&p);
}

static void a_queue_ends_in_a_drain(void **state)
{
	static char big[500000];
	struct pair p;

	(void)state;
	pair_start(&p, 0, "app.example.test");
	turn(p.loop, 20);
	memory_end_write(&p.server.plain, str_of(big, sizeof(big)));
	assert_true(stream_queued(p.server.plain.stream) > 0);
	turn(p.loop, 100);
	assert_int_equal(p.server.plain.n_drains, 1);
	assert_int_equal(p.client.plain.got.len, sizeof(big));
	pair_stop(&p);
}

/* A server on a real socket for the openssl program to talk to; the ClientHello goes our own way. */
struct front {
	struct loop *loop;
	struct listener *listener;
	uint16_t port;
	const char *binding, *alpn;
	struct stream *raw;
	struct client_hello hello;
	struct end tls;
	struct tls_facts facts;
	bool is_shaken;
	enum err shaken;
	char detail[128];
};

static void on_front_read(void *owner, struct str bytes)
{
	struct front *f = owner;

	(void)bytes;
	stream_write(f->tls.plain.stream, &STR("pong\n"), 1);
	stream_close(&f->tls.plain.stream, STREAM_CLOSE_GRACEFUL);
}

static void on_front_end(void *owner)
{
	struct front *f = owner;

	stream_close(&f->tls.plain.stream, STREAM_CLOSE_GRACEFUL);
}

static void on_front_error(void *owner, enum err err)
{
	(void)err;
	on_front_end(owner);
}

static void on_front_drain(void *owner)
{
	(void)owner;
}

static void on_front_done(void *owner, enum err err, const char *detail)
{
	struct front *f = owner;

	f->is_shaken = true;
	f->shaken = err;
	str_copy(f->detail, sizeof(f->detail), str_from(detail));
	if (err == E_OK) {
		tls_stream_facts(f->tls.plain.stream, &f->facts);
		stream_read_start(f->tls.plain.stream);
	} else {
		stream_close(&f->tls.plain.stream, STREAM_CLOSE_GRACEFUL);
	}
}

static void on_hello_bytes(void *owner, struct str bytes)
{
	static const struct stream_events events = {
		on_front_read, on_front_end, on_front_drain, on_front_error};
	struct front *f = owner;
	int alert;

	if (client_hello_feed(&f->hello, bytes, &alert) == CLIENT_HELLO_MORE)
		return;
	struct str received[2];
	struct tls_accept_args a = {.context = server,
		.certificate = certificate,
		.alpn = f->alpn,
		.binding = str_from(f->binding),
		.sni = f->hello.sni};

	assert_int_equal(client_hello_record(&f->hello, &received[0], &received[1]), E_OK);
	assert_int_equal(tls_stream_accept(f->loop, &f->raw, &a, received, 2, on_front_done,
				 &f->tls.plain.stream),
		E_OK);
	stream_own(f->tls.plain.stream, &events, f);
	client_hello_fini(&f->hello);
}

static void on_early_end(void *owner)
{
	struct front *f = owner;

	stream_close(&f->raw, STREAM_CLOSE_ABORT);
	client_hello_fini(&f->hello);
}

static void on_early_error(void *owner, enum err err)
{
	(void)err;
	on_early_end(owner);
}

static void on_accept(void *owner, int fd, const struct addr *peer)
{
	static const struct stream_events events = {
		on_hello_bytes, on_early_end, on_front_drain, on_early_error};
	struct front *f = owner;

	client_hello_init(&f->hello);
	f->raw = tcp_stream_adopt(f->loop, fd, peer);
	stream_own(f->raw, &events, f);
	stream_read_start(f->raw);
}

static void front_start(struct front *f)
{
	struct addr at;
	int fd;

	*f = (struct front){.loop = loop_new(), .binding = "app.example.test"};
	assert_int_equal(addr_parse_ip(&at, STR("127.0.0.1"), 0), E_OK);
	assert_int_equal(listener_bind(&at, &fd, NULL), E_OK);
	f->port = listener_port(fd);
	f->listener = listener_start(f->loop, fd, 16, on_accept, f);
}

static void front_stop(struct front *f)
{
	listener_close(&f->listener);
	for (int i = 0; i < 200 && loop_turn(f->loop); i++)
		usleep(10000);
	loop_free(&f->loop);
}

/* Runs a shell command while the loop turns; returns what it printed. */
static const char *run(struct front *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static const char *run(struct front *f, const char *fmt, ...)
{
	static char out[32768];
	char command[1024];
	size_t len = 0;
	va_list args;

	va_start(args, fmt);
	vsnprintf(command, sizeof(command), fmt, args);
	va_end(args);
	f->is_shaken = false;
	FILE *p = popen(command, "r");
	assert_non_null(p);
	assert_int_equal(fcntl(fileno(p), F_SETFL, O_NONBLOCK), 0);
	for (int64_t end_ms = clock_mono_ms() + 10000; clock_mono_ms() < end_ms; usleep(500)) {
		loop_turn(f->loop);
		ssize_t n = read(fileno(p), out + len, sizeof(out) - 1 - len);
		if (n == 0)
			break;
		if (n > 0)
			len += (size_t)n;
	}
	out[len] = '\0';
	pclose(p);
	for (int i = 0; i < 20; i++)
		loop_turn(f->loop);
	return out;
}

#define S_CLIENT \
	"echo ping | openssl s_client -connect 127.0.0.1:%u -servername app.example.test" \
	" -CAfile %s -verify_return_error -ign_eof "

static void openssl_clients_shake_hands_in_both_versions(void **state)
{
	static const struct {
		const char *options, *version, *cipher, *group;
	} rows[] = {
		{"-tls1_3", "TLSv1.3", "TLS_AES_128_GCM_SHA256", "X25519"},
		{"-tls1_3 -groups P-256", "TLSv1.3", "TLS_AES_128_GCM_SHA256", "secp256r1"},
		{"-tls1_3 -groups P-384", "TLSv1.3", "TLS_AES_128_GCM_SHA256", "secp384r1"},
		{"-tls1_3 -ciphersuites TLS_CHACHA20_POLY1305_SHA256", "TLSv1.3",
			"TLS_CHACHA20_POLY1305_SHA256", "X25519"},
		{"-tls1_3 -ciphersuites TLS_AES_256_GCM_SHA384", "TLSv1.3",
			"TLS_AES_256_GCM_SHA384", "X25519"},
		{"-tls1_2", "TLSv1.2", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "X25519"},
		{"-tls1_2 -groups P-256", "TLSv1.2", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
			"secp256r1"},
		/* HelloRetryRequest: its one key share is for a group we do not speak. */
		{"-tls1_3 -groups P-521:X25519", "TLSv1.3", "TLS_AES_128_GCM_SHA256", "X25519"},
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		struct front f;

		front_start(&f);
		f.alpn = "http/1.1";
		const char *out = run(
			&f, S_CLIENT "-alpn http/1.1 %s 2>&1", f.port, ca.ca_pem, rows[i].options);
		assert_true(f.is_shaken);
		assert_int_equal(f.shaken, E_OK);
		assert_string_equal(f.facts.version, rows[i].version);
		assert_string_equal(f.facts.cipher, rows[i].cipher);
		assert_string_equal(f.facts.group, rows[i].group);
		assert_string_equal(f.facts.alpn, "http/1.1");
		assert_non_null(strstr(out, "pong"));
		assert_non_null(strstr(out, "Verify return code: 0 (ok)"));
		front_stop(&f);
	}
}

static void clients_without_a_common_version_get_an_alert(void **state)
{
	struct front f;

	(void)state;
	front_start(&f);
	const char *out = run(&f, S_CLIENT "-tls1_2 -cipher AES128-SHA 2>&1", f.port, ca.ca_pem);
	assert_true(f.is_shaken);
	assert_int_equal(f.shaken, E_TLS);
	assert_non_null(strstr(out, "alert handshake failure"));
	assert_string_not_equal(f.detail, "");
	front_stop(&f);
}

/* Connects once to get a ticket, does something, connects with it; returns whether it resumed. */
static bool resumes(const char *version, const char *second_binding, int rotations)
{
	struct front f;
	bool is_resumed;

	front_start(&f);
	run(&f, S_CLIENT "%s -sess_out %s/session 2>&1", f.port, ca.ca_pem, version, ca.dir);
	assert_int_equal(f.shaken, E_OK);
	assert_false(f.facts.is_resumed);
	for (int i = 0; i < rotations; i++)
		tls_tickets_rotate(tickets);
	f.binding = second_binding;
	const char *out =
		run(&f, S_CLIENT "%s -sess_in %s/session 2>&1", f.port, ca.ca_pem, version, ca.dir);
	assert_true(f.is_shaken);
	assert_int_equal(f.shaken, E_OK);
	assert_non_null(strstr(out, "pong"));
	is_resumed = f.facts.is_resumed;
	assert_int_equal(is_resumed, strstr(out, "Reused, TLS") != NULL);
	front_stop(&f);
	return is_resumed;
}

static void tickets_resume_also_after_rotation_and_not_for_ever(void **state)
{
	static const char *const versions[] = {"-tls1_3", "-tls1_2"};

	(void)state;
	for (int i = 0; i < 2; i++) {
		assert_true(resumes(versions[i], "app.example.test", 0));
		assert_true(resumes(versions[i], "app.example.test", 1));
		assert_true(resumes(versions[i], "app.example.test", 2));
		assert_false(resumes(versions[i], "app.example.test", 3));
	}
}

static void tickets_are_bound(void **state)
{
	(void)state;
	assert_false(resumes("-tls1_3", "two.example.test", 0));
	assert_false(resumes("-tls1_2", "two.example.test", 0));
}

/* Our client against openssl's server. */
static void our_client_talks_to_openssl_servers(void **state)
{
	static const char *const versions[] = {"-tls1_3", "-tls1_2"};

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct loop *l = loop_new();
		struct end e = {0};
		struct addr at;
		struct tls_connect_args c = {
			.context = client, .name = "app.example.test", .alpn = "http/1.1"};
		struct tls_facts facts;
		char command[1024];
		int fd;

		assert_int_equal(addr_parse_ip(&at, STR("127.0.0.1"), 0), E_OK);
		assert_int_equal(listener_bind(&at, &fd, NULL), E_OK);
		uint16_t port = listener_port(fd);
		close(fd);
		snprintf(command, sizeof(command),
			"exec openssl s_server -accept 127.0.0.1:%u -cert %s"
			" -key %s -alpn http/1.1 -www -quiet %s >/dev/null 2>&1 </dev/null",
			port, leaf.chain_pem, leaf.key_pem, versions[i]);
		pid_t pid = fork();
		if (pid == 0) {
			execl("/bin/sh", "sh", "-c", command, (char *)NULL);
			_exit(127);
		}
		at.in.sin_port = htons(port);
		fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		for (int k = 0; k < 200 && connect(fd, &at.any, addr_len(&at)) != 0; k++)
			usleep(10000);
		fcntl(fd, F_SETFL, O_NONBLOCK);
		struct stream *raw = tcp_stream_adopt(l, fd, &at), *s;
		assert_int_equal(tls_stream_connect(l, &raw, &c, on_done, &s), E_OK);
		memory_end_init(&e.plain, &s);
		for (int k = 0; k < 2000 && !e.n_done; k++, usleep(1000))
			loop_turn(l);
		assert_int_equal(e.shaken, E_OK);
		tls_stream_facts(e.plain.stream, &facts);
		assert_string_equal(facts.version, i ? "TLSv1.2" : "TLSv1.3");
		assert_string_equal(facts.group, "X25519");
		assert_string_equal(facts.alpn, "http/1.1");
		memory_end_write(&e.plain, STR("GET / HTTP/1.0\r\n\r\n"));
		for (int k = 0; k < 2000 && !e.plain.is_eof && !e.plain.err; k++, usleep(1000))
			loop_turn(l);
		assert_true(str_has_prefix(buf_str(&e.plain.got), STR("HTTP/1.0 200")));
		memory_end_fini(&e.plain);
		turn(l, 5);
		kill(pid, SIGTERM);
		waitpid(pid, NULL, 0);
		loop_free(&l);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_handshake_is_told_once_to_both),
		cmocka_unit_test(bytes_flow_in_any_segmentation),
		cmocka_unit_test(nothing_is_delivered_after_read_stop),
		cmocka_unit_test(close_notify_is_an_eof_and_writing_goes_on),
		cmocka_unit_test(an_end_without_close_notify_is_a_reset),
		cmocka_unit_test(a_refused_certificate_fails_both),
		cmocka_unit_test(close_in_HANDSHAKE_is_silent),
		cmocka_unit_test(close_in_OPEN_sends_close_notify),
		cmocka_unit_test(close_in_FAILED_is_silent),
		cmocka_unit_test(too_much_for_the_queue_is_a_limit),
		cmocka_unit_test(a_queue_ends_in_a_drain),
		cmocka_unit_test(openssl_clients_shake_hands_in_both_versions),
		cmocka_unit_test(clients_without_a_common_version_get_an_alert),
		cmocka_unit_test(tickets_resume_also_after_rotation_and_not_for_ever),
		cmocka_unit_test(tickets_are_bound),
		cmocka_unit_test(our_client_talks_to_openssl_servers),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
