/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proxy/admin/server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/log.h"
#include "base/mem.h"
#include "proxy/admin/client.h"

static char directory[] = "/tmp/sallyport-test-XXXXXX";
static struct loop *loop;
static struct store *store;
static struct conf conf = { .store = directory };

struct question {
	const char *method, *path;
	struct admin_reply reply;
	enum err err;
	_Atomic bool is_over;
};

static void *ask(void *arg)
{
	struct question *q = arg;
	struct fault fault = { 0 };

	q->err = admin_client_ask(&conf, q->method, q->path, &q->reply, &fault);
	q->is_over = true;
	return NULL;
}

static unsigned status_of(const char *method, const char *path)
{
	struct question q = { .method = method, .path = path };
	pthread_t thread;
	unsigned status;

	assert_int_equal(pthread_create(&thread, NULL, ask, &q), 0);
	while (!q.is_over) {
		loop_turn(loop);
		usleep(500);
	}
	pthread_join(thread, NULL);
	assert_int_equal(q.err, E_OK);
	assert_non_null(q.reply.json);
	status = q.reply.status;
	admin_reply_fini(&q.reply);
	return status;
}

static struct admin_server *begin(void)
{
	static struct conf *in_force = &conf;

	loop = loop_new();
	store = store_memory_new(loop);
	return admin_server_start(&(struct api_env){ .loop = loop, .conf = &in_force, .store = store });
}

static void end(struct admin_server **s)
{
	admin_server_stop(s);
	admin_server_stop(s);
	for (int i = 0; i < 50; i++) {
		loop_turn(loop);
		usleep(1000);
	}
	store->ops->free(store);
	loop_stop(loop);
	loop_run(loop);
	loop_free(&loop);
}

static void rows_are_found_and_everything_else_refused(void **state)
{
	struct admin_server *s = begin();

	(void)state;
	assert_int_equal(status_of("GET", "/v1/certs"), 200);
	assert_int_equal(status_of("GET", "/v1/certs?max=3&cursor=zz"), 200);
	assert_int_equal(status_of("POST", "/v1/certs"), 404);
	assert_int_equal(status_of("GET", "/v1/certs/x"), 404);
	assert_int_equal(status_of("GET", "/"), 404);
	assert_int_equal(status_of("POST", "/v1/accounts"), 422);
	assert_int_equal(status_of("PUT", "/v1/accounts"), 404);
	assert_int_equal(status_of("GET", "/v1/names/a..b"), 422);
	assert_int_equal(status_of("GET", "/v1/names/*"), 422);
	assert_int_equal(status_of("GET", "/v1/names/a/b"), 404);
	assert_int_equal(status_of("POST", "/v1/names/a.example/revoke?reason=boredom"), 422);
	assert_int_equal(status_of("POST", "/v1/names/a.example/revoke"), 404);
	end(&s);
}

static void the_socket_is_private_and_gone_afterwards(void **state)
{
	struct admin_server *s = begin();
	char path[128];
	struct stat st;

	(void)state;
	snprintf(path, sizeof(path), "%s/control.sock", directory);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	end(&s);
	assert_int_not_equal(stat(path, &st), 0);
}

static void one_that_is_stopped_amid_a_call_answers_to_nobody(void **state)
{
	struct question q = { .method = "GET", .path = "/v1/certs" };
	struct admin_server *s = begin();
	pthread_t thread;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, ask, &q), 0);
	/* somewhere between accepting and the store's answer */
	for (int i = 0; i < 40 && !q.is_over; i++) {
		loop_turn(loop);
		usleep(100);
	}
	end(&s);
	pthread_join(thread, NULL);
	admin_reply_fini(&q.reply);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_found_and_everything_else_refused),
		cmocka_unit_test(the_socket_is_private_and_gone_afterwards),
		cmocka_unit_test(one_that_is_stopped_amid_a_call_answers_to_nobody),
	};
	int failed;

	log_setup(2, LOG_ERROR, LOG_TEXT);
	if (!mkdtemp(directory))
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	rmdir(directory);
	return failed;
}
