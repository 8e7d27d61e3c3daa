/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "acme/ca_model.h"

#include "unit.h"

static void known_cas_are_known_by_their_directory(void **state)
{
	(void)state;
	const struct ca_model *le = ca_model_of("https://acme-v02.api.letsencrypt.org/directory");
	assert_string_equal(le->name, "letsencrypt");
	assert_int_equal(le->limits[SCOPE_ACCOUNT].burst, 250);
	assert_true(le->renewals_are_free);
	const struct ca_model *own = ca_model_of("https://ca.internal/dir");
	assert_string_equal(own->name, "");
	for (int s = 0; s < CA_SCOPE_COUNT; s++)
		assert_int_equal(own->limits[s].burst, 0);
}

static void the_operator_knows_better(void **state)
{
	struct conf_ca ca = { .directory = "https://acme-v02.api.letsencrypt.org/directory",
		.limits = { .orders = { 1000, 10800000, true }, .failures = { 0, 0, true } } };
	struct rate limits[CA_SCOPE_COUNT];
	(void)state;
	ca_model_limits(&ca, limits);
	assert_int_equal(limits[SCOPE_ACCOUNT].burst, 1000);
	assert_int_equal(limits[SCOPE_ACCOUNT].every_ms, 10800);
	assert_int_equal(limits[SCOPE_DOMAIN].burst, 45);
	assert_int_equal(limits[SCOPE_FAILURES].burst, 0);
}

static int scope(const char *detail, int status)
{
	struct fault f = { .code = E_RATE_LIMITED, .status = status };
	snprintf(f.detail, sizeof f.detail, "%s", detail);
	return ca_model_scope(&f);
}

static void the_scope_is_read_from_the_prose(void **state)
{
	(void)state;
	assert_int_equal(scope("too many new orders (300) from this account in the last 3h0m0s, retry after "
		"2026-11-22 08:00:00 UTC", 429), SCOPE_ACCOUNT);
	assert_int_equal(scope("too many certificates (50) already issued for \"example.com\" in the last "
		"168h0m0s", 429), SCOPE_DOMAIN);
	assert_int_equal(scope("too many certificates (5) already issued for this exact set of identifiers "
		"in the last 168h0m0s", 429), SCOPE_NAMES);
	assert_int_equal(scope("too many failed authorizations (5) for \"a.example.com\" in the last 1h0m0s",
		429), SCOPE_FAILURES);
	assert_int_equal(scope("Service busy; retry later.", 503), SCOPE_ACCOUNT);
	assert_int_equal(scope("slow down", 429), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_cas_are_known_by_their_directory),
		cmocka_unit_test(the_operator_knows_better),
		cmocka_unit_test(the_scope_is_read_from_the_prose),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
