/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "conf/parse.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/unit/conf/loading.h"

static void short_and_long_forms_mean_the_same(void **state)
{
	struct conf *c = loaded("{\"upstreams\": {\"api\": \"10.0.0.1:1\"}, \"sites\": {"
		"\"a.example\": \"web:3000\", \"b.example\": {\"to\": \"web:3000\"}, "
		"\"c.example\": \"api\", \"d.example\": [\"web:1\", \"web:2\"], "
		"\"e.example\": {\"to\": {\"servers\": [\"https://x\"], \"host\": \"h\"}}}}");

	(void)state;
	assert_ptr_equal(c->sites[0].routes[0].to, c->sites[1].routes[0].to);
	assert_string_equal(c->sites[2].routes[0].to->name, "api");
	assert_int_equal(c->sites[3].routes[0].to->n_servers, 2);
	assert_true(c->sites[4].routes[0].to->tls);
	assert_string_equal(c->sites[4].routes[0].to->host, "h");
	assert_string_equal(c->sites[4].routes[0].path, "/*");
	conf_unref(&c);
}

static void names_are_brought_to_one_form(void **state)
{
	struct conf *c = loaded("{\"sites\": {\"B\u00fccher.Example.\": \"1\"}}");

	(void)state;
	assert_string_equal(c->sites[0].name, "xn--bcher-kva.example");
	conf_unref(&c);
	site_refused("\"a_b.example\": \"1\"", "underscore");
	site_refused("\"a.example\": \"1\", \"A.EXAMPLE.\": \"2\"", "is the same site as");
}

static void all_modes_are_understood(void **state)
{
	struct conf *c = loaded("{\"on_demand\": {\"ask\": \"http://a\"}, \"sites\": {"
		"\"a.example\": {\"to\": \"1\", \"tls\": \"off\"},"
		"\"b.example\": {\"to\": \"1\", \"tls\": \"auto\", \"http\": \"refuse\"},"
		"\"c.example\": {\"to\": \"1\", \"tls\": \"on_demand\"},"
		"\"d.example\": {\"redirect\": \"https://x\", \"status\": 301, \"default\": true}}}");

	(void)state;
	assert_int_equal(c->sites[0].tls, CONF_TLS_OFF);
	assert_int_equal(c->sites[0].http, CONF_HTTP_SERVE);
	assert_int_equal(c->sites[1].tls, CONF_TLS_AUTO);
	assert_int_equal(c->sites[1].http, CONF_HTTP_REFUSE);
	assert_int_equal(c->sites[2].tls, CONF_TLS_ON_DEMAND);
	assert_int_equal(c->sites[3].routes[0].redirect_status, 301);
	assert_true(c->sites[3].is_default);
	conf_unref(&c);
}

static void malformed_sites_are_refused(void **state)
{
	(void)state;
	site_refused("\"a.example\": {\"redirect\": \"b\"}", "URL");
	site_refused("\"a.example\": {\"routes\": {\"api\": \"2\"}}", "starts with /");
	site_refused("\"a.example\": {\"routes\": {\"/a*b\": \"2\"}}", "asterisk");
	site_refused("\"a.example\": {\"routes\": {\"/a b\": \"2\"}}", "no path of a request has");
	site_refused("\"a.example\": {\"routes\": {}}", "at least one route");
	site_refused("\"a.example\": {\"routes\": []}", "wants an object");
	site_refused("\"a.example\": {\"redirect\": \"https://b\", \"status\": 303}", "\"303\" is not known");
	site_refused("\"a.example\": {\"too\": \"1\"}", "sites[\"a.example\"].too: unknown key; did you mean "
		"\"to\"?");
	site_refused("\"a.example\": 5", "wants an address");
	site_refused("\"a.example\": null", "wants an address");
	site_refused("\"\": \"1\"", "is empty");
	refused("{\"sites\": []}", "wants an object");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(short_and_long_forms_mean_the_same),
		cmocka_unit_test(names_are_brought_to_one_form),
		cmocka_unit_test(all_modes_are_understood),
		cmocka_unit_test(malformed_sites_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
