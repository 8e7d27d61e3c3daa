/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proxy/lists.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/log.h"

static struct loop *loop;
static struct store *store;
static struct conf conf;
static char directory[32], path[64];
static unsigned n_changes;

static int begin(void **state)
{
	(void)state;
	snprintf(directory, sizeof(directory), "/tmp/lists-XXXXXX");
	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/names", directory);
	loop = loop_new();
	store = store_memory_new(loop);
	conf = (struct conf){ .store = directory };
	n_changes = 0;
	return 0;
}

static int end(void **state)
{
	(void)state;
	for (int i = 0; i < 20; i++) {
		loop_turn(loop);
		usleep(1000);
	}
	store->ops->free(store);
	loop_stop(loop);
	loop_run(loop);
	loop_free(&loop);
	unlink(path);
	rmdir(directory);
	return 0;
}

static void on_change(void *owner)
{
	(void)owner;
	n_changes++;
}

static void write_file(const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	conf.on_demand.names_file = path;
}

static struct lists *open_lists(void)
{
	return lists_new(&(struct lists_args){ loop, store, &conf, on_change, NULL });
}

static void tell(struct lists *l, enum err (*fn)(struct lists *l, struct str line, char name[256],
	struct fault *fault), const char *line)
{
	struct fault fault = { 0 };
	char name[256];

	if (fn(l, str_from(line), name, &fault))
		fail_msg("%s", fault.detail);
}

static void what_was_told_comes_before_the_file(void **state)
{
	char tenant[ROSTER_TENANT];
	struct lists *l;

	(void)state;
	write_file("a.example.com tenant=filed\n*.wild.example\n");
	l = open_lists();
	assert_int_equal(lists_find(l, "a.example.com", tenant), LISTED_ALLOWED);
	assert_string_equal(tenant, "filed");
	assert_int_equal(lists_find(l, "x.wild.example", tenant), LISTED_ALLOWED);
	assert_string_equal(tenant, "");
	assert_int_equal(lists_find(l, "b.example.com", NULL), LISTED_NOT);
	tell(l, lists_allow, "A.example.com  tenant=told");
	tell(l, lists_deny, "x.wild.example");
	tell(l, lists_allow, "*.example.com");
	assert_int_equal(lists_find(l, "a.example.com", tenant), LISTED_ALLOWED);
	assert_string_equal(tenant, "told");
	assert_int_equal(lists_find(l, "x.wild.example", NULL), LISTED_DENIED);
	assert_int_equal(lists_find(l, "y.wild.example", NULL), LISTED_ALLOWED);
	assert_int_equal(lists_find(l, "b.example.com", NULL), LISTED_ALLOWED);
	assert_int_equal(lists_find(l, "c.b.example.com", NULL), LISTED_NOT);
	lists_free(&l);
	lists_free(&l);
}

static void a_denial_is_kept_only_where_somebody_else_could_allow(void **state)
{
	struct lists *l = open_lists();
	struct lists_look look;

	(void)state;
	assert_true(lists_are_all(l));
	tell(l, lists_allow, "a.example.com");
	tell(l, lists_deny, "a.example.com");
	tell(l, lists_deny, "never.example.com");
	tell(l, lists_allow, "*.example.com");
	tell(l, lists_deny, "*.example.com");
	lists_look(l, &look);
	assert_int_equal(look.told, 0);
	assert_int_equal(lists_find(l, "a.example.com", NULL), LISTED_NOT);
	conf.on_demand.n_ask = 1;
	lists_use(l, &conf);
	assert_false(lists_are_all(l));
	tell(l, lists_deny, "a.example.com");
	assert_int_equal(lists_find(l, "a.example.com", NULL), LISTED_DENIED);
	tell(l, lists_allow, "a.example.com");
	assert_int_equal(lists_find(l, "a.example.com", NULL), LISTED_ALLOWED);
	lists_free(&l);
}

