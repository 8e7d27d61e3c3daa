/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proxy/admin/listing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/mem.h"

static struct loop *loop;
static struct json *page;
static enum err page_err;

static void on_page(void *owner, enum err err, struct json *json)
{
	(void)owner;
	page_err = err;
	page = json;
}

static void on_saved(void *owner, enum err err, const struct fault *fault)
{
	(void)fault;
	assert_int_equal(err, E_OK);
	++*(unsigned *)owner;
}

static void damaged_ones_are_counted_and_an_odd_cursor_is_a_beginning(void **state)
{
	char cursor[900];
	struct store *store;
	unsigned saved = 0;

	(void)state;
	loop = loop_new();
	store = store_memory_new(loop);
	store_save(store, STORE_CERTS, "a.example", STR("nonsense"), on_saved, &saved);
	store_save(store, STORE_CERTS, "b.example", STR("more nonsense"), on_saved, &saved);
	while (saved < 2)
		loop_turn(loop);
	memset(cursor, 'x', sizeof(cursor));
	listing_start(&(struct listing_args){ .store = store, .cursor = str_of(cursor, sizeof(cursor)),
		.max = 1000000, .fn = on_page });
	assert_null(page);
	while (!page)
		loop_turn(loop);
	assert_int_equal(page_err, E_OK);
	assert_int_equal(json_count(json_get(page, "certs")), 0);
	assert_int_equal((int)json_number(json_get(page, "damaged"), 0), 2);
	assert_true(str_is(json_get_str(page, "cursor"), ""));
	json_free(&page);
	store->ops->free(store);
	loop_stop(loop);
	loop_run(loop);
	loop_free(&loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(damaged_ones_are_counted_and_an_odd_cursor_is_a_beginning),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
