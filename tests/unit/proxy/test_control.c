/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proxy/control.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "conf/load.h"

static char directory[] = "/tmp/sallyport-test-XXXXXX";

/* An instance on loopback with chosen ports, and one plain site. */
static struct conf *conf_of(const char *store, const char *https)
{
	struct conf_problems problems = { 0 };
	struct load_args args = { 0 };
	struct conf *conf = NULL;
	char text[1024];

	snprintf(text, sizeof(text), "{\"store\": \"%s\", \"workers\": 2, \"listen\": {\"https\": \"%s\", "
		"\"http\": \"127.0.0.1:0\"}, \"sites\": {\"a.example.com\": {\"tls\": \"off\", "
		"\"http\": \"serve\", \"to\": \"127.0.0.1:1\"}}}", store, https);
	if (load_text(str_from(text), "test", &args, &conf, &problems))
		fail_msg("%s", problems.at[0].text);
	return conf;
}

static void *send_signals(void *arg)
{
	int n = *(int *)arg;

	while (n-- > 0) {
		usleep(300 * 1000);
		kill(getpid(), SIGTERM);
	}
	return NULL;
}

static enum err run(struct conf *conf, int n_signals, struct fault *fault)
{
	pthread_t thread;
	enum err err;

	assert_int_equal(pthread_create(&thread, NULL, send_signals, &n_signals), 0);
	err = control_run(&(struct control_args){ conf, "test", { 0 } }, fault);
	pthread_join(thread, NULL);
	return err;
}

static void a_signal_ends_it_cleanly(void **state)
{
	struct conf *conf = conf_of(directory, "127.0.0.1:0");
	struct fault fault = { 0 };
	int64_t begun = clock_mono_ms();

	(void)state;
	assert_int_equal(run(conf, 1, &fault), E_OK);
	assert_true(clock_mono_ms() - begun < 5000);
	conf_unref(&conf);
}

static void it_starts_again_on_the_same_store(void **state)
{
	a_signal_ends_it_cleanly(state);
	a_signal_ends_it_cleanly(state);
}

static void a_port_in_use_undoes_everything(void **state)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(at);
	struct fault fault = { 0 };
	struct conf *conf;
	char https[32];
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	(void)state;
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
	snprintf(https, sizeof(https), "127.0.0.1:%u", ntohs(at.sin_port));
	conf = conf_of(directory, https);
	assert_int_equal(run(conf, 0, &fault), E_BIND);
	assert_non_null(strstr(fault.detail, https));
	conf_unref(&conf);
	close(fd);
}

static void a_store_that_is_a_file_is_refused(void **state)
{
	char path[64];
	struct fault fault = { 0 };
	struct conf *conf;
	FILE *file;

	(void)state;
	snprintf(path, sizeof(path), "%s/file", directory);
	file = fopen(path, "w");
	assert_non_null(file);
	fclose(file);
	conf = conf_of(path, "127.0.0.1:0");
	assert_int_equal(run(conf, 0, &fault), E_STORE_OPEN);
	assert_true(fault.detail[0] != 0);
	conf_unref(&conf);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_signal_ends_it_cleanly),
		cmocka_unit_test(it_starts_again_on_the_same_store),
		cmocka_unit_test(a_port_in_use_undoes_everything),
		cmocka_unit_test(a_store_that_is_a_file_is_refused),
	};
	char command[128];
	int failed;

	if (!mkdtemp(directory))
		return 1;
	log_setup(2, LOG_ERROR, LOG_TEXT);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	snprintf(command, sizeof(command), "rm -rf %s", directory);
	return system(command) || failed;
}
