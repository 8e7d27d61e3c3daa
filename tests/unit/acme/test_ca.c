/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "acme/ca.h"

#include "unit.h"

static struct internal_ca *const internal = (struct internal_ca *)&internal;
static const struct conf_ca own = { .name = "own", .directory = "https://ca.test/dir" },
	ours = { .name = "internal", .directory = CONF_CA_INTERNAL, .is_internal = true },
	letsencrypt = { .name = "letsencrypt", .directory = "https://acme-v02.api.letsencrypt.org/directory" },
	zerossl = { .name = "zerossl", .directory = "https://acme.zerossl.com/v2/DV90" };

static void the_internal_one_is_for_private_names(void **state)
{
	struct ca cas[] = { { .conf = &own }, { .conf = &ours, .internal = internal }, { .conf = &own } };
	(void)state;
	assert_int_equal(ca_next(cas, 3, "app.example.com", 0), 0);
	assert_int_equal(ca_next(cas, 3, "app.example.com", 1), 2);
	assert_int_equal(ca_next(cas, 3, "app.example.com", 3), 3);
	assert_int_equal(ca_next(cas, 3, "localhost", 0), 1);
	assert_int_equal(ca_next(cas, 3, "localhost", 2), 3);
}

static void where_there_is_one_kind_it_is_for_all(void **state)
{
	struct ca alone = { .conf = &ours, .internal = internal }, other = { .conf = &own };
	(void)state;
	assert_int_equal(ca_next(&alone, 1, "app.example.com", 0), 0);
	assert_int_equal(ca_next(&alone, 1, "8.8.8.8", 0), 0);
	assert_int_equal(ca_next(&other, 1, "localhost", 0), 0);
	assert_int_equal(ca_next(&other, 1, "127.0.0.1", 0), 0);
}

static void those_who_will_not_sign_are_passed_over(void **state)
{
	struct ca cas[] = { { .conf = &zerossl }, { .conf = &letsencrypt }, { .conf = &own },
		{ .conf = &ours, .internal = internal } };
	(void)state;
	assert_int_equal(ca_next(cas, 4, "app.example.com", 0), 0);
	assert_int_equal(ca_next(cas, 4, "8.8.8.8", 0), 1);
	assert_int_equal(ca_next(cas, 4, "8.8.8.8", 2), 2);
	assert_int_equal(ca_next(cas, 4, "8.8.8.8", 3), 4);
	assert_int_equal(ca_next(cas, 3, "10.0.0.1", 0), 2);
	assert_int_equal(ca_next(cas, 2, "10.0.0.1", 0), 2);
	assert_int_equal(ca_next(cas, 4, "10.0.0.1", 0), 3);
}

static void the_internal_one_signs_what_nobody_else_does(void **state)
{
	struct ca cas[] = { { .conf = &zerossl }, { .conf = &ours, .internal = internal } };
	(void)state;
	assert_int_equal(ca_next(cas, 2, "app.example.com", 0), 0);
	assert_int_equal(ca_next(cas, 2, "8.8.8.8", 0), 1);
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

static void cas_find_their_stagings(void **state)
{
	struct conf_ca staging = { .directory = "https://s/d" }, gone = { .directory = "https://g/d" };
	struct conf_ca confs[] = { { .directory = "https://a/d", .staging = &staging }, { .directory = "https://b/d" },
		{ .directory = "https://c/d", .staging = &gone } };
	struct ca cas[4] = { { .conf = &confs[0] }, { .conf = &confs[1] }, { .conf = &confs[2] },
		{ .conf = &staging } };
	(void)state;
	ca_link_stagings(cas, 3, 1);
	assert_ptr_equal(cas[0].staging, &cas[3]);
	assert_null(cas[1].staging);
	assert_null(cas[2].staging);
	ca_link_stagings(cas, 3, 0);   /* rehearsals are turned off */
	assert_null(cas[0].staging);
}

static void a_staging_is_the_first_s_that_has_it(void **state)
{
	struct ca cas[4] = { { 0 }, { .staging = &cas[3] }, { .staging = &cas[3] }, { 0 } };
	(void)state;
	assert_int_equal(ca_live(cas, 3, &cas[3]), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cas_find_their_stagings),
		cmocka_unit_test(a_staging_is_the_first_s_that_has_it),
		cmocka_unit_test(the_first_door_to_open_counts),
		cmocka_unit_test(the_internal_one_is_for_private_names),
		cmocka_unit_test(where_there_is_one_kind_it_is_for_all),
		cmocka_unit_test(those_who_will_not_sign_are_passed_over),
		cmocka_unit_test(the_internal_one_signs_what_nobody_else_does),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
