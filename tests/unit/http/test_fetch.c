/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/http/fetch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/clock.h"
#include "net/listener.h"
#include "net/tcp_stream.h"

enum { CONNECTIONS_MAX = 32 };

/* Answers each request (which ends with an empty line) with a text set beforehand. */
struct server {
	struct loop *loop;
	struct listener *listener;
	uint16_t port;
	struct peer {
		struct server *server;
		struct stream *stream;
		struct buf got;
	} peers[CONNECTIONS_MAX];
	unsigned n_peers, n_requests;
	const char *answer;
	bool closes_after, is_mute, closes_unanswered;
	char last[512];
};

static void close_peer(struct peer *p)
{
	stream_close(&p->stream, STREAM_CLOSE_GRACEFUL);
}

static void on_read(void *owner, struct str bytes)
{
	struct peer *p = owner;
	struct server *s = p->server;
	struct str answer;
	const char *end;

	buf_add(&p->got, bytes);
	end = strstr(buf_cstring(&p->got), "\r\n\r\n");
	if (!end || s->is_mute)
		return;
	s->n_requests++;
	str_copy(s->last, sizeof(s->last), buf_str(&p->got));
	buf_clear(&p->got);
	if (s->closes_unanswered) {
		s->closes_unanswered = false;
		close_peer(p);
		return;
	}
	answer = str_from(s->answer);
	stream_write(p->stream, &answer, 1);
	if (s->closes_after)
		close_peer(p);
}

static void on_eof(void *owner)
{
	close_peer(owner);
}

static void on_drain(void *owner)
{
	(void)owner;
}

static void on_error(void *owner, enum err err)
{
	(void)err;
	close_peer(owner);
}

static const struct stream_events peer_events = { on_read, on_eof, on_drain, on_error };

static void on_accept(void *owner, int fd, const struct addr *from)
{
	struct server *s = owner;
	struct peer *p = &s->peers[s->n_peers++];

	assert_true(s->n_peers < CONNECTIONS_MAX);
	p->server = s;
	buf_init(&p->got, 0);
	p->stream = tcp_stream_adopt(s->loop, fd, from);
	assert_non_null(p->stream);
	stream_own(p->stream, &peer_events, p);
	stream_read_start(p->stream);
}

struct app {
	struct server server;
	struct fetcher *f;
	struct loop *loop;
	unsigned n_done;
	enum err err;
	unsigned status;
	char body[256], fault[FAULT_TEXT], header[64];
	bool was_sent, frees_fetcher;
};

static void start_with(struct app *a, struct fetcher_args args)
{
	struct addr at;
	int fd;

	*a = (struct app){ 0 };
	args.loop = a->loop = a->server.loop = loop_new();
	assert_int_equal(addr_parse_ip(&at, STR("127.0.0.1"), 0), E_OK);
	assert_int_equal(listener_bind(&at, &fd, NULL), E_OK);
	a->server.port = listener_port(fd);
	a->server.listener = listener_start(a->loop, fd, 16, on_accept, &a->server);
	a->server.answer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nReplay-Nonce: n1\r\n\r\nhello";
	a->f = fetcher_new(&args);
}

static void start(struct app *a)
{
	start_with(a, (struct fetcher_args){ .user_agent = "test/1" });
}

static void stop(struct app *a)
{
	fetcher_free(&a->f);
	listener_close(&a->server.listener);
	for (unsigned i = 0; i < a->server.n_peers; i++) {
		close_peer(&a->server.peers[i]);
		buf_fini(&a->server.peers[i].got);
	}
	for (int i = 0; i < 2000 && loop_turn(a->loop); i++)
		usleep(1000);
	loop_free(&a->loop);
}

static void turn(struct app *a)
{
	for (int i = 0; i < 20; i++) {
		loop_turn(a->loop);
		usleep(500);
	}
}

static void on_done(void *owner, enum err err, const struct fetch_answer *answer,
	const struct fault *fault, bool was_sent)
{
	struct app *a = owner;

	a->n_done++;
	a->err = err;
	a->was_sent = was_sent;
	assert_int_equal(err == E_OK, answer != NULL);
	assert_int_equal(err == E_OK, fault == NULL);
	if (fault)
		str_copy(a->fault, sizeof(a->fault), str_from(fault->detail));
	if (answer) {
		a->status = answer->status;
		str_copy(a->body, sizeof(a->body), answer->body);
		str_copy(a->header, sizeof(a->header), headers_get(answer->headers, "replay-nonce"));
	}
	if (a->frees_fetcher)
		fetcher_free(&a->f);
}

static struct fetch *ask_as(struct app *a, const char *method, const char *body)
{
	static const struct header type = { { "Content-Type", 12 }, { "a/b", 3 } };
	char url[64];

	snprintf(url, sizeof(url), "http://127.0.0.1:%u/x?y", a->server.port);
	return fetch_start(a->f, &(struct fetch_args){ .method = method, .url = str_from(url),
		.headers = &type, .n_headers = 1, .body = str_from(body) }, on_done, a);
}

