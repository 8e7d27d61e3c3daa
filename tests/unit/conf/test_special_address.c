/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "conf/special_address.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

static void special(const char *ip, const char *kind)
{
	const char *got = special_address_kind(str_from(ip));

	assert_non_null(got);
	if (!strstr(got, kind))
		assert_string_equal(got, kind);
}

static void each_kind_is_told(void **state)
{
	(void)state;
	special("0.0.0.0", "unspecified");
	special("10.255.0.1", "private");
	special("100.64.0.1", "private");
	special("127.0.0.1", "loopback");
	special("169.254.169.254", "link-local");
	special("172.16.0.1", "private");
	special("172.31.255.255", "private");
	special("192.168.1.1", "private");
	special("198.19.0.1", "private");
	special("224.0.0.1", "multicast");
	special("255.255.255.255", "reserved");
	special("::", "unspecified");
	special("::1", "loopback");
	special("::2", "reserved");
	special("::ffff:192.168.1.1", "private");
	special("64:ff9b::1", "reserved");
	special("2001::1", "reserved");
	special("2002:c000:201::1", "reserved");
	special("fc00::1", "private");
	special("fdff::1", "private");
	special("fe80::1", "link-local");
	special("ff02::1", "multicast");
}

static void what_the_internet_reaches_is_not_special(void **state)
{
	static const char *const open[] = { "1.1.1.1", "8.8.8.8", "100.63.255.255", "100.128.0.0", "172.15.0.1",
		"172.32.0.1", "192.167.255.255", "192.169.0.0", "198.17.0.1", "198.20.0.0", "223.255.255.255",
		"2606:4700::1111", "2a00::", "2001:200::1", "2003::1", "3fff::1", "::ffff:8.8.8.8" };

	(void)state;
	for (size_t i = 0; i < sizeof(open) / sizeof(*open); i++)
		assert_null(special_address_kind(str_from(open[i])));
}

/* They are for examples, as example.com is. */
static void those_of_documentation_pass(void **state)
{
	static const char *const open[] = { "192.0.2.1", "198.51.100.7", "203.0.113.7", "2001:db8::1" };

	(void)state;
	for (size_t i = 0; i < sizeof(open) / sizeof(*open); i++)
		assert_null(special_address_kind(str_from(open[i])));
}

static void what_is_no_address_is_nothing(void **state)
{
	static const char *const not[] = { "", "example.com", "[::1]", "10.0.0", "10.0.0.1.",
		"fe80::1%eth0", "010.0.0.1" };

	(void)state;
	for (size_t i = 0; i < sizeof(not) / sizeof(*not); i++)
		assert_null(special_address_kind(str_from(not[i])));
	assert_null(special_address_kind(STR_NONE));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_kind_is_told),
		cmocka_unit_test(what_the_internet_reaches_is_not_special),
		cmocka_unit_test(those_of_documentation_pass),
		cmocka_unit_test(what_is_no_address_is_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
