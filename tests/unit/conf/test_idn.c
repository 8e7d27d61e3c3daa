/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "conf/idn.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

static void u_labels_become_a_labels(void **state)
{
	const char *why;
	char out[256];

	(void)state;
	assert_int_equal(idn_to_ascii(out, sizeof(out), STR("b\xc3\xbc" "cher.example"), &why), E_OK);
	assert_string_equal(out, "xn--bcher-kva.example");
	assert_int_equal(idn_to_ascii(out, sizeof(out), STR("B\xc3\x9c" "CHER.example"), &why), E_OK);
	assert_string_equal(out, "xn--bcher-kva.example");
}

static void what_is_no_name_is_refused(void **state)
{
	const char *why = NULL;
	char out[256], big[2000];

	(void)state;
	memset(big, 'x', sizeof(big));
	assert_int_equal(idn_to_ascii(out, sizeof(out), STR("\xff.example"), &why), E_NAME);
	assert_non_null(why);
	assert_int_equal(idn_to_ascii(out, sizeof(out), str_of(big, sizeof(big)), &why), E_NAME);
	assert_int_equal(idn_to_ascii(out, 8, STR("b\xc3\xbc" "cher.example"), &why), E_NAME);
	assert_int_equal(idn_to_ascii(out, sizeof(out), STR("a\xe2\x80\x8b\xe2\x80\xae.example"), &why),
		E_NAME);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(u_labels_become_a_labels),
		cmocka_unit_test(what_is_no_name_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