/* Until n answers are in, or two seconds. */
static void await(struct app *a, unsigned n)
{
	for (int i = 0; i < 2000 && a->n_done < n; i++) {
		loop_turn(a->loop);
		usleep(1000);
	}
	assert_int_equal(a->n_done, n);
}

static void an_answer_is_collected(void **state)
{
	struct app a;
	char expected[512];

	(void)state;
	start(&a);
	ask_as(&a, "POST", "{}");
	assert_int_equal(a.n_done, 0);
	await(&a, 1);
	assert_int_equal(a.err, E_OK);
	assert_int_equal(a.status, 200);
	assert_string_equal(a.body, "hello");
	assert_string_equal(a.header, "n1");
	assert_true(a.was_sent);
	snprintf(expected, sizeof(expected), "POST /x?y HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n"
		"User-Agent: test/1\r\nContent-Type: a/b\r\nContent-Length: 2\r\n\r\n{}", a.server.port);
	assert_string_equal(a.server.last, expected);
	stop(&a);
}

static void connections_are_used_again(void **state)
{
	struct app a;

	(void)state;
	start(&a);
	for (unsigned i = 1; i <= 5; i++) {
		ask_as(&a, "GET", NULL);
		await(&a, i);
	}
	assert_int_equal(a.server.n_peers, 1);
	assert_int_equal(a.server.n_requests, 5);
	stop(&a);
}

static void more_requests_than_connections_wait(void **state)
{
	struct app a;

	(void)state;
	start_with(&a, (struct fetcher_args){ .connections_max = 2 });
	for (int i = 0; i < 10; i++)
		ask_as(&a, "GET", NULL);
	await(&a, 10);
	assert_int_equal(a.server.n_peers, 2);
	stop(&a);
}

static void any_status_is_an_answer(void **state)
{
	struct app a;

	(void)state;
	start(&a);
	a.server.answer = "HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 500 No\r\nTransfer-Encoding: chunked\r\n\r\n"
		"2\r\nno\r\n0\r\n\r\n";
	ask_as(&a, "GET", NULL);
	await(&a, 1);
	assert_int_equal(a.status, 500);
	assert_string_equal(a.body, "no");
	stop(&a);
}

