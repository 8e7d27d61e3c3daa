/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/http/h1_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/clock.h"
#include "tests/support/memory_stream.h"

#define GET "GET / HTTP/1.1\r\nHost: a\r\n"
#define POST "POST / HTTP/1.1\r\nHost: a\r\n"

/* What the owner of a request does by itself. */
enum manner {
	ECHO,      /* resumes; at the end answers 200 with "METHOD path body", and releases */
	MANUAL,    /* nothing */
	RESUME,    /* resumes only */
};

struct app {
	struct loop *loop;
	struct h1_server *server;
	struct memory_end client;
	struct stream *stream;        /* the server's end */
	enum manner manner;
	struct side *side;
	struct request_head *head;
	struct buf body;
	struct headers trailers;
	unsigned n_requests, n_ends, n_refused, status, n_closed, n_writable;
	enum err failed;
	bool closes_on_fail;
};

static const struct http_limits limits = { .head_bytes = 2048, .headers = 32 };

static void turn(struct app *a)
{
	for (int i = 0; i < 20; i++)
		loop_turn(a->loop);
}

static void answer(struct app *a, unsigned status, const char *text)
{
	struct response_head head = { .status = status, .body = BODY_LENGTH, .length = strlen(text) };

	assert_int_equal(side_send_response(a->side, &head), E_OK);
	if (*text)
		assert_int_equal(side_send_body(a->side, str_from(text)), E_OK);
	assert_int_equal(side_send_end(a->side, NULL), E_OK);
}

static void on_body(void *owner, struct str bytes)
{
	struct app *a = owner;

	assert_int_equal(buf_add(&a->body, bytes), E_OK);
}

static void on_end(void *owner, const struct headers *trailers)
{
	struct app *a = owner;
	char text[512];

	a->n_ends++;
	if (trailers)
		a->trailers = *trailers;
	if (a->manner != ECHO)
		return;
	snprintf(text, sizeof(text), "%.*s %.*s %.*s\n", STR_FMT(a->head->method),
		STR_FMT(a->head->path), STR_FMT(buf_str(&a->body)));
	buf_clear(&a->body);
	answer(a, 200, text);
	side_release(&a->side);
}

static void on_writable(void *owner)
{
	((struct app *)owner)->n_writable++;
}

static void on_fail(void *owner, enum err err)
{
	struct app *a = owner;

	a->failed = err;
	side_release(&a->side);
	if (a->closes_on_fail)
		h1_server_close(&a->server);
}

static const struct side_events side_events = {
	.on_body = on_body, .on_end = on_end, .on_writable = on_writable, .on_fail = on_fail,
};

static void on_request(void *owner, struct side *s, struct request_head *head)
{
	struct app *a = owner;

	a->side = s;
	a->head = head;
	a->n_requests++;
	side_own(s, &side_events, a);
	if (a->manner != MANUAL)
		side_resume(s);
}

static void on_refused(void *owner, enum err err, unsigned status)
{
	struct app *a = owner;

	assert_true(err);
	a->n_refused++;
	a->status = status;
}

static void on_closed(void *owner)
{
	struct app *a = owner;

	a->n_closed++;
	a->server = NULL;
}

static const struct h1_server_events server_events = { on_request, on_refused, on_closed };

static void start_with(struct app *a, enum manner manner, size_t segment, unsigned requests_max)
{
	struct h1_server_args args = {
		.limits = &limits, .events = &server_events, .owner = a, .requests_max = requests_max,
		.idle_ms = 1000, .head_ms = 2000, .body_ms = 3000, .write_ms = 4000,
	};
	struct stream *client;

	clock_test_set(784111777000, 1000);
	*a = (struct app){ .manner = manner };
	args.loop = a->loop = loop_new();
	buf_init(&a->body, 0);
	memory_stream_pair(a->loop, &a->stream, &client);
	memory_stream_set_segment(a->stream, segment);
	struct stream *s = a->stream;
	a->server = h1_server_new(&s, &args);
	memory_end_init(&a->client, &client);
	turn(a);
}

static void start(struct app *a, enum manner manner)
{
	start_with(a, manner, 0, 0);
}

