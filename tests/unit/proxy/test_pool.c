/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proxy/pool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/clock.h"
#include "tests/support/memory_stream.h"

struct world {
	struct loop *loop;
	struct pool pool;
	struct conf_timeouts times;
	unsigned in_flight;
	struct memory_end ends[4];
	unsigned n_ends;
	struct side *side;
	unsigned n_responses, n_over, n_failed;
};

static void on_response(void *owner, struct response_head *head)
{
	struct world *w = owner;

	(void)head;
	w->n_responses++;
	side_resume(w->side);
}

static void on_body(void *owner, struct str bytes)
{
	(void)owner;
	(void)bytes;
}

static void on_end(void *owner, const struct headers *trailers)
{
	struct world *w = owner;

	(void)trailers;
	w->n_over++;
	side_release(&w->side);
}

static void on_writable(void *owner)
{
	(void)owner;
}

static void on_fail(void *owner, enum err err)
{
	struct world *w = owner;

	(void)err;
	w->n_failed++;
	side_release(&w->side);
}

static const struct side_events side_events = {
	.on_response = on_response, .on_body = on_body, .on_end = on_end,
	.on_writable = on_writable, .on_fail = on_fail,
};

static int begin(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct pool_args args = { .limits = { 16384, 100 }, .idle_max = 2 };

	clock_test_set(1000000, 1000);
	w->times = (struct conf_timeouts){ .response_ms = 5000, .body_ms = 5000, .write_ms = 5000,
		.upstream_idle_ms = 1000 };
	w->loop = args.loop = loop_new();
	args.times = &w->times;
	args.in_flight = &w->in_flight;
	pool_init(&w->pool, &args);
	*state = w;
	return 0;
}

static void turn(struct world *w, int64_t ms)
{
	clock_test_advance(ms);
	for (int i = 0; i < 6; i++)
		loop_turn(w->loop);
}

static int end(void **state)
{
	struct world *w = *state;

	side_release(&w->side);
	pool_fini(&w->pool);
	for (unsigned i = 0; i < w->n_ends; i++)
		memory_end_fini(&w->ends[i]);
	turn(w, 0);
	assert_int_equal(memory_stream_count(), 0);
	loop_free(&w->loop);
	clock_test_end();
	free(w);
	return 0;
}

static struct side *connect_new(struct world *w)
{
	struct stream *ours, *theirs;

	memory_stream_pair(w->loop, &ours, &theirs);
	memory_end_init(&w->ends[w->n_ends++], &theirs);
	return pool_adopt(&w->pool, &ours);
}