static void bad_answers_are_errors(void **state)
{
	static const struct {
		const char *answer;
		enum err err;
	} rows[] = {
		{ "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx", E_UPSTREAM_PROTOCOL },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx", E_UPSTREAM_PROTOCOL },
		{ "SSH-2.0\r\n\r\n", E_UPSTREAM_PROTOCOL },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\nx", E_LIMIT },
		{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n14\r\n01234567890123456789\r\n", E_LIMIT },
		{ "HTTP/1.1 103 A\r\n\r\nHTTP/1.1 103 A\r\n\r\nHTTP/1.1 103 A\r\n\r\nHTTP/1.1 103 A\r\n\r\n"
		  "HTTP/1.1 103 A\r\n\r\nHTTP/1.1 103 A\r\n\r\nHTTP/1.1 103 A\r\n\r\nHTTP/1.1 103 A\r\n\r\n"
		  "HTTP/1.1 103 A\r\n\r\nHTTP/1.1 103 A\r\n\r\nHTTP/1.1 103 A\r\n\r\nHTTP/1.1 103 A\r\n\r\n"
		  "HTTP/1.1 103 A\r\n\r\nHTTP/1.1 103 A\r\n\r\nHTTP/1.1 103 A\r\n\r\nHTTP/1.1 103 A\r\n\r\n"
		  "HTTP/1.1 103 A\r\n\r\n", E_LIMIT },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct app a;

		start_with(&a, (struct fetcher_args){ .body_max = 16 });
		a.server.answer = rows[i].answer;
		ask_as(&a, "GET", NULL);
		await(&a, 1);
		assert_int_equal(a.err, rows[i].err);
		assert_true(a.fault[0]);
		assert_true(a.was_sent);
		stop(&a);
	}
}

static void an_answer_cut_short_is_an_error(void **state)
{
	struct app a;

	(void)state;
	start(&a);
	a.server.answer = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx";
	a.server.closes_after = true;
	ask_as(&a, "GET", NULL);
	await(&a, 1);
	assert_int_equal(a.err, E_UPSTREAM_CLOSED);
	stop(&a);
}

static void bad_urls_are_told_by_callback(void **state)
{
	static const char *const urls[] = { "", "ftp://a/", "http://u@a/", "https://a/" };
	struct app a;

	(void)state;
	start(&a);
	for (unsigned i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		fetch_start(a.f, &(struct fetch_args){ .method = "GET", .url = str_from(urls[i]) },
			on_done, &a);
		assert_int_equal(a.n_done, i);
		await(&a, i + 1);
		assert_int_equal(a.err, i == 3 ? E_CONFIG : E_PARSE);
		assert_false(a.was_sent);
	}
	stop(&a);
	start_with(&a, (struct fetcher_args){ .https_only = true });
	ask_as(&a, "GET", NULL);
	await(&a, 1);
	assert_int_equal(a.err, E_PARSE);
	stop(&a);
}

static void a_stale_connection_is_replaced_once(void **state)
{
	struct app a;

	(void)state;
	start(&a);
	ask_as(&a, "GET", NULL);
	await(&a, 1);
	a.server.closes_unanswered = true;
	ask_as(&a, "GET", NULL);
	await(&a, 2);
	assert_int_equal(a.err, E_OK);
	assert_int_equal(a.server.n_peers, 2);
	/* What may have been acted upon is not repeated. */
	a.server.closes_unanswered = true;
	ask_as(&a, "POST", "x");
	await(&a, 3);
	assert_int_equal(a.err, E_UPSTREAM_CLOSED);
	assert_true(a.was_sent);
	assert_int_equal(a.server.n_peers, 2);
	/* Nor what failed on a fresh connection. */
	a.server.closes_unanswered = true;
	ask_as(&a, "GET", NULL);
	await(&a, 4);
	assert_int_equal(a.err, E_UPSTREAM_CLOSED);
	stop(&a);
}

static void a_refused_connection_is_an_error(void **state)
{
	struct app a;

	(void)state;
	start(&a);
	listener_close(&a.server.listener);
	turn(&a);
	ask_as(&a, "GET", NULL);
	await(&a, 1);
	assert_int_equal(a.err, E_REFUSED);
	assert_false(a.was_sent);
	stop(&a);
}

static void deadlines_hold_in_each_state(void **state)
{
	struct app a;

	(void)state;
	start_with(&a, (struct fetcher_args){ .total_ms = 50 });
	a.server.is_mute = true;
	ask_as(&a, "GET", NULL);                /* EXCHANGE */
	await(&a, 1);
	assert_int_equal(a.err, E_TIMEOUT);
	assert_true(a.was_sent);
	stop(&a);
	start_with(&a, (struct fetcher_args){ .response_ms = 50 });
	a.server.is_mute = true;
	ask_as(&a, "GET", NULL);
	await(&a, 1);
	assert_int_equal(a.err, E_UPSTREAM_TIMEOUT);
	stop(&a);
	start_with(&a, (struct fetcher_args){ .total_ms = 50, .connections_max = 1 });
	a.server.is_mute = true;
	ask_as(&a, "GET", NULL);
	ask_as(&a, "GET", NULL);                /* WAIT */
	await(&a, 2);
	assert_int_equal(a.err, E_TIMEOUT);
	stop(&a);
}

static void idle_connections_are_closed(void **state)
{
	struct app a;

	(void)state;
	start_with(&a, (struct fetcher_args){ .idle_ms = 20 });
	ask_as(&a, "GET", NULL);
	await(&a, 1);
	for (int i = 0; i < 10; i++)
		turn(&a);
	assert_null(a.server.peers[0].stream);
	stop(&a);
}

static void cancelling_is_silent_in_each_state(void **state)
{
	struct app a;

	(void)state;
	for (int turns = 0; turns < 12; turns++) {
		struct fetch *one, *two, *bad;

		start_with(&a, (struct fetcher_args){ .connections_max = 1 });
		a.server.is_mute = true;
		one = ask_as(&a, "GET", NULL);
		two = ask_as(&a, "GET", NULL);
		for (int i = 0; i < turns; i++)
			loop_turn(a.loop);
		bad = fetch_start(a.f, &(struct fetch_args){ .method = "GET", .url = STR("x") },
			on_done, &a);
		fetch_cancel(&bad);
		fetch_cancel(&one);
		if (turns % 2)
			fetch_cancel(&two);
		turn(&a);
		assert_int_equal(a.n_done, 0);
		stop(&a);
	}
}

static void the_fetcher_may_be_freed_from_a_callback(void **state)
{
	struct app a;

	(void)state;
	start(&a);
	a.frees_fetcher = true;
	ask_as(&a, "GET", NULL);
	ask_as(&a, "GET", NULL);
	await(&a, 1);
	turn(&a);
	assert_int_equal(a.n_done, 1);
	stop(&a);
	start(&a);
	a.frees_fetcher = true;
	fetch_start(a.f, &(struct fetch_args){ .method = "GET", .url = STR("x") }, on_done, &a);
	ask_as(&a, "GET", NULL);
	await(&a, 1);
	stop(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_is_collected),
		cmocka_unit_test(connections_are_used_again),
		cmocka_unit_test(more_requests_than_connections_wait),
		cmocka_unit_test(any_status_is_an_answer),
		cmocka_unit_test(bad_answers_are_errors),
		cmocka_unit_test(an_answer_cut_short_is_an_error),
		cmocka_unit_test(bad_urls_are_told_by_callback),
		cmocka_unit_test(a_stale_connection_is_replaced_once),
		cmocka_unit_test(a_refused_connection_is_an_error),
		cmocka_unit_test(deadlines_hold_in_each_state),
		cmocka_unit_test(idle_connections_are_closed),
		cmocka_unit_test(cancelling_is_silent_in_each_state),
		cmocka_unit_test(the_fetcher_may_be_freed_from_a_callback),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
