/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Both stores through store.h: what one promises the other must keep. Then what only a disk can do:
 * open, refuse, repair, lock between processes.
 */
#include "certstore/store.h"

#include <errno.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "shell.h"

#include "base/clock.h"
#include "base/mem.h"
#include "certstore/files.h"

static struct loop *loop;
static struct store *store;
static int answers;
static enum err last_err;
static char last_text[64], last_cursor[300], last_names[4096];
static unsigned last_n;

static int make_disk(void **state)
{
	if (shell_enter(state))
		return -1;
	loop = loop_new();
	answers = 0;
	return store_disk_open(loop, "s", &store, NULL);
}

static int make_memory(void **state)
{
	if (shell_enter(state))
		return -1;
	loop = loop_new();
	answers = 0;
	store = store_memory_new(loop);
	return 0;
}

static int drop(void **state)
{
	if (store)
		store->ops->free(store);
	store = NULL;
	loop_free(&loop);
	return shell_leave(state);
}

static void wait_for(int n)
{
	int64_t end_ms = clock_mono_ms() + 20000;

	while (answers < n) {
		loop_turn(loop);
		assert_true(clock_mono_ms() < end_ms);
		nanosleep(&(struct timespec){0, 200000}, NULL);
	}
	assert_int_equal(answers, n);
	answers = 0;
}

static enum err parse(struct str bytes, const char *name, void **object, struct fault *fault)
{
	char *text;

	(void)name;
	if (str_has_prefix(bytes, STR("bad")))
		return fault_set(fault, E_STORE_CORRUPT, "bad");
	text = mem_new(bytes.len + 1);
	memcpy(text, bytes.at, bytes.len);
	*object = text;
	return E_OK;
}

static void on_load(void *owner, enum err err, void *object, const struct fault *fault)
{
	(void)owner;
	(void)fault;
	answers++;
	last_err = err;
	snprintf(last_text, sizeof(last_text), "%s", object ? (char *)object : "");
	mem_release(object);
}

static void on_done(void *owner, enum err err, const struct fault *fault)
{
	(void)owner;
	(void)fault;
	answers++;
	last_err = err;
}

static void on_list(
	void *owner, enum err err, const char *const *names, unsigned n, const char *cursor)
{
	(void)owner;
	answers++;
	last_err = err;
	last_n = n;
	for (unsigned i = 0; i < n; i++) {
		strcat(last_names, names[i]);
		strcat(last_names, " ");
	}
	snprintf(last_cursor, sizeof(last_cursor), "%s", cursor);
}

static void save(const char *name, const char *text)
{
	store_save(store, STORE_ORDERS, name, str_from(text), on_done, NULL);
	wait_for(1);
	assert_int_equal(last_err, E_OK);
}

static const char *load(const char *name)
{
	store_load(store, STORE_ORDERS, name, parse, on_load, NULL);
	wait_for(1);
	return last_err ? err_text(last_err) : last_text;
}

static enum err lock(const char *name, int64_t wait_ms)
{
	store->ops->lock(store, name, wait_ms, on_done, NULL);
	assert_int_equal(answers, 0);
	wait_for(1);
	return last_err;
}

/* ---- both ---- */

static void values_are_saved_loaded_and_removed(void **state)
{
	(void)state;
	assert_string_equal(load("a"), "not found");
	save("a", "one");
	save("*.b", "two");
	assert_string_equal(load("a"), "one");
	save("a", "three");
	assert_string_equal(load("a"), "three");
	store_remove(store, STORE_ORDERS, "a", on_done, NULL);
	wait_for(1);
	assert_string_equal(load("a"), "not found");
	assert_string_equal(load("*.b"), "two");
}

static void damaged_values_are_gone_after_loading(void **state)
{
	(void)state;
	save("a", "bad");
	assert_string_equal(load("a"), "not found");
	save("a", "good");
	assert_string_equal(load("a"), "good");
}

static void no_verb_answers_before_it_returns(void **state)
{
	(void)state;
	store_save(store, STORE_ORDERS, "a", STR("x"), on_done, NULL);
	store_load(store, STORE_ORDERS, "a", parse, on_load, NULL);
	store->ops->lock(store, "l", 0, on_done, NULL);
	assert_int_equal(answers, 0);
	wait_for(3);
	store->ops->unlock(store, "l");
}

