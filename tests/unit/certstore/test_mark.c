/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "certstore/mark.h"

#include "shell.h"

#include "base/clock.h"

static struct loop *loop;
static struct store *store;
static enum err saved;
static unsigned n_saved;
static char found[1024];

static int make(void **state)
{
	(void)state;
	loop = loop_new();
	store = store_memory_new(loop);
	n_saved = 0;
	return 0;
}

static int drop(void **state)
{
	(void)state;
	store->ops->free(store);
	loop_free(&loop);
	return 0;
}

static void on_saved(void *owner, enum err err, const struct fault *fault)
{
	(void)owner;
	(void)fault;
	saved = err;
	n_saved++;
}

static void on_list(void *owner, enum err err, const char *const *names, unsigned n, const char *cursor)
{
	(void)owner;
	(void)cursor;
	assert_int_equal(err, E_OK);
	found[0] = '\0';
	for (unsigned i = 0; i < n; i++)
		strcat(strcat(found, names[i]), " ");
	n_saved++;
}

static void settle(void)
{
	for (int i = 0; i < 10; i++)
		loop_turn(loop);
}

static const char *listed(enum store_group group)
{
	struct store_list_args args = {.group = group, .cursor = "", .max = 10};

	settle();
	store->ops->list(store, &args, on_list, NULL);
	settle();
	return found;
}

static int64_t at(const char *time)
{
	return clock_parse_rfc3339(time, strlen(time));
}

static void a_mark_is_an_hour_and_a_name(void **state)
{
	char mark[MARK_MAX];
	const char *name;
	int64_t hour;

	(void)state;
	assert_true(mark_write(mark, "app.example.com+rsa", at("2026-12-04T06:59:59Z")));
	assert_string_equal(mark, "2026-12-04T06/app.example.com+rsa");
	assert_true(mark_read(mark, &hour, &name));
	assert_string_equal(name, "app.example.com+rsa");
	assert_true(hour == at("2026-12-04T06:00:00Z"));
	assert_true(hour == mark_hour(at("2026-12-04T06:59:59Z")));
}

static void times_that_nobody_can_write_are_the_first_or_the_last(void **state)
{
	char mark[MARK_MAX];

	(void)state;
	assert_true(mark_write(mark, "a", INT64_MIN));
	assert_string_equal(mark, "1970-01-01T00/a");
	assert_true(mark_write(mark, "a", INT64_MAX));
	assert_string_equal(mark, "9999-12-31T23/a");
}

static void what_is_no_mark_is_not_read(void **state)
{
	static const char *const bad[] = { "", "2026-12-04T06", "2026-12-04T06/", "2026-13-04T06/a",
		"2026-12-04X06/a", "aa/app.example.com", "2026-12-04T06:a" };
	char long_name[300];
	char mark[MARK_MAX];
	const char *name;
	int64_t hour;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(mark_read(bad[i], &hour, &name));
	memset(long_name, 'a', sizeof(long_name));
	long_name[sizeof(long_name) - 1] = '\0';
	assert_false(mark_write(mark, long_name, 0));
}

static void a_bundle_is_saved_with_the_mark_of_its_renewal(void **state)
{
	(void)state;
	mark_save_bundle(store, "a.example", STR("bundle"), at("2026-12-04T06:10:00Z"), on_saved, NULL);
	assert_int_equal(n_saved, 0);
	settle();
	assert_int_equal(n_saved, 1);
	assert_int_equal(saved, E_OK);
	assert_string_equal(listed(STORE_SCHEDULE), "2026-12-04T06/a.example ");
	assert_string_equal(listed(STORE_CERTS), "a.example ");
}

static void moving_puts_the_new_one_and_takes_the_old(void **state)
{
	(void)state;
	mark_move(store, "a.example", -1, at("2026-12-04T06:10:00Z"));
	assert_string_equal(listed(STORE_SCHEDULE), "2026-12-04T06/a.example ");
	mark_move(store, "a.example", at("2026-12-04T06:00:00Z"), at("2026-12-04T06:50:00Z"));
	assert_string_equal(listed(STORE_SCHEDULE), "2026-12-04T06/a.example ");
	mark_move(store, "a.example", at("2026-12-04T06:00:00Z"), at("2026-12-05T06:50:00Z"));
	assert_string_equal(listed(STORE_SCHEDULE), "2026-12-05T06/a.example ");
	mark_remove(store, "a.example", at("2026-12-05T06:00:00Z"));
	assert_string_equal(listed(STORE_SCHEDULE), "");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, make, drop)
	const struct CMUnitTest tests[] = {
		T(a_mark_is_an_hour_and_a_name),
		T(times_that_nobody_can_write_are_the_first_or_the_last),
		T(what_is_no_mark_is_not_read),
		T(a_bundle_is_saved_with_the_mark_of_its_renewal),
		T(moving_puts_the_new_one_and_takes_the_old),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
