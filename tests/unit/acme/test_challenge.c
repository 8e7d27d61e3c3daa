/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "acme/challenge.h"

#include "unit.h"

static void types_are_found_both_ways(void **state)
{
	(void)state;
	assert_ptr_equal(challenge_type_named(STR("http-01")), &challenge_http01);
	assert_ptr_equal(challenge_type_named(STR("tls-alpn-01")), &challenge_tlsalpn01);
	assert_ptr_equal(challenge_type_named(STR("dns-01")), &challenge_dns01);
	assert_ptr_equal(challenge_type_named(STR("dns-persist-01")), &challenge_dnspersist01);
	assert_null(challenge_type_named(STR("dns-02")));
	assert_null(challenge_type_named(STR_NONE));
	for (int kind = 0; kind < CONF_CHALLENGES; kind++)
		assert_int_equal(challenge_type_of((enum conf_challenge)kind)->kind, kind);
}

static void wildcards_are_proved_in_the_dns_alone(void **state)
{
	(void)state;
	assert_int_equal(challenge_kind_named("dns-01"), CONF_DNS_01);
	assert_int_equal(challenge_kind_named(""), -1);
	for (int kind = 0; kind < CONF_CHALLENGES; kind++) {
		assert_true(challenge_proves((enum conf_challenge)kind, "a.example"));
		assert_int_equal(challenge_proves((enum conf_challenge)kind, "*.a.example"),
			kind == CONF_DNS_01 || kind == CONF_DNS_PERSIST_01);
	}
}

static void addresses_are_not_proved_in_the_dns(void **state)
{
	static const char *const names[] = { "203.0.113.7", "2001:db8::1" };
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		assert_true(challenge_proves(CONF_TLS_ALPN_01, names[i]));
		assert_true(challenge_proves(CONF_HTTP_01, names[i]));
		assert_false(challenge_proves(CONF_DNS_01, names[i]));
		assert_false(challenge_proves(CONF_DNS_PERSIST_01, names[i]));
	}
}

static void only_base64url_of_a_sane_length_is_a_token(void **state)
{
	(void)state;
	char text[130];
	memset(text, 'a', sizeof text);
	assert_false(challenge_token_is_fine(str_of(text, 15)));
	assert_true(challenge_token_is_fine(str_of(text, 16)));
	assert_true(challenge_token_is_fine(str_of(text, 128)));
	assert_false(challenge_token_is_fine(str_of(text, 129)));
	assert_true(challenge_token_is_fine(STR("ABC_def-0123456789")));
	assert_false(challenge_token_is_fine(STR("../../../etc/passwd")));
	assert_false(challenge_token_is_fine(STR("0123456789abcdef\r\n")));
	assert_false(challenge_token_is_fine(STR("0123456789abcdef=")));
}

static void tls_alpn_makes_a_certificate_and_http_does_not(void **state)
{
	(void)state;
	struct challenge_answer a = { .identifier = "a.test" };
	struct fault fault = { 0 };
	buf_init(&a.key_authorization, 0);
	buf_add(&a.key_authorization, STR("0123456789abcdef.thumbprint"));
	assert_int_equal(challenge_http01.prepare(&a, &fault), E_OK);
	assert_null(a.certificate);
	assert_int_equal(challenge_tlsalpn01.prepare(&a, &fault), E_OK);
	assert_non_null(a.certificate);
	tls_certificate_unref(&a.certificate);
	buf_fini(&a.key_authorization);
}

/* RFC 8555 8.4: the record is the digest of the key authorization. */
static void dns_makes_a_record(void **state)
{
	(void)state;
	struct challenge_answer a = { .identifier = "a.test" };
	struct fault fault = { 0 };
	buf_init(&a.key_authorization, 0);
	buf_add(&a.key_authorization, STR("evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA.thumb"));
	assert_int_equal(challenge_dns01.prepare(&a, &fault), E_OK);
	assert_string_equal(a.record, "_acme-challenge.a.test");
	assert_string_equal(a.text, "C4PQosoVQWW-AbdVFmwbU8B33Z62w2vU3bIO36pceJc");
	memset(a.identifier, 'a', 250);
	assert_int_equal(challenge_dns01.prepare(&a, &fault), E_NAME);
	buf_fini(&a.key_authorization);
}

static void persistent_dns_needs_no_token(void **state)
{
	(void)state;
	struct challenge_answer a = { .identifier = "a.test", .issuer = "ca.example",
		.account = "https://ca.example/acct/1", .is_wildcard = true };
	struct fault fault = { 0 };
	assert_int_equal(challenge_dnspersist01.prepare(&a, &fault), E_OK);
	assert_string_equal(a.record, "_validation-persist.a.test");
	assert_string_equal(a.text, "ca.example; accounturi=https://ca.example/acct/1; policy=wildcard");
	memset(a.account, 'a', sizeof a.account - 1);
	assert_int_equal(challenge_dnspersist01.prepare(&a, &fault), E_LIMIT);
}

static int setup(void **state)
{
	(void)state;
	return tls_setup();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(types_are_found_both_ways),
		cmocka_unit_test(wildcards_are_proved_in_the_dns_alone),
		cmocka_unit_test(addresses_are_not_proved_in_the_dns),
		cmocka_unit_test(only_base64url_of_a_sane_length_is_a_token),
		cmocka_unit_test(dns_makes_a_record),
		cmocka_unit_test(persistent_dns_needs_no_token),
		cmocka_unit_test(tls_alpn_makes_a_certificate_and_http_does_not),
	};
	return cmocka_run_group_tests(tests, setup, NULL);
}
