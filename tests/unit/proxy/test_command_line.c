/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proxy/command_line.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define PARSE(l, options, complaint, ...) \
	command_line_parse(l, (char *const[]){ __VA_ARGS__, NULL }, options, complaint)

static void values_come_apart_or_joined(void **state)
{
	struct command_line l;
	char complaint[256];

	(void)state;
	assert_true(PARSE(&l, OPTIONS_CONF | OPTIONS_JSON, complaint, "-c", "a.json", "--set", "x=1",
		"--set=timeouts.idle=2m", "--json"));
	assert_string_equal(l.config, "a.json");
	assert_true(l.json);
	assert_int_equal(l.n_overrides, 2);
	assert_string_equal(l.overrides[0], "x=1");
	assert_string_equal(l.overrides[1], "timeouts.idle=2m");
	assert_null(l.overrides[2]);
	command_line_fini(&l);
}

static void shorthands_become_overrides(void **state)
{
	struct command_line l;
	char complaint[256];

	(void)state;
	assert_true(PARSE(&l, OPTIONS_CONF | OPTIONS_PROXY, complaint, "app.example.com", "--staging", "3000",
		"--https", "127.0.0.1:8443", "--email=a@example.com"));
	assert_int_equal(l.n_words, 2);
	assert_string_equal(l.words[0], "app.example.com");
	assert_string_equal(l.words[1], "3000");
	assert_string_equal(l.overrides[0], "acme.ca=letsencrypt-staging");
	assert_string_equal(l.overrides[1], "listen.https=127.0.0.1:8443");
	assert_string_equal(l.overrides[2], "email=a@example.com");
	command_line_fini(&l);
}

static void two_dashes_end_options(void **state)
{
	struct command_line l;
	char complaint[256];

	(void)state;
	assert_true(PARSE(&l, 0, complaint, "--", "--json", "-"));
	assert_int_equal(l.n_words, 2);
	assert_false(l.json);
	command_line_fini(&l);
}

static void what_is_wrong_is_named(void **state)
{
	struct command_line l;
	char complaint[256];

	(void)state;
	assert_false(PARSE(&l, OPTIONS_CONF, complaint, "--email", "a"));
	assert_non_null(strstr(complaint, "--email"));
	assert_false(PARSE(&l, OPTIONS_CONF, complaint, "-c"));
	assert_false(PARSE(&l, OPTIONS_CONF, complaint, "-c", "a", "-c", "b"));
	assert_false(PARSE(&l, OPTIONS_CONF, complaint, "--set", "novalue"));
	assert_false(PARSE(&l, OPTIONS_CONF, complaint, "--set", "=x"));
	assert_false(PARSE(&l, OPTIONS_JSON, complaint, "--json=yes"));
	assert_false(PARSE(&l, 0, complaint, "1", "2", "3", "4", "5"));
	command_line_fini(&l);
}

static void options_are_bounded(void **state)
{
	struct command_line l;
	char complaint[256];
	char *many[2 * COMMAND_LINE_OVERRIDES + 3];
	int n = 0;

	(void)state;
	for (int i = 0; i <= COMMAND_LINE_OVERRIDES; i++) {
		many[n++] = "--email";
		many[n++] = "a";
	}
	many[n] = NULL;
	assert_false(command_line_parse(&l, many, OPTIONS_PROXY, complaint));
	assert_int_equal(l.n_overrides, COMMAND_LINE_OVERRIDES);
	assert_null(l.overrides[COMMAND_LINE_OVERRIDES]);
	command_line_fini(&l);
}

static void a_long_complaint_is_cut(void **state)
{
	struct command_line l;
	char complaint[256], name[1000];

	(void)state;
	memset(name, '-', sizeof(name));
	name[sizeof(name) - 1] = 0;
	assert_false(PARSE(&l, 0, complaint, name));
	assert_true(strlen(complaint) < 256);
	command_line_fini(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_come_apart_or_joined),
		cmocka_unit_test(shorthands_become_overrides),
		cmocka_unit_test(two_dashes_end_options),
		cmocka_unit_test(what_is_wrong_is_named),
		cmocka_unit_test(options_are_bounded),
		cmocka_unit_test(a_long_complaint_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
