/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "acme/ca_model.h"

#include "unit.h"

static void the_limits_of_known_cas_are_known(void **state)
{
	struct rate limits[CA_SCOPE_COUNT];
	(void)state;
	ca_model_limits(&(struct conf_ca){ .directory = "https://acme-v02.api.letsencrypt.org/directory" }, limits);
	assert_int_equal(limits[SCOPE_ACCOUNT].burst, 250);
	assert_int_equal(limits[SCOPE_ACCOUNT].every_ms, 36000);
	assert_int_equal(limits[SCOPE_NAMES].every_ms, 34 * 3600 * 1000);
	ca_model_limits(&(struct conf_ca){ .directory = "https://ca.internal/dir" }, limits);
	for (int s = 0; s < CA_SCOPE_COUNT; s++)
		assert_int_equal(limits[s].burst, 0);
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
		cmocka_unit_test(the_limits_of_known_cas_are_known),
		cmocka_unit_test(the_operator_knows_better),
		cmocka_unit_test(the_scope_is_read_from_the_prose),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
