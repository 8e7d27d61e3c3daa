/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proxy/answer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "tests/support/memory_side.h"

static struct request_head get = { .method = { "GET", 3 }, .path = { "/x", 2 }, .version = 11 };

static void an_error_is_a_page_with_its_code(void **state)
{
	struct memory_side m;

	(void)state;
	memory_side_init(&m);
	assert_int_equal(answer_error(&m.side, &get, E_UPSTREAM_TIMEOUT, STR("0af9")), E_OK);
	assert_int_equal(m.statuses[0], 504);
	assert_int_equal(m.n_ends, 1);
	assert_non_null(strstr(memory_side_text(&m), "SP-502 0af9"));
	assert_null(strstr(memory_side_text(&m), "<p>"));
	memory_side_fini(&m);
}

static void browsers_get_html(void **state)
{
	struct memory_side m;
	struct header accept = { STR("Accept"), STR("text/html,application/xhtml+xml") };
	struct request_head head = get;

	(void)state;
	head.headers = (struct headers){ .at = &accept, .n = 1 };
	memory_side_init(&m);
	assert_int_equal(answer_error(&m.side, &head, E_NO_ROUTE, STR("")), E_OK);
	assert_int_equal(m.statuses[0], 404);
	assert_non_null(strstr(memory_side_text(&m), "<h1>404 Not Found</h1>"));
	memory_side_fini(&m);
}

static void a_foreign_id_is_not_echoed(void **state)
{
	struct memory_side m;

	(void)state;
	memory_side_init(&m);
	assert_int_equal(answer_error(&m.side, &get, E_NO_ROUTE, STR("<script>")), E_OK);
	assert_null(strstr(memory_side_text(&m), "script"));
	memory_side_fini(&m);
}

static void head_gets_no_body(void **state)
{
	struct memory_side m;
	struct request_head head = get;

	(void)state;
	head.method = STR("HEAD");
	memory_side_init(&m);
	assert_int_equal(answer_error(&m.side, &head, E_NO_ROUTE, STR("")), E_OK);
	assert_string_equal(memory_side_text(&m), "");
	assert_int_equal(m.n_ends, 1);
	memory_side_fini(&m);
}

static void statuses_follow_the_error(void **state)
{
	(void)state;
	assert_int_equal(answer_status(E_MISDIRECTED), 421);
	assert_int_equal(answer_status(E_BODY_TOO_LARGE), 413);
	assert_int_equal(answer_status(E_UPSTREAM_CONNECT), 502);
	assert_int_equal(answer_status(E_DRAINING), 503);
	assert_int_equal(answer_status(E_INTERNAL), 500);
	assert_int_equal(answer_status(E_STORE), 500);
}

static void redirects_and_texts_are_whole(void **state)
{
	struct memory_side m;

	(void)state;
	memory_side_init(&m);
	assert_int_equal(answer_redirect(&m.side, &get, 308, STR("https://a.example/")), E_OK);
	assert_int_equal(m.statuses[0], 308);
	assert_int_equal(m.n_ends, 1);
	memory_side_fini(&m);
	memory_side_init(&m);
	assert_int_equal(answer_text(&m.side, &get, STR("token.thumb")), E_OK);
	assert_string_equal(memory_side_text(&m), "token.thumb");
	memory_side_fini(&m);
}

static void a_failed_send_is_told(void **state)
{
	struct memory_side m;

	(void)state;
	memory_side_init(&m);
	m.fails = E_RESET;
	assert_int_equal(answer_error(&m.side, &get, E_NO_ROUTE, STR("")), E_RESET);
	memory_side_fini(&m);
}

static void the_page_for_plain_http_has_the_length_it_says(void **state)
{
	struct str all = answer_not_tls();
	const char *body = strstr(all.at, "\r\n\r\n") + 4, *length = strstr(all.at, "Content-Length: ");

	(void)state;
	assert_true(str_has_prefix(all, STR("HTTP/1.1 400 ")));
	assert_int_equal(atoi(length + 16), strlen(body));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_error_is_a_page_with_its_code),
		cmocka_unit_test(browsers_get_html),
		cmocka_unit_test(a_foreign_id_is_not_echoed),
		cmocka_unit_test(head_gets_no_body),
		cmocka_unit_test(statuses_follow_the_error),
		cmocka_unit_test(redirects_and_texts_are_whole),
		cmocka_unit_test(a_failed_send_is_told),
		cmocka_unit_test(the_page_for_plain_http_has_the_length_it_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
