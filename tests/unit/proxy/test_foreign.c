/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proxy/foreign.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"

#define TOKEN "0123456789abcdefgh"
#define NOW 1795327101000

enum { LOADS = 4096, TOLD = 4096 };

/* A store whose loads the test answers, in order; saved values are kept in a real one behind it. */
struct world {
	struct loop *loop;
	struct store store, *memory;
	struct challenge_table *table;
	struct challenge_set *set;
	uint64_t generation;
	struct foreign *foreign;
	struct {
		char name[CHALLENGE_FILE_NAME];
		store_load_fn *fn;
		void *owner;
	} loads[LOADS];
	unsigned n_loads, n_answered, n_removed;
	char removed[CHALLENGE_FILE_NAME];
	unsigned n_told;
	struct { struct worker *worker; char key[CHALLENGE_KEY]; } told[TOLD];
};

static struct world *the_world;

static struct worker *worker(int i)
{
	static char workers[4];

	return (struct worker *)(void *)&workers[i];
}

static void fake_load(struct store *s, enum store_group g, const char *name, store_parse_fn *parse,
	store_load_fn *fn, void *owner)
{
	struct world *w = the_world;

	(void)s;
	assert_int_equal(g, STORE_CHALLENGES);
	assert_ptr_equal(parse, challenge_file_answer);
	assert_true(w->n_loads < LOADS);
	snprintf(w->loads[w->n_loads].name, CHALLENGE_FILE_NAME, "%s", name);
	w->loads[w->n_loads].fn = fn;
	w->loads[w->n_loads++].owner = owner;
}

static void fake_list(struct store *s, const struct store_list_args *args, store_list_fn *fn, void *owner)
{
	(void)s;
	the_world->memory->ops->list(the_world->memory, args, fn, owner);
}

static void fake_remove(struct store *s, enum store_group g, const char *name, store_done_fn *fn,
	void *owner)
{
	(void)s;
	snprintf(the_world->removed, sizeof(the_world->removed), "%s", name);
	the_world->n_removed++;
	store_remove(the_world->memory, g, name, fn, owner);
}

static const struct store_ops store_ops = { .load = fake_load, .list = fake_list, .remove = fake_remove };

static void on_publish(void *owner, struct challenge_set *set, uint64_t generation)
{
	struct world *w = owner;

	challenge_set_unref(&w->set);
	w->set = set;
	w->generation = generation;
}

static void tell(void *owner, struct worker *to, const char *key)
{
	struct world *w = owner;

	assert_true(w->n_told < TOLD);
	w->told[w->n_told].worker = to;
	snprintf(w->told[w->n_told++].key, CHALLENGE_KEY, "%s", key);
}

static int begin(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	the_world = w;
	clock_test_set(NOW, 1000);
	w->loop = loop_new();
	w->store.ops = &store_ops;
	w->memory = store_memory_new(w->loop);
	w->table = challenge_table_new(w->loop, on_publish, w);
	w->foreign = foreign_new(&(struct foreign_args){ .loop = w->loop, .store = &w->store,
		.challenges = w->table, .n_workers = 4, .tell = tell, .owner = w });
	*state = w;
	return 0;
}

static void turn(struct world *w)
{
	loop_turn(w->loop);
	loop_turn(w->loop);
}

/* Answers the oldest load: with a challenge for this host, or none. */
static void answer(struct world *w, const char *host)
{
	unsigned i = w->n_answered++;
	struct challenge_file *f = NULL;
	struct fault fault = { 0 };

	assert_true(i < w->n_loads);
	if (host) {
		f = mem_new(sizeof(*f));
		f->kind = CONF_HTTP_01;
		f->until_ms = NOW + 1000;
		snprintf(f->identifier, sizeof(f->identifier), "%s", host);
		snprintf(f->token, sizeof(f->token), TOKEN);
		snprintf(f->key_authorization, sizeof(f->key_authorization), TOKEN ".x");
	}
	w->loads[i].fn(w->loads[i].owner, f ? E_OK : E_NOT_FOUND, f, &fault);
}

static int end(void **state)
{
	struct world *w = *state;

	foreign_stop(w->foreign);
	while (w->n_answered < w->n_loads)
		answer(w, "late.example");
	challenge_table_free(&w->table);
	turn(w);
	foreign_free(&w->foreign);
	challenge_set_unref(&w->set);
	for (int i = 0; i < 600; i++)
		loop_turn(w->loop);
	w->memory->ops->free(w->memory);
	loop_free(&w->loop);
	clock_test_end();
	free(w);
	return 0;
}

