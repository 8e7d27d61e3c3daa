/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/http/head.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define assert_str(s, text) assert_true(str_is((s), (text)))

static void names_are_found_whatever_their_case(void **state)
{
	struct headers h = { 0 };
	struct arena a;

	(void)state;
	arena_init(&a, 0);
	for (int i = 0; i < 40; i++)
		assert_int_equal(headers_add(&h, &a, STR("X-A"), STR("1")), E_OK);
	assert_int_equal(headers_add(&h, &a, STR("Host"), STR("h")), E_OK);
	assert_str(headers_get(&h, "hOST"), "h");
	assert_int_equal(headers_count(&h, "x-a"), 40);
	assert_int_equal(headers_set(&h, &a, "x-A", STR("2")), E_OK);
	assert_int_equal(h.n, 2);
	assert_str(h.at[0].name, "Host");
	assert_int_equal(headers_remove(&h, "host"), 1);
	assert_null(headers_get(&h, "host").at);
	arena_reset(&a);
}

static void a_full_arena_is_an_error(void **state)
{
	struct headers h = { 0 };
	struct arena a;

	(void)state;
	arena_init(&a, 64);
	assert_int_equal(headers_add(&h, &a, STR("A"), STR("1")), E_NOMEM);
	arena_reset(&a);
}

static void lists_are_joined_and_searched(void **state)
{
	struct headers h = { 0 };
	struct arena a;

	(void)state;
	arena_init(&a, 0);
	headers_add(&h, &a, STR("Via"), STR("1.1 a"));
	headers_add(&h, &a, STR("Connection"), STR("close ,\tX-Y,,z"));
	headers_add(&h, &a, STR("via"), STR("1.1 b"));
	assert_str(headers_join(&h, &a, "Via"), "1.1 a, 1.1 b");
	assert_str(headers_join(&h, &a, "Connection"), "close ,\tX-Y,,z");
	assert_null(headers_join(&h, &a, "Other").at);
	assert_true(headers_has_token(&h, "connection", STR("x-y")));
	assert_true(headers_has_token(&h, "connection", STR("Z")));
	assert_false(headers_has_token(&h, "connection", STR("x")));
	arena_reset(&a);
}

static void names_and_values_have_an_alphabet(void **state)
{
	(void)state;
	for (int c = 0; c < 256; c++) {
		char at = (char)c;
		struct str s = str_of(&at, 1);
		bool is_alnum = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
			(c >= 'A' && c <= 'Z');

		assert_int_equal(head_is_token(s),
			is_alnum || (c && strchr("!#$%&'*+-.^_`|~", c) != NULL));
		assert_int_equal(header_value_is_valid(s), c == '\t' || (c >= 32 && c != 127));
	}
	assert_false(header_name_is_valid(STR("")));
	assert_true(header_value_is_valid(STR("")));
}

static void hosts_are_lowered_and_cut(void **state)
{
	static const struct {
		const char *text, *host;
		int port;
	} good[] = {
		{ "Example.COM", "example.com", 0 }, { "a.b:8443", "a.b", 8443 },
		{ "a.b.", "a.b", 0 }, { "a.b.:1", "a.b", 1 }, { "10.0.0.1:65535", "10.0.0.1", 65535 },
		{ "[::1]", "::1", 0 }, { "[2001:DB8::1]:443", "2001:db8::1", 443 },
		{ "under_score.a-b", "under_score.a-b", 0 },
	};
	struct arena a;

	(void)state;
	arena_init(&a, 0);
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct str host;
		uint16_t port;

		assert_int_equal(head_parse_authority(str_from(good[i].text), &a, &host, &port), E_OK);
		assert_str(host, good[i].host);
		assert_int_equal(port, good[i].port);
	}
	arena_reset(&a);
}

static void what_is_no_host_is_refused(void **state)
{
	static const char *const bad[] = {
		"", ":80", "a:", "a:0", "a:65536", "a:+1", "a:99999999", "a:8 0", "a b", "u@a", "u:p@a",
		"a/b", "a?b", "a#b", "a,b", "a\\b", "[::1", "::1", "[::1]x", "[]", "[1.2.3.4]", "[fe80::1%1]",
		"[v1.a]", ".", "..", "a..", "a:80:80", "a\tb", "\xc3\xa4.de", "a%2eb", "[::1]]",
	};
	struct arena a;

	(void)state;
	arena_init(&a, 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct str host;
		uint16_t port;

		if (head_parse_authority(str_from(bad[i]), &a, &host, &port) != E_PARSE)
			fail_msg("accepted: %s", bad[i]);
	}
	arena_reset(&a);
}

static void methods_and_reasons_are_known(void **state)
{
	(void)state;
	assert_true(head_method_is_idempotent(STR("PUT")));
	assert_false(head_method_is_idempotent(STR("POST")));
	assert_false(head_method_is_idempotent(STR("get")));
	assert_string_equal(head_reason(431), "Request Header Fields Too Large");
	assert_string_equal(head_reason(299), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_found_whatever_their_case),
		cmocka_unit_test(a_full_arena_is_an_error),
		cmocka_unit_test(lists_are_joined_and_searched),
		cmocka_unit_test(names_and_values_have_an_alphabet),
		cmocka_unit_test(hosts_are_lowered_and_cut),
		cmocka_unit_test(what_is_no_host_is_refused),
		cmocka_unit_test(methods_and_reasons_are_known),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
