/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "conf/rules.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/unit/conf/loading.h"

static void impossible_wholes_are_refused(void **state)
{
	(void)state;
	refused("{\"listen\": {\"https\": \"off\", \"http\": \"off\"}}", "nothing would be served");
	refused("{\"listen\": {\"https\": \":80\"}}", "listened on twice");
	refused("{\"acme\": {\"retry_min\": \"2d\", \"retry_max\": \"1d\"}}", "acme.retry_m");
	refused("{\"acme\": {\"ca\": \"google\"}}", "external account binding");
	refused("{\"acme\": {\"ca\": \"google\"}}", "both come from \"gcloud publicca");
	refused("{\"acme\": {\"ca\": \"https://dv.acme-v02.api.pki.goog/directory\"}}", "external account binding");
	refused("{\"acme\": {\"ca\": \"zerossl\"}, \"email\": \"a@b\"}", "both come from app.zerossl.com");
	refused("{\"acme\": {\"ca\": \"actalis\"}, \"email\": \"a@b\"}", "actalis requires external account binding");
	refused("{\"acme\": {\"ca\": \"sslcom\"}, \"email\": \"a@b\"}", "sslcom requires external account binding");
	refused("{\"acme\": {\"ca\": \"buypass\"}}", "no certificates since 31 October 2025; take \"letsencrypt\"");
	refused("{\"acme\": {\"ca\": \"https://api.buypass.com/acme/directory\"}}", "issues no certificates");
	refused("{\"acme\": {\"ca\": [\"letsencrypt\", \"letsencrypt\"]}}", "listed twice");
	refused("{\"upstreams\": {\"api\": {}}}", "wants \"servers\"");
	refused("{\"upstreams\": {\"api\": {\"servers\": \"1\", \"tls_name\": \"x\"}}}", "not https");
	refused("{\"listen\": {\"http\": \"off\"}, \"acme\": {\"challenges\": [\"http-01\"]}, \"sites\": "
		"{\"a.example\": \"1\"}}", "none of them can be answered");
	refused("{\"upstreams\": {\"api\": \"1\"}, \"sites\": {\"a.example\": \"apy\"}}",
		"did you mean \"api\"?");
}


static void half_a_certificate_is_refused(void **state)
{
	(void)state;
	site_refused("\"a.example\": {\"to\": \"1\", \"cert\": \"c\"}", "\"cert\" without \"key\"");
	site_refused("\"a.example\": {\"to\": \"1\", \"key\": \"c\"}", "\"key\" without \"cert\"");
	site_refused("\"a.example\": {\"to\": \"1\", \"cert\": \"c\", \"key\": \"k\", \"tls\": \"auto\"}",
		"leave \"tls\" out");
}

static void key_types_without_effect_are_refused(void **state)
{
	(void)state;
	site_refused("\"a.example\": {\"to\": \"1\", \"cert\": \"c\", \"key\": \"k\", \"key_type\": \"p384\"}",
		"a certificate of its own");
	site_refused("\"a.example\": {\"to\": \"1\", \"tls\": \"off\", \"key_type\": \"p384\"}", "\"off\"");
	refused("{\"acme\": {\"challenges\": [\"dns-persist-01\"]}, \"sites\": {\"*.a.example\": \"1\", "
		"\"b.a.example\": {\"to\": \"1\", \"key_type\": \"p384\"}}}", "certificate of \"*.a.example\"");
}

static void names_without_a_source_of_certificates_are_refused(void **state)
{
	(void)state;
	site_refused("\"*\": \"127.0.0.1:1\"", "\"tls\": \"on_demand\", or \"cert\"");
	site_refused("\"*.a.example\": \"127.0.0.1:1\"", "dns-01 challenge: say in \"acme.dns\"");
	site_refused("\"*\": {\"tls\": \"on_demand\", \"to\": \"1\"}", "on_demand.ask");
}