static void found_ones_are_told_when_every_worker_has_them(void **state)
{
	struct world *w = *state;
	char name[CHALLENGE_FILE_NAME];

	foreign_seek(w->foreign, worker(1), "a.example/" TOKEN);
	assert_int_equal(w->n_loads, 1);
	challenge_file_name(name, STR("a.example/" TOKEN));
	assert_string_equal(w->loads[0].name, name);
	answer(w, "a.example");
	assert_int_equal(w->n_told, 0);
	turn(w);
	assert_int_equal(w->n_told, 0);
	assert_non_null(challenge_set_http01(w->set, STR("a.example"), STR(TOKEN)).at);
	challenge_published(w->table, w->generation);
	turn(w);
	assert_int_equal(w->n_told, 1);
	assert_ptr_equal(w->told[0].worker, worker(1));
	assert_string_equal(w->told[0].key, "a.example/" TOKEN);
	assert_int_equal(foreign_count(w->foreign), 0);
}

static void what_was_found_is_shown_for_seconds(void **state)
{
	struct world *w = *state;

	foreign_seek(w->foreign, worker(0), "a.example/" TOKEN);
	answer(w, "a.example");
	turn(w);
	challenge_published(w->table, w->generation);
	turn(w);
	clock_test_advance(4000);
	turn(w);
	assert_non_null(challenge_set_http01(w->set, STR("a.example"), STR(TOKEN)).at);
	clock_test_advance(2000);
	turn(w);
	assert_null(challenge_set_http01(w->set, STR("a.example"), STR(TOKEN)).at);
}

static void workers_share_one_look(void **state)
{
	struct world *w = *state;

	foreign_seek(w->foreign, worker(0), "a.example");
	foreign_seek(w->foreign, worker(3), "a.example");
	foreign_seek(w->foreign, worker(3), "a.example");
	assert_int_equal(w->n_loads, 1);
	answer(w, NULL);
	assert_int_equal(w->n_told, 2);
}

static void nothing_is_looked_for_twice_within_a_second(void **state)
{
	struct world *w = *state;

	foreign_seek(w->foreign, worker(0), "a.example");
	answer(w, NULL);
	assert_int_equal(w->n_told, 1);
	for (int i = 0; i < 100; i++)
		foreign_seek(w->foreign, worker(i % 4), "a.example");
	turn(w);
	assert_int_equal(w->n_loads, 1);
	assert_int_equal(w->n_told, 1);
	/* but whoever asked meanwhile is not refused for it */
	clock_test_advance(1100);
	turn(w);
	assert_int_equal(w->n_loads, 2);
	answer(w, "a.example");
	turn(w);
	challenge_published(w->table, w->generation);
	turn(w);
	assert_int_equal(w->n_told, 5);
	assert_int_equal(foreign_count(w->foreign), 0);
}

static void one_that_rested_in_peace_is_forgotten(void **state)
{
	struct world *w = *state;

	foreign_seek(w->foreign, worker(0), "a.example");
	answer(w, NULL);
	assert_int_equal(foreign_count(w->foreign), 1);
	clock_test_advance(1100);
	turn(w);
	assert_int_equal(foreign_count(w->foreign), 0);
	assert_int_equal(w->n_loads, 1);
}

static void a_flood_of_names_is_bounded(void **state)
{
	struct world *w = *state;
	char key[32];

	for (int i = 0; i < 3000; i++) {
		snprintf(key, sizeof(key), "n%d.example", i);
		foreign_seek(w->foreign, worker(0), key);
	}
	/* 500 may ask, four at once; the others know at once that nobody will look */
	assert_int_equal(foreign_count(w->foreign), 500);
	assert_int_equal(w->n_loads, 4);
	assert_int_equal(w->n_told, 2500);
	while (w->n_answered < w->n_loads)
		answer(w, NULL);
	assert_int_equal(w->n_loads, 500);
	assert_int_equal(w->n_told, 3000);
	clock_test_advance(1100);
	turn(w);
	assert_int_equal(foreign_count(w->foreign), 0);
	foreign_seek(w->foreign, worker(0), "after.example");
	assert_int_equal(w->n_loads, 501);
}

