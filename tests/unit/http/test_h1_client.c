/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/http/h1_client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/clock.h"
#include "tests/support/memory_stream.h"

#define OK "HTTP/1.1 200 OK\r\n"

struct app {
	struct loop *loop;
	struct h1_client *client;
	struct memory_end server;
	struct stream *stream;        /* the client's end */
	struct side *side;
	struct response_head head;    /* the last one */
	struct buf body, statuses;
	struct headers trailers;
	unsigned n_ends, n_idle, n_closed, n_writable;
	enum err failed;
	bool is_paused, releases_at_end, closes_on_fail, closes_on_idle;
};

static const struct http_limits limits = { .head_bytes = 2048, .headers = 32 };

static void turn(struct app *a)
{
	for (int i = 0; i < 20; i++)
		loop_turn(a->loop);
}

static void on_response(void *owner, struct response_head *head)
{
	struct app *a = owner;

	a->head = *head;
	buf_addf(&a->statuses, "%u ", head->status);
	if (head->status >= 200 && !a->is_paused)
		side_resume(a->side);
}

static void on_body(void *owner, struct str bytes)
{
	buf_add(&((struct app *)owner)->body, bytes);
}

static void on_end(void *owner, const struct headers *trailers)
{
	struct app *a = owner;

	a->n_ends++;
	a->trailers = trailers ? *trailers : (struct headers){ 0 };
	if (a->releases_at_end)
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
	if (a->closes_on_fail)
		h1_client_close(&a->client);
}

static const struct side_events side_events = {
	.on_response = on_response, .on_body = on_body, .on_end = on_end, .on_writable = on_writable,
	.on_fail = on_fail,
};

static void on_idle(void *owner)
{
	struct app *a = owner;

	a->n_idle++;
	if (a->closes_on_idle)
		h1_client_close(&a->client);
}

static void on_closed(void *owner)
{
	struct app *a = owner;

	a->n_closed++;
	a->client = NULL;
}

static const struct h1_client_events client_events = { on_idle, on_closed };

static void start_with(struct app *a, size_t segment)
{
	struct h1_client_args args = {
		.limits = &limits, .events = &client_events, .owner = a,
		.response_ms = 1000, .body_ms = 2000, .write_ms = 3000,
	};
	struct stream *server, *s;

	clock_test_set(784111777000, 1000);
	*a = (struct app){ .releases_at_end = true };
	args.loop = a->loop = loop_new();
	buf_init(&a->body, 0);
	buf_init(&a->statuses, 0);
	memory_stream_pair(a->loop, &a->stream, &server);
	memory_stream_set_segment(a->stream, segment);
	s = a->stream;
	a->client = h1_client_new(&s, &args);
	memory_end_init(&a->server, &server);
	turn(a);
}

static void start(struct app *a)
{
	start_with(a, 0);
}

static void stop(struct app *a)
{
	h1_client_close(&a->client);
	side_release(&a->side);
	memory_end_fini(&a->server);
	turn(a);
	assert_int_equal(memory_stream_count(), 0);
	buf_fini(&a->body);
	buf_fini(&a->statuses);
	loop_free(&a->loop);
	clock_test_end();
}

static void ask_with(struct app *a, const struct request_head *head)
{
	a->side = h1_client_exchange(a->client);
	side_own(a->side, &side_events, a);
	assert_int_equal(side_send_request(a->side, head), E_OK);
}

static struct request_head request(const char *method)
{
	return (struct request_head){ .method = str_from(method), .path = STR("/"),
		.authority = STR("h"), .version = 11 };
}

static void ask(struct app *a, const char *method)
{
	struct request_head head = request(method);

	ask_with(a, &head);
	assert_int_equal(side_send_end(a->side, NULL), E_OK);
	turn(a);
}

static void say(struct app *a, const char *text)
{
	memory_end_write(&a->server, str_from(text));
	turn(a);
}

static void wait(struct app *a, int64_t ms)
{
	clock_test_advance(ms);
	turn(a);
}

static const char *body(struct app *a)
{
	return buf_cstring(&a->body);
}

