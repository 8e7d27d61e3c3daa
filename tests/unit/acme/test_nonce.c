/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "acme/nonce.h"

#include "unit.h"

static struct nonce_pool pool;
static char got[NONCE_LEN];

static int empty(void **state)
{
	(void)state;
	memset(&pool, 0, sizeof pool);
	return 0;
}

static void newest_comes_first(void **state)
{
	(void)state;
	nonce_put(&pool, STR("old"), 1);
	nonce_put(&pool, STR("new"), 2);
	assert_true(nonce_take(&pool, got, 3));
	assert_string_equal(got, "new");
	assert_true(nonce_take(&pool, got, 3));
	assert_string_equal(got, "old");
	assert_false(nonce_take(&pool, got, 3));
}

static void a_full_pool_loses_the_oldest(void **state)
{
	(void)state;
	char text[16];
	for (int i = 0; i < 40; i++) {
		snprintf(text, sizeof text, "n%d", i);
		nonce_put(&pool, str_from(text), i);
	}
	for (int i = 39; i > 39 - NONCE_POOL; i--) {
		snprintf(text, sizeof text, "n%d", i);
		assert_true(nonce_take(&pool, got, 50));
		assert_string_equal(got, text);
	}
	assert_false(nonce_take(&pool, got, 50));
}

static void old_ones_are_not_used(void **state)
{
	(void)state;
	nonce_put(&pool, STR("a"), 0);
	nonce_put(&pool, STR("b"), 1000);
	assert_false(nonce_take(&pool, got, 1001 + NONCE_AGE_MS));
	nonce_put(&pool, STR("c"), 1000);
	assert_true(nonce_take(&pool, got, 1000 + NONCE_AGE_MS));
}

static void what_is_no_nonce_is_ignored(void **state)
{
	(void)state;
	char text[NONCE_LEN + 1];
	memset(text, 'a', sizeof text);
	nonce_put(&pool, STR(""), 0);
	nonce_put(&pool, STR_NONE, 0);
	nonce_put(&pool, STR("a b"), 0);
	nonce_put(&pool, STR("a\"b"), 0);
	nonce_put(&pool, STR("\xc3\xa4"), 0);
	nonce_put(&pool, str_of(text, NONCE_LEN), 0);
	assert_false(nonce_take(&pool, got, 0));
	nonce_put(&pool, str_of(text, NONCE_LEN - 1), 0);
	assert_true(nonce_take(&pool, got, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(newest_comes_first, empty),
		cmocka_unit_test_setup(a_full_pool_loses_the_oldest, empty),
		cmocka_unit_test_setup(old_ones_are_not_used, empty),
		cmocka_unit_test_setup(what_is_no_nonce_is_ignored, empty),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
