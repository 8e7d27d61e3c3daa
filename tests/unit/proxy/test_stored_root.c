/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proxy/stored_root.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "acme/internal_ca.h"
#include "base/check.h"
#include "certstore/store.h"

static char directory[64];

static int enter(void **state)
{
	(void)state;
	snprintf(directory, sizeof(directory), "/tmp/sallyport-unit-XXXXXX");
	return mkdtemp(directory) ? 0 : -1;
}

static int leave(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", directory);
	return system(command);
}

static struct loop *loop;

static void on_told(struct waiter *w, enum err err, const struct fault *fault)
{
	(void)w;
	(void)fault;
	assert_int_equal(err, E_OK);
	loop_stop(loop);
}

static void make_authority(void)
{
	struct fault fault = { 0 };
	struct store *store = NULL;
	struct internal_ca *ca;
	struct waiter waiter;

	loop = loop_new();
	assert_int_equal(store_disk_open(loop, directory, &store, &fault), E_OK);
	ca = internal_ca_new(loop, store);
	waiter_init(&waiter, on_told);
	internal_ca_wait(ca, &waiter);
	loop_run(loop);
	internal_ca_free(&ca);
	store->ops->free(store);
	loop_free(&loop);
}

static void the_root_is_printed_as_pem(void **state)
{
	struct fault fault = { 0 };
	struct buf pem;

	(void)state;
	make_authority();
	buf_init(&pem, 0);
	assert_int_equal(stored_root_read(directory, &pem, &fault), E_OK);
	assert_true(str_has_prefix(buf_str(&pem), STR("-----BEGIN CERTIFICATE-----\n")));
	assert_true(str_has_suffix(buf_str(&pem), STR("-----END CERTIFICATE-----\n")));
	assert_null(strstr(buf_cstring(&pem), "PRIVATE"));
	buf_fini(&pem);
}

static void an_unused_store_has_no_root(void **state)
{
	struct fault fault = { 0 };
	struct buf pem;

	(void)state;
	buf_init(&pem, 0);
	assert_int_equal(stored_root_read(directory, &pem, &fault), E_NOT_FOUND);
	assert_non_null(strstr(fault.detail, "not been used"));
	buf_fini(&pem);
}

static void a_look_makes_no_store(void **state)
{
	struct fault fault = { 0 };
	char path[80];
	struct buf pem;

	(void)state;
	snprintf(path, sizeof(path), "%s/none", directory);
	buf_init(&pem, 0);
	assert_int_equal(stored_root_read(path, &pem, &fault), E_NOT_FOUND);
	assert_int_not_equal(access(path, F_OK), 0);
	buf_fini(&pem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_root_is_printed_as_pem, enter, leave),
		cmocka_unit_test_setup_teardown(an_unused_store_has_no_root, enter, leave),
		cmocka_unit_test_setup_teardown(a_look_makes_no_store, enter, leave),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
