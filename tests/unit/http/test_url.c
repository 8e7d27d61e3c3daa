/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/http/url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define assert_str(s, text) assert_true(str_is((s), (text)))

static void parts_are_cut(void **state)
{
	struct url u;

	(void)state;
	assert_int_equal(url_parse(STR("HTTPS://Ca.example/dir?x=1"), &u), E_OK);
	assert_str(u.scheme, "https");
	assert_str(u.host, "Ca.example");
	assert_str(u.path, "/dir?x=1");
	assert_int_equal(u.port, 443);
	assert_int_equal(url_parse(STR("http://127.0.0.1:14000"), &u), E_OK);
	assert_str(u.path, "/");
	assert_int_equal(u.port, 14000);
	assert_false(u.is_ipv6);
	assert_int_equal(url_parse(STR("http://[::1]:8/a"), &u), E_OK);
	assert_str(u.host, "::1");
	assert_true(u.is_ipv6);
	assert_int_equal(u.port, 8);
}

static void anything_else_is_refused(void **state)
{
	static const char *const bad[] = {
		"", "http", "http:", "http:/a", "http://", "http:///a", "ftp://a/", "//a/b", "/a", "a.b",
		"http://u@a/", "http://u:p@a/", "http://a/#f", "http://a#f", "http://a/b c", "http://a?b",
		"http://a:0/", "http://a:70000/", "http://a/\x7f", "http://a/\xc3\xa4", "http://[::1/",
		" http://a/", "http://a\r\n/",
	};
	struct url u;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (url_parse(str_from(bad[i]), &u) != E_PARSE)
			fail_msg("accepted: %s", bad[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parts_are_cut),
		cmocka_unit_test(anything_else_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