static void a_file_that_was_never_read_leaves_it_open(void **state)
{
	struct lists *l;

	(void)state;
	write_file("*\n");
	l = open_lists();
	assert_int_equal(lists_find(l, "a.example.com", NULL), LISTED_UNKNOWN);
	tell(l, lists_allow, "a.example.com");
	assert_int_equal(lists_find(l, "a.example.com", NULL), LISTED_ALLOWED);
	tell(l, lists_deny, "a.example.com");
	assert_int_equal(lists_find(l, "a.example.com", NULL), LISTED_DENIED);
	lists_free(&l);
}

static void lines_that_are_none_are_refused(void **state)
{
	static const char *const lines[] = { "", "*", "*.com", "192.0.2.1", "a.example.com owner=x",
		"a.example.com tenant=", "a.example.com tenant=a b" };
	struct lists *l = open_lists();

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		struct fault fault = { 0 };
		char name[256];

		assert_int_equal(lists_allow(l, str_from(lines[i]), name, &fault), E_PARSE);
		assert_int_equal(lists_check(str_from(lines[i]), &fault), E_PARSE);
		assert_true(fault.detail[0]);
	}
	lists_free(&l);
}

static void what_was_told_can_be_walked(void **state)
{
	struct lists *l = open_lists();
	char tenant[ROSTER_TENANT];
	unsigned n_allowed = 0, n = 0;
	uint64_t cursor = 0;
	struct str name;
	bool is_allowed;

	(void)state;
	conf.on_demand.n_ask = 1;
	lists_use(l, &conf);
	tell(l, lists_allow, "a.example.com tenant=t");
	tell(l, lists_allow, "b.example.com");
	tell(l, lists_deny, "c.example.com");
	while (lists_next(l, &cursor, &name, &is_allowed, tenant)) {
		n++;
		n_allowed += is_allowed;
		assert_int_equal(tenant[0] != 0, str_is(name, "a.example.com"));
	}
	assert_int_equal(n, 3);
	assert_int_equal(n_allowed, 2);
	lists_free(&l);
}

static void another_configuration_has_another_file_or_none(void **state)
{
	struct conf other;
	struct lists *l = open_lists();

	(void)state;
	write_file("a.example.com\n");
	lists_use(l, &conf);
	assert_int_equal(lists_find(l, "a.example.com", NULL), LISTED_UNKNOWN);
	for (int i = 0; i < 15000 && !n_changes; i++) {
		loop_turn(loop);
		usleep(1000);
	}
	assert_int_equal(lists_find(l, "a.example.com", NULL), LISTED_ALLOWED);
	other = (struct conf){ .store = directory, .on_demand = { .n_ask = 1 } };
	lists_use(l, &other);
	assert_int_equal(lists_find(l, "a.example.com", NULL), LISTED_NOT);
	assert_false(lists_are_all(l));
	lists_free(&l);
}

static void a_change_of_the_file_is_told(void **state)
{
	struct lists *l;

	(void)state;
	write_file("a.example.com\n");
	l = open_lists();
	write_file("a.example.com\nb.example.com\n");
	for (int i = 0; i < 15000 && !n_changes; i++) {
		loop_turn(loop);
		usleep(1000);
	}
	assert_int_equal(n_changes, 1);
	assert_int_equal(lists_find(l, "b.example.com", NULL), LISTED_ALLOWED);
	lists_free(&l);
}

#define CLAIM(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLAIM(what_was_told_comes_before_the_file),
		CLAIM(a_denial_is_kept_only_where_somebody_else_could_allow),
		CLAIM(a_file_that_was_never_read_leaves_it_open),
		CLAIM(lines_that_are_none_are_refused),
		CLAIM(what_was_told_can_be_walked),
		CLAIM(another_configuration_has_another_file_or_none),
		CLAIM(a_change_of_the_file_is_told),
	};

	log_setup(2, LOG_ERROR, LOG_TEXT);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
