/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/log.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/json.h"

static const struct log log_of_test = { "test" };
static int ends[2];
static char got[256 * 1024];

static int open_pipe(void **state)
{
	(void)state;
	clock_test_set(1795327101042, 0);
	return pipe(ends);
}

static int close_pipe(void **state)
{
	(void)state;
	clock_test_end();
	log_setup(STDERR_FILENO, LOG_INFO, LOG_TEXT);
	close(ends[0]);
	return close(ends[1]);
}

/* What was written so far. */
static const char *written(void)
{
	ssize_t n;

	if (write(ends[1], "", 1) != 1)
		return NULL;
	n = read(ends[0], got, sizeof(got) - 1);
	assert_true(n > 0);
	got[n] = 0;
	return got;
}

static void text_lines_are_key_value(void **state)
{
	(void)state;
	log_setup(ends[1], LOG_INFO, LOG_TEXT);
	log_info(&log_of_test, "upstream failed", "addr=%s n=%d err=%s", "10.0.0.1:80", 3, "timed out");
	log_flush();
	assert_string_equal(written(), "2026-11-22T05:58:21.042Z info  test: upstream failed "
		"addr=10.0.0.1:80 n=3 err=\"timed out\"\n");
}

static void json_lines_are_json(void **state)
{
	(void)state;
	log_setup(ends[1], LOG_INFO, LOG_JSON);
	log_warn(&log_of_test, "upstream failed", "addr=%s n=%d err=%s", "10.0.0.1:80", -3, "timed \"out");
	log_flush();
	assert_string_equal(written(), "{\"time\":\"2026-11-22T05:58:21.042Z\",\"level\":\"warn\","
		"\"area\":\"test\",\"event\":\"upstream failed\",\"addr\":\"10.0.0.1:80\",\"n\":-3,"
		"\"err\":\"timed \\\"out\"}\n");
}

static void lower_levels_are_silent(void **state)
{
	(void)state;
	log_setup(ends[1], LOG_WARN, LOG_TEXT);
	log_info(&log_of_test, "x", "a=%d", 1);
	log_debug(&log_of_test, "x", "a=%d", 1);
	log_flush();
	assert_string_equal(written(), "");
	assert_true(log_enabled(LOG_WARN));
	assert_false(log_enabled(LOG_INFO));
}

static void hostile_values_stay_inside_their_quotes(void **state)
{
	const struct log_field fields[] = {
		{ "path", LOG_F_STR, STR("/a\" level=error\n\x1b[0m\xff\x00z"), 0 },
		{ "none", LOG_F_STR, STR_NONE, 0 },
		{ "digits", LOG_F_STR, STR("123"), 0 },
		{ "n", LOG_F_INT, STR_NONE, -5 },
		{ "took", LOG_F_MS, STR_NONE, 1234567 },
	};

	(void)state;
	log_setup(ends[1], LOG_INFO, LOG_TEXT);
	log_kv(&log_of_test, LOG_INFO, "request", fields, 5);
	log_flush();
	assert_string_equal(written(), "2026-11-22T05:58:21.042Z info  test: request "
		"path=\"/a\\\" level=error\\u000a\\u001b[0m\\xff\\u0000z\" digits=123 n=-5 took=1234.567\n");
	log_setup(ends[1], LOG_INFO, LOG_JSON);
	log_kv(&log_of_test, LOG_INFO, "request", fields, 5);
	log_flush();
	assert_non_null(strstr(written(), "\"path\":\"/a\\\" level=error\\u000a\\u001b[0m\xef\xbf\xbd"
		"\\u0000z\",\"digits\":\"123\",\"n\":-5,\"took\":1234.567}\n"));
}

