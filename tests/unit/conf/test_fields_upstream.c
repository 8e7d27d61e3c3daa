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
	struct conf *c = loaded("{\"upstreams\": {\"api\": {\"servers\": [{\"at\": \"https://a\", \"weight\": 3, "
		"\"backup\": true}], \"balance\": \"first\", \"health\": {\"path\": \"/h\", \"timeout\": \"1s\", "
		"\"down_after\": 9, \"up_after\": 8}, \"eject\": {\"after\": 0, \"for\": \"1m\"}, \"host\": \"h:80\", "
		"\"tls_name\": \"n\", \"tls_trust\": \"t.pem\", \"resolve_every\": \"5s\"}}}");
	const struct conf_upstream *u = &c->upstreams[0];

	(void)state;
	assert_string_equal(u->name, "api");
	assert_int_equal(u->servers[0].weight, 3);
	assert_true(u->servers[0].backup);
	assert_int_equal(u->servers[0].addr.port, 443);
	assert_int_equal(u->balance, CONF_BALANCE_FIRST);
	assert_int_equal(u->health.down_after, 9);
	assert_int_equal(u->health.every_ms, 5000);
	assert_int_equal(u->eject.after, 0);
	assert_int_equal(u->eject.for_ms, 60000);
	assert_string_equal(u->tls_name, "n");
	assert_string_equal(u->tls_trust, "t.pem");
	assert_int_equal(u->resolve_every_ms, 5000);
	conf_unref(&c);
}

static void short_forms_are_servers(void **state)
{
	struct conf *c = loaded("{\"upstreams\": {\"a\": \"3000\", \"b\": [\"x:1\", {\"at\": \"y:2\"}]}}");

	(void)state;
	assert_string_equal(c->upstreams[0].servers[0].addr.host, "127.0.0.1");
	assert_int_equal(c->upstreams[1].n_servers, 2);
	assert_int_equal(c->upstreams[1].servers[1].weight, 1);
	conf_unref(&c);
}

static void malformed_upstreams_are_refused(void **state)
{
	(void)state;
	refused("{\"upstreams\": []}", "wants an object");
	refused("{\"upstreams\": {\"\": \"1\"}}", "1 to 128 bytes");
	refused("{\"upstreams\": {\"a\": {\"servers\": []}}}", "at least one server");
	refused("{\"upstreams\": {\"a\": {\"servers\": [{}]}}}", "wants an address");
	refused("{\"upstreams\": {\"a\": {\"servers\": [{\"at\": \"1\", \"weight\": 0}]}}}", "below the least");
	refused("{\"upstreams\": {\"a\": [\"http://a:1\", \"https://b:1\"]}}", "all https or all plain");
	refused("{\"upstreams\": {\"a\": [\"web\"]}}", "upstreams[\"a\"].servers[0]: \"web\" wants a port");
	refused("{\"upstreams\": {\"a\": {\"servers\": \"1\", \"health\": {\"path\": \"h\"}}}}", "starts with /");
	refused("{\"upstreams\": {\"a\": {\"servers\": \"1\", \"balance\": \"robin\"}}}", "not known here");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_can_be_set),
		cmocka_unit_test(short_forms_are_servers),
		cmocka_unit_test(malformed_upstreams_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
