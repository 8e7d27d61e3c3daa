/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "net/listener.h"
#include "net/tcp_stream.h"

static void run(struct loop *l)
{
	for (int i = 0; i < 20; i++) {
		loop_turn(l);
		usleep(200);
	}
}

struct dialed {
	struct loop *loop;
	struct stream *stream;
	enum err err;
	int calls;
};

static void on_connect(void *owner, enum err err, struct stream *s)
{
	struct dialed *d = owner;

	d->calls++;
	d->err = err;
	d->stream = s;
}

static void connect_succeeds_is_refused_or_canceled(void **state)
{
	struct dialed d = {.loop = loop_new()};
	struct addr at;
	struct tcp_connect *c;
	int fd;

	(void)state;
	assert_int_equal(addr_parse_ip(&at, STR("127.0.0.1"), 0), E_OK);
	assert_int_equal(listener_bind(&at, &fd, NULL), E_OK);
	at.in.sin_port = htons(listener_port(fd));
	tcp_stream_connect(d.loop, &at, on_connect, &d);
	assert_int_equal(d.calls, 0);
	run(d.loop);
	assert_int_equal(d.calls, 1);
	assert_int_equal(d.err, E_REFUSED);
	assert_null(d.stream);

	assert_int_equal(listen(fd, 4), 0);
	tcp_stream_connect(d.loop, &at, on_connect, &d);
	run(d.loop);
	assert_int_equal(d.calls, 2);
	assert_int_equal(d.err, E_OK);
	stream_close(&d.stream, STREAM_CLOSE_ABORT);

	c = tcp_stream_connect(d.loop, &at, on_connect, &d);
	tcp_stream_connect_cancel(&c);
	assert_null(c);
	run(d.loop);
	assert_int_equal(d.calls, 2);
	close(fd);
	loop_free(&d.loop);
}

static void connect_reaches_unix_sockets_and_tells_when_none_is_there(void **state)
{
	struct dialed d = {.loop = loop_new()};
	struct addr at;
	char path[64];
	int fd;

	(void)state;
	snprintf(path, sizeof(path), "/tmp/sallyport-test-%d.sock", (int)getpid());
	assert_int_equal(addr_unix(&at, str_from(path)), E_OK);
	tcp_stream_connect(d.loop, &at, on_connect, &d);
	run(d.loop);
	assert_int_equal(d.calls, 1);
	assert_int_not_equal(d.err, E_OK);
	assert_int_equal(listener_bind(&at, &fd, NULL), E_OK);
	assert_int_equal(listen(fd, 4), 0);
	tcp_stream_connect(d.loop, &at, on_connect, &d);
	assert_int_equal(d.calls, 1);
	run(d.loop);
	assert_int_equal(d.err, E_OK);
	stream_close(&d.stream, STREAM_CLOSE_GRACEFUL);
	close(fd);
	unlink(path);
	run(d.loop);
	loop_free(&d.loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(connect_succeeds_is_refused_or_canceled),
		cmocka_unit_test(connect_reaches_unix_sockets_and_tells_when_none_is_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