static void jobs_of_one_name_keep_their_order(void **state)
{
	char text[16];

	(void)state;
	for (int i = 0; i < 50; i++) {
		snprintf(text, sizeof(text), "%d", i);
		store_save(store, STORE_ORDERS, "a", str_from(text), on_done, NULL);
	}
	store_load(store, STORE_ORDERS, "a", parse, on_load, NULL);
	wait_for(51);
	assert_string_equal(last_text, "49");
	store_save(store, STORE_ORDERS, "a", STR("x"), on_done, NULL);
	store_remove(store, STORE_ORDERS, "a", on_done, NULL);
	store_load(store, STORE_ORDERS, "a", parse, on_load, NULL);
	wait_for(3);
	assert_int_equal(last_err, E_NOT_FOUND);
}

static bool is_even(struct str bytes, const char *name, void *owner)
{
	(void)name;
	(*(int *)owner)++;
	return (bytes.at[bytes.len - 1] - '0') % 2 == 0;
}

static void lists_come_in_pages_and_filtered(void **state)
{
	struct store_list_args args = {.group = STORE_ORDERS, .cursor = "", .max = 7};
	char name[32], cursor[300] = "";
	unsigned total = 0, pages = 0;
	int looked = 0;

	(void)state;
	for (int i = 0; i < 40; i++) {
		snprintf(name, sizeof(name), "n%02d.example", i);
		save(name, name + 1);
	}
	last_names[0] = '\0';
	args.cursor = cursor;
	do {
		store->ops->list(store, &args, on_list, NULL);
		wait_for(1);
		assert_true(last_n <= 7);
		total += last_n;
		pages++;
		strcpy(cursor, last_cursor);
	} while (cursor[0]);
	assert_int_equal(total, 40);
	assert_true(pages == 6);
	for (int i = 0; i < 40; i++) {
		snprintf(name, sizeof(name), "n%02d.example ", i);
		assert_non_null(strstr(last_names, name));
	}
	for (int i = 0; i < 40; i++) {
		snprintf(name, sizeof(name), "n%02d.example", i);
		store_save(store, STORE_ORDERS, name, str_of(name, 3), on_done, NULL);
	}
	wait_for(40);
	args.filter = is_even;
	args.filter_owner = &looked;
	args.max_visited = 10;
	total = pages = 0;
	do {
		store->ops->list(store, &args, on_list, NULL);
		wait_for(1);
		total += last_n;
		pages++;
		strcpy(cursor, last_cursor);
	} while (cursor[0]);
	assert_int_equal(total, 20);
	assert_int_equal(looked, 40);
	assert_true(pages >= 4);
}

/* "SHARD/NAME", and nothing in them: listed by shard, then by name. */
static void marks_are_listed_in_the_order_of_their_shards(void **state)
{
	static const char *const marks[] = {
		"2027-01-02T03/b.example.com", "2026-12-04T06/z.example.com", "2027-01-02T03/*.example.com",
		"2026-12-04T06/a.example.com+rsa", "2026-12-04T06/z.example.com" };
	struct store_list_args args = {.group = STORE_SCHEDULE, .cursor = "", .max = 2};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(marks); i++) {
		store_save(store, STORE_SCHEDULE, marks[i], STR_NONE, on_done, NULL);
		wait_for(1);
		assert_int_equal(last_err, E_OK);
	}
	last_names[0] = '\0';
	do {
		char cursor[sizeof(last_cursor)];

		strcpy(cursor, args.cursor);
		args.cursor = cursor;
		store->ops->list(store, &args, on_list, NULL);
		wait_for(1);
		assert_int_equal(last_err, E_OK);
		args.cursor = last_cursor;
	} while (last_cursor[0]);
	assert_string_equal(last_names, "2026-12-04T06/a.example.com+rsa 2026-12-04T06/z.example.com "
		"2027-01-02T03/*.example.com 2027-01-02T03/b.example.com ");
	for (size_t i = 0; i < ARRAY_LEN(marks); i++) {
		store_remove(store, STORE_SCHEDULE, marks[i], on_done, NULL);
		wait_for(1);
		assert_int_equal(last_err, E_OK);
	}
	store->ops->list(store, &args, on_list, NULL);
	wait_for(1);
	assert_int_equal(last_n, 0);
}

