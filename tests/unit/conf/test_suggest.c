/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "conf/suggest.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

static void distance_counts_edits(void **state)
{
	(void)state;
	assert_int_equal(suggest_distance(STR("email"), STR("email")), 0);
	assert_int_equal(suggest_distance(STR("emial"), STR("email")), 1);
	assert_int_equal(suggest_distance(STR("mail"), STR("email")), 1);
	assert_int_equal(suggest_distance(STR("EMAIL"), STR("email")), 0);
	assert_int_equal(suggest_distance(STR(""), STR("abc")), 3);
	assert_int_equal(suggest_distance(STR("kitten"), STR("sitting")), 3);
}

static void the_nearest_is_suggested(void **state)
{
	char text[SUGGEST_TEXT];
	struct suggest s;

	(void)state;
	suggest_init(&s, STR("timeout"));
	suggest_add(&s, "email");
	suggest_add(&s, "timeouts");
	suggest_text(&s, text);
	assert_string_equal(text, "did you mean \"timeouts\"?");
}

static void strangers_get_the_list(void **state)
{
	char text[SUGGEST_TEXT];
	struct suggest s;

	(void)state;
	suggest_init(&s, STR("banana"));
	suggest_add(&s, "email");
	suggest_add(&s, "store");
	suggest_text(&s, text);
	assert_string_equal(text, "known are email, store");
}

static void huge_words_and_lists_fit(void **state)
{
	static char big[5000];
	char text[SUGGEST_TEXT];
	struct suggest s;

	(void)state;
	memset(big, 'x', sizeof(big));
	suggest_init(&s, str_of(big, sizeof(big)));
	for (int i = 0; i < 1000; i++)
		suggest_add(&s, "something");
	suggest_text(&s, text);
	assert_true(strlen(text) < sizeof(text));
	suggest_init(&s, STR_NONE);
	suggest_text(&s, text);
	assert_string_equal(text, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(distance_counts_edits),
		cmocka_unit_test(the_nearest_is_suggested),
		cmocka_unit_test(strangers_get_the_list),
		cmocka_unit_test(huge_words_and_lists_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
