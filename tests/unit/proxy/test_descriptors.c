/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proxy/descriptors.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <cmocka.h>

static void the_soft_limit_becomes_the_hard_one(void **state)
{
	struct rlimit limit;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = 64;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_true(descriptors_raise() >= 64);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_true(limit.rlim_cur == limit.rlim_max);
}

static void each_client_may_need_an_upstream(void **state)
{
	(void)state;
	assert_int_equal(descriptors_clients(1024, 1, 2), (1024 - 24 - 10) / 2);
}

static void tight_limits_leave_a_few(void **state)
{
	(void)state;
	assert_int_equal(descriptors_clients(0, 1, 1), DESCRIPTORS_LEAST);
	assert_int_equal(descriptors_clients(64, 64, 64), DESCRIPTORS_LEAST);
	assert_int_equal(descriptors_clients(1024, UINT_MAX, UINT_MAX / 2), DESCRIPTORS_LEAST);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_soft_limit_becomes_the_hard_one),
		cmocka_unit_test(each_client_may_need_an_upstream),
		cmocka_unit_test(tight_limits_leave_a_few),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
