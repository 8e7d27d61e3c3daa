/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proxy/admin/client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "net/addr.h"

static void where_nothing_listens_nothing_runs(void **state)
{
	char directory[] = "/tmp/sallyport-test-XXXXXX", path[64];
	struct conf conf = { .store = directory };
	struct admin_reply reply;
	struct fault fault = { 0 };
	struct addr a;
	int fd;

	(void)state;
	assert_non_null(mkdtemp(directory));
	assert_int_equal(admin_client_ask(&conf, "GET", "/v1/status", &reply, &fault), E_NOT_FOUND);
	admin_reply_fini(&reply);
	/* a socket its owner left behind when it was killed */
	snprintf(path, sizeof(path), "%s/control.sock", directory);
	assert_int_equal(addr_unix(&a, str_from(path)), E_OK);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(fd, &a.any, addr_len(&a)), 0);
	close(fd);
	assert_int_equal(admin_client_ask(&conf, "GET", "/v1/status", &reply, &fault), E_NOT_FOUND);
	admin_reply_fini(&reply);
	unlink(path);
	rmdir(directory);
	conf.admin.socket = "off";
	assert_int_equal(admin_client_ask(&conf, "GET", "/v1/status", &reply, &fault), E_NOT_FOUND);
	admin_reply_fini(&reply);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(where_nothing_listens_nothing_runs) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
