/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/trust.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "net/tls_context.h"

static void a_missing_or_empty_trust_file_is_told(void **state)
{
	struct tls_client_args c = {.trust_file = "/nonexistent/ca.pem"};
	struct tls_context *context;
	struct fault fault = {0};

	(void)state;
	assert_int_equal(tls_context_client(&c, &context, &fault), E_FILE);
	assert_null(context);
	assert_non_null(strstr(fault.detail, "/nonexistent/ca.pem"));
	c.trust_file = "/dev/null";
	assert_int_not_equal(tls_context_client(&c, &context, &fault), E_OK);
}

static void the_systems_store_loads(void **state)
{
	struct tls_client_args c = {0};
	struct tls_context *context;
	struct fault fault = {0};

	(void)state;
	/* A machine without ca-certificates says so instead of trusting nobody in silence. */
	if (tls_context_client(&c, &context, &fault) == E_OK)
		tls_context_unref(&context);
	else
		assert_non_null(strstr(fault.detail, "ca-certificates"));
}

static int set_up(void **state)
{
	(void)state;
	return tls_setup() != E_OK;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_missing_or_empty_trust_file_is_told),
		cmocka_unit_test(the_systems_store_loads),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
