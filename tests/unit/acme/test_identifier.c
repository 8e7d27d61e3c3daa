/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "acme/identifier.h"

#include "unit.h"

static void writes(const char *name, const char *type)
{
	struct json *o = identifier_json(name);
	assert_true(str_is(json_get_str(o, "type"), type));
	assert_true(str_is(json_get_str(o, "value"), name));
	json_free(&o);
}

static void addresses_have_a_type_of_their_own(void **state)
{
	(void)state;
	writes("app.example.com", "dns");
	writes("*.example.com", "dns");
	writes("203.0.113.7", "ip");
	writes("2001:db8::1", "ip");
	assert_true(identifier_is_address("::1"));
	assert_false(identifier_is_address("203.0.113.7.example"));
}

static bool is(const char *type, const char *value, const char *name)
{
	return identifier_is(str_from(type), str_from(value), name);
}

static void a_server_may_spell_it_in_its_own_way(void **state)
{
	(void)state;
	assert_true(is("dns", "A.Test", "a.test"));
	assert_true(is("", "a.test", "a.test"));
	assert_true(is("ip", "203.0.113.7", "203.0.113.7"));
	assert_true(is("ip", "2001:DB8:0:0:0:0:0:1", "2001:db8::1"));
	assert_true(is("ip", "2001:db8:0::0001", "2001:db8::1"));
	assert_true(is("ip", "[2001:db8::1]", "2001:db8::1"));
}

static void another_one_is_another_one(void **state)
{
	(void)state;
	assert_false(is("dns", "b.test", "a.test"));
	assert_false(is("ip", "a.test", "a.test"));
	assert_false(is("dns", "203.0.113.7", "203.0.113.7"));
	assert_false(is("", "203.0.113.7", "203.0.113.7"));
	assert_false(is("ip", "203.0.113.8", "203.0.113.7"));
	assert_false(is("ip", "2001:db8::2", "2001:db8::1"));
	assert_false(is("ip", "203.0.113.7.", "203.0.113.7"));
	assert_false(is("ip", "", "203.0.113.7"));
	assert_false(is("email", "a.test", "a.test"));
	assert_false(identifier_is(STR_NONE, STR_NONE, "a.test"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_have_a_type_of_their_own),
		cmocka_unit_test(a_server_may_spell_it_in_its_own_way),
		cmocka_unit_test(another_one_is_another_one),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
