/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "certstore/store_path.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static void names_come_back_and_never_leave_their_directory(void **state)
{
	static const struct {
		const char *name, *file;
	} rows[] = {
		{"app.example.com", "app.example.com"},
		{"*.example.com", "_wildcard_.example.com"},
		{"_wildcard_.example.com", "%5Fwildcard%5F.example.com"},
		{"_dmarc.example.com", "%5Fdmarc.example.com"},
		{"..", "%2E."},
		{".", "%2E"},
		{".tmp", "%2Etmp"},
		{"../../etc/passwd", "%2E.%2F..%2Fetc%2Fpasswd"},
		{"/", "%2F"},
		{"2001:db8::1", "2001%3Adb8%3A%3A1"},
		{"a%2Fb", "a%252Fb"},
		{"\xff\n", "%FF%0A"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct store_path path;
		char back[STORE_PATH_NAME];

		assert_int_equal(store_path_make(&path, rows[i].name), E_OK);
		assert_string_equal(path.name, rows[i].file);
		assert_null(strchr(path.name, '/'));
		assert_int_equal(strlen(path.shard), 2);
		assert_string_equal(path.both + 3, path.name);
		assert_true(store_path_decode(back, path.name));
		assert_string_equal(back, rows[i].name);
	}
}

static void the_longest_dns_name_fits_and_longer_ones_are_refused(void **state)
{
	struct store_path path;
	char name[300];

	(void)state;
	memset(name, 'a', sizeof(name));
	name[253] = '\0';
	assert_int_equal(store_path_make(&path, name), E_OK);
	name[253] = 'a';
	name[299] = '\0';
	assert_int_equal(store_path_make(&path, name), E_NAME);
	assert_int_equal(store_path_make(&path, ""), E_NAME);
}

static void files_that_are_not_ours_do_not_decode(void **state)
{
	static const char *const files[] = {
		"", ".", "..", ".hidden", "a b", "%", "%4", "%zz", "%00", "a_b"};
	char name[STORE_PATH_NAME];

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		assert_false(store_path_decode(name, files[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_come_back_and_never_leave_their_directory),
		cmocka_unit_test(the_longest_dns_name_fits_and_longer_ones_are_refused),
		cmocka_unit_test(files_that_are_not_ours_do_not_decode),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