static void a_full_table_shows_nothing_and_tells(void **state)
{
	struct world *w = *state;
	struct challenge_args args = { .kind = CONF_HTTP_01, .token = TOKEN,
		.key_authorization = TOKEN ".x" };
	struct challenge *c;
	char name[32];

	args.identifier = name;
	for (int i = 0; i < 4096; i++) {
		snprintf(name, sizeof(name), "n%d.example", i);
		assert_int_equal(challenge_put(w->table, &args, &c), E_OK);
	}
	foreign_seek(w->foreign, worker(0), "a.example/" TOKEN);
	answer(w, "a.example");
	assert_int_equal(w->n_told, 1);
}

static void stopped_in_any_state_nobody_is_told(void **state)
{
	struct world *w = *state;

	/* SHOWING */
	foreign_seek(w->foreign, worker(0), "shown.example/" TOKEN);
	answer(w, "shown.example");
	/* RESTING, asked again */
	foreign_seek(w->foreign, worker(0), "rests.example");
	answer(w, NULL);
	foreign_seek(w->foreign, worker(1), "rests.example");
	/* LOOKING four times, QUEUED once */
	for (int i = 0; i < 5; i++) {
		char key[32];

		snprintf(key, sizeof(key), "n%d.example", i);
		foreign_seek(w->foreign, worker(0), key);
	}
	assert_int_equal(foreign_count(w->foreign), 7);
	foreign_stop(w->foreign);
	assert_int_equal(foreign_count(w->foreign), 4);
	turn(w);
	challenge_published(w->table, w->generation);
	clock_test_advance(5000);
	turn(w);
	answer(w, NULL);
	answer(w, "n1.example");
	foreign_seek(w->foreign, worker(0), "new.example");
	assert_int_equal(w->n_told, 1);
	assert_int_equal(foreign_count(w->foreign), 2);
}

static void on_saved(void *owner, enum err err, const struct fault *fault)
{
	(void)owner;
	(void)fault;
	assert_int_equal(err, E_OK);
}

/* As a process that was killed leaves it. */
static void leave(struct world *w, const char *host, int64_t until_ms)
{
	struct challenge_file f = { .kind = CONF_TLS_ALPN_01, .token = TOKEN,
		.key_authorization = TOKEN ".x", .until_ms = until_ms };
	char name[CHALLENGE_FILE_NAME];
	struct buf text;

	buf_init(&text, 0);
	snprintf(f.identifier, sizeof(f.identifier), "%s", host);
	challenge_file_name(name, str_from(host));
	assert_int_equal(challenge_file_print(&f, &text), E_OK);
	store_save(w->memory, STORE_CHALLENGES, name, buf_str(&text), on_saved, NULL);
	buf_fini(&text);
}

static void sweep_turns(struct world *w)
{
	for (int i = 0; i < 1200; i++)
		loop_turn(w->loop);
}

static void what_killed_processes_left_is_swept(void **state)
{
	struct world *w = *state;
	char name[CHALLENGE_FILE_NAME];

	leave(w, "old.example", NOW - 61000);
	leave(w, "live.example", NOW + 300000);
	foreign_start_sweep(w->foreign);
	sweep_turns(w);
	assert_int_equal(w->n_removed, 1);
	challenge_file_name(name, STR("old.example"));
	assert_string_equal(w->removed, name);
	clock_test_advance(301000);
	sweep_turns(w);
	assert_int_equal(w->n_removed, 1);
	clock_test_advance(301000);
	sweep_turns(w);
	assert_int_equal(w->n_removed, 2);
	challenge_file_name(name, STR("live.example"));
	assert_string_equal(w->removed, name);
}

static void a_sweep_goes_through_more_than_a_page(void **state)
{
	struct world *w = *state;
	char host[32];

	for (int i = 0; i < 600; i++) {
		snprintf(host, sizeof(host), "n%d.example", i);
		leave(w, host, NOW - 61000);
	}
	foreign_start_sweep(w->foreign);
	sweep_turns(w);
	sweep_turns(w);
	assert_int_equal(w->n_removed, 600);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(found_ones_are_told_when_every_worker_has_them),
		TEST(what_was_found_is_shown_for_seconds),
		TEST(workers_share_one_look),
		TEST(nothing_is_looked_for_twice_within_a_second),
		TEST(one_that_rested_in_peace_is_forgotten),
		TEST(a_flood_of_names_is_bounded),
		TEST(a_full_table_shows_nothing_and_tells),
		TEST(stopped_in_any_state_nobody_is_told),
		TEST(what_killed_processes_left_is_swept),
		TEST(a_sweep_goes_through_more_than_a_page),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
