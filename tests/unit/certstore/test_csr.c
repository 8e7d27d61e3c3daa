/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "certstore/csr.h"

#include "shell.h"

static void openssl_accepts_it_for(enum conf_key_type type)
{
	static const char *const names[] = {"app.example.com", "*.example.com",
		"xn--bcher-kva.example", "192.0.2.1", "2001:db8::1"};
	struct key *key;
	struct buf der;

	assert_int_equal(key_generate(type, &key), E_OK);
	buf_init(&der, 0);
	assert_int_equal(csr_make(key, names, 5, &der), E_OK);
	shell_write("csr.der", buf_str(&der));
	shell_must("openssl req -in csr.der -inform DER -verify -noout -text");
	assert_true(
		shell_printed("DNS:app.example.com, DNS:*.example.com, DNS:xn--bcher-kva.example, "
			      "IP Address:192.0.2.1, IP Address:2001:DB8:0:0:0:0:0:1"));
	shell_must("openssl req -in csr.der -inform DER -noout -subject -nameopt RFC2253");
	assert_true(shell_printed("subject=\n"));
	buf_fini(&der);
	key_unref(&key);
}

static void openssl_accepts_it_for_every_kind_of_key(void **state)
{
	(void)state;
	openssl_accepts_it_for(CONF_KEY_P256);
	openssl_accepts_it_for(CONF_KEY_P384);
	openssl_accepts_it_for(CONF_KEY_RSA2048);
}

/* RFC 8738 3: an iPAddress, four or sixteen bytes, and nothing else. */
static void an_address_is_asked_for_by_its_bytes(void **state)
{
	static const struct {
		const char *name, *dump;
	} rows[] = {
		{"203.0.113.7", "30068704CB007107"},
		{"2001:db8::1", "3012871020010DB8000000000000000000000001"},
	};
	struct key *key;
	struct buf der;

	(void)state;
	assert_int_equal(key_generate(CONF_KEY_P256, &key), E_OK);
	for (int i = 0; i < 2; i++) {
		buf_init(&der, 0);
		assert_int_equal(csr_make(key, &rows[i].name, 1, &der), E_OK);
		shell_write("csr.der", buf_str(&der));
		shell_must("openssl req -in csr.der -inform DER -verify -noout && "
			   "openssl asn1parse -in csr.der -inform DER");
		assert_true(shell_printed(rows[i].dump));
		shell_must("openssl req -in csr.der -inform DER -noout -subject -nameopt RFC2253");
		assert_true(shell_printed("subject=\n"));
		buf_fini(&der);
	}
	key_unref(&key);
}

static void a_hundred_long_names_fit(void **state)
{
	static char text[100][64];
	const char *names[100];
	struct key *key;
	struct buf der;

	(void)state;
	for (int i = 0; i < 100; i++) {
		snprintf(text[i], sizeof(text[i]),
			"a-rather-long-label-number-%d.tenant.example.com", i);
		names[i] = text[i];
	}
	assert_int_equal(key_generate(CONF_KEY_P256, &key), E_OK);
	buf_init(&der, 0);
	assert_int_equal(csr_make(key, names, 100, &der), E_OK);
	shell_write("csr.der", buf_str(&der));
	shell_must("openssl req -in csr.der -inform DER -verify -noout");
	buf_fini(&der);
	key_unref(&key);
}

static void a_name_that_can_be_none_is_refused(void **state)
{
	const char *name = "bad name";
	struct key *key;
	struct buf der;

	(void)state;
	assert_int_equal(key_generate(CONF_KEY_P256, &key), E_OK);
	buf_init(&der, 0);
	assert_int_equal(csr_make(key, &name, 1, &der), E_NAME);
	buf_fini(&der);
	key_unref(&key);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(openssl_accepts_it_for_every_kind_of_key),
		cmocka_unit_test(an_address_is_asked_for_by_its_bytes),
		cmocka_unit_test(a_hundred_long_names_fit),
		cmocka_unit_test(a_name_that_can_be_none_is_refused),
	};

	return cmocka_run_group_tests(tests, shell_enter, shell_leave);
}
