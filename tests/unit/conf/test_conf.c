/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "conf/conf.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "base/check.h"

static void the_last_reference_frees_it(void **state)
{
	struct conf *c = mem_new(sizeof(*c)), *second;

	(void)state;
	atomic_init(&c->refs, 1);
	arena_init(&c->arena, 0);
	assert_non_null(arena_alloc(&c->arena, 100));
	second = conf_ref(c);
	conf_unref(&c);
	assert_null(c);
	assert_int_equal(arena_bytes(&second->arena), 104);
	conf_unref(&second);
	conf_unref(&second);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_last_reference_frees_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
