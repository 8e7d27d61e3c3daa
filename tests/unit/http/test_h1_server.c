/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/http/served.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "base/clock.h"

static void a_request_is_answered_and_the_connection_kept(void **state)
{
	struct app a;

	(void)state;
	served_start(&a, ECHO);
	served_say(&a, GET "\r\n");
	assert_string_equal(served_got(&a), "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
		"Content-Length: 7\r\n\r\nGET / \n");
	served_say(&a, "POST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi");
	assert_true(served_has(&a, "POST /b hi\n"));
	assert_int_equal(a.n_requests, 2);
	assert_true(h1_server_is_idle(a.server));
	served_stop(&a);
}

static void requests_are_read_however_split(void **state)
{
	static const char text[] = "\r\nPOST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi"
		"POST /2 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;x\r\nabc\r\n0\r\nT: u\r\n\r\n"
		"\r\nGET /3 HTTP/1.0\r\n\r\n";

	(void)state;
	for (size_t n = 1; n < sizeof(text); n++) {
		struct app a;

		served_start_with(&a, ECHO, n, 0);
		served_say(&a, text);
		for (int i = 0; i < 20; i++)
			served_turn(&a);
		assert_true(served_has(&a, "POST /1 hi\n"));
		assert_true(served_has(&a, "POST /2 abc\n"));
		assert_true(served_has(&a, "GET /3 \n"));
		assert_int_equal(a.n_closed, 1);
		assert_true(a.client.is_eof);
		served_stop(&a);
	}
}

static void pipelined_requests_wait_their_turn(void **state)
{
	struct app a;

	(void)state;
	served_start(&a, RESUME);
	served_say(&a, GET "\r\n" "GET /2 HTTP/1.1\r\nHost: a\r\n\r\n" GET);
	assert_int_equal(a.n_requests, 1);
	served_answer(&a, 200, "one");
	served_turn(&a);
	assert_int_equal(a.n_requests, 1);
	side_release(&a.side);
	served_turn(&a);
	assert_int_equal(a.n_requests, 2);
	served_answer(&a, 404, "");
	side_release(&a.side);
	served_turn(&a);
	assert_int_equal(a.n_requests, 2);
	served_say(&a, "\r\n");
	assert_int_equal(a.n_requests, 3);
	assert_true(served_has(&a, "404 Not Found"));
	served_stop(&a);
}

static void pipelining_is_bounded_by_one_read(void **state)
{
	struct app a;
	char text[32 * 1024];

	(void)state;
	served_start(&a, RESUME);
	memory_stream_set_window(a.client.stream, 4096);
	served_say(&a, GET "\r\n");
	memset(text, 'x', sizeof(text));
	for (int i = 0; i < 20; i++)
		memory_end_write(&a.client, str_of(text, sizeof(text)));
	served_turn(&a);
	/* What the server does not read stays with the client. */
	assert_true(stream_queued(a.client.stream) > 19 * sizeof(text));
	served_stop(&a);
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

		served_start(&a, ECHO);
		memory_end_write(&a.client, str_from(rows[i].text));
		memory_end_write(&a.client, STR(GET "\r\n"));
		served_turn(&a);
		snprintf(status, sizeof(status), " %u ", rows[i].status);
		assert_true(served_has(&a, status));
		assert_true(served_has(&a, "Connection: close\r\n"));
		assert_int_equal(served_count(&a, "HTTP/1.1 "), 1);
		assert_int_equal(a.n_requests, 0);
		assert_int_equal(a.n_refused, 1);
		assert_int_equal(a.status, rows[i].status);
		assert_int_equal(a.n_closed, 1);
		served_stop(&a);
	}
}

static void heads_too_long_are_refused(void **state)
{
	struct app a;
	char text[3000];

	(void)state;
	memset(text, 'a', sizeof(text));
	text[sizeof(text) - 1] = 0;
	served_start(&a, ECHO);
	served_say(&a, text);
	assert_int_equal(a.status, 414);
	served_stop(&a);
	served_start(&a, ECHO);
	served_say(&a, GET);
	served_say(&a, text);
	assert_int_equal(a.status, 431);
	served_stop(&a);
}

static void nonsense_in_a_body_fails_the_request(void **state)
{
	struct app a;

	(void)state;
	served_start(&a, RESUME);
	served_say(&a, POST "Transfer-Encoding: chunked\r\n\r\n2\r\nabX\r\n" GET "\r\n");
	assert_int_equal(a.failed, E_HTTP);
	assert_true(served_has(&a, "400 Bad Request"));
	assert_int_equal(a.n_requests, 1);
	assert_int_equal(a.n_ends, 0);
	assert_int_equal(a.n_closed, 1);
	served_stop(&a);
}

