/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proxy/recall.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static void what_was_noted_is_found(void **state)
{
	struct recall *r = recall_new(2);

	(void)state;
	assert_true(recall_at(r, STR("a.example")) == INT64_MIN);
	recall_note(r, STR("a.example"), 7);
	assert_int_equal(recall_at(r, STR("a.example")), 7);
	recall_note(r, STR("a.example"), 8);
	assert_int_equal(recall_at(r, STR("a.example")), 8);
	assert_int_equal(recall_count(r), 1);
	recall_forget(r, STR("a.example"));
	recall_forget(r, STR("a.example"));
	assert_true(recall_at(r, STR("a.example")) == INT64_MIN);
	recall_free(&r);
	recall_free(&r);
}

static void the_oldest_leaves_first(void **state)
{
	struct recall *r = recall_new(2);

	(void)state;
	recall_note(r, STR("a.example"), 1);
	recall_note(r, STR("b.example"), 2);
	recall_note(r, STR("a.example"), 3);
	recall_note(r, STR("c.example"), 4);
	assert_true(recall_at(r, STR("b.example")) == INT64_MIN);
	assert_int_equal(recall_at(r, STR("a.example")), 3);
	assert_int_equal(recall_at(r, STR("c.example")), 4);
	recall_free(&r);
}

static void a_flood_of_names_stays_bounded(void **state)
{
	struct recall *r = recall_new(100);
	char name[32];

	(void)state;
	for (int i = 0; i < 100000; i++) {
		snprintf(name, sizeof(name), "x%d.example", i);
		recall_note(r, str_from(name), i);
	}
	assert_int_equal(recall_count(r), 100);
	assert_int_equal(recall_at(r, STR("x99999.example")), 99999);
	recall_free(&r);
}

static void a_text_stands_beside_a_name_until_it_is_noted_again(void **state)
{
	struct recall *r = recall_new(2);

	(void)state;
	recall_note_with(r, STR("a.example"), 1, "text");
	assert_string_equal(recall_text(r, STR("a.example")), "text");
	assert_string_equal(recall_text(r, STR("b.example")), "");
	recall_note(r, STR("a.example"), 2);
	assert_string_equal(recall_text(r, STR("a.example")), "");
	recall_note_with(r, STR("a.example"), 3, "left for the end");
	recall_free(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_noted_is_found),
		cmocka_unit_test(the_oldest_leaves_first),
		cmocka_unit_test(a_text_stands_beside_a_name_until_it_is_noted_again),
		cmocka_unit_test(a_flood_of_names_stays_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
