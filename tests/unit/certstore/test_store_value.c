/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The disk store's blocking core, in a real directory: damage of every kind, and a kill or a
 * failure at every system call of a save.
 */
#include "certstore/store_value.h"

#include <errno.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "shell.h"

#include "base/mem.h"
#include "certstore/files.h"
#include "certstore/store_marks.h"
#include "certstore/store_open.h"

#define NAME "app.example.com"

static struct store_root root;
static enum store_group group;
static int calls, stop_at, fail_with;

static int make(void **state)
{
	if (shell_enter(state))
		return -1;
	group = STORE_CERTS;
	return store_open_root(&root, "s", NULL);
}

static int drop(void **state)
{
	store_open_close(&root);
	return shell_leave(state);
}

/* Values are "good:…"; anything else is damaged. */
static enum err parse(struct str bytes, const char *name, void **object, struct fault *fault)
{
	struct buf text;

	(void)name;
	if (str_has_prefix(bytes, STR("newer")))
		return fault_set(fault, E_STORE, "newer");
	if (!str_has_prefix(bytes, STR("good:")) || !str_has_suffix(bytes, STR(";")))
		return fault_set(fault, E_STORE_CORRUPT, "no good");
	buf_init(&text, 0);
	assert_int_equal(buf_add(&text, bytes), E_OK);
	*object = mem_strdup(buf_cstring(&text));
	buf_fini(&text);
	return E_OK;
}

static enum err load(char dst[64])
{
	struct fault fault = {0};
	void *object;
	enum err err = store_value_load(&root, group, NAME, parse, &object, &fault);

	dst[0] = '\0';
	if (!err) {
		snprintf(dst, 64, "%s", (char *)object);
		mem_release(object);
	}
	return err;
}

static void assert_loads(const char *want)
{
	char got[64];

	assert_int_equal(load(got), E_OK);
	assert_string_equal(got, want);
}

static enum err save(const char *text)
{
	return store_value_save(&root, group, NAME, str_from(text), NULL);
}

static enum err erase(const char *unused)
{
	(void)unused;
	return store_value_remove(&root, group, NAME, NULL);
}

static void what_is_saved_loads_and_the_previous_is_kept(void **state)
{
	char got[64];

	(void)state;
	assert_int_equal(load(got), E_NOT_FOUND);
	assert_int_equal(save("good:1;"), E_OK);
	assert_loads("good:1;");
	assert_int_equal(save("good:2;"), E_OK);
	assert_int_equal(save("good:3;"), E_OK);
	assert_loads("good:3;");
	shell_must("test $(ls s/certs/*/" NAME " | wc -l) = 2 && cat s/certs/*/" NAME
		   "/0000000002.pem");
	assert_true(shell_printed("good:2;"));
	shell_must("test -z \"$(find s -type f -not -perm 600)$(find s -type d -not -perm 700)\"");
	shell_must("test -z \"$(ls s/tmp)\"");
	assert_int_equal(store_value_remove(&root, STORE_CERTS, NAME, NULL), E_OK);
	assert_int_equal(store_value_remove(&root, STORE_CERTS, NAME, NULL), E_OK);
	assert_int_equal(load(got), E_NOT_FOUND);
	shell_must("test -z \"$(find s/certs -name '*.pem')\"");
}

/* Each makes the newest of two generations unusable; $F is its file. */
static const char *const damages[] = {
	": > $F",
	"printf 'good:2' > $F",
	"head -c 300 /dev/urandom > $F",
	"rm $F; ln -s $F $F",
	"rm $F; ln -s 0000000001.pem $F",
	"rm $F; mkfifo $F",
	"rm $F; mkdir $F",
	"truncate -s 1G $F",
	"rm $F; ln -s /dev/zero $F",
};

static void every_damage_is_quarantined_and_the_previous_served(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
		char command[512];

		assert_int_equal(save("good:1;"), E_OK);
		assert_int_equal(save("good:2;"), E_OK);
		snprintf(command, sizeof(command),
			"F=$(ls -d $PWD/s/certs/*/" NAME "/* | tail -n 1); %s", damages[i]);
		shell_must(command);
		assert_loads("good:1;");
		assert_loads("good:1;");
		shell_must("test $(ls s/quarantine | wc -l) = 1 && rm -rf s/quarantine/*");
		assert_int_equal(save("good:3;"), E_OK);
		assert_loads("good:3;");
		assert_int_equal(store_value_remove(&root, STORE_CERTS, NAME, NULL), E_OK);
	}
}

static void a_name_whose_directory_is_none_can_be_saved_again(void **state)
{
	static const char *const kinds[] = {"touch $D", "ln -s /etc $D", "mkfifo $D"};
	char got[64];

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		char command[256];

		assert_int_equal(save("good:1;"), E_OK);
		snprintf(command, sizeof(command), "D=$(ls -d s/certs/*/" NAME "); rm -r $D; %s",
			kinds[i]);
		shell_must(command);
		assert_int_equal(load(got), E_NOT_FOUND);
		assert_int_equal(save("good:2;"), E_OK);
		assert_loads("good:2;");
	}
}

