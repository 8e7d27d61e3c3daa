/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "certstore/series.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static const struct conf_keys one = {1, {CONF_KEY_RSA2048}};
static const struct conf_keys both = {2, {CONF_KEY_P256, CONF_KEY_RSA3072}};
static const struct conf_keys reversed = {2, {CONF_KEY_RSA2048, CONF_KEY_P384}};

static void the_first_is_called_as_the_name(void **state)
{
	char series[SERIES_NAME];

	(void)state;
	assert_true(series_of(series, STR("app.example.com"), &one, 0));
	assert_string_equal(series, "app.example.com");
	assert_true(series_of(series, STR("*.example.com"), &both, 0));
	assert_string_equal(series, "*.example.com");
	assert_false(series_is_second(series));
}

static void the_second_tells_its_family(void **state)
{
	char series[SERIES_NAME], host[SERIES_NAME];

	(void)state;
	assert_true(series_of(series, STR("app.example.com"), &both, 1));
	assert_string_equal(series, "app.example.com+rsa");
	assert_true(series_is_second(series));
	assert_string_equal(series_host_text(host, series), "app.example.com");
	assert_true(series_of(series, STR("2001:db8::1"), &reversed, 1));
	assert_string_equal(series, "2001:db8::1+ecdsa");
	assert_false(series_of(series, STR("app.example.com"), &one, 1));
	assert_false(series_of(series, STR(""), &both, 0));
}

static void each_knows_the_other(void **state)
{
	char series[SERIES_NAME];

	(void)state;
	assert_true(series_other(series, "a.b", &both));
	assert_string_equal(series, "a.b+rsa");
	assert_true(series_other(series, "a.b+rsa", &both));
	assert_string_equal(series, "a.b");
	assert_false(series_other(series, "a.b", &one));
}

static void keys_say_which_are_wanted(void **state)
{
	enum conf_key_type type;

	(void)state;
	assert_true(series_key("a.b", &both, &type) && type == CONF_KEY_P256);
	assert_true(series_key("a.b+rsa", &both, &type) && type == CONF_KEY_RSA3072);
	assert_true(series_key("a.b+ecdsa", &reversed, &type) && type == CONF_KEY_P384);
	assert_false(series_key("a.b+ecdsa", &both, &type));
	assert_false(series_key("a.b+rsa", &one, &type));
	assert_false(series_key("a.b+", &both, &type));
	assert_true(series_key("a.b", &one, &type) && type == CONF_KEY_RSA2048);
}

static void names_too_long_for_a_second_have_none(void **state)
{
	char host[SERIES_NAME], series[SERIES_NAME];
	enum conf_key_type type;

	(void)state;
	memset(host, 'a', SERIES_HOST_MAX + 1);
	host[SERIES_HOST_MAX + 1] = '\0';
	assert_true(series_of(series, str_from(host), &both, 0));
	assert_false(series_of(series, str_from(host), &both, 1));
	assert_false(series_other(series, host, &both));
	host[SERIES_HOST_MAX] = '\0';
	assert_true(series_other(series, host, &reversed));
	assert_true(series_key(series, &reversed, &type));
}

static void what_people_write_has_one_form(void **state)
{
	static const char *const bad[] = {
		"*", "*+rsa", "a b", "a.example+", "a.example+dsa", "a.example+rsa+rsa", "+rsa"};
	char series[SERIES_NAME];
	const char *why;

	(void)state;
	assert_int_equal(series_normalise(series, STR("App.Example.com."), &why), E_OK);
	assert_string_equal(series, "app.example.com");
	assert_int_equal(series_normalise(series, STR("*.Example.com+rsa"), &why), E_OK);
	assert_string_equal(series, "*.example.com+rsa");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(series_normalise(series, str_from(bad[i]), &why), E_NAME);
}

static void two_families_have_a_suffix_and_nothing_else(void **state)
{
	(void)state;
	assert_true(series_is_suffix(STR("rsa")) && series_is_suffix(STR("ecdsa")));
	assert_false(series_is_suffix(STR("")) || series_is_suffix(STR("RSA")) || series_is_suffix(STR("rsa2")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_is_called_as_the_name),
		cmocka_unit_test(the_second_tells_its_family),
		cmocka_unit_test(each_knows_the_other),
		cmocka_unit_test(keys_say_which_are_wanted),
		cmocka_unit_test(names_too_long_for_a_second_have_none),
		cmocka_unit_test(what_people_write_has_one_form),
		cmocka_unit_test(two_families_have_a_suffix_and_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
