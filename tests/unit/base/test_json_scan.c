/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/json_scan.h"

#include "base/json.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

static enum err scan(struct str text, struct json_scan *s, size_t *at)
{
	return json_scan_text(s, text, &json_limits_default, at);
}

static void a_parent_comes_before_its_children(void **state)
{
	struct json_scan s;
	size_t at;

	(void)state;
	assert_int_equal(scan(STR(" {\"a\":[1],\"b\":2}"), &s, &at), E_OK);
	assert_int_equal(s.n, 4);
	assert_int_equal(s.places[0].value_at, 1);
	assert_int_equal(s.places[1].key_at, 2);
	assert_int_equal(s.places[1].value_at, 6);
	assert_int_equal(s.places[2].value_at, 7);
	assert_int_equal(s.places[3].key_at, 10);
	assert_int_equal(s.places[3].value_at, 14);
	json_scan_fini(&s);
	json_scan_fini(&s);
}

static void errors_say_where(void **state)
{
	struct json_scan s;
	size_t at;

	(void)state;
	assert_int_equal(scan(STR("{\"a\":1,\"b\":2,\"a\":3}"), &s, &at), E_PARSE);
	assert_int_equal(at, 13);
	assert_int_equal(scan(STR("[1, x]"), &s, &at), E_PARSE);
	assert_int_equal(at, 4);
	assert_int_equal(scan(STR("[1"), &s, &at), E_PARSE);
	assert_int_equal(at, 2);
	assert_int_equal(scan(STR("\"ab\xff\""), &s, &at), E_PARSE);
	assert_int_equal(at, 3);
	assert_int_equal(scan(STR("[\"\\u12x4\"]"), &s, &at), E_PARSE);
	assert_int_equal(at, 2);
}

static void blanking_keeps_every_line_where_it_was(void **state)
{
	char text[] = "{ // a\r\n /* b\n c */ \"x\": 1,\n}";
	size_t at;

	(void)state;
	assert_int_equal(json_scan_blank(text, sizeof(text) - 1, &at), E_OK);
	assert_string_equal(text, "{     \r\n     \n      \"x\": 1 \n}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_parent_comes_before_its_children),
		cmocka_unit_test(errors_say_where),
		cmocka_unit_test(blanking_keeps_every_line_where_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
