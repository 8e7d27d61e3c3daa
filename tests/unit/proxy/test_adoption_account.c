/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proxy/adoption_account.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/encode.h"

#define URL "https://ca.example/acme/acct/7"

static struct key *key, *other;
static struct adoption_accounts *a;

static int make_keys(void **state)
{
	(void)state;
	return key_generate(CONF_KEY_P256, &key) || key_generate(CONF_KEY_RSA2048, &other);
}

static int drop_keys(void **state)
{
	(void)state;
	key_unref(&key);
	key_unref(&other);
	return 0;
}

static int begin(void **state)
{
	(void)state;
	a = adoption_accounts_new();
	return 0;
}

static int end(void **state)
{
	(void)state;
	adoption_accounts_free(&a);
	adoption_accounts_free(&a);
	return 0;
}

static bool add(const char *text, const char *source)
{
	struct json *root = NULL;
	bool is_any;

	assert_int_equal(json_parse(str_from(text), &json_limits_config, &root, NULL), E_OK);
	is_any = adoption_accounts_add_json(a, root, source);
	json_free(&root);
	return is_any;
}

static const struct adoption_account *only(void)
{
	unsigned n;
	const struct adoption_account *list = adoption_accounts_list(a, &n);

	assert_int_equal(n, 1);
	return &list[0];
}

static void certbots_account_is_a_registration_and_a_key_beside_it(void **state)
{
	(void)state;
	assert_true(add("{\"body\":{\"contact\":[\"mailto:a@b.example\"]},\"uri\":\"" URL "\"}",
		"accounts/ca/directory/x/regr.json"));
	assert_null(only()->key);
	adoption_accounts_add_key(a, other, "accounts/ca/directory/y/private_key.json");
	assert_null(only()->key);
	adoption_accounts_add_key(a, key, "accounts/ca/directory/x/private_key.json");
	assert_ptr_equal(only()->key, key);
	assert_string_equal(only()->url, URL);
	assert_string_equal(only()->contact, "a@b.example");
	assert_string_equal(only()->directory, "");
}

static void caddys_key_is_the_one_of_its_name(void **state)
{
	(void)state;
	assert_true(add("{\"status\":\"valid\",\"contact\":[\"mailto:a@b\"],\"location\":\"" URL "\"}",
		"acme/ca/users/a@b/a.json"));
	adoption_accounts_add_key(a, other, "acme/ca/users/a@b/z.key");
	adoption_accounts_add_key(a, key, "acme/ca/users/a@b/a.key");
	assert_ptr_equal(only()->key, key);
}

static void mod_md_names_its_ca(void **state)
{
	(void)state;
	assert_true(add("{\"status\":\"valid\",\"url\":\"" URL "\",\"ca-url\":\"https://ca.example/dir\"}",
		"accounts/1/account.json"));
	adoption_accounts_add_key(a, key, "accounts/1/account.pem");
	assert_ptr_equal(only()->key, key);
	assert_string_equal(only()->directory, "https://ca.example/dir");
}

static void acme_shs_conf_is_read_by_lines(void **state)
{
	(void)state;
	assert_true(adoption_accounts_add_conf(a, STR("CA_KEY_HASH='x'\nACCOUNT_URL='" URL "'\n"
		"CA_EMAIL='a@b.example'\n"), "ca/h/directory/ca.conf"));
	adoption_accounts_add_key(a, key, "ca/h/directory/account.key");
	assert_ptr_equal(only()->key, key);
	assert_string_equal(only()->contact, "a@b.example");
	assert_false(adoption_accounts_add_conf(a, STR("Le_Domain='x'\n"), "x"));
	assert_false(adoption_accounts_add_conf(a, STR("ACCOUNT_URL='ftp://x/'"), "x"));
	assert_false(adoption_accounts_add_conf(a, STR(""), "x"));
}

static void traefiks_account_brings_its_key(void **state)
{
	char text[8192], der[4096];
	struct str bytes = key_der(other);

	(void)state;
	encode_base64(der, bytes);
	snprintf(text, sizeof(text), "{\"le\":{\"Account\":{\"Email\":\"a@b\",\"Registration\":{\"uri\":\"" URL
		"\"},\"PrivateKey\":\"%s\"},\"Certificates\":null},\"x\":7}", der);
	assert_true(add(text, "acme.json"));
	assert_non_null(only()->key);
	assert_true(str_equal(key_public(only()->key), key_public(other)));
	assert_string_equal(only()->contact, "a@b");
}

static void so_does_one_of_the_first_version(void **state)
{
	(void)state;
	assert_true(add("{\"Account\":{\"Email\":\"a@b\",\"Registration\":{\"uri\":\"" URL "\"}},"
		"\"Certificates\":[]}", "acme.json"));
	assert_string_equal(only()->url, URL);
}

static void of_several_keys_without_a_name_none_is_guessed(void **state)
{
	(void)state;
	add("{\"body\":{},\"uri\":\"" URL "\"}", "d/regr.json");
	adoption_accounts_add_key(a, key, "d/one.pem");
	adoption_accounts_add_key(a, other, "d/two.pem");
	assert_null(only()->key);
}

static void anything_else_is_none(void **state)
{
	static const char *const texts[] = { "{}", "[]", "7", "null", "{\"uri\":\"" URL "\"}",
		"{\"body\":{},\"uri\":7}", "{\"location\":\"" URL "\"}", "{\"status\":\"valid\",\"location\":\"x\"}",
		"{\"url\":\"" URL "\"}", "{\"kty\":\"RSA\"}", "{\"Account\":{\"Registration\":[]}}",
		"{\"a\":{\"Account\":7}}" };
	unsigned n;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_false(add(texts[i], "x.json"));
	adoption_accounts_list(a, &n);
	assert_int_equal(n, 0);
}

static void hostile_contacts_and_keys_are_left_out(void **state)
{
	(void)state;
	add("{\"le\":{\"Account\":{\"Email\":\"a@b\\nkid: x\",\"Registration\":{\"uri\":\"" URL
		"\"},\"PrivateKey\":\"AAAA\"}}}", "acme.json");
	assert_string_equal(only()->contact, "");
	assert_null(only()->key);
}

static void there_is_an_end_to_it(void **state)
{
	char source[32];
	unsigned n;

	(void)state;
	for (int i = 0; i < ADOPTION_ACCOUNTS + 5; i++) {
		snprintf(source, sizeof(source), "%d/regr.json", i);
		add("{\"body\":{},\"uri\":\"" URL "\"}", source);
	}
	adoption_accounts_list(a, &n);
	assert_int_equal(n, ADOPTION_ACCOUNTS);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		T(certbots_account_is_a_registration_and_a_key_beside_it),
		T(caddys_key_is_the_one_of_its_name),
		T(mod_md_names_its_ca),
		T(acme_shs_conf_is_read_by_lines),
		T(traefiks_account_brings_its_key),
		T(so_does_one_of_the_first_version),
		T(of_several_keys_without_a_name_none_is_guessed),
		T(anything_else_is_none),
		T(hostile_contacts_and_keys_are_left_out),
		T(there_is_an_end_to_it),
	};

	return cmocka_run_group_tests(tests, make_keys, drop_keys);
}
