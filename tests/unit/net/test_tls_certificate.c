/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "net/tls_context.h"
#include "tests/support/test_ca.h"

static struct test_ca ca;
static struct test_leaf ec, other, rsa;

static int set_up(void **state)
{
	(void)state;
	assert_int_equal(tls_setup(), E_OK);
	test_ca_init(&ca);
	test_ca_leaf(&ca, &ec, "ec", "ec", "DNS:a.example.test", 30);
	test_ca_leaf(&ca, &other, "other", "ec", "DNS:a.example.test", 30);
	test_ca_leaf(&ca, &rsa, "rsa", "rsa", "DNS:a.example.test", 30);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	test_leaf_fini(&ec);
	test_leaf_fini(&other);
	test_leaf_fini(&rsa);
	test_ca_fini(&ca);
	return 0;
}

static void keys_and_chains_that_do_not_fit_are_refused(void **state)
{
	struct tls_certificate *c;
	struct str chain = buf_str(&ec.chain_der), key = buf_str(&ec.key_der);

	(void)state;
	assert_int_equal(tls_certificate_new(chain, buf_str(&other.key_der), &c), E_KEY);
	assert_null(c);
	assert_int_equal(tls_certificate_new(chain, buf_str(&rsa.key_der), &c), E_KEY);
	assert_int_equal(tls_certificate_new(chain, STR("garbage"), &c), E_KEY);
	assert_int_equal(tls_certificate_new(chain, STR_NONE, &c), E_KEY);
	assert_int_equal(tls_certificate_new(STR("garbage"), key, &c), E_CHAIN);
	assert_int_equal(tls_certificate_new(STR_NONE, key, &c), E_CHAIN);
	assert_int_equal(tls_certificate_new(str_of(chain.at, chain.len - 20), key, &c), E_CHAIN);
}

static void fitting_ones_are_taken_and_their_size_is_known(void **state)
{
	const struct test_leaf *leaves[] = {&ec, &rsa};

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct tls_certificate *c, *again;
		struct str chain = buf_str(&leaves[i]->chain_der),
			   key = buf_str(&leaves[i]->key_der);

		assert_int_equal(tls_certificate_new(chain, key, &c), E_OK);
		assert_true(tls_certificate_bytes(c) > chain.len + key.len);
		again = tls_certificate_ref(c);
		tls_certificate_unref(&c);
		assert_null(c);
		assert_true(tls_certificate_bytes(again) > 0);
		tls_certificate_unref(&again);
		tls_certificate_unref(&again);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_and_chains_that_do_not_fit_are_refused),
		cmocka_unit_test(fitting_ones_are_taken_and_their_size_is_known),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