static void a_connection_carries_one_exchange_after_another(void **state)
{
	struct app a;

	(void)state;
	start(&a);
	assert_true(h1_client_is_idle(a.client));
	ask(&a, "GET");
	assert_false(a.side->is_reused);
	assert_true(a.side->was_sent);
	assert_string_equal(buf_cstring(&a.server.got), "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
	say(&a, OK "Content-Length: 2\r\n\r\nhi");
	assert_string_equal(body(&a), "hi");
	assert_int_equal(a.n_idle, 1);
	ask(&a, "GET");
	assert_true(a.side->is_reused);
	assert_false(a.side->was_answered);
	say(&a, OK "Transfer-Encoding: chunked\r\n\r\n1\r\n!\r\n0\r\nX: y\r\n\r\n");
	assert_string_equal(body(&a), "hi!");
	assert_int_equal(a.n_idle, 2);
	assert_int_equal(a.n_closed, 0);
	stop(&a);
}

static void answers_are_read_however_split(void **state)
{
	static const char text[] = "HTTP/1.1 103 Early\r\nLink: a\r\n\r\nHTTP/1.1 200 OK\r\n"
		"Transfer-Encoding: chunked\r\n\r\n3;x\r\nabc\r\n2\r\nde\r\n0\r\nX-Sum: 1\r\n\r\n";

	(void)state;
	for (size_t n = 1; n < sizeof(text); n++) {
		struct app a;

		start_with(&a, n);
		a.releases_at_end = false;
		ask(&a, "GET");
		say(&a, text);
		turn(&a);
		assert_string_equal(body(&a), "abcde");
		assert_string_equal(buf_cstring(&a.statuses), "103 200 ");
		assert_true(str_is(headers_get(&a.trailers, "x-sum"), "1"));
		side_release(&a.side);
		assert_int_equal(a.n_idle, 1);
		stop(&a);
	}
}

static void bodies_are_sent_as_announced(void **state)
{
	struct request_head head = request("POST");
	struct app a;

	(void)state;
	head.body = BODY_STREAM;
	start(&a);
	ask_with(&a, &head);
	assert_false(a.side->was_sent);
	side_send_body(a.side, STR("abc"));
	assert_true(a.side->was_sent);
	side_send_end(a.side, NULL);
	turn(&a);
	assert_string_equal(buf_cstring(&a.server.got), "POST / HTTP/1.1\r\nHost: h\r\n"
		"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
	stop(&a);
}

static void ambiguous_answers_fail_the_exchange(void **state)
{
	static const char *const texts[] = {
		OK "Content-Length: 1\r\nContent-Length: 1\r\n\r\nx",
		OK "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		OK "Transfer-Encoding: gzip\r\n\r\n",
		OK "Transfer-Encoding: chunked\r\n\r\nxyz\r\n",
		OK "Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n",
		"HTTP/1.1 200 OK\n\n",
		"HTTP/2.0 200 OK\r\n\r\n",
		"HTTP/1.1 101 Up\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
		"HTTP/1.1 100 Continue\r\nContent-Length: 4\r\n\r\n",
		"\r\n\r\n", "garbage\r\n\r\n", "{\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct app a;

		start(&a);
		ask(&a, "GET");
		say(&a, texts[i]);
		assert_int_equal(a.failed, E_UPSTREAM_PROTOCOL);
		assert_true(a.side->was_answered);
		assert_int_equal(a.n_closed, 1);
		assert_int_equal(a.n_ends, 0);
		stop(&a);
	}
}

static void a_head_too_long_fails_the_exchange(void **state)
{
	struct app a;
	char text[3000];

	(void)state;
	memset(text, 'a', sizeof(text));
	text[sizeof(text) - 1] = 0;
	start(&a);
	ask(&a, "GET");
	say(&a, OK "X: ");
	say(&a, text);
	assert_int_equal(a.failed, E_UPSTREAM_PROTOCOL);
	stop(&a);
}

static void endless_interim_answers_fail_the_exchange(void **state)
{
	struct app a;

	(void)state;
	start(&a);
	ask(&a, "GET");
	for (int i = 0; i < 256; i++)
		say(&a, "HTTP/1.1 102 Wait\r\n\r\n");
	assert_int_equal(a.failed, E_OK);
	say(&a, "HTTP/1.1 102 Wait\r\n\r\n");
	assert_int_equal(a.failed, E_UPSTREAM_PROTOCOL);
	stop(&a);
}

static void bytes_nobody_asked_for_end_the_connection(void **state)
{
	struct app a;

	(void)state;
	start(&a);
	say(&a, OK "Content-Length: 0\r\n\r\n");
	assert_int_equal(a.n_closed, 1);
	stop(&a);
	start(&a);
	ask(&a, "GET");
	say(&a, OK "Content-Length: 1\r\n\r\nab");
	assert_string_equal(body(&a), "a");
	assert_int_equal(a.n_ends, 1);
	assert_int_equal(a.n_idle, 0);
	assert_int_equal(a.n_closed, 1);
	stop(&a);
}

static void a_body_may_end_with_the_connection(void **state)
{
	struct app a;

	(void)state;
	start(&a);
	ask(&a, "GET");
	say(&a, "HTTP/1.0 200 OK\r\n\r\nall of it");
	assert_int_equal(a.head.body, BODY_STREAM);
	assert_int_equal(a.n_ends, 0);
	stream_shutdown(a.server.stream);
	turn(&a);
	assert_string_equal(body(&a), "all of it");
	assert_int_equal(a.n_ends, 1);
	assert_int_equal(a.n_idle, 0);
	assert_int_equal(a.n_closed, 1);
	stop(&a);
	start(&a);
	ask(&a, "GET");
	say(&a, "HTTP/1.0 200 OK\r\n\r\nall of");
	memory_stream_break(a.stream, E_RESET);
	turn(&a);
	assert_int_equal(a.failed, E_UPSTREAM_CLOSED);
	stop(&a);
}

static void a_body_cut_short_fails(void **state)
{
	static const char *const texts[] = { "", "HTTP/1.1 2", OK "Content-Length: 5\r\n\r\nab",
		OK "Transfer-Encoding: chunked\r\n\r\n5\r\nab", OK "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n" };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		for (int how = 0; how < 3; how++) {
			struct app a;

			start(&a);
			a.closes_on_fail = how == 2;
			ask(&a, "GET");
			if (*texts[i])
				say(&a, texts[i]);
			if (how)
				memory_stream_break(a.stream, E_RESET);
			else
				stream_shutdown(a.server.stream);
			turn(&a);
			assert_true(a.failed == E_UPSTREAM_CLOSED ||
				(i == 1 && a.failed == E_UPSTREAM_PROTOCOL));
			assert_int_equal(a.side->was_answered, i > 0);
			assert_int_equal(a.n_closed, how != 2);
			assert_int_equal(a.n_ends, 0);
			stop(&a);
		}
	}
}

static void head_204_and_304_have_no_body(void **state)
{
	struct app a;

	(void)state;
	start(&a);
	ask(&a, "HEAD");
	say(&a, OK "Content-Length: 9\r\n\r\n");
	assert_int_equal(a.n_idle, 1);
	assert_true(a.head.has_announced_length);
	ask(&a, "GET");
	say(&a, "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n");
	assert_int_equal(a.n_idle, 2);
	ask(&a, "GET");
	say(&a, "HTTP/1.1 204 No Content\r\n\r\n");
	assert_int_equal(a.n_idle, 3);
	assert_int_equal(a.body.len, 0);
	stop(&a);
}

static void close_means_close(void **state)
{
	struct app a;

	(void)state;
	start(&a);
	ask(&a, "GET");
	say(&a, OK "Connection: close\r\nContent-Length: 1\r\n\r\na");
	assert_int_equal(a.n_ends, 1);
	assert_int_equal(a.n_idle, 0);
	assert_int_equal(a.n_closed, 1);
	stop(&a);
}

static void no_body_comes_while_paused(void **state)
{
	struct app a;

	(void)state;
	start(&a);
	a.is_paused = true;
	a.releases_at_end = false;
	ask(&a, "GET");
	say(&a, OK "Content-Length: 6\r\n\r\nabc");
	assert_int_equal(a.body.len, 0);
	wait(&a, 100000);
	side_resume(a.side);
	assert_int_equal(a.body.len, 0);
	turn(&a);
	assert_string_equal(body(&a), "abc");
	side_pause(a.side);
	say(&a, "def");
	assert_string_equal(body(&a), "abc");
	side_resume(a.side);
	turn(&a);
	assert_string_equal(body(&a), "abcdef");
	assert_int_equal(a.n_ends, 1);
	stop(&a);
}

static void an_early_answer_ends_the_connection(void **state)
{
	struct request_head head = request("POST");
	struct app a;

	(void)state;
	head.body = BODY_LENGTH;
	head.length = 10;
	start(&a);
	ask_with(&a, &head);
	side_send_body(a.side, STR("abc"));
	turn(&a);
	say(&a, "HTTP/1.1 413 No\r\nContent-Length: 1\r\n\r\nx");
	assert_int_equal(a.n_ends, 1);
	assert_int_equal(a.n_idle, 0);
	assert_int_equal(a.n_closed, 1);
	stop(&a);
}

static void an_upgrade_hands_over_every_byte(void **state)
{
	struct request_head head = request("GET");
	struct app a;

	(void)state;
	head.upgrade = STR("websocket");
	start(&a);
	a.releases_at_end = false;
	ask_with(&a, &head);
	turn(&a);
	say(&a, "HTTP/1.1 101 Up\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nraw");
	assert_true(str_is(a.head.upgrade, "websocket"));
	side_resume(a.side);
	turn(&a);
	assert_string_equal(body(&a), "raw");
	buf_clear(&a.server.got);
	side_send_body(a.side, STR("\x81"));
	turn(&a);
	assert_string_equal(buf_cstring(&a.server.got), "\x81");
	side_send_end(a.side, NULL);
	turn(&a);
	assert_true(a.server.is_eof);
	wait(&a, 1000000);
	say(&a, "more");
	stream_shutdown(a.server.stream);
	turn(&a);
	assert_string_equal(body(&a), "rawmore");
	assert_int_equal(a.n_ends, 1);
	side_release(&a.side);
	assert_int_equal(a.n_idle, 0);
	assert_int_equal(a.n_closed, 1);
	stop(&a);
}

static void a_refused_upgrade_is_an_ordinary_answer(void **state)
{
	struct request_head head = request("GET");
	struct app a;

	(void)state;
	head.upgrade = STR("websocket");
	start(&a);
	ask_with(&a, &head);
	turn(&a);
	say(&a, "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n");
	assert_int_equal(a.n_idle, 1);
	stop(&a);
}

static void deadlines_hold_in_each_state(void **state)
{
	struct request_head head = request("POST");
	static char text[200001];
	struct app a;

	(void)state;
	start(&a);                              /* HEAD; a 1xx starts it anew */
	ask(&a, "GET");
	wait(&a, 800);
	say(&a, "HTTP/1.1 102 Wait\r\n\r\n");
	wait(&a, 800);
	assert_int_equal(a.failed, E_OK);
	wait(&a, 300);
	assert_int_equal(a.failed, E_UPSTREAM_TIMEOUT);
	assert_int_equal(a.n_closed, 1);
	stop(&a);
	start(&a);                              /* HEAD, a continue that never comes */
	head.body = BODY_LENGTH;
	head.length = sizeof(text) - 1;
	head.expects_continue = true;
	ask_with(&a, &head);
	wait(&a, 1100);
	assert_int_equal(a.failed, E_UPSTREAM_TIMEOUT);
	stop(&a);
	start(&a);                              /* BODY */
	ask(&a, "GET");
	say(&a, OK "Content-Length: 5\r\n\r\n");
	wait(&a, 1900);
	say(&a, "a");
	wait(&a, 1900);
	assert_int_equal(a.failed, E_OK);
	wait(&a, 200);
	assert_int_equal(a.failed, E_UPSTREAM_TIMEOUT);
	stop(&a);
	start(&a);                              /* writing */
	head.expects_continue = false;
	memset(text, 'x', sizeof(text) - 1);
	memory_stream_set_window(a.stream, 1024);
	stream_read_stop(a.server.stream);
	ask_with(&a, &head);
	side_send_body(a.side, str_from(text));
	turn(&a);
	assert_true(side_queued(a.side) > 100000);
	wait(&a, 2900);
	assert_int_equal(a.failed, E_OK);
	wait(&a, 200);
	assert_int_equal(a.failed, E_UPSTREAM_TIMEOUT);
	stop(&a);
	start(&a);                              /* IDLE has none of its own */
	wait(&a, 1000000);
	assert_int_equal(a.n_closed, 0);
	stop(&a);
}

static void owners_may_release_in_each_state(void **state)
{
	static const char *const texts[] = { "", "HTTP/1.1 2", OK "Content-Length: 5\r\n\r\nab",
		OK "Transfer-Encoding: chunked\r\n\r\n5\r\nab" };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		for (int is_closed_first = 0; is_closed_first < 2; is_closed_first++) {
			struct app a;

			start(&a);
			ask(&a, "GET");
			if (*texts[i])
				say(&a, texts[i]);
			if (is_closed_first)
				h1_client_close(&a.client);
			side_release(&a.side);
			assert_int_equal(a.n_closed, !is_closed_first);
			assert_int_equal(a.n_idle, 0);
			turn(&a);
			stop(&a);
		}
	}
}

