/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/dial.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "net/listener.h"
#include "net/tcp_stream.h"
#include "net/tls_stream.h"
#include "tests/support/test_ca.h"

static struct test_ca ca;
static struct test_leaf leaf;
static struct tls_certificate *certificate;
static struct tls_context *server, *client;

static int set_up(void **state)
{
	struct tls_server_args s = {0};
	struct tls_client_args c = {0};

	(void)state;
	assert_int_equal(tls_setup(), E_OK);
	test_ca_init(&ca);
	test_ca_leaf(&ca, &leaf, "leaf", "ec", "DNS:localhost,IP:127.0.0.1", 30);
	assert_int_equal(
		tls_certificate_new(buf_str(&leaf.chain_der), buf_str(&leaf.key_der), &certificate),
		E_OK);
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
	test_leaf_fini(&leaf);
	test_ca_fini(&ca);
	return 0;
}

enum peer { PEER_TLS, PEER_PLAIN, PEER_SILENT, PEER_NONE };

/* A loop with a peer to dial and what the dialler said. */
struct call {
	struct loop *loop;
	struct listener *listener;
	uint16_t port;
	enum peer peer;
	struct stream *accepted;
	struct dial *dial;
	struct stream *stream;
	enum err err;
	struct fault fault;
	int n_calls;
};

static void ignore_bytes(void *owner, struct str bytes)
{
	(void)owner;
	(void)bytes;
}

static void ignore(void *owner)
{
	(void)owner;
}

static void ignore_error(void *owner, enum err err)
{
	(void)owner;
	(void)err;
}

static const struct stream_events deaf = {ignore_bytes, ignore, ignore, ignore_error};

static void on_shaken(void *owner, enum err err, const char *detail)
{
	(void)owner;
	(void)err;
	(void)detail;
}

static void on_accept(void *owner, int fd, const struct addr *peer)
{
	struct call *c = owner;
	struct tls_accept_args a = {.context = server, .certificate = certificate};

	assert_null(c->accepted);
	c->accepted = tcp_stream_adopt(c->loop, fd, peer);
	if (c->peer == PEER_TLS)
		assert_int_equal(tls_stream_accept(c->loop, &c->accepted, &a, NULL, 0, on_shaken,
					 &c->accepted),
			E_OK);
	stream_own(c->accepted, &deaf, c);
}

static void on_dialled(void *owner, enum err err, struct stream *s, const struct fault *fault)
{
	struct call *c = owner;

	c->dial = NULL;
	c->n_calls++;
	c->err = err;
	c->stream = s;
	assert_int_equal(s != NULL, err == E_OK);
	if (fault)
		c->fault = *fault;
	if (s)
		stream_own(s, &deaf, c);
}

static void start(struct call *c, enum peer peer)
{
	struct addr at;
	int fd;

	*c = (struct call){.loop = loop_new(), .peer = peer};
	assert_int_equal(addr_parse_ip(&at, STR("127.0.0.1"), 0), E_OK);
	assert_int_equal(listener_bind(&at, &fd, NULL), E_OK);
	c->port = listener_port(fd);
	if (peer == PEER_NONE)
		close(fd);
	else
		c->listener = listener_start(c->loop, fd, 8, on_accept, c);
}

static void turn(struct call *c, int n)
{
	for (int i = 0; i < n; i++) {
		loop_turn(c->loop);
		usleep(1000);
	}
}

static void dial(struct call *c, const struct dial_args *args)
{
	c->dial = dial_start(c->loop, args, on_dialled, c);
	assert_int_equal(c->n_calls, 0);
	for (int i = 0; i < 3000 && c->n_calls == 0; i++)
		turn(c, 1);
	assert_int_equal(c->n_calls, 1);
}

static void stop(struct call *c)
{
	stream_close(&c->stream, STREAM_CLOSE_ABORT);
	stream_close(&c->accepted, STREAM_CLOSE_ABORT);
	listener_close(&c->listener);
	for (int i = 0; i < 3000 && loop_turn(c->loop); i++)
		usleep(1000);
	assert_int_equal(tcp_stream_count(), 0);
	loop_free(&c->loop);
}

static void a_name_is_resolved_and_reached(void **state)
{
	struct call c;

	(void)state;
	start(&c, PEER_PLAIN);
	/* localhost may well be ::1 first, where nobody listens. */
	dial(&c, &(struct dial_args){.host = "localhost", .port = c.port, .timeout_ms = 5000});
	assert_int_equal(c.err, E_OK);
	stop(&c);
}

static void an_address_needs_no_name(void **state)
{
	struct call c;
	struct addr at;

	(void)state;
	start(&c, PEER_PLAIN);
	assert_int_equal(addr_parse_ip(&at, STR("127.0.0.1"), c.port), E_OK);
	dial(&c, &(struct dial_args){.address = &at, .timeout_ms = 5000});
	assert_int_equal(c.err, E_OK);
	stop(&c);
}

