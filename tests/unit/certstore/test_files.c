/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "certstore/files.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "shell.h"

static const char *fails;
static int with;

static int fail_at(const char *call)
{
	return fails && !strcmp(call, fails) ? with : 0;
}

static void break_at(const char *call, int error)
{
	fails = call;
	with = error;
	files_test_hook(call ? fail_at : NULL);
}

static int read_back(const char *name, size_t max_bytes, enum files_link follow, struct buf *out)
{
	buf_clear(out);
	return files_read(AT_FDCWD, name, max_bytes, follow, out);
}

static void what_is_written_is_read_and_belongs_to_the_owner_alone(void **state)
{
	struct stat st;
	struct buf got;

	(void)state;
	buf_init(&got, 0);
	assert_int_equal(files_write_new(AT_FDCWD, "f", STR("secret"), FILES_DURABLE), 0);
	assert_int_equal(read_back("f", 6, FILES_NO_SYMLINK, &got), 0);
	assert_true(str_equal(buf_str(&got), STR("secret")));
	assert_int_equal(stat("f", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	buf_fini(&got);
}

static void a_file_that_exists_is_never_replaced(void **state)
{
	struct buf got;

	(void)state;
	buf_init(&got, 0);
	assert_int_equal(files_write_new(AT_FDCWD, "old", STR("1"), FILES_DURABLE), 0);
	assert_int_equal(files_write_new(AT_FDCWD, "old", STR("2"), FILES_DURABLE), -EEXIST);
	assert_int_equal(files_write_new(AT_FDCWD, "new", STR("2"), FILES_DURABLE), 0);
	assert_int_equal(files_rename(AT_FDCWD, "new", AT_FDCWD, "old"), -EEXIST);
	assert_int_equal(read_back("old", 9, FILES_NO_SYMLINK, &got), 0);
	assert_true(str_equal(buf_str(&got), STR("1")));
	assert_int_equal(files_rename(AT_FDCWD, "new", AT_FDCWD, "newer"), 0);
	assert_int_equal(access("new", F_OK), -1);
	buf_fini(&got);
}

static void half_a_file_is_taken_away_again(void **state)
{
	static const char *const calls[] = { "write", "fsync" };

	(void)state;
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		break_at(calls[i], ENOSPC);
		assert_int_equal(files_write_new(AT_FDCWD, "half", STR("bytes"), FILES_DURABLE), -ENOSPC);
		break_at(NULL, 0);
		assert_int_equal(access("half", F_OK), -1);
	}
}

static void what_is_for_now_does_not_wait_for_the_disk(void **state)
{
	int here = open(".", O_RDONLY | O_DIRECTORY), made;

	(void)state;
	break_at("fsync", EIO);
	assert_int_equal(files_write_new(here, "kept", STR("bytes"), FILES_DURABLE), -EIO);
	assert_int_equal(files_write_new(here, "brief", STR("bytes"), FILES_FOR_NOW), 0);
	break_at("fsync directory", EIO);
	assert_int_equal(files_make_directory(here, "d", FILES_DURABLE), -EIO);
	assert_int_equal(files_remove_directory(here, "d"), 0);
	made = files_make_directory(here, "d", FILES_FOR_NOW);
	assert_true(made >= 0);
	break_at(NULL, 0);
	close(made);
	close(here);
}

static void only_regular_files_of_the_right_size_are_read_and_none_is_waited_for(void **state)
{
	struct buf got;

	(void)state;
	buf_init(&got, 0);
	assert_int_equal(mkfifo("fifo", 0600), 0);
	assert_int_equal(mkdir("dir", 0700), 0);
	shell_write("long", STR("1234567"));
	assert_int_equal(symlink("long", "link"), 0);
	assert_int_equal(read_back("fifo", 9, FILES_NO_SYMLINK, &got), -EISDIR);
	assert_int_equal(read_back("dir", 9, FILES_NO_SYMLINK, &got), -EISDIR);
	assert_int_equal(read_back("long", 6, FILES_NO_SYMLINK, &got), -EFBIG);
	assert_int_equal(read_back("absent", 6, FILES_NO_SYMLINK, &got), -ENOENT);
	assert_int_equal(read_back("link", 9, FILES_NO_SYMLINK, &got), -ELOOP);
	assert_int_equal(read_back("link", 9, FILES_SYMLINK, &got), 0);
	assert_true(str_equal(buf_str(&got), STR("1234567")));
	break_at("read", EIO);
	assert_int_equal(read_back("long", 9, FILES_NO_SYMLINK, &got), -EIO);
	break_at(NULL, 0);
	buf_fini(&got);
}

static void directories_are_made_once_and_not_through_symlinks(void **state)
{
	int here = open(".", O_RDONLY | O_DIRECTORY);
	int first = files_make_directory(here, "d", FILES_DURABLE);
	int second = files_make_directory(here, "d", FILES_FOR_NOW);
	struct stat st;

	(void)state;
	assert_true(first >= 0 && second >= 0);
	assert_int_equal(fstat(first, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(symlink("d", "away"), 0);
	assert_int_equal(files_open_directory(AT_FDCWD, "away"), -ENOTDIR);
	assert_int_equal(files_sync(first), 0);
	break_at("fsync directory", EIO);
	assert_int_equal(files_sync(first), -EIO);
	break_at("mkdir", EROFS);
	assert_int_equal(files_make_directory(here, "e", FILES_DURABLE), -EROFS);
	break_at(NULL, 0);
	close(first);
	close(second);
	close(here);
	assert_int_equal(files_remove_directory(AT_FDCWD, "d"), 0);
	assert_int_equal(files_remove_directory(AT_FDCWD, "d"), -ENOENT);
}

static void two_lists_of_one_directory_do_not_share_a_position(void **state)
{
	int fd = files_open_directory(AT_FDCWD, "."), error;
	DIR *one, *two;
	unsigned n = 0;

	(void)state;
	assert_int_equal(files_write_new(fd, "f", STR(""), FILES_DURABLE), 0);
	one = files_list(fd, &error);
	two = files_list(fd, &error);
	assert_non_null(one);
	assert_non_null(two);
	while (readdir(one))
		;
	while (readdir(two))
		n++;
	assert_int_equal(n, 3);
	closedir(one);
	closedir(two);
	break_at("list", EMFILE);
	assert_null(files_list(fd, &error));
	assert_int_equal(error, -EMFILE);
	break_at(NULL, 0);
	assert_int_equal(files_remove(fd, "f"), 0);
	close(fd);
}

static void a_lock_is_held_by_one_until_it_is_closed(void **state)
{
	int one = files_lock(AT_FDCWD, "lock"), two;

	(void)state;
	assert_true(one >= 0);
	assert_int_equal(files_lock(AT_FDCWD, "lock"), -EWOULDBLOCK);
	close(one);
	two = files_lock(AT_FDCWD, "lock");
	assert_true(two >= 0);
	close(two);
	assert_int_equal(symlink("lock", "link"), 0);
	assert_int_equal(files_lock(AT_FDCWD, "link"), -ELOOP);
}

#define IN_SCRATCH(test) cmocka_unit_test_setup_teardown(test, shell_enter, shell_leave)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		IN_SCRATCH(what_is_written_is_read_and_belongs_to_the_owner_alone),
		IN_SCRATCH(a_file_that_exists_is_never_replaced),
		IN_SCRATCH(half_a_file_is_taken_away_again),
		IN_SCRATCH(what_is_for_now_does_not_wait_for_the_disk),
		IN_SCRATCH(only_regular_files_of_the_right_size_are_read_and_none_is_waited_for),
		IN_SCRATCH(directories_are_made_once_and_not_through_symlinks),
		IN_SCRATCH(two_lists_of_one_directory_do_not_share_a_position),
		IN_SCRATCH(a_lock_is_held_by_one_until_it_is_closed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
