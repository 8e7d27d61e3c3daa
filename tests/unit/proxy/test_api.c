/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proxy/admin/api.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/clock.h"

static void query_parameters_are_found_by_their_whole_name(void **state)
{
	struct api_call c = { .query = STR("max=7&cursor=ab/x&flag&=odd") };

	(void)state;
	assert_true(str_is(api_query(&c, "max"), "7"));
	assert_true(str_is(api_query(&c, "cursor"), "ab/x"));
	assert_true(str_is(api_query(&c, "flag"), ""));
	assert_null(api_query(&c, "ma").at);
	assert_null(api_query(&c, "curso").at);
	c.query = STR_NONE;
	assert_null(api_query(&c, "max").at);
}

static void a_fault_keeps_its_code_and_the_cas_words(void **state)
{
	struct fault fault = { .type = "unauthorized", .status = 403 };
	struct json *o;

	(void)state;
	fault_set(&fault, E_ISSUE, "said \"no\"");
	o = api_fault(&fault);
	assert_true(str_is(json_get_str(o, "code"), "SP-204"));
	assert_true(str_is(json_get_str(o, "detail"), "said \"no\""));
	assert_true(str_is(json_get_str(o, "type"), "unauthorized"));
	assert_int_equal((int)json_number(json_get(o, "status"), 0), 403);
	json_free(&o);
}

static void times_that_mean_nothing_are_left_out(void **state)
{
	struct json *o = json_new_object();

	(void)state;
	api_put_time(o, "never", 0);
	api_put_time(o, "ever", INT64_MAX);
	api_put_time(o, "then", 1800000000000);
	assert_null(json_get(o, "never"));
	assert_null(json_get(o, "ever"));
	assert_int_equal(clock_parse_rfc3339(json_get_str(o, "then").at, json_get_str(o, "then").len),
		1800000000000);
	json_free(&o);
}

static void no_two_rows_are_asked_alike(void **state)
{
	(void)state;
	for (unsigned i = 0; i < api_n_rows; i++)
		for (unsigned j = 0; j < i; j++)
			assert_true(strcmp(api_rows[i].path, api_rows[j].path) != 0
				|| strcmp(api_rows[i].method, api_rows[j].method) != 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(query_parameters_are_found_by_their_whole_name),
		cmocka_unit_test(a_fault_keeps_its_code_and_the_cas_words),
		cmocka_unit_test(times_that_mean_nothing_are_left_out),
		cmocka_unit_test(no_two_rows_are_asked_alike),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
