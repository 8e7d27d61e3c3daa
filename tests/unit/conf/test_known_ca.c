/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "conf/known_ca.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#include "conf/address.h"

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

static void a_row_is_found_by_its_name_and_by_its_directory(void **state)
{
	(void)state;
	for (unsigned i = 0; known_ca_at(i); i++) {
		const struct known_ca *ca = known_ca_at(i);

		assert_ptr_equal(known_ca_named(ca->name), ca);
		assert_ptr_equal(known_ca_of(ca->directory), ca);
		if (ca->rsa_directory)
			assert_ptr_equal(known_ca_of(ca->rsa_directory), ca);
		if (strcmp(ca->name, "internal") != 0)
			assert_null(address_url_complaint(str_from(ca->directory), true));
	}
	assert_null(known_ca_named("letsencrpt"));
}

static void of_other_cas_nothing_is_known(void **state)
{
	const struct known_ca *ca = known_ca_of("https://ca.internal/dir");

	(void)state;
	assert_string_equal(ca->name, "");
	assert_null(ca->eab_from);
	assert_null(ca->gone);
	assert_int_equal(ca->lacks, 0);
	assert_int_equal(ca->ip, KNOWN_CA_UNSAID);
	assert_false(ca->limits.orders.is_given);
}

static void a_staging_is_a_row_of_its_own(void **state)
{
	(void)state;
	for (unsigned i = 0; known_ca_at(i); i++) {
		const struct known_ca *ca = known_ca_at(i);
		const struct known_ca *staging = ca->staging ? known_ca_named(ca->staging) : NULL;

		if (!ca->staging)
			continue;
		assert_non_null(staging);
		assert_ptr_not_equal(staging, ca);
		assert_null(staging->staging);
		assert_string_not_equal(staging->directory, ca->directory);
	}
}

static void limits_leave_room_for_time_to_bring_more(void **state)
{
	(void)state;
	for (unsigned i = 0; known_ca_at(i); i++) {
		const struct conf_ca_limits *l = &known_ca_at(i)->limits;
		const struct conf_quota *all[] = { &l->orders, &l->registered_domain, &l->same_names, &l->failures };

		for (unsigned q = 0; q < sizeof(all) / sizeof(*all); q++)
			if (all[q]->is_given)
				assert_true(all[q]->n > 0 && all[q]->per_ms >= all[q]->n);
	}
}

static void directories_go_with_the_type_of_the_key(void **state)
{
	const struct known_ca *ca = known_ca_named("sslcom"), *other = known_ca_named("google");

	(void)state;
	assert_string_equal(known_ca_directory(ca, CONF_KEY_P384), ca->directory);
	assert_string_equal(known_ca_directory(ca, CONF_KEY_RSA2048), ca->rsa_directory);
	assert_string_equal(known_ca_directory(other, CONF_KEY_RSA4096), other->directory);
}

static void answers_have_words(void **state)
{
	(void)state;
	assert_string_equal(known_ca_answer_text(KNOWN_CA_UNSAID), "?");
	assert_string_equal(known_ca_answer_text(KNOWN_CA_YES), "yes");
	assert_string_equal(known_ca_answer_text(KNOWN_CA_NO), "no");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_found_by_either_key),
		cmocka_unit_test(lets_encrypt_has_one_profile_for_addresses),
		cmocka_unit_test(some_cas_certify_no_addresses),
		cmocka_unit_test(public_cas_certify_none_of_special_purpose),
		cmocka_unit_test(a_row_is_found_by_its_name_and_by_its_directory),
		cmocka_unit_test(of_other_cas_nothing_is_known),
		cmocka_unit_test(a_staging_is_a_row_of_its_own),
		cmocka_unit_test(limits_leave_room_for_time_to_bring_more),
		cmocka_unit_test(directories_go_with_the_type_of_the_key),
		cmocka_unit_test(answers_have_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
