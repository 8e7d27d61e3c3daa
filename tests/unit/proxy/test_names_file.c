/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proxy/names_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/log.h"

static struct loop *loop;
static char directory[32], path[64], other[64];
static unsigned n_changes;

static int begin(void **state)
{
	(void)state;
	snprintf(directory, sizeof(directory), "/tmp/names-file-XXXXXX");
	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/allowed.txt", directory);
	snprintf(other, sizeof(other), "%s/new", directory);
	loop = loop_new();
	n_changes = 0;
	return 0;
}

static int end(void **state)
{
	(void)state;
	loop_stop(loop);
	loop_run(loop);
	loop_free(&loop);
	unlink(path);
	unlink(other);
	rmdir(path);
	rmdir(directory);
	return 0;
}

static void on_change(void *owner)
{
	(void)owner;
	n_changes++;
}

static void write_to(const char *at, const char *text)
{
	FILE *f = fopen(at, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void replace(const char *text)
{
	write_to(other, text);
	assert_int_equal(rename(other, path), 0);
}

static struct names_file *open_file(void)
{
	return names_file_new(&(struct names_file_args){ loop, path, on_change, NULL, false });
}

static bool has(const struct names_file *f, const char *name)
{
	const struct roster *r = names_file_roster(f);

	return r && roster_has(r, str_from(name), NULL);
}

static void turn(void)
{
	loop_turn(loop);
	usleep(1000);
}

static void await(struct names_file *f, unsigned changes)
{
	for (int i = 0; i < 15000 && n_changes < changes; i++)
		turn();
	assert_int_equal(n_changes, changes);
	(void)f;
}

static struct fault await_fault(struct names_file *f)
{
	struct names_file_look look = { 0 };

	for (int i = 0; i < 15000 && !look.fault.code; i++) {
		turn();
		names_file_look(f, &look);
	}
	assert_int_equal(look.fault.code, E_NAMES_FILE);
	return look.fault;
}

static void it_is_read_at_once_and_again_when_it_changed(void **state)
{
	struct names_file_look look;
	struct names_file *f;

	(void)state;
	write_to(path, "a.example\n");
	f = open_file();
	assert_true(has(f, "a.example"));
	assert_int_equal(n_changes, 0);
	write_to(path, "a.example\nb.example\n");
	await(f, 1);
	assert_true(has(f, "b.example"));
	replace("c.example\n");
	await(f, 2);
	assert_true(has(f, "c.example"));
	assert_false(has(f, "a.example"));
	names_file_look(f, &look);
	assert_int_equal(look.names, 1);
	assert_int_equal(look.fault.code, E_OK);
	assert_string_equal(look.path, path);
	assert_true(look.read_at_ms > 0 && look.bytes > 0);
	names_file_free(&f);
	names_file_free(&f);
}

static void a_bad_file_changes_nothing_and_says_where(void **state)
{
	struct names_file *f;
	struct names_file_look look;

	(void)state;
	write_to(path, "a.example\n");
	f = open_file();
	replace("b.example\n* # all\n");
	assert_non_null(strstr(await_fault(f).detail, "allowed.txt:2:1: \"*\""));
	assert_true(has(f, "a.example"));
	assert_false(has(f, "b.example"));
	replace("b.example\n");
	await(f, 1);
	names_file_look(f, &look);
	assert_int_equal(look.fault.code, E_OK);
	assert_true(has(f, "b.example"));
	names_file_free(&f);
}

static void one_that_goes_away_leaves_its_list(void **state)
{
	struct names_file *f;

	(void)state;
	write_to(path, "a.example\n");
	f = open_file();
	unlink(path);
	assert_non_null(strstr(await_fault(f).detail, "No such file"));
	assert_true(has(f, "a.example"));
	names_file_free(&f);
}

static void one_that_was_never_there_is_awaited(void **state)
{
	struct names_file *f = open_file();

	(void)state;
	assert_null(names_file_roster(f));
	await_fault(f);
	replace("a.example\n");
	await(f, 1);
	assert_true(has(f, "a.example"));
	names_file_free(&f);
}

static void another_file_is_followed_and_the_list_stays_until_it_is_read(void **state)
{
	struct names_file *f;

	(void)state;
	write_to(path, "a.example\n");
	write_to(other, "b.example\n");
	f = open_file();
	names_file_follow(f, other);
	assert_true(has(f, "a.example"));
	await(f, 1);
	assert_true(has(f, "b.example"));
	assert_false(has(f, "a.example"));
	names_file_follow(f, path);
	names_file_follow(f, other);
	names_file_follow(f, path);
	await(f, 2);
	assert_true(has(f, "a.example"));
	names_file_free(&f);
}

static void what_is_no_file_is_refused_without_waiting(void **state)
{
	struct fault fault = { 0 };
	size_t n;

	(void)state;
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(names_file_check(path, &n, &fault), E_NAMES_FILE);
	assert_non_null(strstr(fault.detail, "no regular file"));
	unlink(path);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(names_file_check(path, &n, &fault), E_NAMES_FILE);
	rmdir(path);
	write_to(path, "a.example\nb.example");
	assert_int_equal(names_file_check(path, &n, &fault), E_OK);
	assert_int_equal(n, 2);
	write_to(path, "a b c\n");
	assert_int_equal(names_file_check(path, &n, &fault), E_NAMES_FILE);
	assert_non_null(strstr(fault.detail, "allowed.txt:1:1:"));
}

static void it_may_end_while_it_looks(void **state)
{
	struct names_file *f;

	(void)state;
	write_to(path, "a.example\n");
	f = open_file();
	write_to(path, "b.example\n");
	for (int i = 0; i < 120; i++)
		turn();
	names_file_free(&f);
	for (int i = 0; i < 50; i++)
		turn();
}

#define CLAIM(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLAIM(it_is_read_at_once_and_again_when_it_changed),
		CLAIM(a_bad_file_changes_nothing_and_says_where),
		CLAIM(one_that_goes_away_leaves_its_list),
		CLAIM(one_that_was_never_there_is_awaited),
		CLAIM(another_file_is_followed_and_the_list_stays_until_it_is_read),
		CLAIM(what_is_no_file_is_refused_without_waiting),
		CLAIM(it_may_end_while_it_looks),
	};

	log_setup(2, LOG_ERROR, LOG_TEXT);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
