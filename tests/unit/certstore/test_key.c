/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "certstore/key.h"

#include "shell.h"

#include "base/encode.h"
#include "certstore/der.h"
#include "certstore/key_text.h"

static const enum conf_key_type types[] = {CONF_KEY_P256, CONF_KEY_P384, CONF_KEY_RSA2048};
enum { TYPES = sizeof(types) / sizeof(types[0]) };
static struct key *keys[TYPES];

static int make_keys(void **state)
{
	for (int i = 0; i < TYPES; i++)
		if (key_generate(types[i], &keys[i]))
			return -1;
	return shell_enter(state);
}

static int drop_keys(void **state)
{
	for (int i = 0; i < TYPES; i++)
		key_unref(&keys[i]);
	return shell_leave(state);
}

static void what_is_written_reads_back(void **state)
{
	(void)state;
	for (int i = 0; i < TYPES; i++) {
		struct buf pem;
		struct key *again;

		buf_init(&pem, 0);
		assert_int_equal(key_to_pem(keys[i], &pem), E_OK);
		assert_int_equal(key_from_pem(buf_str(&pem), &again), E_OK);
		assert_int_equal(key_type(again), types[i]);
		assert_true(str_equal(key_der(again), key_der(keys[i])));
		assert_true(str_equal(key_public(again), key_public(keys[i])));
		key_unref(&again);
		buf_fini(&pem);
	}
}

static void openssl_reads_our_pem_and_agrees_on_the_public_half(void **state)
{
	(void)state;
	for (int i = 0; i < TYPES; i++) {
		struct buf pem, public;

		buf_init(&pem, 0);
		buf_init(&public, 0);
		assert_int_equal(key_to_pem(keys[i], &pem), E_OK);
		shell_write("key.pem", buf_str(&pem));
		shell_must("openssl pkey -in key.pem -check -noout");
		shell_must("openssl pkey -in key.pem -pubout -outform DER -out public.der");
		shell_read("public.der", &public);
		assert_true(str_equal(buf_str(&public), key_public(keys[i])));
		buf_fini(&pem);
		buf_fini(&public);
	}
}

static void every_form_openssl_writes_is_read(void **state)
{
	static const struct {
		const char *command;
		enum conf_key_type type;
	} forms[] = {
		{"openssl ecparam -name prime256v1 -genkey -out k", CONF_KEY_P256},
		{"openssl ecparam -name prime256v1 -genkey -noout -out k", CONF_KEY_P256},
		{"openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out k",
			CONF_KEY_P384},
		{"openssl genrsa -out k 2048", CONF_KEY_RSA2048},
		{"openssl genrsa -traditional -out k 3072", CONF_KEY_RSA3072},
		{"openssl genrsa -out k 4096", CONF_KEY_RSA4096},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		struct buf pem;
		struct key *k;

		shell_must(forms[i].command);
		buf_init(&pem, 0);
		shell_read("k", &pem);
		assert_int_equal(key_from_pem(buf_str(&pem), &k), E_OK);
		assert_int_equal(key_type(k), forms[i].type);
		key_unref(&k);
		buf_fini(&pem);
	}
}

static void unusable_keys_are_refused(void **state)
{
	static const char *const commands[] = {
		"openssl genrsa -out k 1024",
		"openssl genpkey -algorithm ED25519 -out k",
		"openssl ecparam -name secp521r1 -genkey -noout -out k",
		"openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -aes256 -pass pass:x -out k",
		"openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 | openssl pkey -pubout -out k",
		": > k",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		struct buf pem;
		struct key *k;

		shell_must(commands[i]);
		buf_init(&pem, 0);
		shell_read("k", &pem);
		assert_int_equal(key_from_pem(buf_str(&pem), &k), E_KEY);
		assert_null(k);
		buf_fini(&pem);
	}
}

