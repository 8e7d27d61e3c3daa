/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "acme/leaf.h"

#include "unit.h"

static void a_leaf_gets_a_key_of_its_own_and_a_csr(void **state)
{
	(void)state;
	struct fault fault = { 0 };
	struct leaf *a = leaf_new("a.test", CONF_KEY_P256, NULL);
	assert_int_equal(leaf_make(a, &fault), E_OK);
	assert_non_null(a->key);
	assert_true(a->csr.len > 100);
	struct leaf *b = leaf_new("a.test", CONF_KEY_P256, a->key);
	assert_int_equal(leaf_make(b, &fault), E_OK);
	assert_ptr_equal(b->key, a->key);
	leaf_free(a);
	leaf_free(b);
	leaf_free(NULL);
}

static void what_is_no_chain_of_ours_is_refused(void **state)
{
	(void)state;
	static const char *const chains[] = { "", "x", "-----BEGIN CERTIFICATE-----\n",
		"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
		"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n" };
	for (size_t i = 0; i < sizeof chains / sizeof chains[0]; i++) {
		struct fault fault = { 0 };
		struct delivery *d = delivery_new("a.test", str_from(chains[i]));
		assert_int_equal(key_generate(CONF_KEY_P256, &d->key), E_OK);
		assert_int_not_equal(delivery_check(d, &fault), E_OK);
		assert_null(d->entry);
		assert_true(fault.detail[0] != '\0');
		delivery_free(d);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_leaf_gets_a_key_of_its_own_and_a_csr),
		cmocka_unit_test(what_is_no_chain_of_ours_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