static void on_demand_settings_that_contradict_are_refused(void **state)
{
	(void)state;
	refused("{\"on_demand\": {\"ask\": \"http://a\", \"listed_only\": true}}", "nobody is asked");
	refused("{\"on_demand\": {\"ask\": \"http://a\", \"allow_to\": \"blue\"}}", "neither a network nor the name");
	refused("{\"on_demand\": {\"ask\": \"http://a\", \"allow_to\": \"10.0.0.0/33\"}}", "10.0.0.0/33");
	refused("{\"on_demand\": {\"ask\": \"http://a\", \"allow_to\": \"10.0.0.0/8\"}, \"sites\": {\"*\": "
		"{\"tls\": \"on_demand\", \"http\": \"serve\", \"to\": \"1\"}}}", "serves plain HTTP");
}

#define ZEROSSL "{\"name\": \"zerossl\", \"eab\": {\"kid\": \"k\", \"hmac\": \"c2VjcmV0c2VjcmV0c2VjcmV0\"}}"

static void addresses_refused(const char *acme, const char *site, const char *says)
{
	char text[1024];

	snprintf(text, sizeof(text), "{\"email\": \"a@example.com\", \"acme\": {%s}, \"sites\": {%s}}", acme, site);
	refused(text, says);
}

static void addresses_accepted(const char *acme, const char *site)
{
	char text[1024];
	struct conf *c;

	snprintf(text, sizeof(text), "{\"email\": \"a@example.com\", \"acme\": {%s}, \"sites\": {%s}}", acme, site);
	c = loaded(text);
	assert_int_equal(c->n_sites, 1);
	assert_true(c->sites[0].is_ip);
	assert_int_equal(c->sites[0].tls, CONF_TLS_AUTO);
	conf_unref(&c);
}

static void addresses_no_ca_certifies_are_refused(void **state)
{
	static const char *const special[] = { "\"10.0.0.7\": \"1\"", "\"127.0.0.1\": \"1\"",
		"\"[::1]\": \"1\"", "\"0.0.0.0\": \"1\"", "\"224.0.0.1\": \"1\"", "\"ff02::1\": \"1\"" };

	(void)state;
	for (size_t i = 0; i < sizeof(special) / sizeof(*special); i++) {
		addresses_refused("\"ca\": \"letsencrypt\"", special[i],
			"letsencrypt certifies no addresses that the Internet does not reach");
		addresses_accepted("\"ca\": [\"letsencrypt\", \"internal\"]", special[i]);
		addresses_accepted("\"ca\": \"https://127.0.0.1:14000/dir\"", special[i]);
	}
	addresses_refused("\"ca\": " ZEROSSL, "\"203.0.113.7\": \"1\"",
		"no CA of \"acme.ca\" certifies 203.0.113.7: zerossl certifies no IP addresses; add \"internal\"");
	addresses_refused("\"ca\": [" ZEROSSL ", \"letsencrypt\"]", "\"10.0.0.7\": \"1\"",
		"zerossl certifies no IP addresses, letsencrypt certifies no addresses");
	addresses_accepted("\"ca\": [" ZEROSSL ", \"letsencrypt\"]", "\"203.0.113.7\": \"1\"");
	addresses_accepted("\"ca\": \"letsencrypt\"", "\"2001:db8::1\": \"1\"");
}

static void addresses_are_not_for_demand_nor_for_the_dns(void **state)
{
	(void)state;
	site_refused("\"203.0.113.7\": {\"tls\": \"on_demand\", \"to\": \"1\"}", "none asks for an address");
	addresses_refused("\"ca\": \"letsencrypt\", \"challenges\": [\"dns-persist-01\"]",
		"\"203.0.113.7\": \"1\"", "no record in the DNS to prove it by");
	addresses_accepted("\"ca\": [\"letsencrypt\", \"internal\"], \"challenges\": [\"dns-persist-01\"]",
		"\"10.0.0.7\": \"1\"");
	addresses_accepted("\"ca\": [" ZEROSSL ", \"internal\"], \"challenges\": [\"dns-persist-01\"]",
		"\"203.0.113.7\": \"1\"");
}

