/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proxy/roster.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/check.h"
#include "base/mem.h"

static struct roster *parsed(const char *text)
{
	struct roster *r = NULL;
	struct fault fault = { 0 };

	if (roster_parse(str_from(text), &r, &fault))
		fail_msg("%s", fault.detail);
	assert_non_null(r);
	return r;
}

static bool has(const struct roster *r, const char *name)
{
	return roster_has(r, str_from(name), NULL);
}

static void names_comments_and_blank_lines_are_told_apart(void **state)
{
	struct roster *r = parsed("\xef\xbb\xbf# customers\n\nshop.example.com\n  Www.Example.ORG. # the big one\r\n"
		"b\xc3\xbc""cher.example\nlast.example#end");

	(void)state;
	assert_int_equal(roster_count(r), 4);
	assert_true(has(r, "shop.example.com"));
	assert_true(has(r, "www.example.org"));
	assert_true(has(r, "xn--bcher-kva.example"));
	assert_true(has(r, "last.example"));
	assert_false(has(r, "example.com"));
	assert_false(has(r, "a.shop.example.com"));
	assert_false(has(r, ""));
	roster_free(&r);
	roster_free(&r);
}

static void a_rule_stands_for_one_label(void **state)
{
	struct roster *r = parsed("*.example.com tenant=wild\na.example.com tenant=a\n");
	char tenant[ROSTER_TENANT];

	(void)state;
	assert_true(roster_has(r, STR("b.example.com"), tenant));
	assert_string_equal(tenant, "wild");
	assert_true(roster_has(r, STR("a.example.com"), tenant));
	assert_string_equal(tenant, "a");
	assert_false(roster_has(r, STR("c.b.example.com"), tenant));
	assert_string_equal(tenant, "");
	assert_false(has(r, "example.com"));
	roster_free(&r);
}

static void an_empty_list_allows_nothing(void **state)
{
	static const char *const texts[] = { "", "\n\n", "# nobody", "   " };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct roster *r = parsed(texts[i]);

		assert_int_equal(roster_count(r), 0);
		assert_false(has(r, "a.example"));
		roster_free(&r);
	}
}

static void what_is_wrong_is_said_with_its_place(void **state)
{
	static const struct { const char *text, *says; } rows[] = {
		{ "a.example\n*\n", "2:1: \"*\" would allow every name" },
		{ "a.example\n\n  *.com\n", "3:3: \"*.com\" would allow a whole top-level" },
		{ "192.0.2.1", "1:1: \"192.0.2.1\" is an address" },
		{ "single", "has no dot" },
		{ "a_b.example", "underscore" },
		{ "a..example", "1:1:" },
		{ "a.example and more", "1:11: \"and\" is not understood" },
		{ "a.example tenant=", "1:11:" },
		{ "a.example tenant=x b.example", "1:20: \"b.example\" is one word too many" },
		{ "a.example tenant=0123456789012345678901234567890123456789012345678901234567890123", "1:11:" },
		{ "a.example tenant=x\nb.example\nA.example tenant=y", "3:1: the same name is on line 1" },
		{ "a.example\na.example tenant=y", "2:1: the same name is on line 1" },
		{ "http://a.example/", "1:1:" },
		{ "**.example.com", "1:1:" },
		{ "a.*.example.com", "1:1:" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct roster *r = (struct roster *)rows;
		struct fault fault = { 0 };

		assert_int_equal(roster_parse(str_from(rows[i].text), &r, &fault), E_PARSE);
		assert_null(r);
		if (!strstr(fault.detail, rows[i].says))
			assert_string_equal(fault.detail, rows[i].says);
	}
}

static void a_name_listed_twice_alike_is_one(void **state)
{
	struct roster *r = parsed("a.example tenant=x\nA.example tenant=x\n");

	(void)state;
	assert_int_equal(roster_count(r), 1);
	roster_free(&r);
}

static void many_names_cost_eight_bytes_each(void **state)
{
	enum { N = 200000, LINE = 32 };
	char *text = mem_new((size_t)N * LINE), *at = text;
	struct roster *r;

	(void)state;
	for (int i = 0; i < N; i++)
		at += snprintf(at, LINE, "c%d.example.com\n", i);
	r = parsed(text);
	assert_int_equal(roster_count(r), N);
	assert_true(roster_bytes(r) < 8 * N + 256);
	for (int i = 0; i < N; i += 997) {
		char name[LINE];

		snprintf(name, sizeof(name), "c%d.example.com", i);
		assert_true(has(r, name));
		snprintf(name, sizeof(name), "d%d.example.com", i);
		assert_false(has(r, name));
	}
	roster_free(&r);
	mem_release(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_comments_and_blank_lines_are_told_apart),
		cmocka_unit_test(a_rule_stands_for_one_label),
		cmocka_unit_test(an_empty_list_allows_nothing),
		cmocka_unit_test(what_is_wrong_is_said_with_its_place),
		cmocka_unit_test(a_name_listed_twice_alike_is_one),
		cmocka_unit_test(many_names_cost_eight_bytes_each),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
