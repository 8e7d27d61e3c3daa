/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "acme/dns_persist.h"

#include "unit.h"

#define ACCOUNT "https://ca.example/acct/1"
#define WANT "ca.example; accounturi=" ACCOUNT
enum { NOW_MS = 1700000000 };

static bool permits(const char *record, const char *wanted)
{
	return dns_persist_permits(str_from(record), wanted, (int64_t)NOW_MS * 1000);
}

static void what_we_write_permits_what_we_want(void **state)
{
	char text[200];
	(void)state;
	assert_int_equal(dns_persist_write(text, sizeof text, "ca.example", ACCOUNT, true), E_OK);
	assert_string_equal(text, WANT "; policy=wildcard");
	assert_true(permits(text, text));
	assert_true(permits(text, WANT));
	assert_false(permits(WANT, text));
	assert_int_equal(dns_persist_write(text, 20, "ca.example", ACCOUNT, true), E_LIMIT);
}

static void operators_write_it_their_way(void **state)
{
	(void)state;
	assert_true(permits("CA.example;policy=Wildcard ;  AccountURI = " ACCOUNT, WANT "; policy=wildcard"));
	assert_true(permits(WANT "; persistUntil=1700000001", WANT));
	assert_false(permits(WANT "; persistUntil=1700000000", WANT));
	assert_false(permits(WANT "; persistUntil=soon", WANT));
	assert_true(permits(WANT "; later=1;;", WANT));
}

static void other_records_permit_nothing(void **state)
{
	(void)state;
	assert_false(permits("", WANT));
	assert_false(permits(";;;", WANT));
	assert_false(permits("ca.example", WANT));
	assert_false(permits("other.example; accounturi=" ACCOUNT, WANT));
	assert_false(permits("ca.example; accounturi=" ACCOUNT "2", WANT));
	assert_false(permits(WANT "; accounturi=" ACCOUNT, WANT));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_we_write_permits_what_we_want),
		cmocka_unit_test(operators_write_it_their_way),
		cmocka_unit_test(other_records_permit_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
