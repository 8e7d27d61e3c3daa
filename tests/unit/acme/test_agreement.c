/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "acme/agreement.h"

#include "unit.h"

static struct agreement read_one(const char *link, const char *body)
{
	struct header at[] = { { STR("content-type"), STR("application/problem+json") },
		{ STR("Link"), str_from(link) } };
	struct headers headers = { .at = at, .n = 2 };
	struct agreement got;
	agreement_read(&headers, str_from(body), &got);
	return got;
}

static void both_urls_are_told(void **state)
{
	(void)state;
	struct agreement got = read_one("<https://ca.test/dir>;rel=\"index\", "
		"<https://ca.test/terms/v8>;rel=\"terms-of-service\"",
		"{\"type\":\"urn:ietf:params:acme:error:userActionRequired\","
		"\"instance\":\"https://ca.test/act?token=1\"}");
	assert_string_equal(got.terms, "https://ca.test/terms/v8");
	assert_string_equal(got.instance, "https://ca.test/act?token=1");
}

static void what_is_no_url_is_left_out(void **state)
{
	static const struct { const char *link, *body; } rows[] = {
		{ "", "" }, { "<javascript:alert(1)>;rel=\"terms-of-service\"", "{\"instance\":\"file:///x\"}" },
		{ "<https://ca.test/x>;rel=\"up\"", "[1]" }, { "<", "{\"instance\":7}" }, { "x", "{" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct agreement got = read_one(rows[i].link, rows[i].body);
		assert_string_equal(got.terms, "");
		assert_string_equal(got.instance, "");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_urls_are_told),
		cmocka_unit_test(what_is_no_url_is_left_out),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
