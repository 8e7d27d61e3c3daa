/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/tls_context.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void setting_up_twice_is_harmless(void **state)
{
	(void)state;
	assert_int_equal(tls_setup(), E_OK);
	assert_int_equal(tls_setup(), E_OK);
}

static void server_contexts_need_no_certificate(void **state)
{
	struct tls_tickets *tickets = tls_tickets_new();
	struct tls_server_args args[] = {{.tickets = tickets}, {.tls13_only = true},
		{.tickets = tickets, .is_challenge = true}};

	(void)state;
	for (unsigned i = 0; i < sizeof(args) / sizeof(args[0]); i++) {
		struct tls_context *c, *again;

		assert_int_equal(tls_context_server(&args[i], &c), E_OK);
		again = tls_context_ref(c);
		tls_context_unref(&c);
		assert_null(c);
		tls_context_unref(&again);
		tls_context_unref(&again);
	}
	tls_tickets_free(&tickets);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(setting_up_twice_is_harmless),
		cmocka_unit_test(server_contexts_need_no_certificate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
