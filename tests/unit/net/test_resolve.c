/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/resolve.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/check.h"

struct asked {
	struct loop *loop;
	struct resolve *resolve;
	enum err err;
	struct resolve_result result;
	int calls;
};

static void on_resolved(void *owner, enum err err, const struct resolve_result *result)
{
	struct asked *a = owner;

	a->calls++;
	a->err = err;
	assert_int_equal(result != NULL, err == E_OK);
	if (result)
		a->result = *result;
	a->resolve = NULL;
}

static void ask(struct asked *a, const char *host, int64_t timeout_ms)
{
	*a = (struct asked){.loop = loop_new()};
	a->resolve = resolve_start(a->loop, str_from(host), 443, timeout_ms, on_resolved, a);
	assert_int_equal(a->calls, 0);
}

static void wait_for(struct asked *a)
{
	for (int i = 0; i < 5000 && loop_turn(a->loop); i++)
		usleep(1000);
	loop_free(&a->loop);
}

static void literals_need_no_lookup(void **state)
{
	static const char *const rows[] = {"127.0.0.1", "::1", "[::1]"};

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		struct asked a;

		ask(&a, rows[i], 1000);
		loop_turn(a.loop);
		assert_int_equal(a.calls, 1);
		assert_int_equal(a.err, E_OK);
		assert_int_equal(a.result.n, 1);
		assert_int_equal(addr_port(&a.result.at[0]), 443);
		wait_for(&a);
	}
}

static void localhost_is_known_everywhere(void **state)
{
	struct asked a;
	char text[ADDR_TEXT];

	(void)state;
	ask(&a, "localhost", 5000);
	wait_for(&a);
	assert_int_equal(a.calls, 1);
	assert_int_equal(a.err, E_OK);
	assert_true(a.result.n > 0);
	addr_text(text, &a.result.at[0]);
	assert_non_null(strstr(text, ":443"));
}

static void names_below_localhost_are_this_machine_too(void **state)
{
	static const char *const rows[] = {"app.localhost", "A.B.LOCALHOST."};
	char text[ADDR_TEXT];

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		struct asked a;

		ask(&a, rows[i], 5000);
		wait_for(&a);
		assert_int_equal(a.err, E_OK);
		addr_text(text, &a.result.at[0]);
		assert_true(!strcmp(text, "127.0.0.1:443") || !strcmp(text, "[::1]:443"));
	}
}

static void impossible_names_do_not_resolve(void **state)
{
	struct asked a;

	(void)state;
	ask(&a, "", 1000);
	wait_for(&a);
	assert_int_equal(a.err, E_RESOLVE);
}

static void canceled_nothing_follows(void **state)
{
	static const char *const rows[] = {"127.0.0.1", "localhost", ""};

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		struct asked a;

		ask(&a, rows[i], 1000);
		resolve_cancel(&a.resolve);
		assert_null(a.resolve);
		wait_for(&a);
		assert_int_equal(a.calls, 0);
	}
}

/* A name server on loopback that gives every A question 192.0.2.7 and every other no answer. */
struct name_server {
	int fd;
	pthread_t thread;
	char address[32];
	bool is_silent;
};

static void *serve(void *arg)
{
	static const char answer[] = "\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04\xc0\0\x02\x07";
	struct name_server *s = arg;

	for (;;) {
		char q[600];
		struct sockaddr_in from;
		socklen_t len = sizeof(from);
		ssize_t n = recvfrom(s->fd, q, 512, 0, (struct sockaddr *)&from, &len);

		if (n < 17)
			return NULL;
		if (s->is_silent)
			continue;
		/* Header and question as they came, without what follows them (EDNS). */
		size_t end = 12;
		while (q[end])
			end += (size_t)q[end] + 1;
		bool is_a = q[end + 2] == 1;
		end += 5;
		q[2] = (char)0x81;
		q[3] = (char)0x80;
		q[7] = is_a;
		q[11] = 0;
		if (is_a)
			memcpy(q + end, answer, sizeof(answer) - 1);
		sendto(s->fd, q, end + (is_a ? sizeof(answer) - 1 : 0), 0, (struct sockaddr *)&from,
			len);
	}
}

static void name_server_start(struct name_server *s, bool is_silent)
{
	struct addr at;
	socklen_t len = sizeof(at.in);

	s->is_silent = is_silent;
	s->fd = socket(AF_INET, SOCK_DGRAM, 0);
	assert_int_equal(addr_parse_ip(&at, STR("127.0.0.1"), 0), E_OK);
	assert_int_equal(bind(s->fd, &at.any, len), 0);
	assert_int_equal(getsockname(s->fd, &at.any, &len), 0);
	snprintf(s->address, sizeof(s->address), "127.0.0.1:%u", addr_port(&at));
	assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
	assert_int_equal(resolve_set_server(s->address), E_OK);
}

static void name_server_stop(struct name_server *s)
{
	struct addr at;
	socklen_t len = sizeof(at.in);

	assert_int_equal(getsockname(s->fd, &at.any, &len), 0);
	sendto(s->fd, "", 0, 0, &at.any, len);
	pthread_join(s->thread, NULL);
	close(s->fd);
	assert_int_equal(resolve_set_server(NULL), E_OK);
}

static void a_resolver_of_ones_own_is_asked(void **state)
{
	struct name_server s;
	struct asked a;
	char text[ADDR_TEXT];

	(void)state;
	name_server_start(&s, false);
	ask(&a, "anything.example.test", 5000);
	wait_for(&a);
	assert_int_equal(a.err, E_OK);
	assert_int_equal(a.result.n, 1);
	addr_text(text, &a.result.at[0]);
	assert_string_equal(text, "192.0.2.7:443");
	name_server_stop(&s);
}

static void a_silent_resolver_times_out(void **state)
{
	struct name_server s;
	struct asked a;

	(void)state;
	name_server_start(&s, true);
	ask(&a, "anything.example.test", 100);
	wait_for(&a);
	assert_int_equal(a.calls, 1);
	assert_int_equal(a.err, E_TIMEOUT);
	name_server_stop(&s);
}

static void server_addresses_are_checked(void **state)
{
	static const char *const bad[] = {
		"", "x", "1.2.3.4:", "1.2.3.4:0", "1.2.3.4:65536", "1.2.3.4:5x", "[::1", "name:53"};
	static const char *const good[] = {"1.2.3.4", "1.2.3.4:53", "[::1]:53", "::1"};

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(resolve_set_server(bad[i]), E_PARSE);
	for (unsigned i = 0; i < ARRAY_LEN(good); i++)
		assert_int_equal(resolve_set_server(good[i]), E_OK);
	assert_int_equal(resolve_set_server(NULL), E_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(literals_need_no_lookup),
		cmocka_unit_test(localhost_is_known_everywhere),
		cmocka_unit_test(names_below_localhost_are_this_machine_too),
		cmocka_unit_test(impossible_names_do_not_resolve),
		cmocka_unit_test(canceled_nothing_follows),
		cmocka_unit_test(a_resolver_of_ones_own_is_asked),
		cmocka_unit_test(a_silent_resolver_times_out),
		cmocka_unit_test(server_addresses_are_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