static void stop(struct app *a)
{
	h1_server_close(&a->server);
	side_release(&a->side);
	memory_end_fini(&a->client);
	turn(a);
	assert_int_equal(memory_stream_count(), 0);
	buf_fini(&a->body);
	loop_free(&a->loop);
	clock_test_end();
}

static void say(struct app *a, const char *text)
{
	memory_end_write(&a->client, str_from(text));
	turn(a);
}

static void wait(struct app *a, int64_t ms)
{
	clock_test_advance(ms);
	turn(a);
}

static const char *got(struct app *a)
{
	return buf_cstring(&a->client.got);
}

static bool has(struct app *a, const char *text)
{
	return strstr(got(a), text);
}

static unsigned count(struct app *a, const char *text)
{
	unsigned n = 0;

	for (const char *at = got(a); (at = strstr(at, text)); at++)
		n++;
	return n;
}

static void a_request_is_answered_and_the_connection_kept(void **state)
{
	struct app a;

	(void)state;
	start(&a, ECHO);
	say(&a, GET "\r\n");
	assert_string_equal(got(&a), "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
		"Content-Length: 7\r\n\r\nGET / \n");
	say(&a, "POST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi");
	assert_true(has(&a, "POST /b hi\n"));
	assert_int_equal(a.n_requests, 2);
	assert_true(h1_server_is_idle(a.server));
	stop(&a);
}

static void requests_are_read_however_split(void **state)
{
	static const char text[] = "\r\nPOST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi"
		"POST /2 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;x\r\nabc\r\n0\r\nT: u\r\n\r\n"
		"\r\nGET /3 HTTP/1.0\r\n\r\n";

	(void)state;
	for (size_t n = 1; n < sizeof(text); n++) {
		struct app a;

		start_with(&a, ECHO, n, 0);
		say(&a, text);
		for (int i = 0; i < 20; i++)
			turn(&a);
		assert_true(has(&a, "POST /1 hi\n"));
		assert_true(has(&a, "POST /2 abc\n"));
		assert_true(has(&a, "GET /3 \n"));
		assert_int_equal(a.n_closed, 1);
		assert_true(a.client.is_eof);
		stop(&a);
	}
}

static void pipelined_requests_wait_their_turn(void **state)
{
	struct app a;

	(void)state;
	start(&a, RESUME);
	say(&a, GET "\r\n" "GET /2 HTTP/1.1\r\nHost: a\r\n\r\n" GET);
	assert_int_equal(a.n_requests, 1);
	answer(&a, 200, "one");
	turn(&a);
	assert_int_equal(a.n_requests, 1);
	side_release(&a.side);
	turn(&a);
	assert_int_equal(a.n_requests, 2);
	answer(&a, 404, "");
	side_release(&a.side);
	turn(&a);
	assert_int_equal(a.n_requests, 2);
	say(&a, "\r\n");
	assert_int_equal(a.n_requests, 3);
	assert_true(has(&a, "404 Not Found"));
	stop(&a);
}

static void pipelining_is_bounded_by_one_read(void **state)
{
	struct app a;
	char text[32 * 1024];

	(void)state;
	start(&a, RESUME);
	memory_stream_set_window(a.client.stream, 4096);
	say(&a, GET "\r\n");
	memset(text, 'x', sizeof(text));
	for (int i = 0; i < 20; i++)
		memory_end_write(&a.client, str_of(text, sizeof(text)));
	turn(&a);
	/* What the server does not read stays with the client. */
	assert_true(stream_queued(a.client.stream) > 19 * sizeof(text));
	stop(&a);
}

