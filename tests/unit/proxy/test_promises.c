/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proxy/promises.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/check.h"

static struct loop *loop;
static struct store *store;
static char directory[64];

static int begin(void **state)
{
	struct fault fault = { 0 };

	(void)state;
	snprintf(directory, sizeof(directory), "/tmp/promises-XXXXXX");
	assert_non_null(mkdtemp(directory));
	loop = loop_new();
	assert_int_equal(store_disk_open(loop, directory, &store, &fault), E_OK);
	return 0;
}

static void turn(void)
{
	for (int i = 0; i < 300; i++) {
		loop_turn(loop);
		usleep(1000);
	}
}

static int end(void **state)
{
	char line[128];

	(void)state;
	turn();
	loop_stop(loop);
	loop_run(loop);
	store->ops->free(store);
	loop_free(&loop);
	snprintf(line, sizeof(line), "rm -rf %s", directory);
	assert_int_equal(system(line), 0);
	return 0;
}

static void assert_promise(const struct promises *g, const char *name, const char *to, const char *profile)
{
	struct promise promise;

	promises_get(g, name, &promise);
	assert_string_equal(promise.to, to);
	assert_string_equal(promise.profile, profile);
}

static void what_was_promised_is_known_after_a_restart(void **state)
{
	struct promises *g = promises_new(loop, store, directory);

	(void)state;
	assert_true(promises_note(g, "a.example", &(struct promise){ "10.0.0.1:80", "shortlived" }));
	assert_false(promises_note(g, "a.example", &(struct promise){ "10.0.0.1:80", "shortlived" }));
	assert_true(promises_note(g, "b.example", &(struct promise){ "blue", "" }));
	assert_true(promises_note(g, "c.example", &(struct promise){ "", "classic" }));
	assert_false(promises_note(g, "d.example", &(struct promise){ "", "" }));
	turn();
	promises_free(&g);
	promises_free(&g);
	g = promises_new(loop, store, directory);
	assert_promise(g, "a.example", "10.0.0.1:80", "shortlived");
	assert_promise(g, "b.example", "blue", "");
	assert_promise(g, "c.example", "", "classic");
	assert_promise(g, "d.example", "", "");
	assert_true(promises_note(g, "a.example", &(struct promise){ "", "" }));
	promises_forget(g, "b.example");
	turn();
	promises_free(&g);
	g = promises_new(loop, store, directory);
	assert_promise(g, "a.example", "", "");
	assert_promise(g, "b.example", "", "");
	assert_promise(g, "c.example", "", "classic");
	promises_free(&g);
}

static void profiles_are_of_a_small_alphabet(void **state)
{
	static const char *const wrong[] = { "", "Short", "a b", "a_b", "a\n",
		"01234567890123456789012345678901234567890123456789012345678901234" };

	(void)state;
	assert_true(promise_is_profile(STR("tls-server-2")));
	assert_true(promise_is_profile(STR("0123456789012345678901234567890123456789012345678901234567890123")));
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		assert_false(promise_is_profile(str_from(wrong[i])));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_was_promised_is_known_after_a_restart, begin, end),
		cmocka_unit_test(profiles_are_of_a_small_alphabet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