static void a_public_half_of_another_key_is_refused(void **state)
{
	struct str ours = key_der(keys[0]);
	struct key *other, *k;
	struct buf mixed;

	(void)state;
	assert_int_equal(key_generate(CONF_KEY_P256, &other), E_OK);
	buf_init(&mixed, 0);
	/* SEC1 ends with the public point */
	assert_int_equal(buf_add(&mixed, str_of(ours.at, ours.len - 65)), E_OK);
	assert_int_equal(buf_add(&mixed, str_of(key_der(other).at + ours.len - 65, 65)), E_OK);
	assert_int_equal(key_from_der(buf_str(&mixed), &k), E_KEY);
	key_unref(&other);
	buf_fini(&mixed);
}

static void damaged_der_is_refused(void **state)
{
	(void)state;
	for (int i = 0; i < TYPES; i++) {
		struct str der = key_der(keys[i]);
		struct key *k;

		for (size_t cut = 0; cut < der.len; cut += der.len / 20)
			assert_int_equal(key_from_der(str_of(der.at, cut), &k), E_KEY);
	}
}

static void signatures_verify_here_and_with_openssl(void **state)
{
	static const char *const hash[TYPES] = {"sha256", "sha384", "sha256"};

	(void)state;
	shell_write("text", STR("signed text"));
	for (int i = 0; i < TYPES; i++) {
		struct buf signature;
		struct str algorithm, whole = key_signature_algorithm(keys[i]);
		struct key_verify_args args;
		char command[128];

		buf_init(&signature, 0);
		assert_int_equal(key_sign(keys[i], STR("signed text"), &signature), E_OK);
		assert_true(der_take(&whole, DER_SEQUENCE, &algorithm));
		args = (struct key_verify_args){
			key_public(keys[i]), algorithm, STR("signed text"), buf_str(&signature)};
		assert_int_equal(key_verify(&args), E_OK);
		shell_write("signature", buf_str(&signature));
		shell_write("public.der", key_public(keys[i]));
		snprintf(command, sizeof(command),
			"openssl dgst -%s -verify public.der -keyform DER "
			"-signature signature text",
			hash[i]);
		shell_must(command);
		args.text = STR("signed texT");
		assert_int_equal(key_verify(&args), E_CHAIN);
		args.text = STR("signed text");
		args.public_der = key_public(keys[(i + 1) % TYPES]);
		assert_int_equal(key_verify(&args), E_CHAIN);
		buf_fini(&signature);
	}
}

/* One signature in 128 has a short r or s: do enough of them. */
static void jws_signatures_have_a_fixed_length_and_verify(void **state)
{
	(void)state;
	for (int round = 0; round < 1000; round++) {
		int i = round % 10 == 0;
		size_t bytes = i == 0 ? 32 : 48, outer;
		struct buf raw, der;
		struct der_writer w = {&der, E_OK};
		struct str algorithm, whole = key_signature_algorithm(keys[i]);

		buf_init(&raw, 0);
		buf_init(&der, 0);
		assert_int_equal(key_jws_sign(keys[i], STR("x"), &raw), E_OK);
		assert_int_equal(raw.len, 2 * bytes);
		outer = der_open(&w, DER_SEQUENCE);
		for (int half = 0; half < 2; half++) {
			struct str number = str_of(raw.at + half * bytes, bytes);
			size_t mark;

			while (number.at[0] == 0)
				number = str_of(number.at + 1, number.len - 1);
			mark = der_open(&w, DER_INTEGER);
			if ((unsigned char)number.at[0] >= 0x80)
				der_add_raw(&w, STR("\0"));
			der_add_raw(&w, number);
			der_close(&w, mark);
		}
		der_close(&w, outer);
		assert_true(der_take(&whole, DER_SEQUENCE, &algorithm));
		assert_int_equal(key_verify(&(struct key_verify_args){
					 key_public(keys[i]), algorithm, STR("x"), buf_str(&der)}),
			E_OK);
		buf_fini(&raw);
		buf_fini(&der);
	}
	assert_string_equal(key_jws_alg(keys[0]), "ES256");
	assert_string_equal(key_jws_alg(keys[1]), "ES384");
	assert_string_equal(key_jws_alg(keys[2]), "RS256");
}

