/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/http/h1_input.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void what_is_taken_at_once_is_never_copied(void **state)
{
	static const char text[] = "abc";
	struct h1_input in;

	(void)state;
	h1_input_init(&in, 8);
	assert_int_equal(h1_input_begin(&in, str_from(text)), E_OK);
	assert_ptr_equal(in.now.at, text);
	h1_input_take(&in, 3);
	assert_int_equal(h1_input_end(&in), E_OK);
	assert_false(h1_input_has_rest(&in));
	assert_null(in.saved.at);
	h1_input_fini(&in);
}

static void the_rest_stands_before_what_comes(void **state)
{
	struct h1_input in;

	(void)state;
	h1_input_init(&in, 8);
	assert_int_equal(h1_input_begin(&in, STR("abc")), E_OK);
	h1_input_take(&in, 1);
	assert_int_equal(h1_input_end(&in), E_OK);
	assert_true(h1_input_has_rest(&in));
	assert_int_equal(h1_input_begin(&in, STR("de")), E_OK);
	assert_true(str_is(in.now, "bcde"));
	h1_input_take(&in, 3);
	assert_int_equal(h1_input_end(&in), E_OK);
	assert_int_equal(h1_input_begin(&in, STR_NONE), E_OK);
	assert_true(str_is(in.now, "e"));
	h1_input_take(&in, 1);
	assert_int_equal(h1_input_end(&in), E_OK);
	assert_null(in.saved.at);
	h1_input_fini(&in);
}

static void the_rest_is_bounded(void **state)
{
	struct h1_input in;

	(void)state;
	h1_input_init(&in, 4);
	assert_int_equal(h1_input_begin(&in, STR("abcde")), E_OK);
	assert_int_equal(h1_input_end(&in), E_LIMIT);
	h1_input_fini(&in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_taken_at_once_is_never_copied),
		cmocka_unit_test(the_rest_stands_before_what_comes),
		cmocka_unit_test(the_rest_is_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
