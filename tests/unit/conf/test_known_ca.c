/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "conf/known_ca.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

static struct conf_ca at(const char *name)
{
	const struct known_ca *known = known_ca_named(name);

	assert_non_null(known);
	return (struct conf_ca){ .name = known->name, .directory = known->directory,
		.is_internal = strcmp(known->directory, CONF_CA_INTERNAL) == 0 };
}

static void rows_are_found_by_either_key(void **state)
{
	(void)state;
	assert_ptr_equal(known_ca_named("zerossl"), known_ca_of("https://acme.zerossl.com/v2/DV90"));
	assert_null(known_ca_named("zerosll"));
	assert_string_equal(known_ca_of("https://127.0.0.1:14000/dir")->name, "");
	assert_ptr_equal(known_ca_at(0), known_ca_named("letsencrypt"));
	assert_null(known_ca_at(1000));
}

static void lets_encrypt_has_one_profile_for_addresses(void **state)
{
	(void)state;
	assert_string_equal(known_ca_named("letsencrypt")->ip_profile, "shortlived");
	assert_string_equal(known_ca_named("letsencrypt-staging")->ip_profile, "shortlived");
	assert_null(known_ca_named("google")->ip_profile);
}

static void some_cas_certify_no_addresses(void **state)
{
	struct conf_ca zerossl = at("zerossl"), google = at("google");

	(void)state;
	assert_non_null(strstr(known_ca_objection(&zerossl, "8.8.8.8"), "no IP addresses"));
	assert_non_null(known_ca_objection(&zerossl, "2a00::1"));
	assert_null(known_ca_objection(&zerossl, "example.com"));
	assert_null(known_ca_objection(&google, "8.8.8.8"));
}

static void public_cas_certify_none_of_special_purpose(void **state)
{
	static const char *const special[] = { "10.0.0.1", "127.0.0.1", "0.0.0.0", "224.0.0.1", "::1", "::", "fd00::1",
		"ff02::1", "fe80::1" };
	struct conf_ca letsencrypt = at("letsencrypt"), own = { .name = "own", .directory = "https://ca.test/dir" },
		internal = at("internal");

	(void)state;
	for (size_t i = 0; i < sizeof(special) / sizeof(*special); i++) {
		assert_non_null(known_ca_objection(&letsencrypt, special[i]));
		assert_null(known_ca_objection(&own, special[i]));
		assert_null(known_ca_objection(&internal, special[i]));
	}
	assert_null(known_ca_objection(&letsencrypt, "8.8.8.8"));
	assert_null(known_ca_objection(&letsencrypt, "localhost"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_found_by_either_key),
		cmocka_unit_test(lets_encrypt_has_one_profile_for_addresses),
		cmocka_unit_test(some_cas_certify_no_addresses),
		cmocka_unit_test(public_cas_certify_none_of_special_purpose),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
