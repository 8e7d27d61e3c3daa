/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "certstore/key_jwk.h"

#include "shell.h"

#include "base/encode.h"
#include "certstore/der.h"

/* RFC 7515 A.3.1. */
static const char ec[] = "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
	"\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\",\"d\":\"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI\"}";

static enum err read_text(const char *text, struct key **out)
{
	struct json *root = NULL;
	enum err err;

	*out = NULL;
	if (json_parse(str_from(text), &json_limits_default, &root, NULL))
		return E_KEY;
	err = key_from_jwk(root, out);
	json_free(&root);
	return err;
}

/* An RSA key as RFC 7518 6.3.2 wants it, from its PKCS#1. */
static void write_rsa(const struct key *key, char *text, size_t cap)
{
	static const char *const names[] = { "n", "e", "d", "p", "q", "dp", "dq", "qi" };
	struct str der = key_der(key), numbers, number;

	snprintf(text, cap, "{\"kty\":\"RSA\"");
	assert_true(der_take(&der, DER_SEQUENCE, &numbers) && der_take(&numbers, DER_INTEGER, &number));
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char coded[1024];

		assert_true(der_take(&numbers, DER_INTEGER, &number));
		if (number.at[0] == 0)
			number = str_of(number.at + 1, number.len - 1);
		encode_base64url(coded, number);
		snprintf(text + strlen(text), cap - strlen(text), ",\"%s\":\"%s\"", names[i], coded);
	}
	strcat(text, "}");
}

static void an_rsa_key_is_read(void **state)
{
	struct key *made, *key;
	char text[8192];

	(void)state;
	assert_int_equal(key_generate(CONF_KEY_RSA2048, &made), E_OK);
	write_rsa(made, text, sizeof(text));
	assert_int_equal(read_text(text, &key), E_OK);
	assert_int_equal(key_type(key), CONF_KEY_RSA2048);
	assert_string_equal(key_jws_alg(key), "RS256");
	assert_true(str_equal(key_public(key), key_public(made)));
	key_unref(&key);
	/* one number of another */
	strstr(text, "\"dp\":\"")[20] ^= 1;
	assert_int_equal(read_text(text, &key), E_KEY);
	key_unref(&made);
}

static void the_standards_example_is_read(void **state)
{
	struct key *key;

	(void)state;
	assert_int_equal(read_text(ec, &key), E_OK);
	assert_int_equal(key_type(key), CONF_KEY_P256);
	key_unref(&key);
}

/* Their public half is what our own JWK of them says. */
static void what_is_read_is_what_was_written(void **state)
{
	struct key *key;
	struct buf text;

	(void)state;
	assert_int_equal(read_text(ec, &key), E_OK);
	buf_init(&text, 0);
	assert_int_equal(key_jwk(key, &text), E_OK);
	assert_non_null(strstr(buf_cstring(&text), "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"));
	buf_fini(&text);
	key_unref(&key);
}

static void anything_else_is_refused(void **state)
{
	static const char *const texts[] = { "{}", "[]", "{\"kty\":\"oct\",\"k\":\"AAAA\"}", "{\"kty\":\"RSA\"}",
		"{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}", "{\"kty\":\"EC\",\"crv\":\"P-256\"}",
		"{\"kty\":\"EC\",\"crv\":\"P-521\",\"x\":\"AA\",\"y\":\"AA\",\"d\":\"AA\"}",
		"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AA\",\"y\":\"AA\",\"d\":\"AA\"}",
		"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"!\",\"y\":7,\"d\":null}" };
	struct key *key;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_int_equal(read_text(texts[i], &key), E_KEY);
		assert_null(key);
	}
}

/* One member that does not belong to the others. */
static void halves_that_do_not_fit_are_refused(void **state)
{
	char text[sizeof(ec)];
	struct key *key;

	(void)state;
	strcpy(text, ec);
	strstr(text, "jpsQ")[0] = 'k';
	assert_int_equal(read_text(text, &key), E_KEY);
	assert_null(key);
}

static void numbers_without_end_are_refused(void **state)
{
	char *text = malloc(100000);
	struct key *key;

	(void)state;
	strcpy(text, "{\"kty\":\"RSA\",\"n\":\"");
	memset(text + strlen(text) + 0, 'A', 80000);
	strcpy(text + 19 + 80000 - 1, "\"}");
	assert_int_equal(read_text(text, &key), E_KEY);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_rsa_key_is_read),
		cmocka_unit_test(the_standards_example_is_read),
		cmocka_unit_test(what_is_read_is_what_was_written),
		cmocka_unit_test(anything_else_is_refused),
		cmocka_unit_test(halves_that_do_not_fit_are_refused),
		cmocka_unit_test(numbers_without_end_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
