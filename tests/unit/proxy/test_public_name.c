/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proxy/public_name.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/check.h"

static enum err check(const char *name)
{
	return public_name_check(str_from(name), 5);
}

static void ordinary_names_pass(void **state)
{
	(void)state;
	assert_int_equal(check("example.com"), E_OK);
	assert_int_equal(check("a.b.c.d.e"), E_OK);
	assert_int_equal(check("3com.example"), E_OK);
	assert_int_equal(check("xn--bcher-kva.example"), E_OK);
	assert_int_equal(check("a-b--c.example"), E_OK);
	assert_int_equal(check("1.2.3.x4"), E_OK);
	assert_int_equal(check("printer.home.arpa"), E_OK);
}

static void what_no_ca_would_sign_is_refused(void **state)
{
	static const char *const bad[] = {
		"", ".", "localhost", "example.com.", ".example.com", "a..b", "-a.example", "a-.example",
		"un_derscore.example", "UPPER.example", "127.0.0.1", "1.2.3.4.5", "::1", "[::1]", "*.example.com",
		"sp ace.example", "b\xc3\xbc" "cher.example", "ab--cd.example", "xn--.example", "a.123", "a/b.c", "1.0.0.127.in-addr.arpa",
		"1.0.0.0.ip6.arpa",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(check(bad[i]), E_NAME);
	assert_int_equal(public_name_check(str_of("a\0b.example", 11), 5), E_NAME);
}

static void lengths_are_those_of_dns(void **state)
{
	char name[PUBLIC_NAME_MAX + 2];

	(void)state;
	memset(name, 'a', sizeof(name));
	name[63] = '.';
	assert_int_equal(public_name_check(str_of(name, 100), 0), E_OK);
	name[63] = 'a';
	name[64] = '.';
	assert_int_equal(public_name_check(str_of(name, 100), 0), E_NAME);
	for (size_t i = 0; i < sizeof(name); i++)
		name[i] = i % 2 ? '.' : 'a';
	assert_int_equal(public_name_check(str_of(name, PUBLIC_NAME_MAX), 0), E_OK);
	name[PUBLIC_NAME_MAX] = 'a';
	name[PUBLIC_NAME_MAX - 1] = 'a';
	assert_int_equal(public_name_check(str_of(name, PUBLIC_NAME_MAX + 1), 0), E_NAME);
}

static void too_many_labels_are_a_limit(void **state)
{
	(void)state;
	assert_int_equal(check("a.b.c.d.e.f"), E_LIMIT);
	assert_int_equal(public_name_check(STR("a.b.c.d.e.f"), 0), E_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ordinary_names_pass),
		cmocka_unit_test(what_no_ca_would_sign_is_refused),
		cmocka_unit_test(lengths_are_those_of_dns),
		cmocka_unit_test(too_many_labels_are_a_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