/* RFC 7638 section 3.1 */
static void the_thumbprint_is_that_of_rfc_7638(void **state)
{
	static const char n[] =
		"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFF"
		"xuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-"
		"65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-b"
		"FTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";
	unsigned char modulus[257] = {0};
	char thumbprint[KEY_THUMBPRINT];
	struct buf pair, spki, jwk;
	struct der_writer w = {&pair, E_OK};
	size_t len, outer;

	(void)state;
	assert_int_equal(encode_base64_decode(modulus + 1, 256, &len, str_from(n)), E_OK);
	buf_init(&pair, 0);
	buf_init(&spki, 0);
	buf_init(&jwk, 0);
	outer = der_open(&w, DER_SEQUENCE);
	der_add(&w, DER_INTEGER, str_of(modulus, sizeof(modulus)));
	der_add(&w, DER_INTEGER, STR("\1\0\1"));
	der_close(&w, outer);
	w.out = &spki;
	outer = der_open(&w, DER_SEQUENCE);
	der_add_raw(&w, STR("\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00"));
	der_add_bits(&w, buf_str(&pair));
	der_close(&w, outer);
	assert_int_equal(key_text_thumbprint(buf_str(&spki), thumbprint), E_OK);
	assert_string_equal(thumbprint, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
	assert_int_equal(key_text_jwk(buf_str(&spki), &jwk), E_OK);
	assert_true(
		str_has_prefix(buf_str(&jwk), STR("{\"e\":\"AQAB\",\"kty\":\"RSA\",\"n\":\"0vx7")));
	buf_fini(&pair);
	buf_fini(&spki);
	buf_fini(&jwk);
}

/* RFC 7515 appendix A.3.1: the private part alone gives the published coordinates */
static void the_jwk_is_that_of_rfc_7515(void **state)
{
	unsigned char d[32];
	struct buf der, jwk;
	struct der_writer w = {&der, E_OK};
	struct key *k;
	size_t len, outer;

	(void)state;
	assert_int_equal(encode_base64_decode(d, sizeof(d), &len,
				 STR("jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI")),
		E_OK);
	buf_init(&der, 0);
	buf_init(&jwk, 0);
	outer = der_open(&w, DER_SEQUENCE);
	der_add(&w, DER_INTEGER, STR("\1"));
	der_add(&w, DER_OCTET_STRING, str_of(d, sizeof(d)));
	der_add(&w, DER_CONTEXT_CONSTRUCTED, STR("\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07"));
	der_close(&w, outer);
	assert_int_equal(key_from_der(buf_str(&der), &k), E_OK);
	assert_int_equal(key_jwk(k, &jwk), E_OK);
	assert_string_equal(buf_cstring(&jwk),
		"{\"crv\":\"P-256\",\"kty\":\"EC\","
		"\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
		"\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}");
	key_unref(&k);
	buf_fini(&der);
	buf_fini(&jwk);
}

static void references_keep_it_alive(void **state)
{
	struct key *second = key_ref(keys[0]), *first = second;

	(void)state;
	key_unref(&first);
	assert_null(first);
	key_unref(&first);
	assert_true(key_der(second).len > 0);
	keys[0] = second;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_reads_back),
		cmocka_unit_test(openssl_reads_our_pem_and_agrees_on_the_public_half),
		cmocka_unit_test(every_form_openssl_writes_is_read),
		cmocka_unit_test(unusable_keys_are_refused),
		cmocka_unit_test(a_public_half_of_another_key_is_refused),
		cmocka_unit_test(damaged_der_is_refused),
		cmocka_unit_test(signatures_verify_here_and_with_openssl),
		cmocka_unit_test(jws_signatures_have_a_fixed_length_and_verify),
		cmocka_unit_test(the_thumbprint_is_that_of_rfc_7638),
		cmocka_unit_test(the_jwk_is_that_of_rfc_7515),
		cmocka_unit_test(references_keep_it_alive),
	};

	return cmocka_run_group_tests(tests, make_keys, drop_keys);
}