static void locks_exclude_within_the_process(void **state)
{
	(void)state;
	assert_int_equal(lock("a", 0), E_OK);
	assert_int_equal(lock("a", 0), E_LOCKED);
	assert_int_equal(lock("a", 60), E_LOCKED);
	assert_int_equal(lock("b", 0), E_OK);
	store->ops->lock(store, "a", 5000, on_done, NULL);
	for (int i = 0; i < 50; i++)
		loop_turn(loop);
	assert_int_equal(answers, 0);
	store->ops->unlock(store, "a");
	wait_for(1);
	assert_int_equal(last_err, E_OK);
	store->ops->unlock(store, "a");
	store->ops->unlock(store, "b");
}

static void many_who_want_a_lock_get_it_one_after_the_other(void **state)
{
	(void)state;
	for (int i = 0; i < 8; i++)
		store->ops->lock(store, "a", 15000, on_done, NULL);
	for (int i = 0; i < 8; i++) {
		wait_for(1);
		assert_int_equal(last_err, E_OK);
		store->ops->unlock(store, "a");
	}
}

/* ---- disk ---- */

/* A child that holds the lock until it is killed. */
static pid_t holder(const char *name)
{
	int ready[2];
	char byte;
	pid_t child;

	assert_int_equal(pipe(ready), 0);
	child = fork();
	if (child == 0) {
		struct store *other;

		loop = loop_new();
		if (store_disk_open(loop, "s", &other, NULL))
			_exit(1);
		store = other;
		if (lock(name, 0) || write(ready[1], "x", 1) != 1)
			_exit(1);
		pause();
		_exit(0);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return child;
}

static void a_killed_holder_releases_and_a_stopped_one_does_not(void **state)
{
	pid_t child = holder("a");
	int64_t start_ms;

	(void)state;
	assert_int_equal(kill(child, SIGSTOP), 0);
	start_ms = clock_mono_ms();
	assert_int_equal(lock("a", 300), E_LOCKED);
	assert_true(clock_mono_ms() - start_ms < 1500);
	store->ops->lock(store, "a", 10000, on_done, NULL);
	loop_turn(loop);
	assert_int_equal(kill(child, SIGKILL), 0);
	start_ms = clock_mono_ms();
	wait_for(1);
	assert_int_equal(last_err, E_OK);
	assert_true(clock_mono_ms() - start_ms < 1000);
	store->ops->unlock(store, "a");
	assert_int_equal(waitpid(child, NULL, 0), child);
}

static enum err reopen(struct fault *fault)
{
	struct store *again;
	enum err err;

	memset(fault, 0, sizeof(*fault));
	err = store_disk_open(loop, "s", &again, fault);
	if (!err)
		again->ops->free(again);
	else
		assert_null(again);
	return err;
}

static void a_store_others_can_reach_is_refused_with_the_remedy(void **state)
{
	static const mode_t modes[] = {0750, 0705, 0755, 0777, 0701};
	struct fault fault;

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		assert_int_equal(chmod("s", modes[i]), 0);
		assert_int_equal(reopen(&fault), E_STORE_OPEN);
		assert_non_null(strstr(fault.detail, "chmod 700 's'"));
	}
	assert_int_equal(chmod("s", 0700), 0);
	assert_int_equal(reopen(&fault), E_OK);
}

static void what_is_ours_inside_is_repaired(void **state)
{
	struct fault fault;

	(void)state;
	shell_must("chmod 755 s/certs && rmdir s/quarantine");
	assert_int_equal(reopen(&fault), E_OK);
	shell_must("test $(stat -c %a s/certs) = 700 && test -d s/quarantine");
}

static void what_is_no_store_is_refused(void **state)
{
	struct fault fault;
	struct store *other;

	(void)state;
	shell_must("touch file; mkdir foreign; chown 12345 foreign 2>/dev/null || true");
	assert_int_equal(store_disk_open(loop, "file", &other, &fault), E_STORE_OPEN);
	assert_int_equal(store_disk_open(loop, "", &other, &fault), E_STORE_OPEN);
	if (geteuid() == 0) {
		assert_int_equal(store_disk_open(loop, "foreign", &other, &fault), E_STORE_OPEN);
		assert_non_null(strstr(fault.detail, "12345"));
	}
	shell_must("echo 'sallyport-store 2' > s/format");
	assert_int_equal(reopen(&fault), E_STORE_OPEN);
	assert_non_null(strstr(fault.detail, "another version"));
	shell_must("echo junk > s/format");
	assert_int_equal(reopen(&fault), E_STORE_OPEN);
	shell_must("echo 'sallyport-store 1' > s/format");
	assert_int_equal(reopen(&fault), E_OK);
}

