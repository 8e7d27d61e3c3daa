/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/conf/loading.h"

#define DNS(text) "{\"acme\": {\"dns\": " text "}}"
#define SECRET "c2VjcmV0c2VjcmV0c2VjcmV0"

static void a_program_has_its_arguments_and_adds_the_challenge(void **state)
{
	struct conf *c = loaded(DNS("{\"exec\": [\"/bin/hook\", \"--zone\", \"a b\"]}"));

	(void)state;
	assert_int_equal(c->acme.dns.n_exec, 3);
	assert_string_equal(c->acme.dns.exec[2], "a b");
	assert_int_equal(c->acme.dns.exec_ms, 60000);
	assert_int_equal(c->acme.n_challenges, 3);
	assert_int_equal(c->acme.challenges[2], CONF_DNS_01);
	conf_unref(&c);
	c = loaded("{\"acme\": {\"challenges\": [\"dns-01\", \"http-01\"], \"dns\": {\"exec\": \"hook\"}}}");
	assert_int_equal(c->acme.n_challenges, 2);
	assert_int_equal(c->acme.challenges[0], CONF_DNS_01);
	conf_unref(&c);
}

static void a_server_has_port_53_unless_told(void **state)
{
	static const struct { const char *text, *host; uint16_t port; } rows[] = {
		{ "192.0.2.1", "192.0.2.1", 53 }, { "192.0.2.1:5353", "192.0.2.1", 5353 },
		{ "2001:db8::1", "2001:db8::1", 53 }, { "[2001:db8::1]:54", "2001:db8::1", 54 },
		{ "ns1.example.com", "ns1.example.com", 53 }, { "ns1.example.com:55", "ns1.example.com", 55 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char text[200];
		struct conf *c;

		snprintf(text, sizeof(text), DNS("{\"rfc2136\": {\"server\": \"%s\"}}"), rows[i].text);
		c = loaded(text);
		assert_string_equal(c->acme.dns.server.host, rows[i].host);
		assert_int_equal(c->acme.dns.server.port, rows[i].port);
		conf_unref(&c);
	}
}

static void name_servers_are_addresses(void **state)
{
	struct conf *c = loaded(DNS("{\"exec\": \"h\", \"nameservers\": [\"192.0.2.1\", \"[::1]:5353\"]}"));

	(void)state;
	assert_int_equal(c->acme.dns.n_nameservers, 2);
	assert_string_equal(c->acme.dns.nameservers[0], "192.0.2.1:53");
	assert_string_equal(c->acme.dns.nameservers[1], "[::1]:5353");
	conf_unref(&c);
	refused(DNS("{\"nameservers\": \"ns1.example.com\"}"), "IP address of a DNS server");
}

static void what_cannot_work_is_refused(void **state)
{
	(void)state;
	refused(DNS("{\"exec\": []}"), "at least one");
	refused(DNS("{\"exec\": [\"\"]}"), "wants some text");
	refused(DNS("{\"rfc2136\": {\"server\": \"unix:/x\"}}"), "ns1.example.com");
	refused(DNS("{\"rfc2136\": {\"tsig\": {\"name\": \"k\", \"secret\": \"" SECRET "\"}}}"), "wants a \"server\"");
	refused(DNS("{\"rfc2136\": {\"server\": \"a.example\", \"tsig\": {\"name\": \"k\"}}}"), "both");
	refused(DNS("{\"exec\": \"h\", \"rfc2136\": {\"server\": \"a.example\"}}"), "one of them");
	refused(DNS("{\"rfc2136\": {\"server\": \"a.example\", \"tsig\": {\"algorithm\": \"hmac-md5\"}}}"),
		"hmac-md5");
	refused("{\"acme\": {\"challenges\": [\"dns-01\"]}}", "dns-01 needs \"acme.dns\"");
}

static void wildcards_are_allowed_when_they_can_be_proved(void **state)
{
	struct conf *c = loaded("{\"acme\": {\"dns\": {\"exec\": \"hook\"}}, "
		"\"sites\": {\"*.a.example\": \"127.0.0.1:1\"}}");

	(void)state;
	conf_unref(&c);
	c = loaded("{\"acme\": {\"challenges\": \"dns-persist-01\"}, "
		"\"sites\": {\"*.a.example\": \"127.0.0.1:1\"}}");
	assert_int_equal(c->acme.n_challenges, 1);
	conf_unref(&c);
	refused("{\"sites\": {\"*.a.example\": \"127.0.0.1:1\"}}", "acme.dns");
	/* Our own CA asks for no proof. */
	c = loaded("{\"sites\": {\"*.app.internal\": \"127.0.0.1:1\"}}");
	conf_unref(&c);
	c = loaded("{\"acme\": {\"ca\": \"internal\"}, \"sites\": {\"*.a.example\": \"127.0.0.1:1\"}}");
	conf_unref(&c);
}

static void the_secret_is_shown_nowhere(void **state)
{
	struct conf *c = loaded(DNS("{\"rfc2136\": {\"server\": \"192.0.2.1\", \"zone\": \"a.example.\", "
		"\"tsig\": {\"name\": \"key.a\", \"secret\": \"" SECRET "\"}}}"));
	struct buf out;

	(void)state;
	buf_init(&out, 0);
	assert_int_equal(load_print(c, true, &out), E_OK);
	assert_non_null(strstr(buf_cstring(&out), "key.a"));
	assert_null(strstr(buf_cstring(&out), SECRET));
	buf_fini(&out);
	conf_unref(&c);
	refused(DNS("{\"rfc2136\": {\"server\": \"a.example\", \"tsig\": {\"name\": \"k\", "
		"\"secret\": \"geheim!\"}}}"), "is no key");
	for (unsigned i = 0; i < problems.n; i++)
		assert_null(strstr(problems.at[i].text, "geheim"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_program_has_its_arguments_and_adds_the_challenge),
		cmocka_unit_test(a_server_has_port_53_unless_told),
		cmocka_unit_test(name_servers_are_addresses),
		cmocka_unit_test(what_cannot_work_is_refused),
		cmocka_unit_test(wildcards_are_allowed_when_they_can_be_proved),
		cmocka_unit_test(the_secret_is_shown_nowhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
