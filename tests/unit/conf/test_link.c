/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "conf/link.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/unit/conf/loading.h"

static void routes_are_sorted_for_the_first_match(void **state)
{
	static const char *const order[] = { "/api/v1", "/x", "/api/*", "/a*", "/*" };
	struct conf *c = loaded("{\"sites\": {\"a.example\": {\"to\": \"1\", \"routes\": {\"/a*\": \"2\", "
		"\"/x\": \"3\", \"/api/*\": \"4\", \"/api/v1\": {\"redirect\": \"https://r\"}}}}}");

	(void)state;
	assert_int_equal(c->sites[0].n_routes, 5);
	for (unsigned i = 0; i < 5; i++)
		assert_string_equal(c->sites[0].routes[i].path, order[i]);
	assert_null(c->sites[0].routes[0].to);
	conf_unref(&c);
}

static void an_upstream_may_be_named_before_it_is_described(void **state)
{
	char *environment[] = { "SALLYPORT_UPSTREAMS__API__SERVERS=10.0.0.1:1", NULL };
	struct conf *c = loaded_with("{\"sites\": {\"a.example\": \"api\"}}", environment);

	(void)state;
	assert_string_equal(c->sites[0].routes[0].to->servers[0].addr.host, "10.0.0.1");
	conf_unref(&c);
}

static void unknown_upstreams_are_refused_with_a_suggestion(void **state)
{
	(void)state;
	site_refused("\"a.example\": \"web\"", "neither the name of an upstream nor an address");
	refused("{\"upstreams\": {\"api\": \"1\"}, \"sites\": {\"a.example\": \"apy\"}}",
		"did you mean \"api\"?");
	site_refused("\"a.example\": {\"routes\": {\"/\": \"\"}}", "sites[\"a.example\"].routes[\"/\"]");
}

static void upstreams_inherit_the_timeouts_they_do_not_set(void **state)
{
	struct conf *c = loaded("{\"timeouts\": {\"response\": \"7s\"}, \"upstreams\": {\"api\": {"
		"\"servers\": \"1\", \"timeouts\": {\"connect\": \"1s\"}}}}");

	(void)state;
	assert_int_equal(c->upstreams[0].timeouts.connect_ms, 1000);
	assert_int_equal(c->upstreams[0].timeouts.response_ms, 7000);
	assert_int_equal(c->timeouts.connect_ms, 5000);
	conf_unref(&c);
}

static void authorities_share_the_trust_they_do_not_have(void **state)
{
	struct conf *c = loaded("{\"acme\": {\"trust\": \"all.pem\", \"ca\": [\"https://x/d\", "
		"{\"directory\": \"https://y/d\", \"trust\": \"own.pem\"}]}}");

	(void)state;
	assert_string_equal(c->acme.ca[0].trust, "all.pem");
	assert_string_equal(c->acme.ca[1].trust, "own.pem");
	conf_unref(&c);
}

static void the_accounts_email_is_the_top_one_by_default(void **state)
{
	struct conf *c = loaded("{\"email\": \"a@b\"}");

	(void)state;
	assert_string_equal(c->acme.email, "a@b");
	conf_unref(&c);
	c = loaded("{\"email\": \"a@b\", \"acme\": {\"email\": \"c@d\"}}");
	assert_string_equal(c->acme.email, "c@d");
	conf_unref(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(routes_are_sorted_for_the_first_match),
		cmocka_unit_test(an_upstream_may_be_named_before_it_is_described),
		cmocka_unit_test(unknown_upstreams_are_refused_with_a_suggestion),
		cmocka_unit_test(upstreams_inherit_the_timeouts_they_do_not_set),
		cmocka_unit_test(authorities_share_the_trust_they_do_not_have),
		cmocka_unit_test(the_accounts_email_is_the_top_one_by_default),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
