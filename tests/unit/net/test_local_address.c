/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/local_address.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static bool has(const char *ip, uint16_t port)
{
	struct addr a;

	assert_int_equal(addr_parse_ip(&a, str_from(ip), port), E_OK);
	return local_address_has(&a);
}

static void what_is_routed_to_us_is_ours_whatever_the_port(void **state)
{
	(void)state;
	assert_true(has("127.0.0.1", 0));
	assert_true(has("127.0.0.1", 1));
	assert_true(has("127.1.2.3", 443));
}

static void what_is_others_is_not(void **state)
{
	(void)state;
	assert_false(has("192.0.2.1", 443));
	assert_false(has("2001:db8::1", 443));
}

static void a_path_is_no_address(void **state)
{
	struct addr a;

	(void)state;
	assert_int_equal(addr_unix(&a, STR("/run/x")), E_OK);
	assert_false(local_address_has(&a));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_routed_to_us_is_ours_whatever_the_port),
		cmocka_unit_test(what_is_others_is_not),
		cmocka_unit_test(a_path_is_no_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