/* JSON stays JSON whatever the value and however long it is. */
static void random_and_huge_values_keep_json_valid(void **state)
{
	static char value[9000];

	(void)state;
	srand(3);
	log_setup(ends[1], LOG_INFO, LOG_JSON);
	for (int i = 0; i < 300; i++) {
		size_t len = (size_t)rand() % sizeof(value);
		struct log_field fields[8];
		struct json *root;
		const char *line;
		char *end;

		for (size_t j = 0; j < len; j++)
			value[j] = i % 3 ? (char)(rand() % 255 + 1) : (char)(rand() % 3 + 30);
		for (unsigned f = 0; f < 8; f++)
			fields[f] = (struct log_field){ (const char *[]){ "a", "b", "c", "d", "e", "f",
				"g", "h" }[f], LOG_F_STR, str_of(value, len >> f), 0 };
		log_kv(&log_of_test, LOG_INFO, "x", fields, 8);
		log_flush();
		line = written();
		end = strchr(line, '\n');
		assert_non_null(end);
		/* "\u0000" is legal JSON that our parser refuses; the values here have none. */
		assert_int_equal(json_parse(str_of(line, (size_t)(end - line)), &json_limits_default,
			&root, NULL), E_OK);
		json_free(&root);
	}
}

static void *log_in_thread(void *flushes)
{
	if (flushes)
		log_flush();
	log_info(&log_of_test, "from thread", "a=%d", 1);
	return NULL;
}

static void a_thread_that_never_flushes_writes_at_once(void **state)
{
	pthread_t t;

	(void)state;
	log_setup(ends[1], LOG_INFO, LOG_TEXT);
	pthread_create(&t, NULL, log_in_thread, NULL);
	pthread_join(t, NULL);
	assert_non_null(strstr(written(), "from thread"));
}

static void an_ending_thread_writes_what_waits(void **state)
{
	pthread_t t;

	(void)state;
	log_setup(ends[1], LOG_INFO, LOG_TEXT);
	pthread_create(&t, NULL, log_in_thread, ends);
	pthread_join(t, NULL);
	assert_non_null(strstr(written(), "from thread"));
}

static void lines_wait_for_the_flush_but_errors_do_not(void **state)
{
	(void)state;
	log_setup(ends[1], LOG_INFO, LOG_TEXT);
	log_flush();
	log_info(&log_of_test, "first", "a=%d", 1);
	assert_string_equal(written(), "");
	log_error(&log_of_test, "second", "a=%d", 2);
	assert_non_null(strstr(written(), "second"));
	assert_non_null(strstr(got, "first"));
}

static void setting_up_is_no_promise_to_flush(void **state)
{
	pthread_t t;

	(void)state;
	log_setup(ends[1], LOG_INFO, LOG_TEXT);
	log_setup(ends[1], LOG_INFO, LOG_TEXT);
	pthread_create(&t, NULL, log_in_thread, NULL);
	pthread_join(t, NULL);
	assert_non_null(strstr(written(), "from thread"));
}

static void lines_that_wait_survive_a_failed_assertion(void **state)
{
	int status;
	pid_t child;

	(void)state;
	log_setup(ends[1], LOG_INFO, LOG_TEXT);
	child = fork();
	if (child == 0) {
		signal(SIGABRT, SIG_DFL);
		close(STDERR_FILENO);
		log_flush();
		log_info(&log_of_test, "last words", "a=%d", 1);
		ASSERT(1 + 1 == 3);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	assert_non_null(strstr(written(), "last words"));
}

static void a_closed_reader_harms_nobody(void **state)
{
	(void)state;
	log_setup(-1, LOG_INFO, LOG_TEXT);
	log_error(&log_of_test, "nobody reads", "a=%d", 1);
	log_flush();
}

#define WITH_PIPE(f) cmocka_unit_test_setup_teardown(f, open_pipe, close_pipe)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_PIPE(text_lines_are_key_value),
		WITH_PIPE(json_lines_are_json),
		WITH_PIPE(lower_levels_are_silent),
		WITH_PIPE(hostile_values_stay_inside_their_quotes),
		WITH_PIPE(random_and_huge_values_keep_json_valid),
		WITH_PIPE(a_thread_that_never_flushes_writes_at_once),
		WITH_PIPE(an_ending_thread_writes_what_waits),
		WITH_PIPE(lines_wait_for_the_flush_but_errors_do_not),
		WITH_PIPE(setting_up_is_no_promise_to_flush),
		WITH_PIPE(lines_that_wait_survive_a_failed_assertion),
		WITH_PIPE(a_closed_reader_harms_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
