/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "acme/transport.h"

#include "unit.h"

static void only_sane_https_urls_are_fine(void **state)
{
	(void)state;
	char text[ACME_URL + 10];
	assert_true(transport_url_is_fine(STR("https://ca.test/dir")));
	assert_true(transport_url_is_fine(STR("https://ca.test")));
	assert_true(transport_url_is_fine(STR("https://127.0.0.1:14000/dir?x=1")));
	assert_false(transport_url_is_fine(STR("http://ca.test/dir")));
	assert_false(transport_url_is_fine(STR("file:///dir")));
	assert_false(transport_url_is_fine(STR("https://user:word@ca.test/")));
	assert_false(transport_url_is_fine(STR("https://ca.test/\r\nX: y")));
	assert_false(transport_url_is_fine(STR("https://ca.test/a b")));
	assert_false(transport_url_is_fine(STR_NONE));
	size_t n = (size_t)sprintf(text, "https://ca.test/");
	memset(text + n, 'a', sizeof text - n);
	assert_false(transport_url_is_fine(str_of(text, ACME_URL)));
	assert_true(transport_url_is_fine(str_of(text, ACME_URL - 1)));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(only_sane_https_urls_are_fine) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