static void an_unused_exchange_may_be_released(void **state)
{
	struct app a;

	(void)state;
	start(&a);
	a.side = h1_client_exchange(a.client);
	side_own(a.side, &side_events, &a);
	side_release(&a.side);
	assert_int_equal(a.n_closed, 1);
	stop(&a);
}

static void an_idle_connection_may_be_closed_from_on_idle(void **state)
{
	struct app a;

	(void)state;
	start(&a);
	a.closes_on_idle = true;
	ask(&a, "GET");
	say(&a, OK "Content-Length: 0\r\n\r\n");
	assert_int_equal(a.n_idle, 1);
	assert_int_equal(a.n_closed, 0);
	assert_null(a.client);
	stop(&a);
}

static void an_idle_connection_notices_its_end(void **state)
{
	struct app a;

	(void)state;
	start(&a);
	ask(&a, "GET");
	say(&a, OK "Content-Length: 0\r\n\r\n");
	stream_shutdown(a.server.stream);
	turn(&a);
	assert_int_equal(a.n_closed, 1);
	stop(&a);
}

static void a_stale_connection_tells_that_a_repetition_is_safe(void **state)
{
	struct app a;

	(void)state;
	start(&a);
	ask(&a, "GET");
	say(&a, OK "Content-Length: 0\r\n\r\n");
	memory_stream_break(a.stream, E_RESET);
	struct request_head head = request("GET");
	ask_with(&a, &head);
	turn(&a);
	assert_int_equal(a.failed, E_UPSTREAM_CLOSED);
	assert_true(a.side->is_reused);
	assert_false(a.side->was_answered);
	assert_false(a.side->was_sent);
	stop(&a);
}