static void refused_requests_get_an_answer_and_nothing_after(void **state)
{
	static const struct {
		const char *text;
		unsigned status;
	} rows[] = {
		{ POST "Content-Length: 1\r\nContent-Length: 1\r\n\r\nx", 400 },
		{ POST "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400 },
		{ "GET / HTTP/1.1\nHost: a\n\n", 400 },
		{ "GET / HTTP/1.1\r\n\r\n", 400 },
		{ "BREW / HTTP/1.1\r\nHost: a\r\n\r\n", 501 },
		{ "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n", 501 },
		{ "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505 },
		{ "\x16\x03\x01", 400 },
		{ "\r\n\r\n", 400 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct app a;
		char status[8];

		start(&a, ECHO);
		memory_end_write(&a.client, str_from(rows[i].text));
		memory_end_write(&a.client, STR(GET "\r\n"));
		turn(&a);
		snprintf(status, sizeof(status), " %u ", rows[i].status);
		assert_true(has(&a, status));
		assert_true(has(&a, "Connection: close\r\n"));
		assert_int_equal(count(&a, "HTTP/1.1 "), 1);
		assert_int_equal(a.n_requests, 0);
		assert_int_equal(a.n_refused, 1);
		assert_int_equal(a.status, rows[i].status);
		assert_int_equal(a.n_closed, 1);
		stop(&a);
	}
}

static void heads_too_long_are_refused(void **state)
{
	struct app a;
	char text[3000];

	(void)state;
	memset(text, 'a', sizeof(text));
	text[sizeof(text) - 1] = 0;
	start(&a, ECHO);
	say(&a, text);
	assert_int_equal(a.status, 414);
	stop(&a);
	start(&a, ECHO);
	say(&a, GET);
	say(&a, text);
	assert_int_equal(a.status, 431);
	stop(&a);
}

static void nonsense_in_a_body_fails_the_request(void **state)
{
	struct app a;

	(void)state;
	start(&a, RESUME);
	say(&a, POST "Transfer-Encoding: chunked\r\n\r\n2\r\nabX\r\n" GET "\r\n");
	assert_int_equal(a.failed, E_HTTP);
	assert_true(has(&a, "400 Bad Request"));
	assert_int_equal(a.n_requests, 1);
	assert_int_equal(a.n_ends, 0);
	assert_int_equal(a.n_closed, 1);
	stop(&a);
}

static void no_body_comes_while_paused(void **state)
{
	struct app a;

	(void)state;
	start(&a, MANUAL);
	say(&a, POST "Content-Length: 6\r\n\r\nabc");
	assert_int_equal(a.n_requests, 1);
	assert_int_equal(a.body.len, 0);
	side_resume(a.side);
	assert_int_equal(a.body.len, 0);
	turn(&a);
	assert_int_equal(a.body.len, 3);
	side_pause(a.side);
	say(&a, "def");
	assert_int_equal(a.body.len, 3);
	assert_int_equal(a.n_ends, 0);
	/* A paused owner may take its time. */
	wait(&a, 100000);
	assert_int_equal(a.failed, E_OK);
	side_resume(a.side);
	turn(&a);
	assert_string_equal(buf_cstring(&a.body), "abcdef");
	assert_int_equal(a.n_ends, 1);
	stop(&a);
}

static void the_end_of_a_bodiless_request_comes_unasked(void **state)
{
	struct app a;

	(void)state;
	start(&a, MANUAL);
	say(&a, POST "Content-Length: 0\r\n\r\n");
	assert_int_equal(a.n_ends, 1);
	stop(&a);
}

static void trailers_are_told(void **state)
{
	struct app a;

	(void)state;
	start(&a, RESUME);
	say(&a, POST "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nX-Sum: 9\r\nHost: b\r\n\r\n");
	assert_int_equal(a.n_ends, 1);
	assert_int_equal(a.trailers.n, 1);
	assert_true(str_is(headers_get(&a.trailers, "x-sum"), "9"));
	stop(&a);
}

static void streams_are_chunked_with_trailers(void **state)
{
	struct app a;
	struct response_head head = { .status = 200, .body = BODY_STREAM, .reason = STR("Fine") };
	struct header fields[] = { { STR("Date"), STR("now") }, { STR("Connection"), STR("x") },
		{ STR("Content-Length"), STR("1") } };
	struct header trailer = { STR("X-Sum"), STR("3") };
	struct headers trailers = { .at = &trailer, .n = 1 };

	(void)state;
	head.headers = (struct headers){ .at = fields, .n = 3 };
	start(&a, RESUME);
	say(&a, GET "\r\n");
	assert_int_equal(side_send_response(a.side, &head), E_OK);
	side_send_body(a.side, STR("hello"));
	side_send_body(a.side, STR(""));
	turn(&a);
	assert_string_equal(got(&a), "HTTP/1.1 200 Fine\r\nDate: now\r\nTransfer-Encoding: chunked\r\n\r\n"
		"5\r\nhello\r\n");
	side_send_end(a.side, &trailers);
	side_release(&a.side);
	turn(&a);
	assert_true(has(&a, "0\r\nX-Sum: 3\r\n\r\n"));
	say(&a, GET "\r\n");
	assert_int_equal(a.n_requests, 2);
	stop(&a);
}

static void a_held_head_leaves_at_the_end_of_the_turn(void **state)
{
	struct app a;
	struct response_head head = { .status = 200, .body = BODY_STREAM };

	(void)state;
	start(&a, RESUME);
	say(&a, GET "\r\n");
	side_send_response(a.side, &head);
	assert_true(side_queued(a.side) > 0);
	assert_int_equal(a.client.got.len, 0);
	turn(&a);
	assert_true(has(&a, "200 OK"));
	assert_true(a.head->version == 11);
	stop(&a);
}

static void http10_gets_no_chunks_and_no_interim_answers(void **state)
{
	struct app a;
	struct response_head early = { .status = 103 }, head = { .status = 200, .body = BODY_STREAM };

	(void)state;
	start(&a, RESUME);
	say(&a, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
	assert_int_equal(side_send_response(a.side, &early), E_OK);
	side_send_response(a.side, &head);
	side_send_body(a.side, STR("abc"));
	side_send_end(a.side, NULL);
	side_release(&a.side);
	turn(&a);
	assert_false(has(&a, "103"));
	assert_false(has(&a, "chunked"));
	assert_true(has(&a, "Connection: close\r\n\r\nabc"));
	assert_true(a.client.is_eof);
	stop(&a);
}

static void http10_is_kept_alive_when_it_asks(void **state)
{
	struct app a;

	(void)state;
	start(&a, ECHO);
	say(&a, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
	assert_true(has(&a, "Connection: keep-alive\r\n"));
	say(&a, "GET /2 HTTP/1.0\r\n\r\n");
	assert_true(has(&a, "GET /2"));
	assert_true(has(&a, "Connection: close\r\n"));
	assert_true(a.client.is_eof);
	stop(&a);
}

static void head_and_304_have_no_body(void **state)
{
	struct app a;
	struct response_head head = { .status = 304, .has_announced_length = true, .length = 9 };

	(void)state;
	start(&a, RESUME);
	say(&a, "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
	answer(&a, 200, "invisible");
	side_release(&a.side);
	turn(&a);
	assert_true(has(&a, "Content-Length: 9\r\n\r\n"));
	assert_false(has(&a, "invisible"));
	say(&a, GET "\r\n");
	buf_clear(&a.client.got);
	side_send_response(a.side, &head);
	side_send_end(a.side, NULL);
	side_release(&a.side);
	turn(&a);
	assert_true(has(&a, "304 Not Modified\r\n"));
	assert_true(has(&a, "Content-Length: 9\r\n\r\n"));
	say(&a, GET "\r\n");
	assert_int_equal(a.n_requests, 3);
	stop(&a);
}

static void interim_answers_are_relayed(void **state)
{
	struct app a;
	struct header link = { STR("Link"), STR("</a>") };
	struct response_head early = { .status = 103, .headers = { .at = &link, .n = 1 } };

	(void)state;
	start(&a, RESUME);
	say(&a, GET "\r\n");
	side_send_response(a.side, &early);
	answer(&a, 200, "x");
	side_release(&a.side);
	turn(&a);
	assert_int_equal(strncmp(got(&a), "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 ", 52), 0);
	stop(&a);
}

static void continue_is_sent_when_the_owner_resumes(void **state)
{
	struct app a;

	(void)state;
	start(&a, MANUAL);
	say(&a, POST "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n");
	assert_true(a.head->expects_continue);
	assert_int_equal(a.client.got.len, 0);
	side_resume(a.side);
	turn(&a);
	assert_string_equal(got(&a), "HTTP/1.1 100 Continue\r\n\r\n");
	side_pause(a.side);
	side_resume(a.side);
	turn(&a);
	assert_int_equal(count(&a, "100"), 1);
	say(&a, "ok");
	assert_int_equal(a.n_ends, 1);
	stop(&a);
}

static void a_relayed_continue_is_not_repeated(void **state)
{
	struct app a;
	struct response_head head = { .status = 100 };

	(void)state;
	start(&a, MANUAL);
	say(&a, POST "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n");
	side_send_response(a.side, &head);
	side_resume(a.side);
	turn(&a);
	assert_string_equal(got(&a), "HTTP/1.1 100 Continue\r\n\r\n");
	side_send_response(a.side, &head);
	turn(&a);
	assert_int_equal(count(&a, "100"), 1);
	stop(&a);
}

static void a_refusal_instead_of_continue_closes(void **state)
{
	struct app a;

	(void)state;
	start(&a, MANUAL);
	say(&a, POST "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n");
	answer(&a, 413, "no");
	side_release(&a.side);
	turn(&a);
	assert_true(has(&a, "Connection: close"));
	assert_int_equal(a.n_closed, 1);
	assert_int_equal(a.n_requests, 1);
	stop(&a);
}

static void an_early_answer_drops_the_rest_of_the_body(void **state)
{
	struct app a;

	(void)state;
	start(&a, MANUAL);
	say(&a, POST "Content-Length: 6\r\n\r\nabc");
	answer(&a, 200, "early");
	side_release(&a.side);
	turn(&a);
	say(&a, "def" GET "\r\n");
	assert_int_equal(a.n_requests, 2);
	assert_int_equal(a.body.len, 0);
	stop(&a);
}

static void an_early_answer_to_a_huge_body_closes(void **state)
{
	struct app a;

	(void)state;
	start(&a, MANUAL);
	say(&a, POST "Content-Length: 10000000\r\n\r\nabc");
	answer(&a, 413, "too much");
	side_release(&a.side);
	turn(&a);
	assert_true(has(&a, "too much"));
	assert_int_equal(a.n_closed, 1);
	stop(&a);
	start(&a, MANUAL);
	say(&a, POST "Transfer-Encoding: chunked\r\n\r\n80000\r\nabc");
	answer(&a, 413, "too much");
	side_release(&a.side);
	turn(&a);
	assert_int_equal(a.n_closed, 0);
	for (int i = 0; i < 3; i++) {
		char text[100001];

		memset(text, 'x', sizeof(text));
		text[100000] = 0;
		say(&a, text);
	}
	assert_int_equal(a.n_closed, 1);
	stop(&a);
}

static void a_half_closed_client_gets_its_answer(void **state)
{
	struct app a;

	(void)state;
	start(&a, RESUME);
	memory_end_write(&a.client, STR(GET "\r\n"));
	stream_shutdown(a.client.stream);
	turn(&a);
	assert_int_equal(a.n_requests, 1);
	assert_int_equal(a.failed, E_OK);
	answer(&a, 200, "here");
	side_release(&a.side);
	turn(&a);
	assert_true(has(&a, "here"));
	assert_int_equal(a.n_closed, 1);
	stop(&a);
}

static void an_upgrade_hands_over_every_byte(void **state)
{
	struct app a;
	struct response_head head = { .status = 101, .upgrade = STR("websocket") };

	(void)state;
	start(&a, RESUME);
	say(&a, GET "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\nraw\r\n\r\n");
	assert_true(str_is(a.head->upgrade, "websocket"));
	assert_int_equal(a.n_ends, 0);
	assert_int_equal(a.body.len, 0);
	/* The upstream may take longer to agree than a client may to send a body. */
	wait(&a, 100000);
	assert_int_equal(side_send_response(a.side, &head), E_OK);
	turn(&a);
	assert_string_equal(got(&a), "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
		"Upgrade: websocket\r\n\r\n");
	assert_string_equal(buf_cstring(&a.body), "raw\r\n\r\n");
	buf_clear(&a.client.got);
	side_send_body(a.side, STR("\x81\x01x"));
	turn(&a);
	assert_string_equal(got(&a), "\x81\x01x");
	/* Nothing times out by itself in a tunnel. */
	wait(&a, 1000000);
	say(&a, GET "\r\n");
	assert_int_equal(a.n_requests, 1);
	stream_shutdown(a.client.stream);
	turn(&a);
	assert_int_equal(a.n_ends, 1);
	side_send_body(a.side, STR("bye"));
	side_send_end(a.side, NULL);
	side_release(&a.side);
	turn(&a);
	assert_true(has(&a, "bye"));
	assert_true(a.client.is_eof);
	assert_int_equal(a.n_closed, 1);
	stop(&a);
}

static void a_refused_upgrade_is_an_ordinary_request(void **state)
{
	struct app a;

	(void)state;
	start(&a, RESUME);
	say(&a, GET "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n" GET "\r\n");
	answer(&a, 403, "no");
	turn(&a);
	assert_int_equal(a.n_ends, 1);
	side_release(&a.side);
	turn(&a);
	assert_int_equal(a.n_requests, 2);
	stop(&a);
}

static void a_slow_reader_is_waited_for_before_the_next_request(void **state)
{
	struct app a;
	static char text[100001];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	start(&a, RESUME);
	memory_stream_set_window(a.stream, 1024);
	stream_read_stop(a.client.stream);
	memory_end_write(&a.client, STR(GET "\r\n" GET "\r\n"));
	turn(&a);
	answer(&a, 200, text);
	assert_true(side_queued(a.side) > 90000);
	side_release(&a.side);
	turn(&a);
	assert_int_equal(a.n_requests, 1);
	stream_read_start(a.client.stream);
	for (int i = 0; i < 200; i++)
		turn(&a);
	assert_int_equal(a.n_requests, 2);
	stop(&a);
}

static void writable_is_told_when_the_queue_is_empty(void **state)
{
	struct app a;
	static char text[100001];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	start(&a, RESUME);
	memory_stream_set_window(a.stream, 4096);
	say(&a, GET "\r\n");
	answer(&a, 200, text);
	for (int i = 0; i < 50; i++)
		turn(&a);
	assert_int_equal(a.n_writable, 1);
	assert_int_equal(side_queued(a.side), 0);
	stop(&a);
}

static void a_reader_that_stands_still_is_dropped(void **state)
{
	struct app a;
	static char text[100001];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	start(&a, RESUME);
	memory_stream_set_window(a.stream, 1024);
	stream_read_stop(a.client.stream);
	memory_end_write(&a.client, STR(GET "\r\n"));
	turn(&a);
	answer(&a, 200, text);
	wait(&a, 3900);
	assert_int_equal(a.failed, E_OK);
	wait(&a, 200);
	assert_int_equal(a.failed, E_TIMEOUT);
	assert_int_equal(a.n_closed, 1);
	stop(&a);
}

static void more_or_less_than_announced_is_an_abort(void **state)
{
	struct app a;
	struct response_head head = { .status = 200, .body = BODY_LENGTH, .length = 3 };

	(void)state;
	start(&a, RESUME);
	say(&a, GET "\r\n");
	side_send_response(a.side, &head);
	assert_int_equal(side_send_body(a.side, STR("abcd")), E_LIMIT);
	assert_int_equal(a.failed, E_OK);
	turn(&a);
	assert_int_equal(a.failed, E_LIMIT);
	assert_int_equal(a.client.err, E_RESET);
	stop(&a);
	start(&a, RESUME);
	say(&a, GET "\r\n");
	side_send_response(a.side, &head);
	side_send_body(a.side, STR("ab"));
	assert_int_equal(side_send_end(a.side, NULL), E_HTTP);
	side_release(&a.side);
	turn(&a);
	assert_int_equal(a.client.err, E_RESET);
	assert_int_equal(a.n_closed, 1);
	stop(&a);
}

static void line_breaks_in_a_head_are_not_written(void **state)
{
	struct app a;
	struct header field = { STR("X"), STR("a\r\nSet-Cookie: b") };
	struct response_head head = { .status = 200, .headers = { .at = &field, .n = 1 } };

	(void)state;
	start(&a, RESUME);
	say(&a, GET "\r\n");
	assert_int_equal(side_send_response(a.side, &head), E_HTTP);
	side_release(&a.side);
	turn(&a);
	assert_int_equal(a.client.got.len, 0);
	stop(&a);
}

static void deadlines_hold_in_each_state(void **state)
{
	struct app a;

	(void)state;
	start(&a, MANUAL);                          /* IDLE */
	wait(&a, 1100);
	assert_int_equal(a.n_closed, 1);
	assert_int_equal(a.client.got.len, 0);
	assert_true(a.client.is_eof);
	stop(&a);
	start(&a, MANUAL);                          /* HEAD */
	say(&a, "G");
	wait(&a, 1500);
	say(&a, "E");
	assert_int_equal(a.n_closed, 0);
	wait(&a, 600);
	assert_true(has(&a, "408 Request Timeout"));
	assert_int_equal(a.status, 408);
	stop(&a);
	start(&a, RESUME);                          /* EXCHANGE */
	say(&a, POST "Content-Length: 5\r\n\r\na");
	wait(&a, 2500);
	say(&a, "b");
	wait(&a, 2500);
	assert_int_equal(a.failed, E_OK);
	wait(&a, 600);
	assert_int_equal(a.failed, E_TIMEOUT);
	assert_true(has(&a, "408 "));
	stop(&a);
	start(&a, MANUAL);                          /* DRAIN */
	say(&a, POST "Content-Length: 5\r\n\r\na");
	answer(&a, 200, "");
	side_release(&a.side);
	turn(&a);
	assert_int_equal(a.n_closed, 0);
	wait(&a, 3100);
	assert_int_equal(a.n_closed, 1);
	stop(&a);
}

static void clients_may_leave_in_each_state(void **state)
{
	static const char *const texts[] = { "", "GET", GET "\r\n", POST "Content-Length: 5\r\n\r\nab",
		POST "Transfer-Encoding: chunked\r\n\r\n5\r\nab",
		GET "Connection: upgrade\r\nUpgrade: x\r\n\r\n" };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		for (int how = 0; how < 4; how++) {
			struct app a;

			start(&a, how == 3 ? MANUAL : RESUME);
			a.closes_on_fail = how == 2;
			if (*texts[i])
				say(&a, texts[i]);
			if (how == 0)
				stream_shutdown(a.client.stream);
			else
				memory_stream_break(a.stream, E_RESET);
			turn(&a);
			if (how)
				assert_true(!a.server);
			if (how && i >= 2)
				assert_int_equal(a.failed, E_RESET);
			else if (i == 3 || i == 4)
				assert_int_equal(a.failed, E_EOF);
			stop(&a);
		}
	}
}

static void owners_may_close_in_each_state(void **state)
{
	static const char *const texts[] = { "", "GET", GET "\r\n", POST "Content-Length: 5\r\n\r\nab",
		GET "Connection: upgrade\r\nUpgrade: x\r\n\r\nzzz" };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		for (int is_released = 0; is_released < 3; is_released++) {
			struct app a;

			start(&a, RESUME);
			if (*texts[i])
				say(&a, texts[i]);
			if (is_released == 1)
				side_release(&a.side);
			if (is_released == 2 && a.side) {
				answer(&a, 200, "x");
				side_release(&a.side);
			}
			h1_server_close(&a.server);
			turn(&a);
			assert_int_equal(a.n_closed, 0);
			assert_int_equal(a.failed, E_OK);
			stop(&a);
		}
	}
}

static void a_release_without_an_answer_aborts(void **state)
{
	struct app a;

	(void)state;
	start(&a, RESUME);
	say(&a, GET "\r\n");
	side_release(&a.side);
	assert_int_equal(a.n_closed, 0);
	turn(&a);
	assert_int_equal(a.n_closed, 1);
	assert_int_equal(a.client.err, E_RESET);
	stop(&a);
}

static void ops_after_the_end_are_harmless(void **state)
{
	struct app a;
	struct response_head head = { .status = 200 };

	(void)state;
	start(&a, RESUME);
	say(&a, GET "\r\n");
	h1_server_close(&a.server);
	assert_int_equal(side_send_response(a.side, &head), E_RESET);
	assert_int_equal(side_send_body(a.side, STR("x")), E_RESET);
	assert_int_equal(side_send_end(a.side, NULL), E_RESET);
	assert_int_equal(side_queued(a.side), 0);
	side_resume(a.side);
	side_pause(a.side);
	stop(&a);
}

static void a_drained_connection_closes_when_it_may(void **state)
{
	struct app a;

	(void)state;
	start(&a, RESUME);
	h1_server_drain(a.server);
	assert_int_equal(a.n_closed, 0);
	turn(&a);
	assert_int_equal(a.n_closed, 1);
	stop(&a);
	start(&a, RESUME);
	say(&a, GET "\r\n");
	h1_server_drain(a.server);
	turn(&a);
	answer(&a, 200, "last");
	side_release(&a.side);
	turn(&a);
	assert_true(has(&a, "Connection: close\r\n\r\nlast"));
	assert_int_equal(a.n_closed, 1);
	stop(&a);
}

static void requests_per_connection_are_limited(void **state)
{
	struct app a;

	(void)state;
	start_with(&a, ECHO, 0, 2);
	say(&a, GET "\r\n" GET "\r\n" GET "\r\n");
	turn(&a);
	assert_int_equal(a.n_requests, 2);
	assert_int_equal(count(&a, "Connection: close"), 1);
	assert_int_equal(a.n_closed, 1);
	stop(&a);
}

static void random_bytes_break_nothing(void **state)
{
	static const char alphabet[] = "\r\n\r\n :;,0123456789abcdefGETHTTP/1.1hunked-\t\"=\0\x80";
	static const char *const starts[] = { "", GET, POST "Transfer-Encoding: chunked\r\n\r\n",
		POST "Content-Length: 40\r\n\r\n", GET "Connection: upgrade\r\nUpgrade: x\r\n\r\n" };

	(void)state;
	srand(1);
	for (int i = 0; i < 500; i++) {
		struct app a;
		char text[400];
		size_t len = (size_t)rand() % sizeof(text);

		start_with(&a, rand() % 2 ? ECHO : MANUAL, (size_t)rand() % 50, 0);
		for (size_t k = 0; k < len; k++)
			text[k] = alphabet[(size_t)rand() % sizeof(alphabet)];
		if (*starts[i % 5])
			memory_end_write(&a.client, str_from(starts[i % 5]));
		memory_end_write(&a.client, str_of(text, len));
		turn(&a);
		if (i % 3 == 0)
			stream_shutdown(a.client.stream);
		wait(&a, 1500);
		wait(&a, 1500);
		stop(&a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_is_answered_and_the_connection_kept),
		cmocka_unit_test(requests_are_read_however_split),
		cmocka_unit_test(pipelined_requests_wait_their_turn),
		cmocka_unit_test(pipelining_is_bounded_by_one_read),
		cmocka_unit_test(refused_requests_get_an_answer_and_nothing_after),
		cmocka_unit_test(heads_too_long_are_refused),
		cmocka_unit_test(nonsense_in_a_body_fails_the_request),
		cmocka_unit_test(no_body_comes_while_paused),
		cmocka_unit_test(the_end_of_a_bodiless_request_comes_unasked),
		cmocka_unit_test(trailers_are_told),
		cmocka_unit_test(streams_are_chunked_with_trailers),
		cmocka_unit_test(a_held_head_leaves_at_the_end_of_the_turn),
		cmocka_unit_test(http10_gets_no_chunks_and_no_interim_answers),
		cmocka_unit_test(http10_is_kept_alive_when_it_asks),
		cmocka_unit_test(head_and_304_have_no_body),
		cmocka_unit_test(interim_answers_are_relayed),
		cmocka_unit_test(continue_is_sent_when_the_owner_resumes),
		cmocka_unit_test(a_relayed_continue_is_not_repeated),
		cmocka_unit_test(a_refusal_instead_of_continue_closes),
		cmocka_unit_test(an_early_answer_drops_the_rest_of_the_body),
		cmocka_unit_test(an_early_answer_to_a_huge_body_closes),
		cmocka_unit_test(a_half_closed_client_gets_its_answer),
		cmocka_unit_test(an_upgrade_hands_over_every_byte),
		cmocka_unit_test(a_refused_upgrade_is_an_ordinary_request),
		cmocka_unit_test(a_slow_reader_is_waited_for_before_the_next_request),
		cmocka_unit_test(writable_is_told_when_the_queue_is_empty),
		cmocka_unit_test(a_reader_that_stands_still_is_dropped),
		cmocka_unit_test(more_or_less_than_announced_is_an_abort),
		cmocka_unit_test(line_breaks_in_a_head_are_not_written),
		cmocka_unit_test(deadlines_hold_in_each_state),
		cmocka_unit_test(clients_may_leave_in_each_state),
		cmocka_unit_test(owners_may_close_in_each_state),
		cmocka_unit_test(a_release_without_an_answer_aborts),
		cmocka_unit_test(ops_after_the_end_are_harmless),
		cmocka_unit_test(a_drained_connection_closes_when_it_may),
		cmocka_unit_test(requests_per_connection_are_limited),
		cmocka_unit_test(random_bytes_break_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
