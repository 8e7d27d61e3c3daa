/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "conf/parse.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/unit/conf/loading.h"

static void listeners_are_one_many_or_off(void **state)
{
	struct conf *c = loaded("{\"listen\": {\"https\": [\"127.0.0.1:8443\", \"[::1]:8443\"], \"http\": "
		"\"off\", \"backlog\": 10}}");

	(void)state;
	assert_int_equal(c->listen.https.n, 2);
	assert_int_equal(c->listen.https.at[1].kind, CONF_ADDR_IP);
	assert_string_equal(c->listen.https.at[1].host, "::1");
	assert_int_equal(c->listen.http.n, 0);
	assert_int_equal(c->listen.backlog, 10);
	conf_unref(&c);
}

static void malformed_listeners_are_refused(void **state)
{
	(void)state;
	refused("{\"listen\": {\"https\": \"web:443\"}}", "wants an IP address");
	refused("{\"listen\": {\"https\": [\":443\", \":x\"]}}", "listen.https[1]");
	refused("{\"listen\": {\"https\": 443}}", "has number");
	refused("{\"listen\": {\"backlog\": 0}}", "below the least");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(listeners_are_one_many_or_off),
		cmocka_unit_test(malformed_listeners_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
