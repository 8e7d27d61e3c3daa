/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proxy/admin/offline.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static void without_a_store_nothing_is_known_and_nothing_is_made(void **state)
{
	char directory[] = "/tmp/sallyport-test-XXXXXX", path[64];
	struct fault fault = { 0 };
	struct conf conf = { .store = path };
	struct json *json = NULL;
	struct buf bundle;

	(void)state;
	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/none", directory);
	buf_init(&bundle, 0);
	assert_int_equal(offline_report(&conf, "a.example", &json, &fault), E_NOT_FOUND);
	assert_int_equal(offline_listing(&conf, STR(""), 10, &json, &fault), E_NOT_FOUND);
	assert_int_equal(offline_bundle(&conf, "a.example", &bundle, &fault), E_NOT_FOUND);
	assert_int_equal(offline_accounts(&conf, &json, &fault), E_OK);  /* no CA is configured */
	json_free(&json);
	assert_null(json);
	assert_int_not_equal(access(path, F_OK), 0);
	/* an empty directory is no store, and stays empty */
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(offline_report(&conf, "a.example", &json, &fault), E_NOT_FOUND);
	assert_int_equal(rmdir(path), 0);
	rmdir(directory);
}

static void an_empty_store_answers_without_being_written(void **state)
{
	struct conf_ca cas[] = { { .name = "a", .directory = "https://a.test/dir" },
		{ .name = "internal", .directory = CONF_CA_INTERNAL, .is_internal = true },
		{ .name = "b", .directory = "https://b.test/dir" } };
	char directory[] = "/tmp/sallyport-test-XXXXXX", path[64];
	struct fault fault = { 0 };
	struct conf conf = { .store = directory, .acme = { .ca = cas, .n_ca = 3 } };
	struct json *json = NULL;
	FILE *format;

	(void)state;
	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/format", directory);
	format = fopen(path, "w");
	fputs("sallyport-store 1\n", format);
	fclose(format);
	assert_int_equal(offline_report(&conf, "a.example", &json, &fault), E_OK);
	assert_true(str_is(json_get_str(json, "state"), "unknown"));
	json_free(&json);
	assert_int_equal(offline_listing(&conf, STR(""), 10, &json, &fault), E_OK);
	assert_int_equal(json_count(json_get(json, "certs")), 0);
	json_free(&json);
	assert_int_equal(offline_accounts(&conf, &json, &fault), E_OK);
	assert_int_equal(json_count(json_get(json, "accounts")), 2);
	assert_true(str_is(json_get_str(json_first(json_get(json, "accounts")), "state"), "none"));
	json_free(&json);
	unlink(path);
	assert_int_equal(rmdir(directory), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_store_nothing_is_known_and_nothing_is_made),
		cmocka_unit_test(an_empty_store_answers_without_being_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
