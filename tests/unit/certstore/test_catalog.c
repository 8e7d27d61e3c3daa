/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "certstore/catalog.h"

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
static char directory[64];
static unsigned n_synced;
static enum err synced;

static int begin(void **state)
{
	struct fault fault = { 0 };

	(void)state;
	snprintf(directory, sizeof(directory), "/tmp/catalog-XXXXXX");
	assert_non_null(mkdtemp(directory));
	loop = loop_new();
	n_synced = 0;
	assert_int_equal(store_disk_open(loop, directory, &store, &fault), E_OK);
	return 0;
}

static int end(void **state)
{
	char line[128];

	(void)state;
	for (int i = 0; i < 30; i++) {
		loop_turn(loop);
		usleep(1000);
	}
	loop_stop(loop);
	loop_run(loop);
	store->ops->free(store);
	loop_free(&loop);
	snprintf(line, sizeof(line), "rm -rf %s", directory);
	assert_int_equal(system(line), 0);
	return 0;
}

static void on_synced(void *owner, enum err err, const struct fault *fault)
{
	(void)owner;
	(void)fault;
	n_synced++;
	synced = err;
}

static void sync_all(struct catalog *l)
{
	unsigned before = n_synced;

	catalog_sync(l, on_synced, NULL);
	assert_int_equal(n_synced, before);
	for (int i = 0; i < 10000 && n_synced == before; i++) {
		loop_turn(loop);
		usleep(500);
	}
	assert_int_equal(n_synced, before + 1);
}

static struct catalog *open_catalog(void)
{
	struct catalog *l = catalog_new(loop, STORE_LISTED);

	catalog_read(l, directory);
	catalog_keep_in(l, store);
	return l;
}

static void put(struct catalog *l, const char *name, const char *text)
{
	assert_int_equal(catalog_put(l, str_from(name), str_from(text), NULL), E_OK);
}

static void assert_text(const struct catalog *l, const char *name, const char *text)
{
	struct str got = catalog_get(l, str_from(name));

	if (text)
		assert_true(str_is(got, text));
	else
		assert_null(got.at);
}

static void names_have_texts_until_they_are_removed(void **state)
{
	struct catalog *l = catalog_new(loop, STORE_LISTED);

	(void)state;
	put(l, "a.example", "allow");
	put(l, "aa.example", "");
	put(l, "*.example", "deny");
	assert_text(l, "a.example", "allow");
	assert_text(l, "aa.example", "");
	assert_text(l, "*.example", "deny");
	assert_text(l, "example", NULL);
	assert_text(l, "a.exampl", NULL);
	put(l, "a.example", "allow tenant=x");
	assert_text(l, "a.example", "allow tenant=x");
	assert_int_equal(catalog_count(l), 3);
	assert_true(catalog_remove(l, STR("a.example")));
	assert_false(catalog_remove(l, STR("a.example")));
	assert_text(l, "a.example", NULL);
	assert_int_equal(catalog_count(l), 2);
	catalog_free(&l);
	catalog_free(&l);
}

static void the_next_run_knows_what_was_kept(void **state)
{
	enum { N = 3000 };
	struct catalog *l = open_catalog();
	uint64_t cursor = 0;
	struct str name, text;
	unsigned n = 0;
	char host[64];

	(void)state;
	for (int i = 0; i < N; i++) {
		snprintf(host, sizeof(host), "c%d.example.com", i);
		put(l, host, i % 2 ? "allow" : "deny");
	}
	sync_all(l);
	assert_int_equal(synced, E_OK);
	catalog_remove(l, STR("c7.example.com"));
	put(l, "c8.example.com", "allow");
	sync_all(l);
	catalog_free(&l);
	l = open_catalog();
	assert_int_equal(catalog_count(l), N - 1);
	assert_text(l, "c7.example.com", NULL);
	assert_text(l, "c8.example.com", "allow");
	assert_text(l, "c9.example.com", "allow");
	assert_text(l, "c10.example.com", "deny");
	while (catalog_next(l, &cursor, &name, &text))
		n++;
	assert_int_equal(n, N - 1);
	catalog_free(&l);
}

static void what_is_emptied_stays_empty(void **state)
{
	struct catalog *l = open_catalog();

	(void)state;
	put(l, "a.example", "allow");
	sync_all(l);
	catalog_remove(l, STR("a.example"));
	sync_all(l);
	assert_int_equal(synced, E_OK);
	catalog_free(&l);
	l = open_catalog();
	assert_int_equal(catalog_count(l), 0);
	put(l, "a.example", "x");
	catalog_remove(l, STR("a.example"));
	sync_all(l);
	assert_int_equal(synced, E_OK);
	catalog_free(&l);
}

static void changes_while_it_is_saved_are_saved_too(void **state)
{
	struct catalog *l = open_catalog();

	(void)state;
	put(l, "a.example", "1");
	for (int i = 0; i < 20; i++) {
		char text[16];

		loop_turn(loop);
		snprintf(text, sizeof(text), "%d", i);
		put(l, "a.example", text);
	}
	sync_all(l);
	catalog_free(&l);
	l = open_catalog();
	assert_text(l, "a.example", "19");
	catalog_free(&l);
}

static void a_damaged_shard_loses_its_own_names_only(void **state)
{
	struct catalog *l = open_catalog();
	char line[256];

	(void)state;
	put(l, "a.example", "1");
	put(l, "b.example", "2");
	sync_all(l);
	catalog_free(&l);
	snprintf(line, sizeof(line), "f=$(grep -rl '^a.example ' %s/listed) && echo garbage > $f", directory);
	assert_int_equal(system(line), 0);
	l = open_catalog();
	assert_text(l, "a.example", NULL);
	assert_text(l, "b.example", "2");
	put(l, "a.example", "3");
	sync_all(l);
	assert_int_equal(synced, E_OK);
	catalog_free(&l);
	l = open_catalog();
	assert_text(l, "a.example", "3");
	catalog_free(&l);
}

static void without_a_store_directory_it_is_empty(void **state)
{
	struct catalog *l = catalog_new(loop, STORE_LISTED);

	(void)state;
	catalog_read(l, "/no/such/place");
	assert_int_equal(catalog_count(l), 0);
	catalog_free(&l);
}

static void it_may_end_while_it_saves(void **state)
{
	struct catalog *l = open_catalog();

	(void)state;
	put(l, "a.example", "1");
	catalog_sync(l, on_synced, NULL);
	loop_turn(loop);
	catalog_free(&l);
	assert_int_equal(n_synced, 1);
	assert_int_equal(synced, E_CANCELED);
}

#define CLAIM(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLAIM(names_have_texts_until_they_are_removed),
		CLAIM(the_next_run_knows_what_was_kept),
		CLAIM(what_is_emptied_stays_empty),
		CLAIM(changes_while_it_is_saved_are_saved_too),
		CLAIM(a_damaged_shard_loses_its_own_names_only),
		CLAIM(without_a_store_directory_it_is_empty),
		CLAIM(it_may_end_while_it_saves),
	};

	log_setup(2, LOG_ERROR, LOG_TEXT);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
