/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/listener.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

struct door {
	struct loop *loop;
	struct listener *listener;
	struct addr at;
	int fds[200], n, close_after;
};

static void on_accept(void *owner, int fd, const struct addr *peer)
{
	struct door *d = owner;

	assert_int_equal(peer->any.sa_family, d->at.any.sa_family);
	d->fds[d->n++] = fd;
	if (d->n == d->close_after)
		listener_close(&d->listener);
}

static void start(struct door *d, const char *ip)
{
	int fd;

	*d = (struct door){.loop = loop_new()};
	assert_int_equal(addr_parse_ip(&d->at, str_from(ip), 0), E_OK);
	assert_int_equal(listener_bind(&d->at, &fd, NULL), E_OK);
	assert_int_equal(addr_parse_ip(&d->at, str_from(ip), listener_port(fd)), E_OK);
	d->listener = listener_start(d->loop, fd, 128, on_accept, d);
	assert_non_null(d->listener);
}

static void stop(struct door *d)
{
	for (int i = 0; i < d->n; i++)
		close(d->fds[i]);
	listener_close(&d->listener);
	assert_false(loop_turn(d->loop));
	loop_free(&d->loop);
}

static int visit(struct door *d)
{
	int fd = socket(d->at.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK, 0);

	assert_true(fd >= 0);
	if (connect(fd, &d->at.any, addr_len(&d->at)) != 0)
		assert_int_equal(errno, EINPROGRESS);
	return fd;
}

static void many_clients_are_accepted_in_few_turns(void **state)
{
	struct door d;
	int fds[100];

	(void)state;
	start(&d, "127.0.0.1");
	for (int i = 0; i < 100; i++)
		fds[i] = visit(&d);
	loop_turn(d.loop);
	loop_turn(d.loop);
	assert_int_equal(d.n, 100);
	for (int i = 0; i < 100; i++)
		close(fds[i]);
	stop(&d);
}

static void a_client_is_handed_out_with_its_first_bytes(void **state)
{
	struct door d;
	int fd, silent, talking;

	(void)state;
	d = (struct door){.loop = loop_new()};
	assert_int_equal(addr_parse_ip(&d.at, STR("127.0.0.1"), 0), E_OK);
	assert_int_equal(listener_bind(&d.at, &fd, NULL), E_OK);
	assert_int_equal(addr_parse_ip(&d.at, STR("127.0.0.1"), listener_port(fd)), E_OK);
	listener_await_data(fd);
	d.listener = listener_start(d.loop, fd, 128, on_accept, &d);
	silent = visit(&d);
	talking = visit(&d);
	loop_turn(d.loop);
	assert_int_equal(d.n, 0);
	assert_int_equal(send(talking, "x", 1, 0), 1);
	loop_turn(d.loop);
	assert_int_equal(d.n, 1);
	close(silent);
	close(talking);
	stop(&d);
}

static void it_may_be_closed_while_accepting(void **state)
{
	struct door d;
	int fds[5];

	(void)state;
	start(&d, "127.0.0.1");
	d.close_after = 2;
	for (int i = 0; i < 5; i++)
		fds[i] = visit(&d);
	loop_turn(d.loop);
	assert_int_equal(d.n, 2);
	assert_null(d.listener);
	for (int i = 0; i < 5; i++)
		close(fds[i]);
	stop(&d);
}

static void out_of_descriptors_it_refuses_and_recovers(void **state)
{
	struct door d;
	struct rlimit before, tight;
	int client, probe;

	(void)state;
	start(&d, "127.0.0.1");
	loop_turn(d.loop);
	client = visit(&d);
	probe = dup(0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	tight = before;
	tight.rlim_cur = (rlim_t)probe;
	close(probe);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
	loop_turn(d.loop);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(d.n, 0);
	assert_int_equal(recv(client, &probe, 1, 0), -1);
	assert_int_equal(errno, ECONNRESET);
	close(client);
	client = visit(&d);
	for (int i = 0; i < 40 && d.n == 0; i++) {
		loop_turn(d.loop);
		usleep(10000);
	}
	assert_int_equal(d.n, 1);
	close(client);
	stop(&d);
}

static void two_workers_may_listen_and_strangers_are_told(void **state)
{
	struct door d;
	struct fault fault = {0};
	int fd;

	(void)state;
	start(&d, "127.0.0.1");
	assert_int_equal(listener_bind(&d.at, &fd, &fault), E_OK);
	close(fd);
	assert_int_equal(addr_parse_ip(&d.at, STR("192.0.2.1"), 1), E_OK);
	assert_int_equal(listener_bind(&d.at, &fd, &fault), E_BIND);
	assert_non_null(strstr(fault.detail, "192.0.2.1"));
	stop(&d);
}

static void both_families_may_share_a_port(void **state)
{
	struct addr v6;
	struct door d;
	int fd;

	(void)state;
	start(&d, "0.0.0.0");
	assert_int_equal(addr_parse_ip(&v6, STR("::"), addr_port(&d.at)), E_OK);
	enum err err = listener_bind(&v6, &fd, NULL);
	if (err == E_OK)
		close(fd);
	else
		assert_int_equal(socket(AF_INET6, SOCK_STREAM, 0), -1);
	stop(&d);
}

static void a_stale_socket_file_is_replaced_and_a_live_one_is_not(void **state)
{
	struct addr at;
	char path[64];
	int first, second;

	(void)state;
	snprintf(path, sizeof(path), "/tmp/sallyport-listen-%d.sock", (int)getpid());
	assert_int_equal(addr_unix(&at, str_from(path)), E_OK);
	assert_int_equal(listener_bind(&at, &first, NULL), E_OK);
	close(first);
	assert_int_equal(listener_bind(&at, &first, NULL), E_OK);
	assert_int_equal(listen(first, 4), 0);
	assert_int_equal(listener_bind(&at, &second, NULL), E_BIND);
	close(first);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(many_clients_are_accepted_in_few_turns),
		cmocka_unit_test(a_client_is_handed_out_with_its_first_bytes),
		cmocka_unit_test(it_may_be_closed_while_accepting),
		cmocka_unit_test(out_of_descriptors_it_refuses_and_recovers),
		cmocka_unit_test(two_workers_may_listen_and_strangers_are_told),
		cmocka_unit_test(both_families_may_share_a_port),
		cmocka_unit_test(a_stale_socket_file_is_replaced_and_a_live_one_is_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
