/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/check.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static void a_failed_assertion_aborts(void **state)
{
	int status;
	pid_t child = fork();

	(void)state;
	assert_true(child >= 0);
	if (child == 0) {
		signal(SIGABRT, SIG_DFL);
		close(STDERR_FILENO);
		ASSERT(1 + 1 == 3);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
}

static void a_true_assertion_does_nothing(void **state)
{
	(void)state;
	ASSERT(1 + 1 == 2);
}

static void container_of_finds_the_owner(void **state)
{
	struct owner {
		int first, second;
	} o;

	(void)state;
	assert_ptr_equal(container_of(&o.second, struct owner, second), &o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_failed_assertion_aborts),
		cmocka_unit_test(a_true_assertion_does_nothing),
		cmocka_unit_test(container_of_finds_the_owner),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