static void sites_that_lead_nowhere_or_two_ways_are_refused(void **state)
{
	(void)state;
	site_refused("\"a.example\": {}", "wants \"to\", \"routes\" or \"redirect\"");
	site_refused("\"a.example\": {\"to\": \"1\", \"redirect\": \"https://b\"}", "does one of them");
	site_refused("\"a.example\": {\"to\": \"1\", \"routes\": {\"/*\": \"2\"}}", "route \"/*\"");
	site_refused("\"a.example\": {\"routes\": {\"/\": {\"status\": 301}}}", "\"to\" or \"redirect\"");
}

static void two_defaults_are_refused(void **state)
{
	(void)state;
	site_refused("\"a.example\": {\"to\": \"1\", \"default\": true}, \"b.example\": {\"to\": \"1\", "
		"\"default\": true}", "there can be one");
}

static void plain_sites_need_the_plain_listener(void **state)
{
	(void)state;
	refused("{\"listen\": {\"http\": \"off\"}, \"sites\": {\"a.example\": {\"tls\": \"off\", \"to\": "
		"\"1\"}}}", "\"listen.http\" is off too");
	refused("{\"listen\": {\"https\": \"off\"}, \"sites\": {\"a.example\": \"1\"}}",
		"\"listen.https\" is off; say");
	site_refused("\"a.example\": {\"tls\": \"off\", \"to\": \"1\", \"http\": \"redirect\"}",
		"can only be \"serve\"");
}

static void a_rule_names_the_line_of_what_it_is_about(void **state)
{
	(void)state;
	refused("{\"sites\": {\n\"b.example\": \"1\",\n  \"*\": \"2\"}}", "t.json:3:8: sites[\"*\"]: ");
}

#define SSLCOM "{\"name\": \"sslcom\", \"eab\": {\"kid\": \"k\", \"hmac\": \"c2VjcmV0c2VjcmV0c2VjcmV0\"}}"

static void one_ca_has_one_directory(void **state)
{
	struct conf *c;

	(void)state;
	refused("{\"acme\": {\"ca\": " SSLCOM ", \"key\": [\"p256\", \"rsa2048\"]}}", "one for RSA keys");
	refused("{\"acme\": {\"ca\": " SSLCOM "}, \"sites\": {\"a.example.com\": {\"to\": \"1\", \"key_type\": "
		"\"rsa2048\"}}}", "take one kind, or another CA");
	c = loaded("{\"acme\": {\"ca\": " SSLCOM ", \"key\": \"p384\"}, \"sites\": {\"a.example.com\": {\"to\": "
		"\"1\", \"key_type\": \"p256\"}}}");
	conf_unref(&c);
	c = loaded("{\"acme\": {\"ca\": \"letsencrypt\", \"key\": [\"p256\", \"rsa2048\"]}}");
	conf_unref(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(impossible_wholes_are_refused),
		cmocka_unit_test(half_a_certificate_is_refused),
		cmocka_unit_test(key_types_without_effect_are_refused),
		cmocka_unit_test(names_without_a_source_of_certificates_are_refused),
		cmocka_unit_test(addresses_no_ca_certifies_are_refused),
		cmocka_unit_test(on_demand_settings_that_contradict_are_refused),
		cmocka_unit_test(addresses_are_not_for_demand_nor_for_the_dns),
		cmocka_unit_test(sites_that_lead_nowhere_or_two_ways_are_refused),
		cmocka_unit_test(two_defaults_are_refused),
		cmocka_unit_test(plain_sites_need_the_plain_listener),
		cmocka_unit_test(a_rule_names_the_line_of_what_it_is_about),
		cmocka_unit_test(one_ca_has_one_directory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
