/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proxy/access_log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/log.h"

static int log_fd[2];
static struct peer peer = { .is_tls = true, .tls_version = "TLSv1.3", .tls_group = "X25519",
	.is_resumed = true };

static const char *written(const struct access_record *r, enum log_format format)
{
	static char text[4096];
	ssize_t n;

	assert_int_equal(pipe2(log_fd, O_NONBLOCK), 0);
	log_setup(log_fd[1], LOG_INFO, format);
	access_log_write(r);
	log_flush();
	n = read(log_fd[0], text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = '\0';
	close(log_fd[0]);
	close(log_fd[1]);
	log_setup(2, LOG_INFO, LOG_TEXT);
	return text;
}

static struct access_record record(void)
{
	struct addr a;

	assert_int_equal(addr_parse_ip(&a, STR("192.0.2.1"), 5), E_OK);
	addr_to_small(&peer.addr, &a);
	return (struct access_record){
		.peer = &peer, .id = STR("abc"), .host = STR("a.example"), .method = STR("GET"),
		.path = STR("/login?token=secret"), .upstream = "10.0.0.1:80", .status = 200,
		.bytes_in = 1, .bytes_out = 2, .started_us = 1000, .connected_us = 2500,
		.answered_us = 4000, .is_on = true,
	};
}

static void the_line_has_what_there_is_to_know(void **state)
{
	struct access_record r = record();
	const char *line = written(&r, LOG_TEXT);

	(void)state;
	assert_non_null(strstr(line, "id=abc client=192.0.2.1 host=a.example method=GET path=/login "));
	assert_non_null(strstr(line, "status=200 in=1 out=2 "));
	assert_non_null(strstr(line, "connect_ms=1.5"));
	assert_non_null(strstr(line, "first_byte_ms=3.0"));
	assert_non_null(strstr(line, "tls=TLSv1.3 group=X25519 resumed=yes upstream=10.0.0.1:80"));
	assert_null(strstr(line, "err="));
}

static void queries_stay_out(void **state)
{
	struct access_record r = record();

	(void)state;
	assert_null(strstr(written(&r, LOG_TEXT), "secret"));
	assert_null(strstr(written(&r, LOG_JSON), "secret"));
}

static void errors_have_their_code(void **state)
{
	struct access_record r = record();

	(void)state;
	r.err = E_UPSTREAM_CLOSED;
	assert_non_null(strstr(written(&r, LOG_TEXT), "err=SP-504"));
}

static void nothing_is_written_when_it_is_off(void **state)
{
	struct access_record r = record();

	(void)state;
	r.is_on = false;
	assert_string_equal(written(&r, LOG_TEXT), "");
	assert_int_equal(access_log_now_us(&r), 0);
}

static void what_did_not_happen_is_left_out(void **state)
{
	struct access_record r = { .peer = &peer, .is_on = true };
	const char *line = written(&r, LOG_TEXT);

	(void)state;
	assert_null(strstr(line, "host="));
	assert_null(strstr(line, "connect_ms="));
	assert_null(strstr(line, "upstream="));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_line_has_what_there_is_to_know),
		cmocka_unit_test(queries_stay_out),
		cmocka_unit_test(errors_have_their_code),
		cmocka_unit_test(nothing_is_written_when_it_is_off),
		cmocka_unit_test(what_did_not_happen_is_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