static void no_body_comes_while_paused(void **state)
{
	struct app a;

	(void)state;
	served_start(&a, MANUAL);
	served_say(&a, POST "Content-Length: 6\r\n\r\nabc");
	assert_int_equal(a.n_requests, 1);
	assert_int_equal(a.body.len, 0);
	side_resume(a.side);
	assert_int_equal(a.body.len, 0);
	served_turn(&a);
	assert_int_equal(a.body.len, 3);
	side_pause(a.side);
	served_say(&a, "def");
	assert_int_equal(a.body.len, 3);
	assert_int_equal(a.n_ends, 0);
	/* A paused owner may take its time. */
	served_wait(&a, 100000);
	assert_int_equal(a.failed, E_OK);
	side_resume(a.side);
	served_turn(&a);
	assert_string_equal(buf_cstring(&a.body), "abcdef");
	assert_int_equal(a.n_ends, 1);
	served_stop(&a);
}

static void the_end_of_a_bodiless_request_comes_unasked(void **state)
{
	struct app a;

	(void)state;
	served_start(&a, MANUAL);
	served_say(&a, POST "Content-Length: 0\r\n\r\n");
	assert_int_equal(a.n_ends, 1);
	served_stop(&a);
}

static void trailers_are_told(void **state)
{
	struct app a;

	(void)state;
	served_start(&a, RESUME);
	served_say(&a, POST "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nX-Sum: 9\r\nHost: b\r\n\r\n");
	assert_int_equal(a.n_ends, 1);
	assert_int_equal(a.trailers.n, 1);
	assert_true(str_is(headers_get(&a.trailers, "x-sum"), "9"));
	served_stop(&a);
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
	served_start(&a, RESUME);
	served_say(&a, GET "\r\n");
	assert_int_equal(side_send_response(a.side, &head), E_OK);
	side_send_body(a.side, STR("hello"));
	side_send_body(a.side, STR(""));
	served_turn(&a);
	assert_string_equal(served_got(&a), "HTTP/1.1 200 Fine\r\nDate: now\r\nTransfer-Encoding: chunked\r\n\r\n"
		"5\r\nhello\r\n");
	side_send_end(a.side, &trailers);
	side_release(&a.side);
	served_turn(&a);
	assert_true(served_has(&a, "0\r\nX-Sum: 3\r\n\r\n"));
	served_say(&a, GET "\r\n");
	assert_int_equal(a.n_requests, 2);
	served_stop(&a);
}

static void a_held_head_leaves_at_the_end_of_the_turn(void **state)
{
	struct app a;
	struct response_head head = { .status = 200, .body = BODY_STREAM };

	(void)state;
	served_start(&a, RESUME);
	served_say(&a, GET "\r\n");
	side_send_response(a.side, &head);
	assert_true(side_queued(a.side) > 0);
	assert_int_equal(a.client.got.len, 0);
	served_turn(&a);
	assert_true(served_has(&a, "200 OK"));
	assert_true(a.head->version == 11);
	served_stop(&a);
}

static void the_head_of_a_short_body_waits_for_it_a_moment(void **state)
{
	struct app a;
	struct response_head head = { .status = 200, .body = BODY_LENGTH, .length = 5 };

	(void)state;
	for (int is_late = 0; is_late < 2; is_late++) {
		clock_test_set(784111777000, 1000);
		served_start(&a, RESUME);
		served_say(&a, GET "\r\n");
		side_send_response(a.side, &head);
		for (int i = 0; i < 3; i++)
			served_turn(&a);
		clock_test_advance(9);
		served_turn(&a);
		assert_int_equal(a.client.got.len, 0);
		if (is_late) {
			clock_test_advance(1);
			served_turn(&a);
			assert_true(served_has(&a, "Content-Length: 5\r\n\r\n"));
		}
		assert_false(served_has(&a, "he"));
		side_send_body(a.side, STR("he"));
		served_turn(&a);
		assert_true(served_has(&a, "\r\n\r\nhe"));
		clock_test_advance(100);
		served_turn(&a);
		side_send_body(a.side, STR("llo"));
		side_send_end(a.side, NULL);
		side_release(&a.side);
		served_turn(&a);
		assert_true(served_has(&a, "\r\n\r\nhello"));
		served_say(&a, GET "\r\n");
		assert_int_equal(a.n_requests, 2);
		served_stop(&a);
		clock_test_end();
	}
}

