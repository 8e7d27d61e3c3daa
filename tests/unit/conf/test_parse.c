/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "conf/parse.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/unit/conf/loading.h"

static void problems_name_the_place_and_the_remedy(void **state)
{
	(void)state;
	refused("{\n  \"emial\": \"a@b\"\n}", "t.json:2:3: emial: unknown key; did you mean \"email\"?");
	refused("{\"timeouts\": {\n\"idle\": \"5\"}}", "t.json:2:9: timeouts.idle: \"5\" is no duration");
	refused("{\"timeouts\": {\"idle\": 5}}", "t.json:1:23: timeouts.idle: wants a duration");
	refused("{\"timeouts\": {\"idle\": \"9999d\"}}", "above the most, 1d");
	refused("{\"limits\": {\"head\": \"1B\"}}", "below the least, 1KiB");
	refused("{\"limits\": {\"headers\": 1.5}}", "whole number");
	refused("{\"limits\": {\"headers\": -1}}", "whole number");
	refused("{\"limits\": {\"headers\": true}}", "wants a whole number, has boolean");
	refused("{\"limits\": []}", "limits: wants an object");
	refused("{\"log\": {\"level\": \"loud\"}}", "known are error, warn");
	refused("{\"log\": {\"access\": \"yes\"}}", "true or false");
	refused("{\"acme\": {\"key\": \"p265\"}}", "did you mean \"p256\"?");
	refused("{\"acme\": {\"ca\": \"letsencrpt\"}}", "did you mean \"letsencrypt\"?");
	refused("{\"acme\": {\"ca\": \"http://ca/dir\"}}", "neither the name of a known CA");
	refused("{\"acme\": {\"ca\": []}}", "at least one CA");
	refused("{\"acme\": {\"ca\": {\"trust\": \"x\"}}}", "wants a \"directory\"");
	refused("{\"acme\": {\"ca\": {\"name\": \"zerossl\", \"eab\": {\"kid\": \"k\"}}}}", "both");
	refused("{\"acme\": {\"ca\": {\"name\": \"zerossl\", \"eab\": {\"kid\": \"k\", \"hmac\": \"!\"}}}}",
		"acme.ca.eab.hmac: is no key");
	refused("{\"acme\": {\"challenges\": [\"dns-02\"]}}", "acme.challenges[0]: \"dns-02\" is not known");
	refused("{\"acme\": {\"challenges\": [\"http-01\", \"http-01\"]}}", "twice");
	refused("{\"on_demand\": {\"new_names\": \"10\"}}", "no rate");
	refused("{\"email\": \"\"}", "wants some text");
	refused("{\"email\": \"me\"}", "\"me\" is no e-mail address");
	refused("{\"listen\": {\"https\": \"web:443\"}}", "wants an IP address");
	refused("{\"listen\": {\"https\": [\":443\", \":x\"]}}", "listen.https[1]");
	refused("{\"resolver\": \"dns.example\"}", "IP address of a DNS server");
	refused("{\"trusted_proxies\": [\"10.0.0.1/8\"]}", "bits set behind");
	refused("{\"tls\": {\"min\": 1.1}}", "\"1.1\" is not known here");
	refused("[]", "wants an object");
}

static void up_to_sixteen_problems_come_at_once(void **state)
{
	struct conf *c;
	struct buf text;

	(void)state;
	buf_init(&text, 0);
	buf_addf(&text, "{");
	for (int i = 0; i < 50; i++)
		buf_addf(&text, "\"x%d\": 1,", i);
	buf_addf(&text, "}");
	assert_int_equal(load_text(buf_str(&text), "t", NULL, &c, &problems), E_CONFIG);
	assert_int_equal(problems.n, CONF_PROBLEMS);
	assert_int_equal(load_text(STR("{\"emial\": 1, \"store\": 2}"), "t", NULL, &c, &problems), E_CONFIG);
	assert_int_equal(problems.n, 2);
	buf_fini(&text);
}

static void variables_are_expanded(void **state)
{
	char *environment[] = { "HOST=a.example", "PORT=3000", "EMPTY=", NULL };
	struct conf *c;

	(void)state;
	c = loaded_with("{\"email\": \"ops@${HOST}\", \"sites\": {\"${HOST}\": "
		"\"web:${PORT}\", \"b.example\": \"web:${NONE:-81}\", \"c.example\": \"web:${EMPTY:-82}\"}, "
		"\"limits\": {\"headers\": \"${N:-99}\"}, \"store\": \"$${x}$\"}", environment);
	assert_string_equal(c->email, "ops@a.example");
	assert_string_equal(c->sites[0].name, "a.example");
	assert_int_equal(c->sites[0].routes[0].to->servers[0].addr.port, 3000);
	assert_int_equal(c->sites[1].routes[0].to->servers[0].addr.port, 81);
	assert_int_equal(c->sites[2].routes[0].to->servers[0].addr.port, 82);
	assert_int_equal(c->limits.headers, 99);
	assert_string_equal(c->store, "${x}$");
	conf_unref(&c);
	refused("{\"email\": \"${NOPE}\"}", "NOPE is not set");
	refused("{\"email\": \"${NOPE\"}", "without \"}\"");
	refused("{\"email\": \"${NO PE}\"}", "is not understood");
	refused("{\"email\": \"${NOPE:+x}\"}", "is not understood");
}


static void numbers_may_be_written_as_text(void **state)
{
	struct conf *c = loaded("{\"workers\": \"3\", \"log\": {\"access\": \"false\"}}");

	(void)state;
	assert_int_equal(c->workers, 3);
	assert_false(c->log.access);
	conf_unref(&c);
}

static void hostile_values_are_printable_in_messages(void **state)
{
	(void)state;
	refused("{\"\\u001b[31m\\n\": 1}", "\\x1b[31m\\x0a: unknown key");
	refused("{\"log\": {\"level\": \"\\u001b\\u0085\"}}", "\\x1b\\xc2\\x85");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(problems_name_the_place_and_the_remedy),
		cmocka_unit_test(up_to_sixteen_problems_come_at_once),
		cmocka_unit_test(variables_are_expanded),
		cmocka_unit_test(numbers_may_be_written_as_text),
		cmocka_unit_test(hostile_values_are_printable_in_messages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
