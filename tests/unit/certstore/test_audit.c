/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "certstore/audit.h"

#include "shell.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "base/check.h"
#include "base/mem.h"
#include "certstore/files.h"

static void append(const char *bodies)
{
	struct fault fault = { 0 };

	assert_int_equal(audit_append(".", str_from(bodies), AUDIT_FILE_BYTES, &fault), E_OK);
}

static struct audit_verdict verify(void)
{
	struct audit_verdict v;
	struct fault fault = { 0 };

	assert_int_equal(audit_verify(".", &v, &fault), E_OK);
	return v;
}

static void rewrite(const char *sed)
{
	char command[256];

	snprintf(command, sizeof(command), "sed -i '%s' audit.log", sed);
	assert_int_equal(system(command), 0);
}

static void a_chain_is_whole(void **state)
{
	struct audit_verdict v;
	struct stat st;

	(void)state;
	append("\"event\":\"issued\",\"name\":\"a.test\"\n\"event\":\"issued\",\"name\":\"b.test\"");
	append("\"event\":\"failed\",\"name\":\"c.test\"");
	v = verify();
	assert_null(v.why);
	assert_int_equal(v.lines, 3);
	assert_int_equal(v.first, 1);
	assert_int_equal(v.last, 3);
	assert_false(v.is_torn);
	assert_int_equal(stat("audit.log", &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	/* as another program would check it */
	assert_int_equal(system("test \"$(sed -n 1p audit.log | tr -d '\\n' | sha256sum | cut -c1-64)\" = "
		"\"$(sed -n 2p audit.log | sed 's/.*\"prev\":\"//; s/\".*//')\""), 0);
}

static void a_changed_entry_is_found(void **state)
{
	struct audit_verdict v;

	(void)state;
	append("\"name\":\"a.test\"\n\"name\":\"b.test\"\n\"name\":\"c.test\"");
	rewrite("2s/b.test/x.test/");
	v = verify();
	assert_int_equal(v.broken_line, 3);
	assert_string_equal(v.file, "audit.log");
	assert_non_null(strstr(v.why, "hash"));
}

static void a_missing_entry_is_found(void **state)
{
	struct audit_verdict v;

	(void)state;
	append("\"name\":\"a.test\"\n\"name\":\"b.test\"\n\"name\":\"c.test\"");
	rewrite("2d");
	v = verify();
	assert_int_equal(v.broken_line, 2);
	assert_non_null(strstr(v.why, "number"));
}

static void a_first_entry_that_is_made_up_is_found(void **state)
{
	struct audit_verdict v;

	(void)state;
	append("\"name\":\"a.test\"");
	rewrite("s/\"prev\":\"0/\"prev\":\"1/");
	v = verify();
	assert_int_equal(v.broken_line, 1);
}

static void rubbish_is_found(void **state)
{
	(void)state;
	append("\"name\":\"a.test\"\n\"name\":\"b.test\"");
	rewrite("1s/{//");
	assert_int_equal(verify().broken_line, 1);
}

static void what_a_crash_left_is_told_and_cut_off(void **state)
{
	struct audit_verdict v;

	(void)state;
	append("\"name\":\"a.test\"\n\"name\":\"b.test\"");
	assert_int_equal(system("printf '{\"n\":3,\"na' >> audit.log"), 0);
	v = verify();
	assert_null(v.why);
	assert_true(v.is_torn);
	assert_int_equal(v.lines, 2);
	append("\"name\":\"c.test\"");
	v = verify();
	assert_null(v.why);
	assert_false(v.is_torn);
	assert_int_equal(v.lines, 3);
}

static void the_chain_goes_on_from_file_to_file(void **state)
{
	struct fault fault = { 0 };
	struct audit_verdict v;
	struct stat st;

	(void)state;
	for (int i = 0; i < 100; i++)
		assert_int_equal(audit_append(".", STR("\"name\":\"a.test\""), 1000, &fault), E_OK);
	v = verify();
	assert_null(v.why);
	assert_int_equal(v.last, 100);
	assert_true(v.first > 1);       /* the oldest are gone */
	assert_true(v.lines < 100);
	assert_int_equal(stat("audit.log.4", &st), 0);
	assert_int_not_equal(stat("audit.log.5", &st), 0);
	/* an old file taken away shows */
	assert_int_equal(unlink("audit.log.2"), 0);
	assert_non_null(verify().why);
}

static const char *failing;
static int fail_step(const char *call)
{
	return strcmp(call, failing) == 0 ? ENOSPC : 0;
}

static void a_full_disk_breaks_no_chain(void **state)
{
	static const char *const calls[] = { "append", "write", "fsync" };
	struct fault fault = { 0 };

	(void)state;
	append("\"name\":\"a.test\"");
	for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
		failing = calls[i];
		files_test_hook(fail_step);
		assert_int_equal(audit_append(".", STR("\"name\":\"b.test\""), AUDIT_FILE_BYTES, &fault), E_STORE);
		files_test_hook(NULL);
		assert_null(verify().why);
		assert_int_equal(verify().lines, 1);
	}
	append("\"name\":\"b.test\"");
	assert_null(verify().why);
	assert_int_equal(verify().lines, 2);
}

static int calls, stop_at;
static int kill_at_step(const char *call)
{
	(void)call;
	if (++calls == stop_at)
		_exit(7);
	return 0;
}

/* Between any two system calls: what was there stays proved, and the next entry goes on. */
static void a_kill_at_any_call_breaks_no_chain(void **state)
{
	bool killed = true;
	unsigned long long lines = 0;

	(void)state;
	for (stop_at = 1; killed; stop_at++) {
		int status;
		pid_t child = fork();

		if (child == 0) {
			files_test_hook(kill_at_step);
			append("\"name\":\"killed.test\"\n\"name\":\"too.test\"");
			_exit(0);
		}
		assert_int_equal(waitpid(child, &status, 0), child);
		killed = WIFEXITED(status) && WEXITSTATUS(status) == 7;
		append("\"name\":\"next.test\"");
		assert_null(verify().why);
		assert_true(verify().lines == lines + 1 || verify().lines == lines + 3);
		lines = verify().lines;
	}
	assert_true(stop_at > 3);
}

static void another_process_at_it_is_waited_for(void **state)
{
	struct fault fault = { 0 };
	struct audit_verdict v;
	int lock = files_lock(AT_FDCWD, "audit.lock");

	(void)state;
	assert_true(lock >= 0);
	assert_int_equal(audit_append(".", STR("\"a\":1"), AUDIT_FILE_BYTES, &fault), E_LOCKED);
	close(lock);
	append("\"a\":1");
	v = verify();
	assert_int_equal(v.lines, 1);
}

static void nothing_issued_is_no_log(void **state)
{
	struct audit_verdict v;
	struct fault fault = { 0 };

	(void)state;
	assert_int_equal(audit_verify(".", &v, &fault), E_NOT_FOUND);
	assert_int_equal(audit_verify("./none", &v, &fault), E_NOT_FOUND);
}

static void add(struct audit *a, const char *name)
{
	struct json *o = json_new_object();

	json_put_cstr(o, "name", name);
	audit_add(a, &o, NULL, NULL);
	assert_null(o);
}

static void turn(struct loop *l, int n)
{
	while (n-- > 0) {
		struct timespec ms = { 0, 1000000 };

		loop_turn(l);
		nanosleep(&ms, NULL);
	}
}

/* Until nothing is under way any more, however long the disk takes. */
static void settle(struct loop *l)
{
	for (int i = 0; i < 30000 && loop_turn(l); i++)
		nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
}

static void events_are_written_in_order(void **state)
{
	struct loop *l = loop_new();
	struct audit *a = audit_new(l, ".");
	struct buf text;

	(void)state;
	for (int i = 0; i < 50; i++) {
		char name[32];

		snprintf(name, sizeof(name), "n%d.test", i);
		add(a, name);
		if (i % 7 == 0)
			turn(l, 1);
	}
	settle(l);
	audit_stop(a);
	audit_free(&a);
	assert_int_equal(verify().lines, 50);
	assert_null(verify().why);
	buf_init(&text, 0);
	shell_read("audit.log", &text);
	assert_true(strstr(buf_cstring(&text), "n9.test") < strstr(buf_cstring(&text), "n10.test"));
	buf_fini(&text);
	loop_free(&l);
}

static void what_the_disk_refused_is_written_later(void **state)
{
	struct loop *l = loop_new();
	struct audit *a = audit_new(l, ".");

	(void)state;
	failing = "append";
	files_test_hook(fail_step);
	add(a, "a.test");
	turn(l, 50);
	add(a, "b.test");
	files_test_hook(NULL);
	settle(l);
	audit_stop(a);
	audit_free(&a);
	assert_int_equal(verify().lines, 2);
	loop_free(&l);
}

static unsigned n_told;
static enum err told;

static void on_told(void *owner, enum err err, const struct fault *fault)
{
	struct audit_verdict v;
	struct fault why = { 0 };

	(void)fault;
	n_told++;
	told = err;
	/* when it is told to be there, it is */
	if (!err)
		assert_true(audit_verify(".", &v, &why) == E_OK && v.lines >= *(unsigned *)owner);
}

static void add_and_wait(struct audit *a, struct loop *l, unsigned lines)
{
	struct json *o = json_new_object();
	unsigned was = n_told;

	json_put_cstr(o, "name", "told.test");
	audit_add(a, &o, on_told, &lines);
	assert_int_equal(n_told, was);
	for (int i = 0; i < 1000 && n_told == was; i++)
		turn(l, 1);
	assert_int_equal(n_told, was + 1);
}

static void who_waits_for_an_entry_is_told_once_it_is_there_or_cannot_be(void **state)
{
	struct loop *l = loop_new();
	struct audit *a = audit_new(l, ".");

	(void)state;
	n_told = 0;
	add_and_wait(a, l, 1);
	assert_int_equal(told, E_OK);
	failing = "append";
	files_test_hook(fail_step);
	add_and_wait(a, l, 2);
	assert_int_equal(told, E_STORE);
	add_and_wait(a, l, 3);   /* while it rests */
	assert_int_equal(told, E_STORE);
	files_test_hook(NULL);
	settle(l);
	assert_int_equal(n_told, 3);
	add_and_wait(a, l, 4);
	assert_int_equal(told, E_OK);
	audit_stop(a);
	audit_free(&a);
	assert_int_equal(verify().lines, 4);
	loop_free(&l);
}

static void who_waits_for_an_entry_that_is_too_long_is_told(void **state)
{
	static char text[AUDIT_LINE_BYTES + 1];
	struct loop *l = loop_new();
	struct audit *a = audit_new(l, ".");
	struct json *o = json_new_object();
	unsigned lines = 0;

	(void)state;
	n_told = 0;
	memset(text, 'a', sizeof(text) - 1);
	json_put_cstr(o, "detail", text);
	audit_add(a, &o, on_told, &lines);
	append("\"a\":1");   /* on_told reads the log */
	for (int i = 0; i < 1000 && !n_told; i++)
		turn(l, 1);
	assert_int_equal(n_told, 1);
	audit_stop(a);
	audit_free(&a);
	loop_free(&l);
}

static void another_process_writing_its_lines_keeps_us_for_a_moment(void **state)
{
	struct loop *l = loop_new();
	struct audit *a = audit_new(l, ".");
	struct json *o = json_new_object();
	unsigned lines = 1;
	int lock = files_lock(AT_FDCWD, "audit.lock");

	(void)state;
	n_told = 0;
	json_put_cstr(o, "name", "later.test");
	audit_add(a, &o, on_told, &lines);
	turn(l, 100);
	assert_int_equal(n_told, 0);
	close(lock);
	settle(l);
	assert_int_equal(n_told, 1);
	assert_int_equal(told, E_OK);
	audit_stop(a);
	audit_free(&a);
	loop_free(&l);
}

static void a_hostile_text_cannot_add_a_line(void **state)
{
	struct loop *l = loop_new();
	struct audit *a = audit_new(l, ".");

	(void)state;
	add(a, "a\n{\"n\":2}\r\"},{\"");
	settle(l);
	audit_stop(a);
	audit_free(&a);
	assert_int_equal(verify().lines, 1);
	assert_null(verify().why);
	add(NULL, "no audit");
	loop_free(&l);
}

int main(void)
{
#define IN_SHELL(fn) cmocka_unit_test_setup_teardown(fn, shell_enter, shell_leave)
	const struct CMUnitTest tests[] = {
		IN_SHELL(a_chain_is_whole),
		IN_SHELL(a_changed_entry_is_found),
		IN_SHELL(a_missing_entry_is_found),
		IN_SHELL(a_first_entry_that_is_made_up_is_found),
		IN_SHELL(rubbish_is_found),
		IN_SHELL(what_a_crash_left_is_told_and_cut_off),
		IN_SHELL(the_chain_goes_on_from_file_to_file),
		IN_SHELL(a_full_disk_breaks_no_chain),
		IN_SHELL(a_kill_at_any_call_breaks_no_chain),
		IN_SHELL(another_process_at_it_is_waited_for),
		IN_SHELL(nothing_issued_is_no_log),
		IN_SHELL(events_are_written_in_order),
		IN_SHELL(what_the_disk_refused_is_written_later),
		IN_SHELL(who_waits_for_an_entry_is_told_once_it_is_there_or_cannot_be),
		IN_SHELL(who_waits_for_an_entry_that_is_too_long_is_told),
		IN_SHELL(another_process_writing_its_lines_keeps_us_for_a_moment),
		IN_SHELL(a_hostile_text_cannot_add_a_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