/* The moment's deadline is that of writing as well: it must not end a client that takes its time. */
static void a_slow_client_is_not_taken_for_a_late_body(void **state)
{
	struct app a;
	struct response_head head = { .status = 200, .body = BODY_LENGTH, .length = 16000 };
	static char body[16000];

	(void)state;
	clock_test_set(784111777000, 1000);
	served_start(&a, RESUME);
	served_say(&a, GET "\r\n");
	memory_stream_set_window(a.stream, 0);
	side_send_response(a.side, &head);
	served_turn(&a);
	side_send_body(a.side, str_of(body, sizeof(body)));
	side_send_end(a.side, NULL);
	for (int i = 0; i < 5; i++) {
		clock_test_advance(10);
		served_turn(&a);
	}
	assert_int_equal(a.failed, E_OK);
	memory_stream_set_window(a.stream, 65536);
	for (int i = 0; i < 10; i++)
		served_turn(&a);
	assert_true(a.client.got.len > sizeof(body));
	side_release(&a.side);
	served_turn(&a);
	assert_int_equal(a.n_closed, 0);
	served_stop(&a);
	clock_test_end();
}

static void heads_of_long_bodies_do_not_wait(void **state)
{
	struct app a;
	struct response_head head = { .status = 200, .body = BODY_LENGTH, .length = 16 * 1024 + 1 };

	(void)state;
	served_start(&a, RESUME);
	served_say(&a, GET "\r\n");
	side_send_response(a.side, &head);
	served_turn(&a);
	assert_true(served_has(&a, "Content-Length: 16385\r\n\r\n"));
	served_stop(&a);
}

