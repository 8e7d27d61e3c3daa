/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "conf/parse.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/unit/conf/loading.h"

static void one_type_or_two_of_different_families(void **state)
{
	struct conf *c = loaded("{}");

	(void)state;
	assert_int_equal(c->acme.keys.n, 1);
	assert_int_equal(c->acme.keys.at[0], CONF_KEY_P256);
	conf_unref(&c);
	c = loaded("{\"acme\": {\"key\": [\"rsa3072\"]}}");
	assert_int_equal(c->acme.keys.n, 1);
	assert_int_equal(c->acme.keys.at[0], CONF_KEY_RSA3072);
	conf_unref(&c);
	c = loaded("{\"acme\": {\"key\": [\"rsa2048\", \"p384\"]}}");
	assert_int_equal(c->acme.keys.n, 2);
	assert_int_equal(c->acme.keys.at[0], CONF_KEY_RSA2048);
	assert_int_equal(c->acme.keys.at[1], CONF_KEY_P384);
	conf_unref(&c);
}

static void what_is_no_such_pair_is_refused_at_its_place(void **state)
{
	(void)state;
	refused("{\"acme\": {\"key\": [\"p256\", \"p384\"]}}", "acme.key[1]: \"p256\" and \"p384\" are both ECDSA");
	refused("{\"acme\": {\"key\": [\"rsa2048\", \"rsa4096\"]}}", "both RSA");
	refused("{\"acme\": {\"key\": [\"p256\", \"p256\"]}}", "acme.key[1]: is here twice");
	refused("{\"acme\": {\"key\": [\"p256\", \"rsa2048\", \"p384\"]}}", "acme.key[2]: is one too many");
	refused("{\"acme\": {\"key\": []}}", "at least one key type");
	refused("{\"acme\": {\"key\": [\"p256\", \"rsa1024\"]}}", "acme.key[1]: \"rsa1024\" is not known");
	refused("{\"acme\": {\"key\": 5}}", "acme.key");
	refused("{\n\"acme\": {\n  \"key\": [\"p256\",\n    \"p384\"]}}", ":4:5: acme.key[1]");
}

static const struct conf_site *site_of(const struct conf *c, const char *name)
{
	for (unsigned i = 0; i < c->n_sites; i++)
		if (strcmp(c->sites[i].name, name) == 0)
			return &c->sites[i];
	fail();
	return NULL;
}

static void a_site_has_its_own_or_those_of_all(void **state)
{
	struct conf *c = loaded("{\"acme\": {\"challenges\": [\"dns-persist-01\"]}, \"sites\": {"
		"\"a.example\": {\"to\": \"1\", \"key_type\": [\"p256\", \"rsa2048\"]}, \"b.example\": \"1\", "
		"\"*.c.example\": {\"to\": \"1\", \"key_type\": \"p384\"}, \"d.c.example\": \"1\"}}");

	(void)state;
	assert_int_equal(conf_keys_of(c, site_of(c, "a.example"))->n, 2);
	assert_int_equal(conf_keys_of(c, site_of(c, "b.example"))->at[0], CONF_KEY_P256);
	/* by the wildcard's certificate */
	assert_int_equal(conf_keys_of(c, site_of(c, "d.c.example"))->at[0], CONF_KEY_P384);
	assert_int_equal(conf_keys_of(c, NULL)->n, 1);
	assert_true(c->has_site_keys);
	conf_unref(&c);
	c = loaded("{\"sites\": {\"b.example\": \"1\"}}");
	assert_false(c->has_site_keys);
	conf_unref(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_type_or_two_of_different_families),
		cmocka_unit_test(what_is_no_such_pair_is_refused_at_its_place),
		cmocka_unit_test(a_site_has_its_own_or_those_of_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