static void an_unreadable_one_is_quarantined(void **state)
{
	(void)state;
	if (geteuid() == 0)
		skip();
	assert_int_equal(save("good:1;"), E_OK);
	assert_int_equal(save("good:2;"), E_OK);
	shell_must("chmod 000 $(ls s/certs/*/" NAME "/* | tail -n 1)");
	assert_loads("good:1;");
}

static void a_newer_versions_value_is_left_alone(void **state)
{
	char got[64];

	(void)state;
	assert_int_equal(save("newer"), E_OK);
	assert_int_equal(load(got), E_STORE);
	assert_int_equal(load(got), E_STORE);
	shell_must("test -z \"$(ls s/quarantine)\"");
}

static void too_large_a_value_is_refused(void **state)
{
	size_t n = store_value_cap(STORE_FAILURES) + 1;
	char *bytes = mem_new(n);

	(void)state;
	assert_int_equal(
		store_value_save(&root, STORE_FAILURES, NAME, str_of(bytes, n), NULL), E_LIMIT);
	assert_int_equal(
		store_value_save(&root, STORE_FAILURES, NAME, str_of(bytes, n - 1), NULL), E_OK);
	mem_release(bytes);
}

/* ---- kills and failures ---- */

static int kill_at_step(const char *call)
{
	(void)call;
	if (++calls == stop_at)
		_exit(7);
	return 0;
}

static int fail_at_step(const char *call)
{
	(void)call;
	return ++calls == stop_at ? fail_with : 0;
}

/* True when the child was killed in the middle of the verb, false when it finished. */
static bool is_killed_at(int step, enum err (*verb)(const char *text), const char *text)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		calls = 0;
		stop_at = step;
		files_test_hook(kill_at_step);
		_exit(verb(text) == E_OK ? 0 : 8);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) != 8);
	return WEXITSTATUS(status) == 7;
}

static bool save_killed_at(int step, const char *text)
{
	return is_killed_at(step, save, text);
}

static void a_kill_at_any_call_leaves_the_old_or_the_new(void **state)
{
	bool killed = true, saw_old = false, saw_new = false;
	int step;

	(void)state;
	assert_int_equal(save("good:0;"), E_OK);
	assert_int_equal(save("good:old;"), E_OK);
	for (step = 1; killed; step++) {
		char got[64];

		killed = save_killed_at(step, "good:new;");
		assert_int_equal(load(got), E_OK);
		saw_old |= strcmp(got, "good:old;") == 0;
		saw_new |= strcmp(got, "good:new;") == 0;
		assert_true(strcmp(got, "good:old;") == 0 || strcmp(got, "good:new;") == 0);
		/* whatever was left lying about, the next save works */
		assert_int_equal(save("good:old;"), E_OK);
		assert_loads("good:old;");
	}
	assert_true(step > 10 && saw_old && saw_new);
	shell_must("test -z \"$(ls s/quarantine)\"");
	shell_must("test $(ls s/certs/*/" NAME " | wc -l) = 2");
}

static void a_kill_during_the_first_save_leaves_nothing_or_all(void **state)
{
	bool killed = true;

	(void)state;
	for (int step = 1; killed; step++) {
		char got[64];
		enum err err;

		killed = save_killed_at(step, "good:new;");
		err = load(got);
		assert_true(err == E_NOT_FOUND || (err == E_OK && strcmp(got, "good:new;") == 0));
		shell_must("rm -rf s/certs/*");
	}
}

/* Accounts, orders under way, challenges and the rest keep the same promise as certificates. */
static void a_kill_at_any_call_in_any_group(void **state)
{
	(void)state;
	for (group = 0; group < STORE_GROUP_COUNT; group++) {
		if (store_marks_are(group))
			continue;
		bool killed = true, saw_old = false, saw_new = false, saw_none = false;

		for (int step = 1; killed; step++) {
			char got[64];
			enum err err;

			killed = save_killed_at(step, "good:first;");
			err = load(got);
			assert_true(err == E_NOT_FOUND || strcmp(got, "good:first;") == 0);
			saw_none |= err == E_NOT_FOUND;
			assert_int_equal(erase(NULL), E_OK);
		}
		killed = true;
		for (int step = 1; killed; step++) {
			char got[64];

			assert_int_equal(save("good:old;"), E_OK);
			killed = save_killed_at(step, "good:new;");
			assert_int_equal(load(got), E_OK);
			saw_old |= strcmp(got, "good:old;") == 0;
			saw_new |= strcmp(got, "good:new;") == 0;
			assert_true(strcmp(got, "good:old;") == 0 || strcmp(got, "good:new;") == 0);
		}
		assert_true(saw_none && saw_old && saw_new);
		assert_int_equal(save("good:last;"), E_OK);
		assert_loads("good:last;");
	}
	shell_must("test -z \"$(ls s/quarantine)\"");
}