static void http10_gets_no_chunks_and_no_interim_answers(void **state)
{
	struct app a;
	struct response_head early = { .status = 103 }, head = { .status = 200, .body = BODY_STREAM };

	(void)state;
	served_start(&a, RESUME);
	served_say(&a, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
	assert_int_equal(side_send_response(a.side, &early), E_OK);
	side_send_response(a.side, &head);
	side_send_body(a.side, STR("abc"));
	side_send_end(a.side, NULL);
	side_release(&a.side);
	served_turn(&a);
	assert_false(served_has(&a, "103"));
	assert_false(served_has(&a, "chunked"));
	assert_true(served_has(&a, "Connection: close\r\n\r\nabc"));
	assert_true(a.client.is_eof);
	served_stop(&a);
}

static void http10_is_kept_alive_when_it_asks(void **state)
{
	struct app a;

	(void)state;
	served_start(&a, ECHO);
	served_say(&a, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
	assert_true(served_has(&a, "Connection: keep-alive\r\n"));
	served_say(&a, "GET /2 HTTP/1.0\r\n\r\n");
	assert_true(served_has(&a, "GET /2"));
	assert_true(served_has(&a, "Connection: close\r\n"));
	assert_true(a.client.is_eof);
	served_stop(&a);
}

static void head_and_304_have_no_body(void **state)
{
	struct app a;
	struct response_head head = { .status = 304, .has_announced_length = true, .length = 9 };

	(void)state;
	served_start(&a, RESUME);
	served_say(&a, "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
	served_answer(&a, 200, "invisible");
	side_release(&a.side);
	served_turn(&a);
	assert_true(served_has(&a, "Content-Length: 9\r\n\r\n"));
	assert_false(served_has(&a, "invisible"));
	served_say(&a, GET "\r\n");
	buf_clear(&a.client.got);
	side_send_response(a.side, &head);
	side_send_end(a.side, NULL);
	side_release(&a.side);
	served_turn(&a);
	assert_true(served_has(&a, "304 Not Modified\r\n"));
	assert_true(served_has(&a, "Content-Length: 9\r\n\r\n"));
	served_say(&a, GET "\r\n");
	assert_int_equal(a.n_requests, 3);
	served_stop(&a);
}

static void interim_answers_are_relayed(void **state)
{
	struct app a;
	struct header link = { STR("Link"), STR("</a>") };
	struct response_head early = { .status = 103, .headers = { .at = &link, .n = 1 } };

	(void)state;
	served_start(&a, RESUME);
	served_say(&a, GET "\r\n");
	side_send_response(a.side, &early);
	served_answer(&a, 200, "x");
	side_release(&a.side);
	served_turn(&a);
	assert_int_equal(strncmp(served_got(&a), "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 ", 52), 0);
	served_stop(&a);
}

static void continue_is_sent_when_the_owner_resumes(void **state)
{
	struct app a;

	(void)state;
	served_start(&a, MANUAL);
	served_say(&a, POST "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n");
	assert_true(a.head->expects_continue);
	assert_int_equal(a.client.got.len, 0);
	side_resume(a.side);
	served_turn(&a);
	assert_string_equal(served_got(&a), "HTTP/1.1 100 Continue\r\n\r\n");
	side_pause(a.side);
	side_resume(a.side);
	served_turn(&a);
	assert_int_equal(served_count(&a, "100"), 1);
	served_say(&a, "ok");
	assert_int_equal(a.n_ends, 1);
	served_stop(&a);
}

static void a_relayed_continue_is_not_repeated(void **state)
{
	struct app a;
	struct response_head head = { .status = 100 };

	(void)state;
	served_start(&a, MANUAL);
	served_say(&a, POST "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n");
	side_send_response(a.side, &head);
	side_resume(a.side);
	served_turn(&a);
	assert_string_equal(served_got(&a), "HTTP/1.1 100 Continue\r\n\r\n");
	side_send_response(a.side, &head);
	served_turn(&a);
	assert_int_equal(served_count(&a, "100"), 1);
	served_stop(&a);
}

static void a_refusal_instead_of_continue_closes(void **state)
{
	struct app a;

	(void)state;
	served_start(&a, MANUAL);
	served_say(&a, POST "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n");
	served_answer(&a, 413, "no");
	side_release(&a.side);
	served_turn(&a);
	assert_true(served_has(&a, "Connection: close"));
	assert_int_equal(a.n_closed, 1);
	assert_int_equal(a.n_requests, 1);
	served_stop(&a);
}

static void an_early_answer_drops_the_rest_of_the_body(void **state)
{
	struct app a;

	(void)state;
	served_start(&a, MANUAL);
	served_say(&a, POST "Content-Length: 6\r\n\r\nabc");
	served_answer(&a, 200, "early");
	side_release(&a.side);
	served_turn(&a);
	served_say(&a, "def" GET "\r\n");
	assert_int_equal(a.n_requests, 2);
	assert_int_equal(a.body.len, 0);
	served_stop(&a);
}

static void an_early_answer_to_a_huge_body_closes(void **state)
{
	struct app a;

	(void)state;
	served_start(&a, MANUAL);
	served_say(&a, POST "Content-Length: 10000000\r\n\r\nabc");
	served_answer(&a, 413, "too much");
	side_release(&a.side);
	served_turn(&a);
	assert_true(served_has(&a, "too much"));
	assert_int_equal(a.n_closed, 1);
	served_stop(&a);
	served_start(&a, MANUAL);
	served_say(&a, POST "Transfer-Encoding: chunked\r\n\r\n80000\r\nabc");
	served_answer(&a, 413, "too much");
	side_release(&a.side);
	served_turn(&a);
	assert_int_equal(a.n_closed, 0);
	for (int i = 0; i < 3; i++) {
		char text[100001];

		memset(text, 'x', sizeof(text));
		text[100000] = 0;
		served_say(&a, text);
	}
	assert_int_equal(a.n_closed, 1);
	served_stop(&a);
}

static void a_half_closed_client_gets_its_answer(void **state)
{
	struct app a;

	(void)state;
	served_start(&a, RESUME);
	memory_end_write(&a.client, STR(GET "\r\n"));
	stream_shutdown(a.client.stream);
	served_turn(&a);
	assert_int_equal(a.n_requests, 1);
	assert_int_equal(a.failed, E_OK);
	served_answer(&a, 200, "here");
	side_release(&a.side);
	served_turn(&a);
	assert_true(served_has(&a, "here"));
	assert_int_equal(a.n_closed, 1);
	served_stop(&a);
}

static void an_upgrade_hands_over_every_byte(void **state)
{
	struct app a;
	struct response_head head = { .status = 101, .upgrade = STR("websocket") };

	(void)state;
	served_start(&a, RESUME);
	served_say(&a, GET "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\nraw\r\n\r\n");
	assert_true(str_is(a.head->upgrade, "websocket"));
	assert_int_equal(a.n_ends, 0);
	assert_int_equal(a.body.len, 0);
	/* The upstream may take longer to agree than a client may to send a body. */
	served_wait(&a, 100000);
	assert_int_equal(side_send_response(a.side, &head), E_OK);
	served_turn(&a);
	assert_string_equal(served_got(&a), "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
		"Upgrade: websocket\r\n\r\n");
	assert_string_equal(buf_cstring(&a.body), "raw\r\n\r\n");
	buf_clear(&a.client.got);
	side_send_body(a.side, STR("\x81\x01x"));
	served_turn(&a);
	assert_string_equal(served_got(&a), "\x81\x01x");
	/* Nothing times out by itself in a tunnel. */
	served_wait(&a, 1000000);
	served_say(&a, GET "\r\n");
	assert_int_equal(a.n_requests, 1);
	stream_shutdown(a.client.stream);
	served_turn(&a);
	assert_int_equal(a.n_ends, 1);
	side_send_body(a.side, STR("bye"));
	side_send_end(a.side, NULL);
	side_release(&a.side);
	served_turn(&a);
	assert_true(served_has(&a, "bye"));
	assert_true(a.client.is_eof);
	assert_int_equal(a.n_closed, 1);
	served_stop(&a);
}

static void a_refused_upgrade_is_an_ordinary_request(void **state)
{
	struct app a;

	(void)state;
	served_start(&a, RESUME);
	served_say(&a, GET "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n" GET "\r\n");
	served_answer(&a, 403, "no");
	served_turn(&a);
	assert_int_equal(a.n_ends, 1);
	side_release(&a.side);
	served_turn(&a);
	assert_int_equal(a.n_requests, 2);
	served_stop(&a);
}

static void a_slow_reader_is_waited_for_before_the_next_request(void **state)
{
	struct app a;
	static char text[100001];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	served_start(&a, RESUME);
	memory_stream_set_window(a.stream, 1024);
	stream_read_stop(a.client.stream);
	memory_end_write(&a.client, STR(GET "\r\n" GET "\r\n"));
	served_turn(&a);
	served_answer(&a, 200, text);
	assert_true(side_queued(a.side) > 90000);
	side_release(&a.side);
	served_turn(&a);
	assert_int_equal(a.n_requests, 1);
	stream_read_start(a.client.stream);
	for (int i = 0; i < 200; i++)
		served_turn(&a);
	assert_int_equal(a.n_requests, 2);
	served_stop(&a);
}

static void writable_is_told_when_the_queue_is_empty(void **state)
{
	struct app a;
	static char text[100001];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	served_start(&a, RESUME);
	memory_stream_set_window(a.stream, 4096);
	served_say(&a, GET "\r\n");
	served_answer(&a, 200, text);
	for (int i = 0; i < 50; i++)
		served_turn(&a);
	assert_int_equal(a.n_writable, 1);
	assert_int_equal(side_queued(a.side), 0);
	served_stop(&a);
}

static void a_reader_that_stands_still_is_dropped(void **state)
{
	struct app a;
	static char text[100001];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	served_start(&a, RESUME);
	memory_stream_set_window(a.stream, 1024);
	stream_read_stop(a.client.stream);
	memory_end_write(&a.client, STR(GET "\r\n"));
	served_turn(&a);
	served_answer(&a, 200, text);
	served_wait(&a, 3900);
	assert_int_equal(a.failed, E_OK);
	served_wait(&a, 200);
	assert_int_equal(a.failed, E_TIMEOUT);
	assert_int_equal(a.n_closed, 1);
	served_stop(&a);
}

static void other_limits_and_times_hold_from_now_on(void **state)
{
	static const struct http_limits small = { 1024, 3 };
	struct h1_server_args args = { .limits = &small, .idle_ms = 1000, .head_ms = 1000, .body_ms = 1000,
		.write_ms = 1000, .requests_max = 3 };
	struct app a;

	(void)state;
	served_start(&a, ECHO);
	served_say(&a, GET "\r\n");
	h1_server_adjust(a.server, &args);
	served_say(&a, GET "\r\n");
	assert_int_equal(a.n_requests, 2);
	served_say(&a, GET "A: 1\r\nB: 2\r\nC: 3\r\nD: 4\r\n\r\n");
	assert_true(served_has(&a, "431 "));
	assert_int_equal(a.n_requests, 2);
	served_stop(&a);
	served_start(&a, ECHO);
	h1_server_adjust(a.server, &args);
	served_wait(&a, 1100);
	assert_int_equal(a.n_closed, 1);
	served_stop(&a);
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
		cmocka_unit_test(the_head_of_a_short_body_waits_for_it_a_moment),
		cmocka_unit_test(a_slow_client_is_not_taken_for_a_late_body),
		cmocka_unit_test(heads_of_long_bodies_do_not_wait),
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
		cmocka_unit_test(other_limits_and_times_hold_from_now_on),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
