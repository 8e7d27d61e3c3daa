/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/registered_domain.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void is(const char *name, const char *want)
{
	char got[REGISTERED_DOMAIN];

	registered_domain(got, str_from(name));
	assert_string_equal(got, want);
}

static void one_label_below_the_public_suffix(void **state)
{
	(void)state;
	is("example.com", "example.com");
	is("a.b.example.com", "example.com");
	is("*.b.example.co.uk", "example.co.uk");
	is("x.y.github.io", "y.github.io");   /* a private suffix: its customers are strangers */
	is("a.b.xn--p1ai", "b.xn--p1ai");
	is("a.b.no-such-tld-here", "b.no-such-tld-here");
}

static void what_nobody_registers_stands_for_itself(void **state)
{
	(void)state;
	is("com", "com");
	is("co.uk", "co.uk");
	is("localhost", "localhost");
	is("", "");
	is("192.0.2.7", "192.0.2.7");
	is("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::");
}

static void names_longer_than_any_are_cut(void **state)
{
	char name[1000], got[REGISTERED_DOMAIN];

	(void)state;
	memset(name, 'a', sizeof(name));
	registered_domain(got, str_of(name, sizeof(name)));
	assert_int_equal(strlen(got), REGISTERED_DOMAIN - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_label_below_the_public_suffix),
		cmocka_unit_test(what_nobody_registers_stands_for_itself),
		cmocka_unit_test(names_longer_than_any_are_cut),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
