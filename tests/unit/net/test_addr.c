/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/addr.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void literals_round_trip(void **state)
{
	static const char *const rows[][2] = {
		{"127.0.0.1", "127.0.0.1:80"},
		{"::1", "[::1]:80"},
		{"[2001:db8::5]", "[2001:db8::5]:80"},
		{"0.0.0.0", "0.0.0.0:80"},
		{"::ffff:10.0.0.1", "10.0.0.1:80"},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct addr a;
		char text[ADDR_TEXT];

		assert_int_equal(addr_parse_ip(&a, str_from(rows[i][0]), 80), E_OK);
		addr_text(text, &a);
		assert_string_equal(text, rows[i][1]);
		assert_int_equal(addr_port(&a), 80);
	}
}

static void what_is_no_literal_is_refused(void **state)
{
	static const char *const rows[] = {"", "a", "1.2.3", "1.2.3.4.5", "[127.0.0.1]", "[::1",
		"::1]", "[]", "256.1.1.1", "01.2.3.4", "1.2.3.4 ", "fe80::1%eth0",
		"1111111111111111111111111111111111111111111111111111111111"};

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct addr a;

		assert_int_equal(addr_parse_ip(&a, str_from(rows[i]), 1), E_PARSE);
		assert_false(addr_is_ip_literal(str_from(rows[i])));
	}
	assert_false(addr_is_ip_literal(STR("1.2.3.4\0x")));
	assert_true(addr_is_ip_literal(STR("1.2.3.4")));
	assert_false(addr_is_ip_literal(STR("[::1]")));
}

static void unix_paths_have_a_text_and_a_limit(void **state)
{
	struct addr a;
	char text[ADDR_TEXT], path[200];

	(void)state;
	assert_int_equal(addr_unix(&a, STR("/run/app.sock")), E_OK);
	addr_text(text, &a);
	assert_string_equal(text, "unix:/run/app.sock");
	memset(path, 'a', sizeof(path));
	assert_int_equal(addr_unix(&a, str_of(path, 107)), E_OK);
	addr_text(text, &a);
	assert_int_equal(strlen(text), 112);
	assert_int_equal(addr_unix(&a, str_of(path, 108)), E_LIMIT);
	assert_int_equal(addr_unix(&a, STR_NONE), E_PARSE);
}

static void equality_looks_at_ip_and_port(void **state)
{
	struct addr a, b;

	(void)state;
	assert_int_equal(addr_parse_ip(&a, STR("10.0.0.1"), 80), E_OK);
	assert_int_equal(addr_parse_ip(&b, STR("10.0.0.1"), 80), E_OK);
	assert_true(addr_equal(&a, &b));
	assert_int_equal(addr_parse_ip(&b, STR("10.0.0.1"), 81), E_OK);
	assert_false(addr_equal(&a, &b));
	assert_int_equal(addr_parse_ip(&b, STR("::1"), 80), E_OK);
	assert_false(addr_equal(&a, &b));
}

static void the_small_form_keeps_ip_and_port(void **state)
{
	struct addr a;
	struct addr_small small;
	char text[ADDR_IP_TEXT];

	(void)state;
	assert_int_equal(addr_parse_ip(&a, STR("10.0.0.9"), 1234), E_OK);
	addr_to_small(&small, &a);
	addr_small_text(text, &small);
	assert_string_equal(text, "10.0.0.9");
	assert_int_equal(small.port, 1234);
	assert_int_equal(addr_unix(&a, STR("/x")), E_OK);
	addr_to_small(&small, &a);
	assert_true(small.is_unix);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(literals_round_trip),
		cmocka_unit_test(what_is_no_literal_is_refused),
		cmocka_unit_test(unix_paths_have_a_text_and_a_limit),
		cmocka_unit_test(equality_looks_at_ip_and_port),
		cmocka_unit_test(the_small_form_keeps_ip_and_port),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
