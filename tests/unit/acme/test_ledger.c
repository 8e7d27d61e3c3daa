/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "acme/ledger.h"

#include "unit.h"

static void it_never_grows_beyond_its_size(void **state)
{
	struct ledger *l = ledger_new(100);
	char key[32];
	(void)state;
	for (int i = 0; i < 10000; i++) {
		snprintf(key, sizeof key, "k%d", i);
		ledger_at(l, str_from(key), 0)->full_at_ms = 1000000;
	}
	assert_int_equal(ledger_count(l), 100);
	assert_non_null(ledger_find(l, STR("k9999")));
	assert_null(ledger_find(l, STR("k0")));
	ledger_free(&l);
	ledger_free(&l);
}

static void idle_ones_are_forgotten_before_others(void **state)
{
	struct ledger *l = ledger_new(1000);
	char key[32];
	(void)state;
	ledger_at(l, STR("busy"), 0)->full_at_ms = INT64_MAX;
	for (int i = 0; i < 5000; i++) {
		snprintf(key, sizeof key, "k%d", i);
		ledger_at(l, str_from(key), i)->full_at_ms = i + 10;
	}
	assert_true(ledger_count(l) < 100);
	assert_int_equal(ledger_find(l, STR("busy"))->full_at_ms, INT64_MAX);
	ledger_free(&l);
}

static void the_one_touched_last_comes_first(void **state)
{
	struct ledger *l = ledger_new(10);
	const void *cursor = NULL;
	const struct bucket *b;
	struct str key;
	(void)state;
	ledger_at(l, STR("a"), 0)->held = 1;
	ledger_at(l, STR("b"), 0)->held = 2;
	ledger_at(l, STR("a"), 0);
	assert_true(ledger_next(l, &cursor, &key, &b));
	assert_true(str_is(key, "a") && b->held == 1);
	assert_true(ledger_next(l, &cursor, &key, &b));
	assert_true(str_is(key, "b") && b->held == 2);
	assert_false(ledger_next(l, &cursor, &key, &b));
	ledger_free(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_never_grows_beyond_its_size),
		cmocka_unit_test(idle_ones_are_forgotten_before_others),
		cmocka_unit_test(the_one_touched_last_comes_first),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
