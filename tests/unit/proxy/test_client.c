/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proxy/client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/counter.h"
#include "tests/support/blocking.h"
#include "tests/support/stand.h"

struct world {
	struct stand stand;
	struct blocking_backend backend;
};

static int begin(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	char config[512];

	blocking_backend_start(&w->backend, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
	snprintf(config, sizeof(config), "{ \"store\": \"unused\", \"log\": { \"access\": false }, "
		"\"sites\": { \"a.example\": { \"http\": \"serve\", \"to\": \"127.0.0.1:%u\" } } }",
		w->backend.port);
	stand_start(&w->stand, config, 2);
	*state = w;
	return 0;
}

static int end(void **state)
{
	struct world *w = *state;

	stand_stop(&w->stand);
	blocking_backend_stop(&w->backend);
	free(w);
	return 0;
}

static bool comes_to(atomic_uint *what, unsigned n, struct world *w)
{
	for (int i = 0; i < 4000 && atomic_load(what) != n; i++)
		stand_turn(&w->stand);
	return atomic_load(what) == n;
}

static const char *const get = "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n";

static void connections_are_counted_while_they_last(void **state)
{
	struct world *w = *state;
	int64_t before = counter_get(COUNTER_CONNECTIONS);
	int a = blocking_dial(w->stand.http_port), b = blocking_dial(w->stand.http_port);

	assert_true(comes_to(&w->stand.connections, 2, w));
	assert_int_equal(counter_get(COUNTER_CONNECTIONS) - before, 2);
	assert_int_equal(counter_get(COUNTER_CONNECTIONS_OPEN), 2);
	close(a);
	close(b);
	assert_true(comes_to(&w->stand.connections, 0, w));
	assert_int_equal(counter_get(COUNTER_CONNECTIONS_OPEN), 0);
}

static void above_the_cap_there_is_no_service(void **state)
{
	struct world *w = *state;
	int a = blocking_dial(w->stand.http_port), b = blocking_dial(w->stand.http_port), c;
	char byte;

	assert_true(comes_to(&w->stand.connections, 2, w));
	c = blocking_dial(w->stand.http_port);
	assert_true(recv(c, &byte, 1, 0) <= 0);
	close(a);
	close(b);
	close(c);
}

static void refused_requests_are_counted(void **state)
{
	struct world *w = *state;
	int64_t before = counter_get(COUNTER_REQUESTS_BAD);

	assert_memory_equal(blocking_ask(w->stand.http_port, "GET / HTTP/1.1\r\nHost : a\r\n\r\n"),
		"HTTP/1.1 400 ", 13);
	/* counted after the answer is on its way */
	for (int i = 0; i < 1000 && counter_get(COUNTER_REQUESTS_BAD) == before; i++)
		usleep(1000);
	assert_int_equal(counter_get(COUNTER_REQUESTS_BAD) - before, 1);
}

static void one_connection_carries_many_requests(void **state)
{
	struct world *w = *state;
	int fd = blocking_dial(w->stand.http_port);
	struct buf out;

	buf_init(&out, 0);
	for (int i = 0; i < 3; i++) {
		buf_clear(&out);
		blocking_send(fd, str_from(get));
		blocking_read(fd, &out, "\r\n\r\nok");
		assert_non_null(strstr(buf_cstring(&out), "200 OK"));
	}
	assert_int_equal(w->backend.n_connections, 1);
	buf_fini(&out);
	close(fd);
}

static void a_connection_the_upstream_closed_is_not_used_again(void **state)
{
	struct world *w = *state;
	int fd = blocking_dial(w->stand.http_port);
	struct buf out;

	w->backend.closes_after_answer = true;
	buf_init(&out, 0);
	for (int i = 0; i < 20; i++) {
		buf_clear(&out);
		blocking_send(fd, str_from(get));
		blocking_read(fd, &out, "\r\n\r\nok");
		assert_non_null(strstr(buf_cstring(&out), "200 OK"));
	}
	assert_int_equal(w->backend.n_requests, 20);
	buf_fini(&out);
	close(fd);
}

static void an_exchange_under_way_survives_draining(void **state)
{
	struct world *w = *state;
	int fd = blocking_dial(w->stand.http_port);
	struct buf out;

	w->backend.answer = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nha";
	buf_init(&out, 0);
	blocking_send(fd, str_from(get));
	blocking_read(fd, &out, "\r\n\r\nha");
	worker_drain(w->stand.worker, 300);
	for (int i = 0; i < 100; i++)
		stand_turn(&w->stand);
	assert_false(w->stand.is_drained);
	while (!w->stand.is_drained)
		stand_turn(&w->stand);
	assert_true(comes_to(&w->stand.connections, 0, w));
	buf_fini(&out);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(connections_are_counted_while_they_last, begin, end),
		cmocka_unit_test_setup_teardown(above_the_cap_there_is_no_service, begin, end),
		cmocka_unit_test_setup_teardown(refused_requests_are_counted, begin, end),
		cmocka_unit_test_setup_teardown(one_connection_carries_many_requests, begin, end),
		cmocka_unit_test_setup_teardown(a_connection_the_upstream_closed_is_not_used_again, begin, end),
		cmocka_unit_test_setup_teardown(an_exchange_under_way_survives_draining, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
