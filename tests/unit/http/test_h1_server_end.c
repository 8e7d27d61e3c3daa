/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/http/served.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

static void more_or_less_than_announced_is_an_abort(void **state)
{
	struct app a;
	struct response_head head = { .status = 200, .body = BODY_LENGTH, .length = 3 };

	(void)state;
	served_start(&a, RESUME);
	served_say(&a, GET "\r\n");
	side_send_response(a.side, &head);
	assert_int_equal(side_send_body(a.side, STR("abcd")), E_LIMIT);
	assert_int_equal(a.failed, E_OK);
	served_turn(&a);
	assert_int_equal(a.failed, E_LIMIT);
	assert_int_equal(a.client.err, E_RESET);
	served_stop(&a);
	served_start(&a, RESUME);
	served_say(&a, GET "\r\n");
	side_send_response(a.side, &head);
	side_send_body(a.side, STR("ab"));
	assert_int_equal(side_send_end(a.side, NULL), E_HTTP);
	side_release(&a.side);
	served_turn(&a);
	assert_int_equal(a.client.err, E_RESET);
	assert_int_equal(a.n_closed, 1);
	served_stop(&a);
}

static void line_breaks_in_a_head_are_not_written(void **state)
{
	struct app a;
	struct header field = { STR("X"), STR("a\r\nSet-Cookie: b") };
	struct response_head head = { .status = 200, .headers = { .at = &field, .n = 1 } };

	(void)state;
	served_start(&a, RESUME);
	served_say(&a, GET "\r\n");
	assert_int_equal(side_send_response(a.side, &head), E_HTTP);
	side_release(&a.side);
	served_turn(&a);
	assert_int_equal(a.client.got.len, 0);
	served_stop(&a);
}

static void deadlines_hold_in_each_state(void **state)
{
	struct app a;

	(void)state;
	served_start(&a, MANUAL);                          /* IDLE */
	served_wait(&a, 1100);
	assert_int_equal(a.n_closed, 1);
	assert_int_equal(a.client.got.len, 0);
	assert_true(a.client.is_eof);
	served_stop(&a);
	served_start(&a, MANUAL);                          /* HEAD */
	served_say(&a, "G");
	served_wait(&a, 1500);
	served_say(&a, "E");
	assert_int_equal(a.n_closed, 0);
	served_wait(&a, 600);
	assert_true(served_has(&a, "408 Request Timeout"));
	assert_int_equal(a.status, 408);
	served_stop(&a);
	served_start(&a, RESUME);                          /* EXCHANGE */
	served_say(&a, POST "Content-Length: 5\r\n\r\na");
	served_wait(&a, 2500);
	served_say(&a, "b");
	served_wait(&a, 2500);
	assert_int_equal(a.failed, E_OK);
	served_wait(&a, 600);
	assert_int_equal(a.failed, E_TIMEOUT);
	assert_true(served_has(&a, "408 "));
	served_stop(&a);
	served_start(&a, MANUAL);                          /* DRAIN */
	served_say(&a, POST "Content-Length: 5\r\n\r\na");
	served_answer(&a, 200, "");
	side_release(&a.side);
	served_turn(&a);
	assert_int_equal(a.n_closed, 0);
	served_wait(&a, 3100);
	assert_int_equal(a.n_closed, 1);
	served_stop(&a);
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

			served_start(&a, how == 3 ? MANUAL : RESUME);
			a.closes_on_fail = how == 2;
			if (*texts[i])
				served_say(&a, texts[i]);
			if (how == 0)
				stream_shutdown(a.client.stream);
			else
				memory_stream_break(a.stream, E_RESET);
			served_turn(&a);
			if (how)
				assert_true(!a.server);
			if (how && i >= 2)
				assert_int_equal(a.failed, E_RESET);
			else if (i == 3 || i == 4)
				assert_int_equal(a.failed, E_EOF);
			served_stop(&a);
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

			served_start(&a, RESUME);
			if (*texts[i])
				served_say(&a, texts[i]);
			if (is_released == 1)
				side_release(&a.side);
			if (is_released == 2 && a.side) {
				served_answer(&a, 200, "x");
				side_release(&a.side);
			}
			h1_server_close(&a.server);
			served_turn(&a);
			assert_int_equal(a.n_closed, 0);
			assert_int_equal(a.failed, E_OK);
			served_stop(&a);
		}
	}
}

static void a_release_without_an_answer_aborts(void **state)
{
	struct app a;

	(void)state;
	served_start(&a, RESUME);
	served_say(&a, GET "\r\n");
	side_release(&a.side);
	assert_int_equal(a.n_closed, 0);
	served_turn(&a);
	assert_int_equal(a.n_closed, 1);
	assert_int_equal(a.client.err, E_RESET);
	served_stop(&a);
}

static void ops_after_the_end_are_harmless(void **state)
{
	struct app a;
	struct response_head head = { .status = 200 };

	(void)state;
	served_start(&a, RESUME);
	served_say(&a, GET "\r\n");
	h1_server_close(&a.server);
	assert_int_equal(side_send_response(a.side, &head), E_RESET);
	assert_int_equal(side_send_body(a.side, STR("x")), E_RESET);
	assert_int_equal(side_send_end(a.side, NULL), E_RESET);
	assert_int_equal(side_queued(a.side), 0);
	side_resume(a.side);
	side_pause(a.side);
	served_stop(&a);
}

static void a_drained_connection_closes_when_it_may(void **state)
{
	struct app a;

	(void)state;
	served_start(&a, RESUME);
	h1_server_drain(a.server);
	assert_int_equal(a.n_closed, 0);
	served_turn(&a);
	assert_int_equal(a.n_closed, 1);
	served_stop(&a);
	served_start(&a, RESUME);
	served_say(&a, GET "\r\n");
	h1_server_drain(a.server);
	served_turn(&a);
	served_answer(&a, 200, "last");
	side_release(&a.side);
	served_turn(&a);
	assert_true(served_has(&a, "Connection: close\r\n\r\nlast"));
	assert_int_equal(a.n_closed, 1);
	served_stop(&a);
}

static void requests_per_connection_are_limited(void **state)
{
	struct app a;

	(void)state;
	served_start_with(&a, ECHO, 0, 2);
	served_say(&a, GET "\r\n" GET "\r\n" GET "\r\n");
	served_turn(&a);
	assert_int_equal(a.n_requests, 2);
	assert_int_equal(served_count(&a, "Connection: close"), 1);
	assert_int_equal(a.n_closed, 1);
	served_stop(&a);
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

		served_start_with(&a, rand() % 2 ? ECHO : MANUAL, (size_t)rand() % 50, 0);
		for (size_t k = 0; k < len; k++)
			text[k] = alphabet[(size_t)rand() % sizeof(alphabet)];
		if (*starts[i % 5])
			memory_end_write(&a.client, str_from(starts[i % 5]));
		memory_end_write(&a.client, str_of(text, len));
		served_turn(&a);
		if (i % 3 == 0)
			stream_shutdown(a.client.stream);
		served_wait(&a, 1500);
		served_wait(&a, 1500);
		served_stop(&a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
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
