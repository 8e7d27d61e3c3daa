/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "acme/issuer.h"

#include "script.h"

/* What it does with jobs is seen in test_job and in the scenarios with a real CA. */
static void a_configuration_it_cannot_work_with_is_refused(void **state)
{
	(void)state;
	struct conf_ca ca = { .name = "test", .directory = "https://ca.test/dir",
		.trust = "/nonexistent.pem" };
	struct conf conf = { .acme = { .ca = &ca } };
	struct loop *loop = loop_new();
	struct store *store = store_memory_new(loop);
	struct issuer_args args = { .loop = loop, .conf = &conf, .store = store,
		.user_agent = "test" };
	struct issuer *issuer = NULL;
	struct fault fault = { 0 };
	atomic_init(&conf.refs, 2);
	assert_int_equal(issuer_new(&args, &issuer, &fault), E_CONFIG);
	assert_null(issuer);
	conf.acme.n_ca = 1;
	atomic_init(&conf.refs, 2);
	assert_int_not_equal(issuer_new(&args, &issuer, &fault), E_OK);
	assert_null(issuer);
	assert_true(fault.detail[0] != '\0');
	issuer_free(&issuer);
	store->ops->free(store);
	loop_free(&loop);
}

static int setup(void **state)
{
	(void)state;
	return tls_setup();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_configuration_it_cannot_work_with_is_refused),
	};
	return cmocka_run_group_tests(tests, setup, NULL);
}
