/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "certstore/san.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static enum err add(struct buf *out, const char *name)
{
	struct der_writer w = {out, E_OK};

	buf_init(out, 0);
	san_add_extension(&w, &name, 1);
	return w.err;
}

static void addresses_and_names_get_their_tags(void **state)
{
	static const struct {
		const char *name;
		struct str der;
	} rows[] = {
		{"a.b", STR("\x30\x0c\x06\x03\x55\x1d\x11\x04\x05\x30\x03\x82\x03"
			    "a.b")},
		{"127.0.0.1",
			STR("\x30\x0f\x06\x03\x55\x1d\x11\x04\x08\x30\x06\x87\x04\x7f\0\0\1")},
		{"::1", STR("\x30\x1b\x06\x03\x55\x1d\x11\x04\x14\x30\x12\x87\x10"
			    "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1")},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf out;

		assert_int_equal(add(&out, rows[i].name), E_OK);
		/* inner lengths: 30 len 06 03 … 04 len 30 len tag len content */
		assert_int_equal(out.at[11], rows[i].der.at[11]);
		assert_memory_equal(out.at + 13, rows[i].der.at + 13, rows[i].der.len - 13);
		buf_fini(&out);
	}
}

static void what_can_be_no_name_is_refused(void **state)
{
	static const char *const names[] = {
		"", "a b", "a\n", "\xc3\xa9.example", "a.*.b", "[::1]", "a/b", "*."};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct buf out;

		assert_int_equal(add(&out, names[i]), E_NAME);
		buf_fini(&out);
	}
}

static void general_names_read_as_text(void **state)
{
	struct str in = STR("\x82\x05*.A.b\x87\x04\x0a\0\0\1\x81\x03x@y");
	char text[SAN_NAME];

	(void)state;
	assert_true(san_next(&in, text));
	assert_string_equal(text, "*.a.b");
	assert_true(san_next(&in, text));
	assert_string_equal(text, "10.0.0.1");
	assert_true(san_next(&in, text));
	assert_string_equal(text, "");
	assert_false(san_next(&in, text));
}

/* No client takes one for the other. */
static void a_dns_name_that_looks_like_an_address_is_none(void **state)
{
	struct str in = STR("\x82\x0b" "203.0.113.7");
	char text[SAN_NAME];

	(void)state;
	assert_true(san_next(&in, text));
	assert_string_equal(text, "dns:203.0.113.7");
}

static void malformed_general_names_are_refused(void **state)
{
	struct str nul = STR("\x82\x03"
			     "a\0b"),
		   address = STR("\x87\x03\1\2\3");
	char text[SAN_NAME];

	(void)state;
	assert_false(san_next(&nul, text));
	assert_false(san_next(&address, text));
}

/* RFC 8738 section 6 */
static void addresses_have_reverse_names(void **state)
{
	char name[SAN_NAME];

	(void)state;
	assert_true(san_reverse_name(name, "127.0.0.1"));
	assert_string_equal(name, "1.0.0.127.in-addr.arpa");
	assert_true(san_reverse_name(name, "2001:db8::1"));
	assert_string_equal(name, "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0."
				  "0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa");
	assert_false(san_reverse_name(name, "example.com"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_and_names_get_their_tags),
		cmocka_unit_test(what_can_be_no_name_is_refused),
		cmocka_unit_test(general_names_read_as_text),
		cmocka_unit_test(a_dns_name_that_looks_like_an_address_is_none),
		cmocka_unit_test(malformed_general_names_are_refused),
		cmocka_unit_test(addresses_have_reverse_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
