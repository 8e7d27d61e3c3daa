/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/encode.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>

static void base64_matches_the_rfc(void **state)
{
	static const char *const vectors[][2] = { { "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" },
		{ "foo", "Zm9v" }, { "foob", "Zm9vYg==" }, { "fooba", "Zm9vYmE=" },
		{ "foobar", "Zm9vYmFy" } };
	char out[16];

	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(*vectors); i++) {
		encode_base64(out, str_from(vectors[i][0]));
		assert_string_equal(out, vectors[i][1]);
	}
	assert_int_equal(encode_base64url(out, STR("\xfb\xff")), 3);
	assert_string_equal(out, "-_8");
}

static void decoding_reverses_encoding(void **state)
{
	unsigned char in[64], back[64];
	char text[ENCODE_HEX_SIZE(64)];
	size_t len;

	(void)state;
	srand(2);
	for (size_t n = 0; n <= sizeof(in); n++) {
		for (size_t i = 0; i < n; i++)
			in[i] = (unsigned char)rand();
		encode_base64url(text, str_of(in, n));
		assert_int_equal(encode_base64_decode(back, n, &len, str_from(text)), E_OK);
		assert_int_equal(len, n);
		assert_memory_equal(in, back, n);
		encode_base64(text, str_of(in, n));
		assert_int_equal(encode_base64_decode(back, n, &len, str_from(text)), E_OK);
		assert_memory_equal(in, back, n);
		encode_hex(text, str_of(in, n));
		assert_int_equal(encode_hex_decode(back, n, &len, str_from(text)), E_OK);
		assert_int_equal(len, n);
		assert_memory_equal(in, back, n);
	}
}

static void malformed_base64_is_refused(void **state)
{
	static const char *const bad[] = { "Z", "Zg=", "Zg===", "Z===", "=", "Zh==", "Zm9=", "Zg==Zg==",
		"Zm 9", "Zm9v\n", "Zm9*", "Zg=a", "====" };
	unsigned char out[16];
	size_t len;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(encode_base64_decode(out, sizeof(out), &len, str_from(bad[i])),
			E_PARSE);
	assert_int_equal(encode_base64_decode(out, 2, &len, STR("Zm9v")), E_LIMIT);
}

static void malformed_hex_is_refused(void **state)
{
	unsigned char out[4];
	size_t len;

	(void)state;
	assert_int_equal(encode_hex_decode(out, 4, &len, STR("abc")), E_PARSE);
	assert_int_equal(encode_hex_decode(out, 4, &len, STR("0g")), E_PARSE);
	assert_int_equal(encode_hex_decode(out, 1, &len, STR("AbcD")), E_LIMIT);
}

static void percent_keeps_only_the_unreserved(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 20);
	assert_int_equal(encode_percent(&b, STR("a-._~9/ \xc3&")), E_OK);
	assert_string_equal(buf_cstring(&b), "a-._~9%2F%20%C3%26");
	assert_int_equal(encode_percent(&b, STR("   ")), E_LIMIT);
	buf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(base64_matches_the_rfc),
		cmocka_unit_test(decoding_reverses_encoding),
		cmocka_unit_test(malformed_base64_is_refused),
		cmocka_unit_test(malformed_hex_is_refused),
		cmocka_unit_test(percent_keeps_only_the_unreserved),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
