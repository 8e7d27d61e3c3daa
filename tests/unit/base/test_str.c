/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/str.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

static void comparing_ignores_only_ascii_case(void **state)
{
	(void)state;
	assert_true(str_equal(STR("a"), STR("a")));
	assert_false(str_equal(STR("a"), STR("A")));
	assert_true(str_equal_nocase(STR("Host-9"), STR("hOST-9")));
	assert_false(str_equal_nocase(STR("\xc4"), STR("\xe4")));
	assert_false(str_equal_nocase(STR("@"), STR("`")));
	assert_true(str_equal(STR_NONE, STR("")));
	assert_true(str_is(STR("abc"), "abc"));
}

static void prefix_and_suffix_may_be_longer_than_the_string(void **state)
{
	(void)state;
	assert_true(str_has_prefix(STR("abc"), STR("ab")));
	assert_false(str_has_prefix(STR("a"), STR("ab")));
	assert_true(str_has_suffix(STR("abc"), STR("bc")));
	assert_false(str_has_suffix(STR("c"), STR("bc")));
	assert_true(str_has_suffix(STR_NONE, STR("")));
	assert_true(str_has_prefix(STR_NONE, STR_NONE));
}

static void cutting_walks_a_list(void **state)
{
	struct str head, rest = STR("a,,b");

	(void)state;
	rest = str_cut(rest, ',', &head);
	assert_true(str_is(head, "a"));
	rest = str_cut(rest, ',', &head);
	assert_int_equal(head.len, 0);
	assert_non_null(rest.at);
	rest = str_cut(rest, ',', &head);
	assert_true(str_is(head, "b"));
	assert_null(rest.at);
	rest = str_cut(STR("a,"), ',', &head);
	assert_non_null(rest.at);
	assert_int_equal(rest.len, 0);
}

static void trimming_leaves_the_middle(void **state)
{
	(void)state;
	assert_true(str_is(str_trim(STR(" \ta b\t ")), "a b"));
	assert_int_equal(str_trim(STR(" \t ")).len, 0);
	assert_int_equal(str_trim(STR_NONE).len, 0);
	assert_true(str_is(str_trim(STR("a\n")), "a\n"));
}

static void numbers_are_strict(void **state)
{
	uint64_t n = 7;

	(void)state;
	assert_true(str_to_u64(STR("18446744073709551615"), &n));
	assert_true(n == UINT64_MAX);
	assert_true(str_to_u64(STR("007"), &n) && n == 7);
	assert_false(str_to_u64(STR("18446744073709551616"), &n));
	assert_false(str_to_u64(STR("99999999999999999999"), &n));
	assert_false(str_to_u64(STR(""), &n));
	assert_false(str_to_u64(STR("+1"), &n));
	assert_false(str_to_u64(STR("-1"), &n));
	assert_false(str_to_u64(STR(" 1"), &n));
	assert_false(str_to_u64(STR("1\0"), &n));
	assert_true(str_to_hex_u64(STR("fFFFffffffffffff"), &n) && n == UINT64_MAX);
	assert_false(str_to_hex_u64(STR("10000000000000000"), &n));
	assert_false(str_to_hex_u64(STR("0x1"), &n));
	assert_false(str_to_hex_u64(STR(""), &n));
}

static void copying_refuses_what_does_not_fit(void **state)
{
	char dst[4];

	(void)state;
	assert_true(str_copy(dst, sizeof(dst), STR("abc")));
	assert_string_equal(dst, "abc");
	assert_false(str_copy(dst, sizeof(dst), STR("abcd")));
	assert_string_equal(dst, "");
	assert_true(str_copy(dst, sizeof(dst), STR_NONE));
}

static void lower_case_works_in_place(void **state)
{
	char text[] = "ABC-\xc4.Z";

	(void)state;
	str_lower(text, str_from(text));
	assert_string_equal(text, "abc-\xc4.z");
}

static void hashes_repeat_and_differ(void **state)
{
	char text[64] = { 0 };
	uint64_t seen[64];

	(void)state;
	for (size_t i = 0; i < 64; i++) {
		seen[i] = str_hash(str_of(text, i));
		assert_true(seen[i] == str_hash(str_of(text, i)));
		for (size_t j = 0; j < i; j++)
			assert_false(seen[i] == seen[j]);
	}
	assert_false(str_hash(STR("abcdefgh1")) == str_hash(STR("abcdefgh2")));
	assert_false(str_hash(STR("Abcdefgh")) == str_hash(STR("abcdefgh")));
}

static void utf8_is_judged_by_the_standard(void **state)
{
	static const struct str good[] = { STR("a"), STR("\xc3\xa4"), STR("\xe2\x82\xac"),
		STR("\xf0\x9f\x98\x80"), STR("\xf4\x8f\xbf\xbf"), STR("") };
	static const struct str bad[] = { STR("\xc0\x80"), STR("\xc1\xbf"), STR("\xe0\x80\x80"),
		STR("\xed\xa0\x80"), STR("\xf4\x90\x80\x80"), STR("\xf8\x88\x80\x80\x80"), STR("\x80"),
		STR("\xc3"), STR("\xe2\x82"), STR("\xf0\x9f\x98"), STR("a\0b"), STR("\xff") };

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		assert_true(str_is_utf8(good[i]));
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_false(str_is_utf8(bad[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(comparing_ignores_only_ascii_case),
		cmocka_unit_test(prefix_and_suffix_may_be_longer_than_the_string),
		cmocka_unit_test(cutting_walks_a_list),
		cmocka_unit_test(trimming_leaves_the_middle),
		cmocka_unit_test(numbers_are_strict),
		cmocka_unit_test(copying_refuses_what_does_not_fit),
		cmocka_unit_test(lower_case_works_in_place),
		cmocka_unit_test(hashes_repeat_and_differ),
		cmocka_unit_test(utf8_is_judged_by_the_standard),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