static void tls_is_verified_by_name_and_by_address(void **state)
{
	static const char *const hosts[] = {"localhost", "127.0.0.1"};

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct call c;
		struct tls_facts facts;

		start(&c, PEER_TLS);
		dial(&c, &(struct dial_args){.host = hosts[i],
				 .port = c.port,
				 .tls = client,
				 .timeout_ms = 5000});
		assert_int_equal(c.err, E_OK);
		tls_stream_facts(c.stream, &facts);
		assert_string_equal(facts.version, "TLSv1.3");
		stop(&c);
	}
}

static void another_name_is_not_trusted(void **state)
{
	struct call c;

	(void)state;
	start(&c, PEER_TLS);
	dial(&c, &(struct dial_args){.host = "127.0.0.1",
			 .port = c.port,
			 .tls = client,
			 .tls_name = "other.example.test",
			 .timeout_ms = 5000});
	assert_int_equal(c.err, E_TRUST);
	assert_non_null(strstr(c.fault.activity, "TLS handshake"));
	assert_string_not_equal(c.fault.detail, "");
	stop(&c);
}

static void nobody_there_is_refused_with_the_address(void **state)
{
	struct call c;

	(void)state;
	start(&c, PEER_NONE);
	dial(&c, &(struct dial_args){.host = "127.0.0.1", .port = c.port, .timeout_ms = 5000});
	assert_int_equal(c.err, E_REFUSED);
	assert_non_null(strstr(c.fault.detail, "127.0.0.1:"));
	assert_non_null(strstr(c.fault.activity, "connecting"));
	stop(&c);
}

static void names_that_do_not_resolve_or_fit_are_told(void **state)
{
	struct call c;
	char name[400];

	(void)state;
	memset(name, 'a', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	start(&c, PEER_NONE);
	dial(&c, &(struct dial_args){.host = name, .port = 1, .timeout_ms = 5000});
	assert_int_equal(c.err, E_NAME);
	stop(&c);
	start(&c, PEER_NONE);
	dial(&c, &(struct dial_args){.host = "", .port = 1, .timeout_ms = 5000});
	assert_int_equal(c.err, E_RESOLVE);
	stop(&c);
}

static void timeout_in_RESOLVE(void **state)
{
	struct call c;

	(void)state;
	start(&c, PEER_NONE);
	dial(&c, &(struct dial_args){.host = "localhost", .port = c.port, .timeout_ms = 0});
	assert_int_equal(c.err, E_TIMEOUT);
	assert_non_null(strstr(c.fault.activity, "resolving"));
	stop(&c);
}

static void timeout_in_RACE(void **state)
{
	struct call c;
	struct addr at;
	int fds[4];

	(void)state;
	/* A listener with a full backlog that nobody empties: the next connect hangs. */
	*(&c) = (struct call){.loop = loop_new()};
	assert_int_equal(addr_parse_ip(&at, STR("127.0.0.1"), 0), E_OK);
	int fd;
	assert_int_equal(listener_bind(&at, &fd, NULL), E_OK);
	assert_int_equal(listen(fd, 0), 0);
	at.in.sin_port = htons(listener_port(fd));
	for (int i = 0; i < 4; i++) {
		fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		if (connect(fds[i], &at.any, addr_len(&at)) != 0)
			usleep(1000);
	}
	dial(&c, &(struct dial_args){.address = &at, .timeout_ms = 100});
	assert_int_equal(c.err, E_TIMEOUT);
	for (int i = 0; i < 4; i++)
		close(fds[i]);
	close(fd);
	stop(&c);
}

static void timeout_in_TLS(void **state)
{
	struct call c;

	(void)state;
	start(&c, PEER_SILENT);
	dial(&c, &(struct dial_args){
			 .host = "127.0.0.1", .port = c.port, .tls = client, .timeout_ms = 100});
	assert_int_equal(c.err, E_TIMEOUT);
	stop(&c);
}

static void cancel_in_every_state_is_silent(void **state)
{
	(void)state;
	for (int turns = 0; turns < 8; turns++) {
		struct call c;

		start(&c, PEER_SILENT);
		c.dial = dial_start(c.loop,
			&(struct dial_args){.host = turns % 2 ? "localhost" : "127.0.0.1",
				.port = c.port,
				.tls = client,
				.timeout_ms = 5000},
			on_dialled, &c);
		turn(&c, turns);
		dial_cancel(&c.dial);
		assert_null(c.dial);
		turn(&c, 3);
		assert_int_equal(c.n_calls, 0);
		stop(&c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_is_resolved_and_reached),
		cmocka_unit_test(an_address_needs_no_name),
		cmocka_unit_test(tls_is_verified_by_name_and_by_address),
		cmocka_unit_test(another_name_is_not_trusted),
		cmocka_unit_test(nobody_there_is_refused_with_the_address),
		cmocka_unit_test(names_that_do_not_resolve_or_fit_are_told),
		cmocka_unit_test(timeout_in_RESOLVE),
		cmocka_unit_test(timeout_in_RACE),
		cmocka_unit_test(timeout_in_TLS),
		cmocka_unit_test(cancel_in_every_state_is_silent),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
