/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "acme/rehearsal.h"

#include "unit.h"

static struct fault fault_of(const char *type)
{
	struct fault f = { .code = E_ISSUE };
	snprintf(f.type, sizeof f.type, "%s", type);
	return f;
}

static void what_a_staging_finds_as_well_is_a_verdict(void **state)
{
	static const char *const yes[] = { "connection", "tls", "unauthorized", "incorrectResponse", "dns",
		"malformed" };
	static const char *const no[] = { "caa", "rateLimited", "serverInternal", "rejectedIdentifier",
		"badNonce", "" };
	struct fault f;
	(void)state;
	for (size_t i = 0; i < sizeof yes / sizeof *yes; i++) {
		f = fault_of(yes[i]);
		assert_true(rehearsal_is_verdict(&f, CONF_HTTP_01));
		assert_false(rehearsal_is_verdict(&f, -1));   /* nothing was looked at */
		assert_false(rehearsal_is_verdict(&f, CONF_DNS_PERSIST_01));
	}
	for (size_t i = 0; i < sizeof no / sizeof *no; i++) {
		f = fault_of(no[i]);
		assert_false(rehearsal_is_verdict(&f, CONF_HTTP_01));
	}
}

static void only_after_a_failed_validation_is_it_wise(void **state)
{
	struct failure f = { 0 };
	(void)state;
	assert_false(rehearsal_is_wise(&f, NULL, 1000));
	f.is_validation = true;
	assert_false(rehearsal_is_wise(&f, NULL, 1000));   /* the first attempt */
	f.count = 1;
	assert_true(rehearsal_is_wise(&f, NULL, 1000));
	f.is_validation = false;
	assert_false(rehearsal_is_wise(&f, NULL, 1000));
}

static void what_is_about_to_end_is_not_rehearsed(void **state)
{
	struct failure f = { .count = 3, .is_validation = true };
	struct entry held = { .not_before_ms = 0, .not_after_ms = 6000 };
	(void)state;
	assert_true(rehearsal_is_wise(&f, &held, 5000));
	assert_false(rehearsal_is_wise(&f, &held, 5001));
	assert_false(rehearsal_is_wise(&f, &held, 5999));
	assert_true(rehearsal_is_wise(&f, &held, 6000));   /* nothing to lose any more */
}

static void the_place_is_the_first_public_ca_s(void **state)
{
	struct conf_ca staging = { .name = "s", .directory = "https://s.test/dir" };
	struct conf_ca cas[] = { { .name = "internal", .directory = CONF_CA_INTERNAL, .is_internal = true },
		{ .name = "p", .directory = "https://p.test/dir", .staging = &staging } };
	struct conf_acme acme = { .ca = cas, .n_ca = 2, .rehearse = true };
	struct failure f = { .count = 1, .is_validation = true };
	(void)state;
	assert_ptr_equal(rehearsal_place(&acme, "a.example.com", &f, NULL, 0), &staging);
	assert_null(rehearsal_place(&acme, "a.example.com", NULL, NULL, 0));
	assert_null(rehearsal_place(&acme, "app.internal", &f, NULL, 0));
	acme.rehearse = false;
	assert_null(rehearsal_place(&acme, "a.example.com", &f, NULL, 0));
	acme.rehearse = true;
	acme.n_ca = 1;
	assert_null(rehearsal_place(&acme, "a.example.com", &f, NULL, 0));
}

static void the_activity_says_where(void **state)
{
	struct fault f = fault_of("dns");
	(void)state;
	rehearsal_tell(&f, "s");
	assert_string_equal(f.activity, "rehearsing at s");
	f.activity[0] = '\0';
	fault_during(&f, "validating http-01");
	rehearsal_tell(&f, "s");
	assert_string_equal(f.activity, "rehearsing at s: validating http-01");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_staging_finds_as_well_is_a_verdict),
		cmocka_unit_test(only_after_a_failed_validation_is_it_wise),
		cmocka_unit_test(what_is_about_to_end_is_not_rehearsed),
		cmocka_unit_test(the_place_is_the_first_public_ca_s),
		cmocka_unit_test(the_activity_says_where),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
