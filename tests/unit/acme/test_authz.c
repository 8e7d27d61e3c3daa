/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "acme/authz.h"

#include "unit.h"

/* The machine is walked through by test_order; here is what it reads. */
static struct authz_body body;

static enum err parse(const char *text)
{
	struct fault fault = { 0 };
	return authz_parse(str_from(text), &body, &fault);
}

#define HEAD "{\"status\":\"pending\",\"identifier\":{\"value\":\"a.test\"},\"challenges\":["

static void known_types_with_token_and_url_are_offers(void **state)
{
	(void)state;
	assert_int_equal(parse(HEAD "{\"type\":\"http-01\",\"url\":\"https://ca.test/h\","
		"\"token\":\"0123456789abcdef\"}]}"), E_OK);
	assert_true(body.challenges[CONF_HTTP_01].is_offered);
	assert_false(body.challenges[CONF_TLS_ALPN_01].is_offered);
	assert_string_equal(body.challenges[CONF_HTTP_01].url, "https://ca.test/h");
	assert_string_equal(body.type, "");
	assert_int_equal(parse("{\"status\":\"valid\",\"identifier\":{\"type\":\"ip\",\"value\":\"::1\"}}"), E_OK);
	assert_string_equal(body.type, "ip");
	assert_string_equal(body.identifier, "::1");
}

static void what_failed_or_is_odd_is_no_offer(void **state)
{
	(void)state;
	static const char *const odd[] = { "5", "null", "{}", "{\"type\":5}", "[]",
		"{\"type\":\"http-01\",\"url\":\"http://ca.test/h\",\"token\":\"0123456789abcdef\"}",
		"{\"type\":\"http-01\",\"url\":\"https://ca.test/h\",\"token\":\"short\"}",
		"{\"type\":\"http-01\",\"url\":\"https://ca.test/h\"}",
		"{\"type\":\"http-01\",\"url\":\"https://ca.test/h\",\"token\":\"0123456789abcdef\","
			"\"status\":\"invalid\"}",
		"{\"type\":\"dns-persist-01\",\"url\":\"https://ca.test/h\",\"token\":\"0123456789abcdef\"}" };
	char text[1024];
	for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
		snprintf(text, sizeof text, HEAD "%s]}", odd[i]);
		assert_int_equal(parse(text), E_OK);
		assert_false(body.challenges[CONF_HTTP_01].is_offered);
	}
}

static void other_documents_are_refused(void **state)
{
	(void)state;
	static const char *const bad[] = { "", "[]", "{}", "{\"status\":\"pending\"}", "{\"status\":\"new\"}",
		"{\"status\":\"pending\",\"identifier\":\"a.test\"}",
		"{\"status\":\"pending\",\"identifier\":{\"value\":5}}",
		"{\"status\":\"pending\",\"identifier\":{\"type\":\"a type of many letters\",\"value\":\"a.test\"}}" };
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(parse(bad[i]), E_ACME_PROTOCOL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_types_with_token_and_url_are_offers),
		cmocka_unit_test(what_failed_or_is_odd_is_no_offer),
		cmocka_unit_test(other_documents_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
