/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/err.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "base/str.h"

static void every_row_has_a_text_and_a_number_of_its_own(void **state)
{
	(void)state;
	for (unsigned i = 1; i < ERR_COUNT; i++) {
		assert_true(strlen(err_text((enum err)i)) > 0);
		assert_non_null(err_advice((enum err)i));
		assert_true(err_code((enum err)i) >= 100 && err_code((enum err)i) <= 999);
		/* by_code finds the first row with the number: another one would be a double */
		assert_int_equal(err_by_code(err_code((enum err)i)), i);
	}
	assert_int_equal(err_code(E_OK), 0);
	assert_int_equal(err_by_code(0), E_OK);
	assert_int_equal(err_by_code(100), E_OK);
}

static void errno_is_translated(void **state)
{
	(void)state;
	assert_int_equal(err_from_errno(0), E_OK);
	assert_int_equal(err_from_errno(-ECONNREFUSED), E_REFUSED);
	assert_int_equal(err_from_errno(-EPIPE), E_RESET);
	assert_int_equal(err_from_errno(-EMFILE), E_FDS);
	assert_int_equal(err_from_errno(-4095), E_EOF);
	assert_int_equal(err_from_errno(-3008), E_RESOLVE);
	assert_int_equal(err_from_errno(-3003), E_CANCELED);
	assert_int_equal(err_from_errno(-EILSEQ), E_IO);
}

static void fault_detail_is_escaped_and_cut(void **state)
{
	struct fault f;
	char big[FAULT_TEXT * 4];

	(void)state;
	fault_clear(&f);
	assert_int_equal(fault_set(&f, E_ACME, "bad %s", "a\nb\x1b[31m\xff"), E_ACME);
	assert_string_equal(f.detail, "bad a\\x0ab\\x1b[31m\\xff");
	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = 0;
	fault_set(&f, E_ACME, "%s", big);
	assert_int_equal(strlen(f.detail), FAULT_TEXT - 1);
	memset(big, 1, sizeof(big) - 1);
	fault_set(&f, E_ACME, "%s", big);
	assert_true(str_is_utf8(str_from(f.detail)));
}

static void the_first_activity_wins(void **state)
{
	struct fault f = { .code = E_OK };

	(void)state;
	fault_during(&f, "asking %s", "the CA");
	fault_during(&f, "something larger");
	assert_string_equal(f.activity, "asking the CA");
}

static void a_missing_fault_is_fine(void **state)
{
	(void)state;
	assert_int_equal(fault_set(NULL, E_IO, "x"), E_IO);
	fault_during(NULL, "x");
	fault_clear(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_has_a_text_and_a_number_of_its_own),
		cmocka_unit_test(errno_is_translated),
		cmocka_unit_test(fault_detail_is_escaped_and_cut),
		cmocka_unit_test(the_first_activity_wins),
		cmocka_unit_test(a_missing_fault_is_fine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
