/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "conf/known_ca.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

static void rows_are_found_by_either_key(void **state)
{
	(void)state;
	assert_ptr_equal(known_ca_named("zerossl"), known_ca_at("https://acme.zerossl.com/v2/DV90"));
	assert_null(known_ca_named("zerosll"));
	assert_null(known_ca_at("https://127.0.0.1:14000/dir"));
	assert_ptr_equal(known_ca_row(0), known_ca_named("letsencrypt"));
	assert_null(known_ca_row(1000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_found_by_either_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
