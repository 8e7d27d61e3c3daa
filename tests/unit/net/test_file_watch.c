/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/file_watch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

static struct loop *loop;
static char directory[] = "/tmp/file-watch-XXXXXX", path[64], other[64];
static unsigned n_told;

static int begin(void **state)
{
	(void)state;
	snprintf(directory, sizeof(directory), "/tmp/file-watch-XXXXXX");
	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/list", directory);
	snprintf(other, sizeof(other), "%s/new", directory);
	loop = loop_new();
	n_told = 0;
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
	rmdir(directory);
	return 0;
}

static void on_change(void *owner)
{
	(void)owner;
	n_told++;
}

static void write_file(const char *at)
{
	FILE *f = fopen(at, "w");

	assert_non_null(f);
	fputs("a.example\n", f);
	fclose(f);
}

static void turn_until_told(unsigned n)
{
	for (int i = 0; i < 3000 && n_told < n; i++) {
		loop_turn(loop);
		usleep(1000);
	}
	assert_true(n_told >= n);
}

static void writing_replacing_and_removing_are_told(void **state)
{
	struct file_watch *w = file_watch_new(loop, path, on_change, NULL);

	(void)state;
	write_file(path);
	turn_until_told(1);
	write_file(other);
	assert_int_equal(rename(other, path), 0);
	turn_until_told(2);
	assert_int_equal(unlink(path), 0);
	turn_until_told(3);
	file_watch_free(&w);
	file_watch_free(&w);
}

static void a_burst_is_told_once(void **state)
{
	struct file_watch *w = file_watch_new(loop, path, on_change, NULL);

	(void)state;
	for (int i = 0; i < 50; i++)
		write_file(path);
	turn_until_told(1);
	assert_int_equal(n_told, 1);
	file_watch_free(&w);
}

static void without_a_directory_nothing_is_told(void **state)
{
	struct file_watch *w = file_watch_new(loop, "/no/such/place/list", on_change, NULL);

	(void)state;
	for (int i = 0; i < 20; i++)
		loop_turn(loop);
	assert_int_equal(n_told, 0);
	file_watch_free(&w);
}

static void it_may_end_with_news_untold(void **state)
{
	struct file_watch *w = file_watch_new(loop, path, on_change, NULL);

	(void)state;
	write_file(path);
	loop_turn(loop);
	file_watch_free(&w);
	for (int i = 0; i < 150; i++) {
		loop_turn(loop);
		usleep(1000);
	}
	assert_int_equal(n_told, 0);
}

#define CLAIM(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLAIM(writing_replacing_and_removing_are_told),
		CLAIM(a_burst_is_told_once),
		CLAIM(without_a_directory_nothing_is_told),
		CLAIM(it_may_end_with_news_untold),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
