/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "acme/record.h"

#include "unit.h"

static void values_are_found_by_name_above_the_empty_line(void **state)
{
	(void)state;
	struct str text = STR("a: 1\r\nb:  two words \nc:\n\na2: 5\n");
	assert_true(str_is(record_get(text, "a"), "1"));
	assert_true(str_is(record_get(text, "b"), "two words"));
	assert_true(str_is(record_get(text, "c"), ""));
	assert_null(record_get(text, "a2").at);
	assert_null(record_get(STR(""), "a").at);
	assert_null(record_get(STR("a"), "a").at);
	assert_true(str_is(record_get(STR("a:x"), "a"), "x"));
}

static void numbers_are_whole_or_not_there(void **state)
{
	(void)state;
	assert_int_equal(record_get_int(STR("n: 12\n"), "n", -1), 12);
	assert_int_equal(record_get_int(STR("n: 12x\n"), "n", -1), -1);
	assert_int_equal(record_get_int(STR("n: -12\n"), "n", 7), 7);
	assert_int_equal(record_get_int(STR("n: 9223372036854775808\n"), "n", 7), 7);
	assert_int_equal(record_get_int(STR("n: 9223372036854775807\n"), "n", 7), INT64_MAX);
}

static void what_would_break_the_lines_is_refused(void **state)
{
	(void)state;
	struct buf b;
	buf_init(&b, 0);
	assert_int_equal(record_add(&b, "x", STR("a\nkid: evil")), E_PARSE);
	assert_int_equal(record_add(&b, "x", STR("a\r")), E_PARSE);
	assert_int_equal(record_add_int(&b, "x", -1), E_PARSE);
	assert_int_equal(b.len, 0);
	assert_int_equal(record_add(&b, "x", STR_NONE), E_OK);
	assert_int_equal(b.len, 0);
	buf_fini(&b);
}

static void too_long_values_are_not_cut(void **state)
{
	(void)state;
	char dst[4] = "xyz";
	assert_false(record_copy(STR("k: 12345\n"), "k", dst, sizeof dst));
	assert_string_equal(dst, "");
	assert_true(record_copy(STR("k: 123\n"), "k", dst, sizeof dst));
	assert_string_equal(dst, "123");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_are_found_by_name_above_the_empty_line),
		cmocka_unit_test(numbers_are_whole_or_not_there),
		cmocka_unit_test(what_would_break_the_lines_is_refused),
		cmocka_unit_test(too_long_values_are_not_cut),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
