/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "conf/parse.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/unit/conf/loading.h"

static void everything_can_be_set(void **state)
{
	struct conf *c = loaded("{\"on_demand\": {\"ask\": \"https://a.example/ask?k=v\", \"ask_timeout\": \"1s\", "
		"\"remember\": {\"allow\": \"2h\", \"deny\": \"0\", \"if_ask_is_down\": 0}, \"wait\": \"1m\", "
		"\"max_waiting\": 7, \"max_waiting_per_name\": 3, \"max_labels\": 4, \"negative_names\": 100, "
		"\"new_names\": \"600/h\", \"names_file\": \"allowed.txt\", "
		"\"budget\": {\"per_tenant\": \"20/h\", \"per_registered_domain\": \"30/7d\"}}}");
	const struct conf_on_demand *o = &c->on_demand;

	(void)state;
	assert_string_equal(o->ask[0], "https://a.example/ask?k=v");
	assert_int_equal(o->ask_timeout_ms, 1000);
	assert_int_equal(o->allow_ms, 7200000);
	assert_int_equal(o->deny_ms, 0);
	assert_int_equal(o->if_ask_is_down_ms, 0);
	assert_int_equal(o->wait_ms, 60000);
	assert_int_equal(o->max_waiting, 7);
	assert_int_equal(o->max_waiting_per_name, 3);
	assert_int_equal(o->max_labels, 4);
	assert_int_equal(o->negative_names, 100);
	assert_int_equal(o->new_names_per_minute, 10);
	assert_int_equal(o->per_tenant.n, 20);
	assert_int_equal(o->per_tenant.per_ms, 3600000);
	assert_int_equal(o->per_registered_domain.n, 30);
	assert_int_equal(o->per_registered_domain.per_ms, 7 * 86400000);
	assert_string_equal(o->names_file, "allowed.txt");
	assert_false(o->listed_only);
	assert_false(o->enabled);
	conf_unref(&c);
}

static void one_url_or_a_few_are_asked_in_turn(void **state)
{
	struct conf *c = loaded("{\"on_demand\": {\"ask\": [\"http://a/x,y\", \"https://b\"], "
		"\"canary\": \"refuse\"}}");
	char *const environment[] = { "SALLYPORT_ASK=http://a/x,y", NULL };

	(void)state;
	assert_int_equal(c->on_demand.n_ask, 2);
	assert_string_equal(c->on_demand.ask[0], "http://a/x,y");
	assert_string_equal(c->on_demand.ask[1], "https://b");
	assert_int_equal(c->on_demand.canary, CONF_CANARY_REFUSE);
	conf_unref(&c);
	c = loaded_with("{}", environment);
	assert_int_equal(c->on_demand.n_ask, 1);
	assert_string_equal(c->on_demand.ask[0], "http://a/x,y");
	assert_int_equal(c->on_demand.canary, CONF_CANARY_WARN);
	conf_unref(&c);
}

static void malformed_settings_are_refused(void **state)
{
	(void)state;
	refused("{\"on_demand\": {\"ask\": \"127.0.0.1:5555\"}}", "http:// or https:// URL");
	refused("{\"on_demand\": {\"ask\": []}}", "one to 4 URLs");
	refused("{\"on_demand\": {\"ask\": [\"http://a\", \"http://b\", \"http://c\", \"http://d\", \"http://e\"]}}",
		"one to 4 URLs");
	refused("{\"on_demand\": {\"ask\": [\"http://a\", \"http://a\"]}}", "listed twice");
	refused("{\"on_demand\": {\"ask\": [\"http://a\", 5]}}", "a URL, or a list of URLs");
	refused("{\"on_demand\": {\"canary\": \"maybe\"}}", "canary");
	refused("{\"on_demand\": {\"new_names\": \"10\"}}", "no rate");
	refused("{\"on_demand\": {\"budget\": {\"per_tenant\": \"20\"}}}", "no quota");
	refused("{\"on_demand\": {\"max_labels\": 0}}", "below the least");
	refused("{\"on_demand\": {\"forget_after\": \"30 days\"}}", "on_demand.forget_after");
	refused("{\"on_demand\": {\"forget_after\": \"4000d\"}}", "above the most");
	refused("{\"on_demand\": {\"remember\": {\"alow\": \"1h\"}}}", "did you mean \"allow\"?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_can_be_set),
		cmocka_unit_test(one_url_or_a_few_are_asked_in_turn),
		cmocka_unit_test(malformed_settings_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
