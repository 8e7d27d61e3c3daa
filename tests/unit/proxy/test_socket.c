/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proxy/admin/socket.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static void it_is_in_the_store_unless_told_otherwise(void **state)
{
	struct conf conf = { .store = "/var/lib/x" };
	char path[ADMIN_SOCKET_PATH];

	(void)state;
	assert_true(admin_socket_path(&conf, path));
	assert_string_equal(path, "/var/lib/x/control.sock");
	conf.admin.socket = "/run/x.sock";
	assert_true(admin_socket_path(&conf, path));
	assert_string_equal(path, "/run/x.sock");
	conf.admin.socket = "off";
	assert_false(admin_socket_path(&conf, path));
}

static void a_path_too_long_for_an_address_goes_through_its_directory(void **state)
{
	char directory[] = "/tmp/sallyport-test-XXXXXX", deep[512], path[600];
	struct fault fault = { 0 };
	struct admin_socket s;
	int fd;

	(void)state;
	assert_non_null(mkdtemp(directory));
	snprintf(deep, sizeof(deep), "%s/%0150d", directory, 0);
	assert_int_equal(mkdir(deep, 0700), 0);
	snprintf(path, sizeof(path), "%s/control.sock", deep);
	assert_int_equal(admin_socket_locate(&s, path, &fault), E_OK);
	assert_true(s.directory >= 0);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(fd, &s.addr.any, addr_len(&s.addr)), 0);
	assert_int_equal(access(path, F_OK), 0);
	close(fd);
	unlink(path);
	rmdir(deep);
	rmdir(directory);
	admin_socket_close(&s);
	admin_socket_close(&s);
	assert_int_equal(admin_socket_locate(&s, path, &fault), E_NOT_FOUND);
	admin_socket_close(&s);
}

static void a_short_path_needs_no_directory(void **state)
{
	struct fault fault = { 0 };
	struct admin_socket s;

	(void)state;
	assert_int_equal(admin_socket_locate(&s, "/tmp/x.sock", &fault), E_OK);
	assert_int_equal(s.directory, -1);
	admin_socket_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_in_the_store_unless_told_otherwise),
		cmocka_unit_test(a_path_too_long_for_an_address_goes_through_its_directory),
		cmocka_unit_test(a_short_path_needs_no_directory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
