/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "acme/ca.h"

#include "unit.h"

static struct internal_ca *const internal = (struct internal_ca *)&internal;

static void the_internal_one_is_for_private_names(void **state)
{
	struct ca cas[] = { { 0 }, { .internal = internal }, { 0 } };
	(void)state;
	assert_int_equal(ca_next(cas, 3, "app.example.com", 0), 0);
	assert_int_equal(ca_next(cas, 3, "app.example.com", 1), 2);
	assert_int_equal(ca_next(cas, 3, "app.example.com", 3), 3);
	assert_int_equal(ca_next(cas, 3, "localhost", 0), 1);
	assert_int_equal(ca_next(cas, 3, "localhost", 2), 3);
}

static void where_there_is_one_kind_it_is_for_all(void **state)
{
	struct ca own = { .internal = internal }, other = { 0 };
	(void)state;
	assert_int_equal(ca_next(&own, 1, "app.example.com", 0), 0);
	assert_int_equal(ca_next(&other, 1, "localhost", 0), 0);
}

static void the_first_door_to_open_counts(void **state)
{
	struct ca cas[2] = { 0 };
	(void)state;
	breaker_failed(&cas[0].breaker, BREAKER_CERTAIN, 1000 + 90000, 1000);
	assert_int_equal(ca_wait_ms(cas, 1, 1000), 90000);
	assert_int_equal(ca_wait_ms(cas, 2, 1000), 0);
	breaker_failed(&cas[1].breaker, BREAKER_CERTAIN, 0, 1000);
	assert_int_equal(ca_wait_ms(cas, 2, 1000), 10000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_door_to_open_counts),
		cmocka_unit_test(the_internal_one_is_for_private_names),
		cmocka_unit_test(where_there_is_one_kind_it_is_for_all),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
