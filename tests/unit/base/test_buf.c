/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/buf.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

static void content_grows_and_is_consumed(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 0);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(buf_addf(&b, "%03d,", i), E_OK);
	assert_int_equal(b.len, 4000);
	buf_consume(&b, 3996);
	assert_string_equal(buf_cstring(&b), "999,");
	buf_consume(&b, 4);
	assert_int_equal(b.len, 0);
	buf_fini(&b);
}

static void the_cap_refuses_and_keeps_the_content(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 5);
	assert_int_equal(buf_add(&b, STR("abc")), E_OK);
	assert_int_equal(buf_add(&b, STR("def")), E_LIMIT);
	assert_int_equal(buf_addf(&b, "%d", 123), E_LIMIT);
	assert_int_equal(buf_reserve(&b, SIZE_MAX), E_LIMIT);
	assert_int_equal(buf_add(&b, STR("de")), E_OK);
	assert_string_equal(buf_cstring(&b), "abcde");
	buf_fini(&b);
}

static void an_empty_buffer_is_an_empty_string(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 1);
	assert_int_equal(buf_add(&b, STR_NONE), E_OK);
	assert_string_equal(buf_cstring(&b), "");
	buf_release(&b);
	assert_null(b.at);
	assert_string_equal(buf_cstring(&b), "");
	buf_fini(&b);
}

static void reserved_room_is_writable(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 0);
	assert_int_equal(buf_reserve(&b, 100), E_OK);
	memset(b.at + b.len, 'x', 100);
	b.len += 100;
	assert_int_equal(buf_str(&b).len, 100);
	buf_clear(&b);
	assert_int_equal(buf_str(&b).len, 0);
	buf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(content_grows_and_is_consumed),
		cmocka_unit_test(the_cap_refuses_and_keeps_the_content),
		cmocka_unit_test(an_empty_buffer_is_an_empty_string),
		cmocka_unit_test(reserved_room_is_writable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
