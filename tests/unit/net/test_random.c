/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void no_two_draws_are_equal(void **state)
{
	unsigned char seen[200][16];

	(void)state;
	for (unsigned i = 0; i < 200; i++) {
		random_bytes(seen[i], 16);
		for (unsigned k = 0; k < i; k++)
			assert_memory_not_equal(seen[i], seen[k], 16);
	}
}

static void large_draws_are_filled_to_the_end(void **state)
{
	unsigned char big[4096] = {0};
	unsigned zeros = 0;

	(void)state;
	random_bytes(big, sizeof(big));
	for (unsigned i = 0; i < sizeof(big); i++)
		zeros += big[i] == 0;
	assert_true(zeros < 64);
}

static void a_forked_child_draws_other_bytes(void **state)
{
	unsigned char ours[16], theirs[16];
	int fds[2];

	(void)state;
	random_bytes(ours, sizeof(ours));
	assert_int_equal(pipe(fds), 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	random_bytes(ours, sizeof(ours));
	if (pid == 0)
		_exit(write(fds[1], ours, sizeof(ours)) == sizeof(ours) ? 0 : 1);
	assert_int_equal(read(fds[0], theirs, sizeof(theirs)), sizeof(theirs));
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_memory_not_equal(ours, theirs, sizeof(ours));
	close(fds[0]);
	close(fds[1]);
}

static void below_stays_below_and_reaches_all(void **state)
{
	bool seen[7] = {false};

	(void)state;
	for (int i = 0; i < 2000; i++) {
		uint64_t v = random_below(7);

		assert_true(v < 7);
		seen[v] = true;
	}
	for (unsigned i = 0; i < 7; i++)
		assert_true(seen[i]);
	assert_int_equal(random_below(1), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_two_draws_are_equal),
		cmocka_unit_test(large_draws_are_filled_to_the_end),
		cmocka_unit_test(a_forked_child_draws_other_bytes),
		cmocka_unit_test(below_stays_below_and_reaches_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
