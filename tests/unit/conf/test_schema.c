/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "conf/schema.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "base/json.h"
#include "tests/unit/conf/generated.h"

static void the_committed_schema_is_fresh(void **state)
{
	struct buf now;

	(void)state;
	buf_init(&now, 0);
	assert_int_equal(schema_print(&now), E_OK);
	generated_is_fresh("conf/schema.json", &now);
	buf_fini(&now);
}

static const struct json *member(const struct json *root, const char *section, const char *key)
{
	const struct json *s = json_get(json_get(root, "properties"), section);

	return json_get(json_get(s, "properties"), key);
}

static void the_schema_is_json_with_every_section(void **state)
{
	struct json *root;
	struct buf now;

	(void)state;
	buf_init(&now, 0);
	assert_int_equal(schema_print(&now), E_OK);
	assert_int_equal(json_parse(buf_str(&now), &json_limits_default, &root, NULL), E_OK);
	assert_non_null(member(root, "acme", "ca"));
	assert_non_null(member(root, "on_demand", "remember"));
	assert_non_null(json_get(json_get(root, "$defs"), "site"));
	assert_true(str_is(json_get_str(member(root, "on_demand", "wait"), "default"), "30s"));
	json_free(&root);
	buf_fini(&now);
}

/* Every reference leads somewhere. */
static void check_references(const struct json *defs, const struct json *n)
{
	struct str ref = json_get_str(n, "$ref");

	if (ref.at) {
		assert_true(str_has_prefix(ref, STR("#/$defs/")));
		assert_non_null(json_get(defs, ref.at + 8));
	}
	for (const struct json *c = json_first(n); c; c = json_next(c))
		check_references(defs, c);
}

static void references_lead_somewhere(void **state)
{
	struct json *root;
	struct buf now;

	(void)state;
	buf_init(&now, 0);
	assert_int_equal(schema_print(&now), E_OK);
	assert_int_equal(json_parse(buf_str(&now), &json_limits_default, &root, NULL), E_OK);
	check_references(json_get(root, "$defs"), root);
	json_free(&root);
	buf_fini(&now);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_committed_schema_is_fresh),
		cmocka_unit_test(the_schema_is_json_with_every_section),
		cmocka_unit_test(references_lead_somewhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
