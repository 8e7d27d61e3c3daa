/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "conf/parse.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/unit/conf/loading.h"

static void authorities_are_names_urls_or_objects(void **state)
{
	struct conf *c = loaded("{\"email\": \"a@b\", \"acme\": {\"ca\": [\"letsencrypt-staging\", \"https://x/d\", "
		"\"https://ca.example/dir\", {\"name\": \"google\", \"eab\": {\"kid\": \"k\", \"hmac\": "
		"\"c2VjcmV0c2VjcmV0c2VjcmV0\"}, \"profile\": \"shortlived\", \"preferred_chain\": \"Root X\"}, "
		"{\"name\": \"own\", \"directory\": \"https://localhost:14000/dir\", \"trust\": \"ca.pem\"}]}}");
	const struct conf_ca *ca = c->acme.ca;

	(void)state;
	assert_int_equal(c->acme.n_ca, 5);
	assert_string_equal(ca[0].directory, "https://acme-staging-v02.api.letsencrypt.org/directory");
	assert_string_equal(ca[2].name, "ca.example");
	assert_string_equal(ca[3].directory, "https://dv.acme-v02.api.pki.goog/directory");
	assert_string_equal(ca[3].eab_kid, "k");
	assert_string_equal(ca[3].profile, "shortlived");
	assert_string_equal(ca[3].preferred_chain, "Root X");
	assert_string_equal(ca[4].name, "own");
	assert_string_equal(ca[4].trust, "ca.pem");
	conf_unref(&c);
}

static void one_authority_needs_no_list(void **state)
{
	struct conf *c = loaded("{\"acme\": {\"ca\": {\"directory\": \"https://x/d\"}}}");

	(void)state;
	assert_int_equal(c->acme.n_ca, 1);
	assert_string_equal(c->acme.ca[0].name, "x");
	conf_unref(&c);
}

static void the_internal_ca_has_a_name_but_no_url(void **state)
{
	struct conf *c = loaded("{\"acme\": {\"ca\": [\"letsencrypt\", {\"name\": \"internal\", "
		"\"lifetime\": \"2d\"}]}}");

	(void)state;
	assert_false(c->acme.ca[0].is_internal);
	assert_true(c->acme.ca[1].is_internal);
	assert_int_equal(c->acme.ca[1].lifetime_ms, 2 * 24 * 3600 * 1000);
	conf_unref(&c);
	c = loaded("{}");
	assert_int_equal(c->acme.n_ca, 2);
	assert_true(c->acme.ca[1].is_internal);
	conf_unref(&c);
}

static void challenges_keep_their_order(void **state)
{
	struct conf *c = loaded("{\"acme\": {\"challenges\": [\"http-01\", \"tls-alpn-01\"]}}");

	(void)state;
	assert_int_equal(c->acme.challenges[0], CONF_HTTP_01);
	assert_int_equal(c->acme.challenges[1], CONF_TLS_ALPN_01);
	conf_unref(&c);
	c = loaded("{\"acme\": {\"challenges\": \"http-01\", \"key\": \"rsa2048\"}}");
	assert_int_equal(c->acme.n_challenges, 1);
	assert_int_equal(c->acme.keys.n, 1);
	assert_int_equal(c->acme.keys.at[0], CONF_KEY_RSA2048);
	conf_unref(&c);
}

static void one_directory_is_for_one_type_of_key(void **state)
{
	static const char text[] = "{\"acme\": {\"ca\": {\"name\": \"sslcom\", \"eab\": {\"kid\": \"k\", "
		"\"hmac\": \"c2VjcmV0c2VjcmV0c2VjcmV0\"}}, \"key\": \"%s\"}}";
	char ecdsa[256], rsa[256];
	struct conf *c;

	(void)state;
	snprintf(ecdsa, sizeof(ecdsa), text, "p384");
	snprintf(rsa, sizeof(rsa), text, "rsa3072");
	c = loaded(ecdsa);
	assert_string_equal(c->acme.ca[0].directory, "https://acme.ssl.com/sslcom-dv-ecc");
	conf_unref(&c);
	c = loaded(rsa);
	assert_string_equal(c->acme.ca[0].directory, "https://acme.ssl.com/sslcom-dv-rsa");
	conf_unref(&c);
}

static void a_staging_is_known_or_told(void **state)
{
	struct conf *c = loaded("{\"acme\": {\"ca\": [\"letsencrypt\", {\"directory\": \"https://own/dir\", "
		"\"trust\": \"own.pem\", \"profile\": \"short\", \"staging\": \"https://test.own/dir\"}, "
		"{\"directory\": \"https://x/d\", \"staging\": {\"directory\": \"https://y/d\", \"trust\": \"y.pem\", "
		"\"limits\": {\"orders\": \"5/h\"}}}, \"https://z/d\"]}}");
	const struct conf_ca *ca = c->acme.ca;

	(void)state;
	assert_true(c->acme.rehearse);
	assert_string_equal(ca[0].staging->name, "letsencrypt-staging");
	assert_string_equal(ca[1].staging->name, "test.own");
	assert_string_equal(ca[1].staging->trust, "own.pem");
	assert_string_equal(ca[1].staging->profile, "short");
	assert_string_equal(ca[2].staging->trust, "y.pem");
	assert_int_equal(ca[2].staging->limits.orders.n, 5);
	assert_null(ca[3].staging);
	conf_unref(&c);
}

