/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/tls_context.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

static void it_is_one_we_support(void **state)
{
	(void)state;
	assert_true(strcmp(tls_library_version(), "5.9.2") >= 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(it_is_one_we_support) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