static void parents_are_made_and_a_symlink_to_the_store_is_fine(void **state)
{
	struct store *other;

	(void)state;
	assert_int_equal(store_disk_open(loop, "a/b/c", &other, NULL), E_OK);
	other->ops->free(other);
	shell_must("test $(stat -c %a a/b/c) = 700 && ln -s a/b/c link");
	assert_int_equal(store_disk_open(loop, "link", &other, NULL), E_OK);
	other->ops->free(other);
}

static void old_temporary_files_are_cleaned_and_young_ones_left(void **state)
{
	struct fault fault;

	(void)state;
	shell_must("touch -d '2 minutes ago' s/tmp/1-1; touch s/tmp/1-2");
	assert_int_equal(reopen(&fault), E_OK);
	shell_must("test ! -e s/tmp/1-1 && test -e s/tmp/1-2");
}

static int refuse_mkdir(const char *call)
{
	return strcmp(call, "mkdir") == 0 ? EROFS : 0;
}

/* As an earlier release left it, on a disk that takes no writes. */
static void a_group_that_cannot_be_made_is_done_without(void **state)
{
	struct store *again;
	struct fault fault;

	(void)state;
	save("a", "kept");
	shell_must("rm -r s/challenges");
	files_test_hook(refuse_mkdir);
	assert_int_equal(store_disk_open(loop, "s", &again, &fault), E_OK);
	files_test_hook(NULL);
	store_load(again, STORE_ORDERS, "a", parse, on_load, NULL);
	wait_for(1);
	assert_string_equal(last_text, "kept");
	store_load(again, STORE_CHALLENGES, "a", parse, on_load, NULL);
	wait_for(1);
	assert_int_equal(last_err, E_NOT_FOUND);
	store_save(again, STORE_CHALLENGES, "a", STR("new"), on_done, NULL);
	wait_for(1);
	assert_int_equal(last_err, E_STORE);
	again->ops->free(again);
	assert_int_equal(reopen(&fault), E_OK);
	shell_must("test -d s/challenges && rm -r s/challenges s/format");
	files_test_hook(refuse_mkdir);
	assert_int_equal(reopen(&fault), E_STORE_OPEN);
	files_test_hook(NULL);
}

static int steps;

static int count_step(const char *call)
{
	(void)call;
	steps++;
	return 0;
}

static int steps_to_open(void)
{
	struct fault fault;

	steps = 0;
	files_test_hook(count_step);
	assert_int_equal(reopen(&fault), E_OK);
	files_test_hook(NULL);
	return steps;
}

static void opening_does_not_look_at_the_names(void **state)
{
	int empty;

	(void)state;
	empty = steps_to_open();
	shell_must("cd s/certs && for i in $(seq 500); do "
		   "mkdir -p $(printf %02x $((i % 256)))/n$i.example; done");
	assert_int_equal(steps_to_open(), empty);
}

int main(void)
{
#define BOTH(name) \
	{"disk " #name, name, make_disk, drop, NULL}, \
	{ \
		"memory " #name, name, make_memory, drop, NULL \
	}
#define DISK(name) cmocka_unit_test_setup_teardown(name, make_disk, drop)
	const struct CMUnitTest tests[] = {
		BOTH(values_are_saved_loaded_and_removed),
		BOTH(damaged_values_are_gone_after_loading),
		BOTH(no_verb_answers_before_it_returns),
		BOTH(jobs_of_one_name_keep_their_order),
		BOTH(lists_come_in_pages_and_filtered),
		BOTH(marks_are_listed_in_the_order_of_their_shards),
		BOTH(locks_exclude_within_the_process),
		BOTH(many_who_want_a_lock_get_it_one_after_the_other),
		DISK(a_killed_holder_releases_and_a_stopped_one_does_not),
		DISK(a_store_others_can_reach_is_refused_with_the_remedy),
		DISK(what_is_ours_inside_is_repaired),
		DISK(what_is_no_store_is_refused),
		DISK(parents_are_made_and_a_symlink_to_the_store_is_fine),
		DISK(old_temporary_files_are_cleaned_and_young_ones_left),
		DISK(a_group_that_cannot_be_made_is_done_without),
		DISK(opening_does_not_look_at_the_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
