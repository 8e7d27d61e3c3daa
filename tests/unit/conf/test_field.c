/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "conf/field.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/unit/conf/loading.h"

static void rows_are_found_by_key(void **state)
{
	(void)state;
	assert_string_equal(field_find(fields_top, STR("store"))->key, "store");
	assert_null(field_find(fields_top, STR("Store")));
	assert_null(field_find(fields_top, STR("")));
}

static void check_rows(const struct field *rows)
{
	for (const struct field *f = rows; f->key; f++) {
		assert_non_null(f->help);
		assert_ptr_equal(field_find(rows, str_from(f->key)), f);
		if (f->type == CONF_OBJECT)
			check_rows(f->rows);
		if (f->type == CONF_SPECIAL)
			assert_true(f->special->set && f->special->print && f->special->schema &&
				f->special->form);
		if (f->type == CONF_CHOICE)
			assert_non_null(f->choices);
	}
}

static void every_row_is_complete_and_its_key_its_own(void **state)
{
	(void)state;
	check_rows(fields_top);
	check_rows(fields_site);
	check_rows(fields_route);
	check_rows(fields_upstream);
	check_rows(fields_server);
	check_rows(fields_ca);
}

static void values_print_in_the_operators_form(void **state)
{
	struct conf *c = loaded("{\"timeouts\": {\"idle\": \"90s\"}, \"limits\": {\"head\": \"2048B\"}}");
	struct json *o = json_new_object();

	(void)state;
	field_print(fields_timeouts, &c->timeouts, o);
	field_print(fields_log, &c->log, o);
	assert_true(str_is(json_get_str(o, "idle"), "90s"));
	assert_true(str_is(json_get_str(o, "level"), "info"));
	assert_true(json_bool(json_get(o, "access"), false));
	json_free(&o);
	conf_unref(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_found_by_key),
		cmocka_unit_test(every_row_is_complete_and_its_key_its_own),
		cmocka_unit_test(values_print_in_the_operators_form),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
