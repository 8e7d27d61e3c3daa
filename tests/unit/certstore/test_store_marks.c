/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What only a disk can do to marks: fail at each call, be killed, hold what is none. */
#include "certstore/store_marks.h"

#include <errno.h>

#include "shell.h"

#include "certstore/files.h"
#include "certstore/store_list.h"
#include "certstore/store_open.h"

#define HOUR "2026-12-04T06"
#define MARK HOUR "/app.example.com"

static struct store_root root;
static int calls, stop_at;

static int make(void **state)
{
	return shell_enter(state) ? -1 : (int)store_open_root(&root, "s", NULL);
}

static int drop(void **state)
{
	store_open_close(&root);
	return shell_leave(state);
}

static enum err put(const char *mark)
{
	struct fault fault = {0};

	return store_marks_put(&root, STORE_SCHEDULE, mark, &fault);
}

static enum err take(const char *mark)
{
	struct fault fault = {0};

	return store_marks_remove(&root, STORE_SCHEDULE, mark, &fault);
}

static void a_mark_is_an_empty_file_and_its_directory_goes_with_the_last(void **state)
{
	(void)state;
	assert_int_equal(put(MARK), E_OK);
	assert_int_equal(put(MARK), E_OK);
	assert_int_equal(put(HOUR "/*.example.com"), E_OK);
	shell_must("test \"$(ls s/schedule/" HOUR " | tr '\\n' ' ')\" = '_wildcard_.example.com app.example.com '");
	shell_must("test -f s/schedule/" MARK " -a ! -s s/schedule/" MARK);
	assert_int_equal(take(HOUR "/*.example.com"), E_OK);
	shell_must("test -e s/schedule/" MARK);
	assert_int_equal(take(MARK), E_OK);
	assert_int_equal(take(MARK), E_OK);
	shell_must("test -z \"$(ls s/schedule)\"");
}

static void what_is_no_mark_is_refused(void **state)
{
	static const char *const bad[] = { "", "a", "/a", "../a", "a.b/c", "x/", "a_b/c",
		"0123456789abcdef/too-long", "2026-12-04T06\n/a" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_equal(put(bad[i]), E_NAME);
		assert_int_equal(take(bad[i]), E_OK);
	}
	assert_int_equal(put("a/../../x"), E_OK);   /* a name, not a path */
	shell_must("test -z \"$(ls s/schedule | grep -v '^a$')\" -a ! -e s/x -a ! -e x");
	assert_true(store_marks_are(STORE_SCHEDULE));
	assert_false(store_marks_are(STORE_CERTS));
}

/* The system call `stop_at` fails as if the directory had gone, once: somebody took out the last one. */
static int gone(const char *call)
{
	(void)call;
	return ++calls == stop_at ? ENOENT : 0;
}

static int full(const char *call)
{
	(void)call;
	return ++calls == stop_at ? ENOSPC : 0;
}

static void a_directory_that_goes_meanwhile_is_made_again(void **state)
{
	(void)state;
	for (stop_at = 1; stop_at < 5; stop_at++) {
		calls = 0;
		files_test_hook(gone);
		assert_int_equal(put(MARK), E_OK);
		files_test_hook(NULL);
		shell_must("test -e s/schedule/" MARK);
		assert_int_equal(take(MARK), E_OK);
	}
}

static void a_full_disk_is_told_and_leaves_nothing_half(void **state)
{
	unsigned failures = 0;

	(void)state;
	for (stop_at = 1; stop_at < 6; stop_at++) {
		enum err err;

		calls = 0;
		files_test_hook(full);
		err = put(MARK);
		files_test_hook(NULL);
		failures += err == E_STORE;
		assert_true(err == E_STORE || err == E_OK);
		assert_int_equal(take(MARK), E_OK);
	}
	assert_true(failures >= 3);
}

static void what_somebody_else_left_there_is_no_mark(void **state)
{
	struct store_list_args args = {.group = STORE_SCHEDULE, .cursor = "", .max = 10};
	struct store_page page;

	(void)state;
	assert_int_equal(put(MARK), E_OK);
	shell_must("mkdir -p 's/schedule/odd one' s/schedule/.hidden");
	shell_must("touch 's/schedule/odd one/a' s/schedule/file");
	shell_must("mkfifo s/schedule/2020-01-01T00 && ln -s / s/schedule/2021-01-01T00");
	assert_int_equal(store_list_page(&root, &args, &page), E_OK);
	assert_int_equal(page.n, 1);
	assert_string_equal(page.names[0], MARK);
	assert_string_equal(page.cursor, "");
	store_list_fini(&page);
	assert_int_equal(put("2021-01-01T00/etc"), E_STORE);
	assert_int_equal(take("2021-01-01T00/etc"), E_STORE);
	shell_must("test -e /etc");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, make, drop)
	const struct CMUnitTest tests[] = {
		T(a_mark_is_an_empty_file_and_its_directory_goes_with_the_last),
		T(what_is_no_mark_is_refused),
		T(a_directory_that_goes_meanwhile_is_made_again),
		T(a_full_disk_is_told_and_leaves_nothing_half),
		T(what_somebody_else_left_there_is_no_mark),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
