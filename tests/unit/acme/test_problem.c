/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "acme/problem.h"

#include "unit.h"

static struct fault read_problem(unsigned status, const char *body)
{
	struct fault f = { 0 };
	assert_int_not_equal(problem_read(status, str_from(body), &f), E_OK);
	return f;
}

static void types_choose_code_and_class(void **state)
{
	(void)state;
	struct fault f = read_problem(400, "{\"type\":\"urn:ietf:params:acme:error:badNonce\","
		"\"detail\":\"JWS has an invalid anti-replay nonce\",\"status\":400}");
	assert_string_equal(f.type, "badNonce");
	assert_int_equal(problem_class(&f), PROBLEM_NONCE);
	f = read_problem(400, "{\"type\":\"urn:ietf:params:acme:error:accountDoesNotExist\"}");
	assert_int_equal(problem_class(&f), PROBLEM_ACCOUNT_GONE);
	f = read_problem(403, "{\"type\":\"urn:ietf:params:acme:error:unauthorized\"}");
	assert_int_equal(problem_class(&f), PROBLEM_NAME);
	assert_true(problem_is_about_challenge(&f));
	f = read_problem(400, "{\"type\":\"urn:ietf:params:acme:error:rejectedIdentifier\"}");
	assert_int_equal(problem_class(&f), PROBLEM_PERMANENT);
	f = read_problem(403, "{\"type\":\"urn:ietf:params:acme:error:dns\",\"detail\":\"SERVFAIL\"}");
	assert_int_equal(f.code, E_ISSUE);
	assert_false(problem_is_about_challenge(&f));
}

static void http_status_alone_is_enough(void **state)
{
	(void)state;
	struct fault f = read_problem(404, "");
	assert_int_equal(problem_class(&f), PROBLEM_ORDER_GONE);
	assert_string_equal(f.detail, "HTTP status 404");
	f = read_problem(503, "<html>busy</html>");
	assert_int_equal(problem_class(&f), PROBLEM_CA);
	f = read_problem(500, "{}");
	assert_int_equal(problem_class(&f), PROBLEM_CA);
	f = read_problem(429, "");
	assert_int_equal(f.code, E_RATE_LIMITED);
}

static void http_status_wins_over_the_body(void **state)
{
	(void)state;
	struct fault f = read_problem(503, "{\"type\":\"urn:ietf:params:acme:error:malformed\","
		"\"status\":400}");
	assert_int_equal(f.status, 503);
	assert_int_equal(problem_class(&f), PROBLEM_CA);
}

static void rate_limits_have_a_scope(void **state)
{
	(void)state;
	struct fault f = read_problem(429, "{\"type\":\"urn:ietf:params:acme:error:rateLimited\","
		"\"detail\":\"too many new orders (300) from this account in the last 3h0m0s\"}");
	assert_int_equal(problem_class(&f), PROBLEM_CA);
	f = read_problem(429, "{\"type\":\"urn:ietf:params:acme:error:rateLimited\",\"detail\":"
		"\"too many certificates (5) already issued for this exact set of identifiers\"}");
	assert_int_equal(problem_class(&f), PROBLEM_NAME);
}

static void compound_tells_its_first_subproblem(void **state)
{
	(void)state;
	struct fault f = read_problem(403, "{\"type\":\"urn:ietf:params:acme:error:compound\","
		"\"detail\":\"several\",\"subproblems\":[{\"type\":\"urn:ietf:params:acme:error:caa\","
		"\"detail\":\"CAA forbids\"}]}");
	assert_string_equal(f.type, "caa");
	assert_string_equal(f.detail, "several; CAA forbids");
}

static void hostile_bodies_are_harmless(void **state)
{
	(void)state;
	static const char *const bodies[] = {
		"{", "[]", "null", "\"x\"", "1e999", "{\"type\":5,\"detail\":[],\"status\":\"x\"}",
		"{\"type\":null}", "{\"detail\":{\"a\":1}}", "{\"subproblems\":5}",
		"{\"subproblems\":[5]}", "{\"subproblems\":[{\"detail\":7}]}", "{\"status\":-1e300}",
		"{\"type\":\"a\",\"type\":\"b\"}", "\xff\xfe", "{\"type\":\"\\u0000\"}",
	};
	for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
		struct fault f = read_problem(400, bodies[i]);
		assert_int_equal(f.status, 400);
		assert_true(f.detail[0] != '\0');
	}
}

static void detail_is_printable_and_bounded(void **state)
{
	(void)state;
	static char body[20000];
	size_t n = (size_t)sprintf(body, "{\"detail\":\"a\\nb\\u001b[31m");
	memset(body + n, 'x', 10000);
	strcpy(body + n + 10000, "\"}");
	struct fault f = read_problem(400, body);
	assert_true(strlen(f.detail) < FAULT_TEXT);
	assert_null(strpbrk(f.detail, "\n\x1b"));
}

static void foreign_types_stay_as_they_are(void **state)
{
	(void)state;
	struct fault f = read_problem(403, "{\"type\":\"https://ca.example/problem/42\"}");
	assert_string_equal(f.type, "https://ca.example/problem/42");
	assert_int_equal(problem_class(&f), PROBLEM_NAME);
	f = read_problem(403, "{\"type\":\"about:blank\"}");
	assert_string_equal(f.type, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(types_choose_code_and_class),
		cmocka_unit_test(http_status_alone_is_enough),
		cmocka_unit_test(http_status_wins_over_the_body),
		cmocka_unit_test(rate_limits_have_a_scope),
		cmocka_unit_test(compound_tells_its_first_subproblem),
		cmocka_unit_test(hostile_bodies_are_harmless),
		cmocka_unit_test(detail_is_printable_and_bounded),
		cmocka_unit_test(foreign_types_stay_as_they_are),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