static void random_bytes_break_nothing(void **state)
{
	static const char alphabet[] = "\r\n\r\n :;,0123456789abcdefGETHTTP/1.1hunked-\t\"=\0\x80";
	static const char *const starts[] = { "", OK, OK "Transfer-Encoding: chunked\r\n\r\n",
		OK "Content-Length: 40\r\n\r\n", "HTTP/1.1 101 X\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n" };

	(void)state;
	srand(1);
	for (int i = 0; i < 500; i++) {
		struct request_head head = request("GET");
		struct app a;
		char text[400];
		size_t len = (size_t)rand() % sizeof(text);

		start_with(&a, (size_t)rand() % 50);
		head.upgrade = STR("x");
		ask_with(&a, &head);
		for (size_t k = 0; k < len; k++)
			text[k] = alphabet[(size_t)rand() % sizeof(alphabet)];
		if (*starts[i % 5])
			memory_end_write(&a.server, str_from(starts[i % 5]));
		memory_end_write(&a.server, str_of(text, len));
		turn(&a);
		if (i % 3 == 0)
			stream_shutdown(a.server.stream);
		wait(&a, 1500);
		wait(&a, 1500);
		stop(&a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_connection_carries_one_exchange_after_another),
		cmocka_unit_test(answers_are_read_however_split),
		cmocka_unit_test(bodies_are_sent_as_announced),
		cmocka_unit_test(ambiguous_answers_fail_the_exchange),
		cmocka_unit_test(a_head_too_long_fails_the_exchange),
		cmocka_unit_test(endless_interim_answers_fail_the_exchange),
		cmocka_unit_test(bytes_nobody_asked_for_end_the_connection),
		cmocka_unit_test(a_body_may_end_with_the_connection),
		cmocka_unit_test(a_body_cut_short_fails),
		cmocka_unit_test(head_204_and_304_have_no_body),
		cmocka_unit_test(close_means_close),
		cmocka_unit_test(no_body_comes_while_paused),
		cmocka_unit_test(an_early_answer_ends_the_connection),
		cmocka_unit_test(an_upgrade_hands_over_every_byte),
		cmocka_unit_test(a_refused_upgrade_is_an_ordinary_answer),
		cmocka_unit_test(deadlines_hold_in_each_state),
		cmocka_unit_test(owners_may_release_in_each_state),
		cmocka_unit_test(an_unused_exchange_may_be_released),
		cmocka_unit_test(an_idle_connection_may_be_closed_from_on_idle),
		cmocka_unit_test(an_idle_connection_notices_its_end),
		cmocka_unit_test(a_stale_connection_tells_that_a_repetition_is_safe),
		cmocka_unit_test(random_bytes_break_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
