/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The challenge certificate against the rules of RFC 8737 and of the strictest checker in the field
 * (Boulder): each rule of it is one assertion here, on bytes.
 */
#include "certstore/x509.h"

#include "shell.h"

#include "certstore/der.h"
#include "certstore/digest.h"
#include "certstore/x509_walk.h"

#define KEY_AUTHORIZATION \
	STR("evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA.thumb_print-of_the_account_key_000000")

static int count_of(struct str extensions, struct str oid)
{
	struct x509_extension extension;
	int n = 0;

	while (x509_extension_next(&extensions, &extension))
		n += str_equal(extension.oid, oid);
	assert_int_equal(extensions.len, 0);
	return n;
}

static void assert_strict(struct str der, struct str san, struct str key_authorization)
{
	static const struct str san_oid = STR("\x55\x1d\x11"),
				acme_oid = STR("\x2b\x06\x01\x05\x05\x07\x01\x1f");
	unsigned char digest[DIGEST_SHA256];
	struct x509_parts parts;
	struct x509_extension extension;
	struct str rest, inner;
	bool saw_acme = false;

	assert_true(x509_walk(der, &parts));
	assert_true(str_equal(parts.subject, parts.issuer));
	assert_int_equal(key_verify(&(struct key_verify_args){
				 parts.public_der, parts.algorithm, parts.tbs, parts.signature}),
		E_OK);
	assert_true(parts.serial.len <= 20 && (unsigned char)parts.serial.at[0] < 0x80);
	assert_true(parts.not_before_ms < parts.not_after_ms);
	assert_int_equal(count_of(parts.extensions, san_oid), 1);
	assert_int_equal(count_of(parts.extensions, acme_oid), 1);
	/* the whole SAN, byte for byte: exactly one name, of the right kind */
	assert_true(str_equal(x509_extension_value(&parts, san_oid), san));
	rest = parts.extensions;
	while (x509_extension_next(&rest, &extension)) {
		if (!str_equal(extension.oid, acme_oid))
			continue;
		saw_acme = true;
		assert_true(extension.is_critical);
		assert_int_equal(extension.value.len, 34);
		assert_true(der_take(&extension.value, DER_OCTET_STRING, &inner));
		assert_int_equal(extension.value.len, 0);
		digest_sha256(digest, key_authorization);
		assert_true(str_equal(inner, str_of(digest, sizeof(digest))));
	}
	assert_true(saw_acme);
}

static void passes_for(
	enum conf_key_type type, const char *identifier, struct str san, const char *openssl_says)
{
	struct key *key;
	struct buf der;

	assert_int_equal(key_generate(type, &key), E_OK);
	buf_init(&der, 0);
	assert_int_equal(
		x509_make_challenge(key, str_from(identifier), KEY_AUTHORIZATION, &der), E_OK);
	assert_strict(buf_str(&der), san, KEY_AUTHORIZATION);
	shell_write("c.der", buf_str(&der));
	shell_must("openssl x509 -in c.der -inform DER -noout -text");
	assert_true(shell_printed("Version: 3"));
	assert_true(shell_printed("1.3.6.1.5.5.7.1.31: critical"));
	assert_true(shell_printed(openssl_says));
	shell_must("openssl x509 -in c.der -inform DER -out c.pem && "
		   "openssl verify -ignore_critical -CAfile c.pem c.pem");
	key_unref(&key);
	buf_fini(&der);
}

static void every_boulder_rule_holds_for_names_and_addresses(void **state)
{
	(void)state;
	passes_for(CONF_KEY_P256, "app.example.com",
		STR("\x30\x11\x82\x0f"
		    "app.example.com"),
		"DNS:app.example.com\n");
	passes_for(CONF_KEY_P384, "192.0.2.1", STR("\x30\x06\x87\x04\xc0\x00\x02\x01"),
		"IP Address:192.0.2.1\n");
	passes_for(CONF_KEY_RSA2048, "2001:db8::1",
		STR("\x30\x12\x87\x10\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0"
		    "\0\0\0\1"),
		"IP Address:2001:DB8:0:0:0:0:0:1\n");
}

static void the_longest_name_fits_since_the_subject_is_constant(void **state)
{
	char name[254] = "";
	unsigned char san[260] = {0x30, 0x82, 0x01, 0x00, 0x82, 0x81, 0xfd};

	(void)state;
	for (int i = 0; i < 3; i++)
		strcat(name, "abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz0.");
	while (strlen(name) < 253)
		strcat(name, "m");
	memcpy(san + 7, name, 253);
	passes_for(CONF_KEY_P256, name, str_of(san, sizeof(san)), "DNS:abcdefghijklm");
}

static void serials_differ_between_challenges(void **state)
{
	struct x509_parts parts[2];
	struct buf der[2];
	struct key *key;

	(void)state;
	assert_int_equal(key_generate(CONF_KEY_P256, &key), E_OK);
	for (int i = 0; i < 2; i++) {
		buf_init(&der[i], 0);
		assert_int_equal(x509_make_challenge(key, STR("a.example"),
					 i ? STR("x.y") : STR("x.z"), &der[i]),
			E_OK);
		assert_true(x509_walk(buf_str(&der[i]), &parts[i]));
	}
	assert_false(str_equal(parts[0].serial, parts[1].serial));
	for (int i = 0; i < 2; i++)
		buf_fini(&der[i]);
	key_unref(&key);
}

static void a_name_that_can_be_none_is_refused(void **state)
{
	struct buf der;
	struct key *key;

	(void)state;
	assert_int_equal(key_generate(CONF_KEY_P256, &key), E_OK);
	buf_init(&der, 0);
	assert_int_equal(x509_make_challenge(key, STR("a b"), STR("x.y"), &der), E_NAME);
	buf_fini(&der);
	key_unref(&key);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_boulder_rule_holds_for_names_and_addresses),
		cmocka_unit_test(the_longest_name_fits_since_the_subject_is_constant),
		cmocka_unit_test(serials_differ_between_challenges),
		cmocka_unit_test(a_name_that_can_be_none_is_refused),
	};

	return cmocka_run_group_tests(tests, shell_enter, shell_leave);
}