/* One whole exchange on the side, answered by the given end. */
static void exchange(struct world *w, struct side *s, struct memory_end *e)
{
	struct request_head head = { .method = STR("GET"), .scheme = STR("http"),
		.authority = STR("a.example"), .host = STR("a.example"), .path = STR("/"),
		.is_idempotent = true, .version = 11 };
	unsigned before = w->n_over;

	w->side = s;
	side_own(s, &side_events, w);
	assert_int_equal(side_send_request(s, &head), E_OK);
	assert_int_equal(side_send_end(s, NULL), E_OK);
	turn(w, 0);
	memory_end_write(e, STR("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
	turn(w, 0);
	assert_int_equal(w->n_over, before + 1);
}

static void an_empty_pool_has_nothing(void **state)
{
	struct world *w = *state;

	assert_null(pool_take(&w->pool));
}

static void a_connection_comes_back_and_is_lent_again(void **state)
{
	struct world *w = *state;
	struct side *s = connect_new(w);

	assert_int_equal(w->in_flight, 1);
	assert_false(s->is_reused);
	exchange(w, s, &w->ends[0]);
	assert_int_equal(w->in_flight, 0);
	s = pool_take(&w->pool);
	assert_non_null(s);
	assert_true(s->is_reused);
	assert_int_equal(w->in_flight, 1);
	exchange(w, s, &w->ends[0]);
	assert_null(w->side);
}

static void no_more_than_the_cap_stay_idle(void **state)
{
	struct world *w = *state;
	struct side *s[3];

	for (int i = 0; i < 3; i++)
		s[i] = connect_new(w);
	assert_int_equal(w->in_flight, 3);
	for (int i = 0; i < 3; i++)
		exchange(w, s[i], &w->ends[i]);
	turn(w, 0);
	assert_true(w->ends[0].is_eof || w->ends[0].err);
	assert_false(w->ends[2].is_eof || w->ends[2].err);
	/* warmest first */
	exchange(w, pool_take(&w->pool), &w->ends[2]);
}

static void idle_connections_are_closed_after_a_while(void **state)
{
	struct world *w = *state;

	exchange(w, connect_new(w), &w->ends[0]);
	turn(w, 900);
	assert_false(w->ends[0].is_eof || w->ends[0].err);
	turn(w, 200);
	assert_true(w->ends[0].is_eof || w->ends[0].err);
	assert_null(pool_take(&w->pool));
}

static void a_connection_the_server_closes_leaves_the_pool(void **state)
{
	struct world *w = *state;

	exchange(w, connect_new(w), &w->ends[0]);
	memory_end_fini(&w->ends[0]);
	turn(w, 0);
	assert_null(pool_take(&w->pool));
}

static void a_broken_off_exchange_does_not_come_back(void **state)
{
	struct world *w = *state;

	w->side = connect_new(w);
	side_own(w->side, &side_events, w);
	side_release(&w->side);
	turn(w, 0);
	assert_int_equal(w->in_flight, 0);
	assert_null(pool_take(&w->pool));
}

static void a_lent_connection_outlives_the_pool(void **state)
{
	struct world *w = *state;
	struct side *s = connect_new(w);

	pool_fini(&w->pool);
	exchange(w, s, &w->ends[0]);
	turn(w, 0);
	assert_true(w->ends[0].is_eof || w->ends[0].err);
}

/* A second pool of the same kind. */
static void init_other(struct world *w, struct pool *other, unsigned *in_flight)
{
	struct pool_args args = { .loop = w->loop, .limits = { 16384, 100 }, .idle_max = 2,
		.times = &w->times, .in_flight = in_flight };

	*in_flight = 0;
	pool_init(other, &args);
}

static void connections_move_idle_and_lent(void **state)
{
	struct world *w = *state;
	struct side *idle = connect_new(w), *lent = connect_new(w);
	struct pool other;
	unsigned in_flight;

	init_other(w, &other, &in_flight);
	exchange(w, idle, &w->ends[0]);
	assert_int_equal(w->in_flight, 1);
	pool_move(&other, &w->pool);
	assert_int_equal(w->in_flight, 0);
	assert_int_equal(in_flight, 1);
	assert_null(pool_take(&w->pool));
	exchange(w, lent, &w->ends[1]);
	assert_int_equal(in_flight, 0);
	exchange(w, pool_take(&other), &w->ends[1]);
	exchange(w, pool_take(&other), &w->ends[1]);
	turn(w, 0);
	assert_false(w->ends[0].is_eof || w->ends[0].err);
	turn(w, 1100);
	assert_true(w->ends[0].is_eof || w->ends[0].err);
	assert_true(w->ends[1].is_eof || w->ends[1].err);
	pool_fini(&other);
}

static void a_retired_pool_keeps_nothing(void **state)
{
	struct world *w = *state;
	struct side *idle = connect_new(w), *lent = connect_new(w);

	exchange(w, idle, &w->ends[0]);
	pool_retire(&w->pool);
	turn(w, 0);
	assert_true(w->ends[0].is_eof || w->ends[0].err);
	exchange(w, lent, &w->ends[1]);
	turn(w, 0);
	assert_true(w->ends[1].is_eof || w->ends[1].err);
	assert_int_equal(w->in_flight, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_empty_pool_has_nothing, begin, end),
		cmocka_unit_test_setup_teardown(a_connection_comes_back_and_is_lent_again, begin, end),
		cmocka_unit_test_setup_teardown(no_more_than_the_cap_stay_idle, begin, end),
		cmocka_unit_test_setup_teardown(idle_connections_are_closed_after_a_while, begin, end),
		cmocka_unit_test_setup_teardown(a_connection_the_server_closes_leaves_the_pool, begin, end),
		cmocka_unit_test_setup_teardown(a_broken_off_exchange_does_not_come_back, begin, end),
		cmocka_unit_test_setup_teardown(a_lent_connection_outlives_the_pool, begin, end),
		cmocka_unit_test_setup_teardown(connections_move_idle_and_lent, begin, end),
		cmocka_unit_test_setup_teardown(a_retired_pool_keeps_nothing, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
