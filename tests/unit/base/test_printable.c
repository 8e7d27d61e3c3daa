/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/printable.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

static void hostile_text_becomes_printable(void **state)
{
	char out[64];

	(void)state;
	printable_text(out, sizeof(out), STR("a\x1b\x00\x7f\xff\xc2\x85\xe2\x80\xa8\xc3\xa4"));
	assert_string_equal(out,
		"a\\x1b\\x00\\x7f\\xff\\xc2\\x85\\xe2\\x80\\xa8\xc3\xa4");
}

static void printable_text_is_cut_between_characters(void **state)
{
	char out[16];

	(void)state;
	for (size_t cap = 1; cap < sizeof(out); cap++) {
		printable_text(out, cap, STR("\xe2\x82\xac\x01\xe2\x82\xac\x01"));
		assert_true(strlen(out) < cap);
		assert_true(str_is_utf8(str_from(out)));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hostile_text_becomes_printable),
		cmocka_unit_test(printable_text_is_cut_between_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