static void a_kill_during_a_removal_brings_nothing_older_back(void **state)
{
	(void)state;
	for (group = 0; group < STORE_GROUP_COUNT; group++) {
		if (store_marks_are(group))
			continue;
		bool killed = true, saw_old = false, saw_none = false;

		for (int step = 1; killed; step++) {
			char got[64];
			enum err err;

			assert_int_equal(save("good:older;"), E_OK);
			assert_int_equal(save("good:old;"), E_OK);
			killed = is_killed_at(step, erase, NULL);
			err = load(got);
			assert_true(err == E_NOT_FOUND || strcmp(got, "good:old;") == 0);
			saw_none |= err == E_NOT_FOUND;
			saw_old |= err == E_OK;
			assert_int_equal(erase(NULL), E_OK);
			assert_int_equal(load(got), E_NOT_FOUND);
		}
		assert_true(saw_old && saw_none);
	}
	shell_must("test -z \"$(ls s/quarantine)\"");
}

static void a_removal_that_fails_says_so_and_can_be_repeated(void **state)
{
	(void)state;
	for (group = 0; group < STORE_GROUP_COUNT; group++) {
		if (store_marks_are(group))
			continue;
		bool failed = true;

		for (int step = 1; failed; step++) {
			char got[64];
			enum err err;

			assert_int_equal(save("good:older;"), E_OK);
			assert_int_equal(save("good:old;"), E_OK);
			calls = 0;
			stop_at = step;
			fail_with = EIO;
			files_test_hook(fail_at_step);
			err = erase(NULL);
			failed = calls >= step;
			files_test_hook(NULL);
			if (load(got) == E_OK) {
				assert_int_equal(err, E_STORE);
				assert_string_equal(got, "good:old;");
			}
			assert_int_equal(erase(NULL), E_OK);
			assert_int_equal(load(got), E_NOT_FOUND);
		}
	}
}

static void a_failure_at_any_call_touches_nothing(void **state)
{
	static const int errors[] = {ENOSPC, EIO, EMFILE, EROFS};

	(void)state;
	assert_int_equal(save("good:0;"), E_OK);
	assert_int_equal(save("good:old;"), E_OK);
	for (size_t i = 0; i < 4; i++) {
		bool failed = true;

		for (int step = 1; failed; step++) {
			char got[64];
			enum err err;

			calls = 0;
			stop_at = step;
			fail_with = errors[i];
			files_test_hook(fail_at_step);
			err = save("good:new;");
			failed = calls >= step;
			files_test_hook(NULL);
			assert_int_equal(load(got), E_OK);
			if (err)
				assert_int_equal(err, errors[i] == EMFILE ? E_FDS : E_STORE);
			else
				assert_string_equal(got, "good:new;");
			assert_int_equal(save("good:old;"), E_OK);
			shell_must("test -z \"$(ls s/tmp)\"");
		}
	}
}

static void a_load_that_cannot_read_throws_nothing_away(void **state)
{
	bool failed = true;

	(void)state;
	assert_int_equal(save("good:1;"), E_OK);
	assert_int_equal(save("good:2;"), E_OK);
	for (int step = 1; failed; step++) {
		char got[64];

		calls = 0;
		stop_at = step;
		fail_with = EIO;
		files_test_hook(fail_at_step);
		(void)load(got);
		failed = calls >= step;
		files_test_hook(NULL);
		assert_loads("good:2;");
	}
	shell_must("test -z \"$(ls s/quarantine)\"");
}

static void saves_of_many_processes_lose_nothing(void **state)
{
	int status;

	(void)state;
	for (int p = 0; p < 8; p++) {
		if (fork() == 0) {
			for (int i = 0; i < 25; i++)
				if (save("good:x;"))
					_exit(1);
			_exit(0);
		}
	}
	for (int p = 0; p < 8; p++) {
		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
	assert_loads("good:x;");
	assert_int_equal(save("good:last;"), E_OK);
	assert_loads("good:last;");
	shell_must("test $(ls s/certs/*/" NAME " | wc -l) = 2");
	shell_must("test -z \"$(ls s/tmp)\"");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make, drop)
	const struct CMUnitTest tests[] = {
		TEST(what_is_saved_loads_and_the_previous_is_kept),
		TEST(every_damage_is_quarantined_and_the_previous_served),
		TEST(a_name_whose_directory_is_none_can_be_saved_again),
		TEST(an_unreadable_one_is_quarantined),
		TEST(a_newer_versions_value_is_left_alone),
		TEST(too_large_a_value_is_refused),
		TEST(a_kill_at_any_call_leaves_the_old_or_the_new),
		TEST(a_kill_during_the_first_save_leaves_nothing_or_all),
		TEST(a_kill_at_any_call_in_any_group),
		TEST(a_kill_during_a_removal_brings_nothing_older_back),
		TEST(a_removal_that_fails_says_so_and_can_be_repeated),
		TEST(a_failure_at_any_call_touches_nothing),
		TEST(a_load_that_cannot_read_throws_nothing_away),
		TEST(saves_of_many_processes_lose_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
