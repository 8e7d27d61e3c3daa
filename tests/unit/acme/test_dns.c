/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "acme/dns.h"

#include "base/clock.h"
#include "unit.h"

static void the_configured_provider_is_chosen(void **state)
{
	const char *argv[] = { "hook" };
	struct conf_dns conf = { 0 };
	(void)state;
	assert_null(dns_provider_of(&conf));
	assert_false(conf_dns_is_set(&conf));
	conf.server.text = "ns1.example.com";
	assert_ptr_equal(dns_provider_of(&conf), &dns_rfc2136);
	assert_true(conf_dns_is_set(&conf));
	conf.exec = argv;
	conf.n_exec = 1;
	assert_ptr_equal(dns_provider_of(&conf), &dns_exec);
}

static void time_left_is_bounded_on_both_sides(void **state)
{
	dns_until until = 5000;
	(void)state;
	clock_test_set(1, 1000);
	assert_int_equal(dns_left_ms(&until, 100), 100);
	assert_int_equal(dns_left_ms(&until, 10000), 4000);
	clock_test_advance(5000);
	assert_int_equal(dns_left_ms(&until, 10000), 0);
	clock_test_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_configured_provider_is_chosen),
		cmocka_unit_test(time_left_is_bounded_on_both_sides),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
