/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "conf/hostname.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>

static void names_are_brought_to_one_form(void **state)
{
	static const struct {
		const char *in, *out;
		enum hostname_kind kind;
	} good[] = { { "App.Example.COM.", "app.example.com", HOSTNAME_EXACT },
		{ "*", "*", HOSTNAME_ANY }, { "*.Example.com", "*.example.com", HOSTNAME_WILDCARD },
		{ "b\xc3\xbc" "cher.example", "xn--bcher-kva.example", HOSTNAME_EXACT },
		{ "*.b\xc3\xbc" "cher.example", "*.xn--bcher-kva.example", HOSTNAME_WILDCARD },
		{ "192.0.2.1", "192.0.2.1", HOSTNAME_IP }, { "[2001:DB8::0:1]", "2001:db8::1", HOSTNAME_IP },
		{ "::1", "::1", HOSTNAME_IP },
		{ "2001:0db8:0000:0:0::0001", "2001:db8::1", HOSTNAME_IP },
		{ "2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1", HOSTNAME_IP },
		{ "2001:0:0:1:0:0:0:1", "2001:0:0:1::1", HOSTNAME_IP },
		{ "[::ffff:192.0.2.1]", "192.0.2.1", HOSTNAME_IP }, { "::FFFF:c000:201", "192.0.2.1", HOSTNAME_IP },
		{ "[192.0.2.1]", "192.0.2.1", HOSTNAME_IP }, { "localhost", "localhost", HOSTNAME_EXACT },
		{ "xn--bcher-kva.example", "xn--bcher-kva.example", HOSTNAME_EXACT } };
	enum hostname_kind kind;
	char out[HOSTNAME_SIZE];
	const char *why;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		assert_int_equal(hostname_normalise(out, str_from(good[i].in), &kind, &why), E_OK);
		assert_string_equal(out, good[i].out);
		assert_int_equal(kind, good[i].kind);
	}
}

static void what_is_no_name_is_refused_with_a_reason(void **state)
{
	static const char *const bad[] = { "", ".", "..", "a..b", ".a", "a b", "-a.example",
		"a-.example", "a_b.example", "*.", "*.*.example", "a.*.example", "*a.example", "1.2.3",
		"1.2.3.4.5", "256.1.1.1", "[::1", "[example.com]", "a/b", "a:80", "http://a", "a\n",
		"\xff", "*.192.0.2.1", "example.123", "fe80::1%eth0",
		"2001:db8::/32", "192.0.2.1:443", "[::1]:443", "192.0.2.01", "0x7f.1", "2001:db8::1::2" };
	enum hostname_kind kind;
	char out[HOSTNAME_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		const char *why = NULL;

		assert_int_equal(hostname_normalise(out, str_from(bad[i]), &kind, &why), E_NAME);
		assert_non_null(why);
	}
}

static void lengths_are_limited(void **state)
{
	char name[300], out[HOSTNAME_SIZE];
	enum hostname_kind kind;
	const char *why;

	(void)state;
	memset(name, 'a', sizeof(name));
	assert_int_equal(hostname_normalise(out, str_of(name, 63), &kind, &why), E_OK);
	assert_int_equal(hostname_normalise(out, str_of(name, 64), &kind, &why), E_NAME);
	for (size_t i = 63; i < sizeof(name); i += 64)
		name[i] = '.';
	assert_int_equal(hostname_normalise(out, str_of(name, 253), &kind, &why), E_OK);
	assert_int_equal(hostname_normalise(out, str_of(name, 254), &kind, &why), E_NAME);
	assert_int_equal(hostname_normalise(out, str_of(name, 300), &kind, &why), E_NAME);
}

static void random_bytes_do_no_harm(void **state)
{
	char name[300], out[HOSTNAME_SIZE];
	enum hostname_kind kind;
	const char *why;

	(void)state;
	srand(5);
	for (int i = 0; i < 20000; i++) {
		size_t n = (size_t)rand() % sizeof(name);

		for (size_t j = 0; j < n; j++)
			name[j] = rand() % 3 ? "a.-*[]:1\xc3\xbc"[rand() % 10] : (char)rand();
		if (hostname_normalise(out, str_of(name, n), &kind, &why) == E_OK)
			assert_true(strlen(out) <= 253);
	}
}

static void what_no_public_ca_certifies_is_private(void **state)
{
	static const char *const private[] = { "localhost", "app.localhost", "db.internal", "nas",
		"printer.home.arpa", "a.test", "tv.local", "127.0.0.1", "10.0.0.1", "::1", "fd00::1" };
	static const char *const public[] = { "example.com", "internal.example.com", "test.example",
		"notlocalhost.example.org", "internal.com", "8.8.8.8", "2a00::1" };

	(void)state;
	for (size_t i = 0; i < sizeof(private) / sizeof(*private); i++)
		assert_true(hostname_is_private(str_from(private[i])));
	for (size_t i = 0; i < sizeof(public) / sizeof(*public); i++)
		assert_false(hostname_is_private(str_from(public[i])));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_brought_to_one_form),
		cmocka_unit_test(what_is_no_name_is_refused_with_a_reason),
		cmocka_unit_test(lengths_are_limited),
		cmocka_unit_test(what_no_public_ca_certifies_is_private),
		cmocka_unit_test(random_bytes_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
