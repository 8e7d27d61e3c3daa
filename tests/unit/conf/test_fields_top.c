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
	struct conf *c = loaded("{\"$schema\": \"x\", \"resolver\": \"127.0.0.1:8053\", \"tls\": {\"min\": \"1.3\"}, "
		"\"log\": {\"level\": \"debug\", \"format\": \"json\", \"access\": false}, \"limits\": {\"head\": "
		"\"16KiB\", \"body\": \"1MiB\", \"connections\": 5}, \"timeouts\": {\"drain\": \"0\"}}");

	(void)state;
	assert_string_equal(c->resolver, "127.0.0.1:8053");
	assert_string_equal(c->tls_min, "1.3");
	assert_int_equal(c->log.format, CONF_LOG_JSON);
	assert_false(c->log.access);
	assert_int_equal(c->limits.head_bytes, 16384);
	assert_int_equal(c->limits.body_bytes, 1048576);
	assert_int_equal(c->timeouts.drain_ms, 0);
	conf_unref(&c);
}

static void proxies_are_networks_or_private(void **state)
{
	struct conf *c = loaded("{\"trusted_proxies\": [\"192.0.2.0/24\", \"private\"]}");

	(void)state;
	assert_int_equal(c->n_trusted_proxies, 9);
	assert_int_equal(c->trusted_proxies[0].bits, 120);
	assert_int_equal(c->trusted_proxies[0].addr[12], 192);
	conf_unref(&c);
	c = loaded("{\"trusted_proxies\": []}");
	assert_int_equal(c->n_trusted_proxies, 0);
	conf_unref(&c);
}

static void malformed_settings_are_refused(void **state)
{
	(void)state;
	refused("{\"email\": \"me\"}", "\"me\" is no e-mail address");
	refused("{\"resolver\": \"dns.example\"}", "IP address of a DNS server");
	refused("{\"trusted_proxies\": [\"10.0.0.1/8\"]}", "bits set behind");
	refused("{\"trusted_proxies\": {}}", "has object");
	refused("{\"tls\": {\"min\": 1.1}}", "\"1.1\" is not known here");
	refused("{\"workers\": 5000}", "above the most");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_can_be_set),
		cmocka_unit_test(proxies_are_networks_or_private),
		cmocka_unit_test(malformed_settings_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
