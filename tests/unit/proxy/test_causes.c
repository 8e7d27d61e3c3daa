/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proxy/causes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static struct fault fault_of(enum err err, const char *detail)
{
	struct fault f = { 0 };

	fault_set(&f, err, "%s", detail);
	return f;
}

static void the_same_cause_keeps_its_first_time_and_another_does_not(void **state)
{
	struct fault denied = fault_of(E_DENIED, "no"), down = fault_of(E_CA_DOWN, "down");
	struct causes c;

	(void)state;
	causes_init(&c, 4);
	assert_null(causes_get(&c, STR("a.example")));
	causes_note(&c, STR("a.example"), &denied, 10, 20);
	causes_note(&c, STR("a.example"), &denied, 30, 40);
	assert_int_equal(causes_get(&c, STR("a.example"))->since_ms, 10);
	assert_int_equal(causes_get(&c, STR("a.example"))->until_ms, 40);
	causes_note(&c, STR("a.example"), &down, 50, 60);
	assert_int_equal(causes_get(&c, STR("a.example"))->since_ms, 50);
	assert_string_equal(causes_get(&c, STR("a.example"))->fault.detail, "down");
	causes_forget(&c, STR("a.example"));
	causes_forget(&c, STR("a.example"));
	assert_null(causes_get(&c, STR("a.example")));
	causes_fini(&c);
}

static void there_are_never_more_than_the_cap(void **state)
{
	struct fault denied = fault_of(E_DENIED, "no");
	struct causes c;
	unsigned known = 0;
	char name[32];

	(void)state;
	causes_init(&c, 8);
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "n%d.example", i);
		causes_note(&c, str_from(name), &denied, i, i);
		assert_non_null(causes_get(&c, str_from(name)));
	}
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "n%d.example", i);
		known += causes_get(&c, str_from(name)) != NULL;
	}
	assert_int_equal(known, 8);
	causes_fini(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_cause_keeps_its_first_time_and_another_does_not),
		cmocka_unit_test(there_are_never_more_than_the_cap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