static void a_staging_is_none_where_it_cannot_be(void **state)
{
	static const char eab[] = "\"eab\": {\"kid\": \"k\", \"hmac\": \"c2VjcmV0c2VjcmV0c2VjcmV0\"}";
	struct conf *c = loaded("{\"acme\": {\"ca\": \"letsencrypt\", \"rehearse\": false}}");
	char text[512];

	(void)state;
	assert_null(c->acme.ca[0].staging);
	conf_unref(&c);
	c = loaded("{\"acme\": {\"ca\": \"letsencrypt-staging\"}}");
	assert_null(c->acme.ca[0].staging);
	conf_unref(&c);
	c = loaded("{\"acme\": {\"ca\": [\"letsencrypt\", \"letsencrypt-staging\"]}}");
	assert_null(c->acme.ca[0].staging);
	conf_unref(&c);
	/* Google's wants a binding of its own: used when there is one */
	snprintf(text, sizeof(text), "{\"acme\": {\"ca\": {\"name\": \"google\", %s}}}", eab);
	c = loaded(text);
	assert_null(c->acme.ca[0].staging);
	conf_unref(&c);
	snprintf(text, sizeof(text), "{\"acme\": {\"ca\": {\"name\": \"google\", %s, \"staging\": {\"name\": "
		"\"google-staging\", %s}}}}", eab, eab);
	c = loaded(text);
	assert_string_equal(c->acme.ca[0].staging->directory, "https://dv.acme-v02.test-api.pki.goog/directory");
	conf_unref(&c);
	snprintf(text, sizeof(text), "{\"acme\": {\"ca\": {\"name\": \"google\", %s, \"staging\": "
		"\"google-staging\"}}}", eab);
	refused(text, "google-staging requires external account binding");
	refused("{\"acme\": {\"ca\": {\"name\": \"internal\", \"staging\": \"https://x/d\"}}}", "needs no \"staging\"");
	refused("{\"acme\": {\"ca\": {\"directory\": \"https://x/d\", \"staging\": \"internal\"}}}",
		"nothing to rehearse");
	refused("{\"acme\": {\"ca\": {\"directory\": \"https://x/d\", \"staging\": {\"trust\": \"t\"}}}}",
		"wants a \"directory\"");
	refused("{\"acme\": {\"ca\": [{\"directory\": \"https://x/d\", \"staging\": \"https://y/d\"}, "
		"\"https://y/d\"]}}", "is listed as a CA");
}

static void malformed_authorities_are_refused(void **state)
{
	(void)state;
	refused("{\"acme\": {\"ca\": \"letsencrpt\"}}", "did you mean \"letsencrypt\"?");
	refused("{\"acme\": {\"ca\": \"http://ca/dir\"}}", "neither the name of a known CA");
	refused("{\"acme\": {\"ca\": \"https:///dir\"}}", "has no host");
	refused("{\"acme\": {\"ca\": []}}", "at least one CA");
	refused("{\"acme\": {\"ca\": 5}}", "has number");
	refused("{\"acme\": {\"ca\": {\"trust\": \"x\"}}}", "wants a \"directory\"");
	refused("{\"acme\": {\"ca\": {\"name\": \"x\"}}}", "\"x\" is no known CA");
	refused("{\"acme\": {\"ca\": {\"directory\": \"http://x\"}}}", "https:// URL");
	refused("{\"acme\": {\"ca\": {\"name\": \"zerossl\", \"eab\": {\"kid\": \"k\"}}}}", "both");
	refused("{\"acme\": {\"ca\": {\"name\": \"letsencrypt\", \"lifetime\": \"1d\"}}}", "internal CA");
	refused("{\"acme\": {\"challenges\": []}}", "at least one challenge");
	refused("{\"acme\": {\"challenges\": [\"dns-02\"]}}", "acme.challenges[0]: \"dns-02\" is not known");
	refused("{\"acme\": {\"challenges\": [\"http-01\", \"http-01\"]}}", "twice");
}

static void secrets_are_not_repeated_in_messages(void **state)
{
	(void)state;
	refused("{\"acme\": {\"ca\": {\"name\": \"zerossl\", \"eab\": {\"kid\": \"k\", \"hmac\": \"geheim!\"}}}}",
		"acme.ca.eab.hmac: is no key");
	for (unsigned i = 0; i < problems.n; i++)
		assert_null(strstr(problems.at[i].text, "geheim"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(authorities_are_names_urls_or_objects),
		cmocka_unit_test(one_authority_needs_no_list),
		cmocka_unit_test(the_internal_ca_has_a_name_but_no_url),
		cmocka_unit_test(challenges_keep_their_order),
		cmocka_unit_test(one_directory_is_for_one_type_of_key),
		cmocka_unit_test(a_staging_is_known_or_told),
		cmocka_unit_test(a_staging_is_none_where_it_cannot_be),
		cmocka_unit_test(malformed_authorities_are_refused),
		cmocka_unit_test(secrets_are_not_repeated_in_messages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
