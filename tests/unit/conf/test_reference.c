/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "conf/reference.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/unit/conf/generated.h"

static void the_committed_manual_is_fresh(void **state)
{
	struct buf now;

	(void)state;
	buf_init(&now, 0);
	assert_int_equal(reference_print(&now), E_OK);
	generated_is_fresh("conf/REFERENCE.md", &now);
	buf_fini(&now);
}

static void every_option_is_in_it(void **state)
{
	static const char *const some[] = { "| `email` |", "| `remember.allow` | duration, 0 to 30d | `1h` |",
		"| `eab.kid` |", "| `cert_cache` |", "| `balance` |", "| `health.path` |", "| `backlog` |" };
	struct buf now;

	(void)state;
	buf_init(&now, 0);
	assert_int_equal(reference_print(&now), E_OK);
	for (size_t i = 0; i < sizeof(some) / sizeof(*some); i++)
		assert_non_null(strstr(buf_cstring(&now), some[i]));
	buf_fini(&now);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_committed_manual_is_fresh),
		cmocka_unit_test(every_option_is_in_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
