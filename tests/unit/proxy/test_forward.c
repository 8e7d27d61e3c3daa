/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One exchange between two sides in memory: no HTTP version, no socket.
 */
#include "proxy/forward.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/check.h"
#include "base/clock.h"
#include "tests/support/memory_side.h"

/* An origin that answers when the test says so. */
struct memory_origin {
	struct origin origin;
	struct attempt *waiting;
	unsigned n_opens, n_cancels;
	int refs;
	bool wanted_fresh;
};

struct world {
	struct loop *loop;
	struct forward_home *home;
	struct memory_side client, upstream, second;
	struct memory_origin origin;
	struct request_head head;
	struct peer peer;
	struct forward_args args;
};

static void open_origin(struct attempt *a)
{
	struct memory_origin *o = container_of(a->origin, struct memory_origin, origin);

	o->waiting = a;
	o->n_opens++;
	o->wanted_fresh = a->wants_fresh;
	a->server_text = "memory";
}

static void cancel_origin(struct attempt *a)
{
	struct memory_origin *o = container_of(a->origin, struct memory_origin, origin);

	o->n_cancels += !!o->waiting;
	o->waiting = NULL;
}

static void ref_origin(struct origin *o)
{
	container_of(o, struct memory_origin, origin)->refs++;
}

static void unref_origin(struct origin *o)
{
	container_of(o, struct memory_origin, origin)->refs--;
}

static const struct origin_ops origin_ops = { open_origin, cancel_origin, ref_origin, unref_origin };

static void answer(struct world *w, enum err err, struct memory_side *m)
{
	struct attempt *a = w->origin.waiting;

	w->origin.waiting = NULL;
	a->fn(a->owner, err, m ? &m->side : NULL);
}

static int begin(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	clock_test_set(1000000, 1000);
	w->loop = loop_new();
	w->home = forward_home_new(w->loop);
	memory_side_init(&w->client);
	memory_side_init(&w->upstream);
	memory_side_init(&w->second);
	w->origin.origin.ops = &origin_ops;
	w->head = (struct request_head){ .method = STR("GET"), .scheme = STR("https"),
		.authority = STR("a.example"), .host = STR("a.example"), .path = STR("/x"),
		.is_idempotent = true, .version = 20, .body = BODY_NONE };
	w->args = (struct forward_args){ .client = &w->client.side, .head = &w->head,
		.origin = &w->origin.origin, .mark_bytes = 100, .tunnel_ms = 5000,
		.record = { .peer = &w->peer } };
	*state = w;
	return 0;
}

static void turn(struct world *w, int64_t ms)
{
	clock_test_advance(ms);
	loop_turn(w->loop);
	loop_turn(w->loop);
}

static int finish(void **state)
{
	struct world *w = *state;

	forward_home_cut(w->home);
	turn(w, 0);
	assert_int_equal(w->origin.refs, 0);
	forward_home_free(&w->home);
	loop_free(&w->loop);
	memory_side_fini(&w->client);
	memory_side_fini(&w->upstream);
	memory_side_fini(&w->second);
	clock_test_end();
	free(w);
	return 0;
}

static void start(struct world *w)
{
	forward_start(w->home, &w->args);
}

/* To the point where the upstream has the request's head. */
static void start_connected(struct world *w)
{
	start(w);
	answer(w, E_OK, &w->upstream);
	assert_int_equal(w->upstream.n_requests, 1);
}

static void assert_over(struct world *w)
{
	assert_int_equal(w->client.n_releases, 1);
	assert_int_equal(w->upstream.n_releases, w->upstream.n_requests ? 1 : 0);
}

static void post(struct world *w)
{
	w->head.method = STR("POST");
	w->head.is_idempotent = false;
	w->head.body = BODY_STREAM;
}

static void a_request_goes_there_and_its_answer_comes_back(void **state)
{
	struct world *w = *state;

	start_connected(w);
	assert_ptr_equal(w->upstream.request, &w->head);
	assert_int_equal(w->upstream.n_ends, 1);
	memory_side_say_end(&w->client, NULL);
	memory_side_say_response(&w->upstream, 200, NULL);
	memory_side_say_body(&w->upstream, "hello ");
	memory_side_say_body(&w->upstream, "world");
	assert_int_equal(w->client.n_releases, 0);
	memory_side_say_end(&w->upstream, NULL);
	assert_int_equal(w->client.statuses[0], 200);
	assert_string_equal(memory_side_text(&w->client), "hello world");
	assert_true(str_is(w->client.last_via, "2 sallyport"));
	assert_int_equal(w->client.n_ends, 1);
	assert_over(w);
}

static void bodies_flow_both_ways_at_once(void **state)
{
	struct world *w = *state;

	post(w);
	start_connected(w);
	memory_side_say_body(&w->client, "ab");
	memory_side_say_response(&w->upstream, 200, NULL);
	memory_side_say_body(&w->upstream, "AB");
	memory_side_say_body(&w->client, "cd");
	memory_side_say_body(&w->upstream, "CD");
	memory_side_say_end(&w->client, NULL);
	memory_side_say_end(&w->upstream, NULL);
	assert_string_equal(memory_side_text(&w->upstream), "abcd");
	assert_string_equal(memory_side_text(&w->client), "ABCD");
	assert_over(w);
}

static void trailers_are_passed_on(void **state)
{
	struct world *w = *state;
	struct header t[] = { { STR("grpc-status"), STR("0") } };
	struct headers trailers = { .at = t, .n = 1 };

	post(w);
	start_connected(w);
	memory_side_say_end(&w->client, &trailers);
	assert_int_equal(w->upstream.n_trailers, 1);
	memory_side_say_response(&w->upstream, 200, NULL);
	memory_side_say_end(&w->upstream, &trailers);
	assert_int_equal(w->client.n_trailers, 1);
}

static void a_slow_client_pauses_the_upstream(void **state)
{
	struct world *w = *state;

	start_connected(w);
	memory_side_say_response(&w->upstream, 200, NULL);
	w->client.queued = 101;
	memory_side_say_body(&w->upstream, "x");
	assert_false(w->upstream.wants);
	w->client.queued = 0;
	memory_side_say_writable(&w->client);
	assert_true(w->upstream.wants);
}

static void a_slow_upstream_pauses_the_client(void **state)
{
	struct world *w = *state;

	post(w);
	start_connected(w);
	w->upstream.queued = 101;
	memory_side_say_body(&w->client, "x");
	assert_false(w->client.wants);
	w->upstream.queued = 0;
	memory_side_say_writable(&w->upstream);
	assert_true(w->client.wants);
}

static void nobody_to_connect_to_is_502(void **state)
{
	struct world *w = *state;

	start(w);
	answer(w, E_UPSTREAM_CONNECT, NULL);
	assert_int_equal(w->client.statuses[0], 502);
	assert_non_null(strstr(memory_side_text(&w->client), "SP-501"));
	assert_int_equal(w->client.n_ends, 1);
	assert_over(w);
}

static void an_upstream_that_takes_too_long_is_504(void **state)
{
	struct world *w = *state;

	start_connected(w);
	memory_side_say_fail(&w->upstream, E_TIMEOUT);
	assert_int_equal(w->client.statuses[0], 504);
	assert_over(w);
}

static void an_upstream_that_breaks_off_before_its_head_is_502(void **state)
{
	struct world *w = *state;

	start_connected(w);
	memory_side_say_fail(&w->upstream, E_RESET);
	assert_int_equal(w->client.statuses[0], 502);
	assert_int_equal(w->origin.n_opens, 1);
	assert_over(w);
}

static void an_upstream_that_breaks_off_after_its_head_breaks_the_client_off(void **state)
{
	struct world *w = *state;

	start_connected(w);
	memory_side_say_response(&w->upstream, 200, NULL);
	memory_side_say_body(&w->upstream, "half");
	memory_side_say_fail(&w->upstream, E_RESET);
	assert_int_equal(w->client.n_responses, 1);
	assert_int_equal(w->client.n_ends, 0);
	assert_over(w);
}

static void a_stale_connection_is_replaced_once(void **state)
{
	struct world *w = *state;

	w->upstream.side.is_reused = w->upstream.side.was_sent = true;
	start_connected(w);
	memory_side_say_fail(&w->upstream, E_RESET);
	assert_int_equal(w->client.n_responses, 0);
	assert_int_equal(w->origin.n_opens, 2);
	assert_true(w->origin.wanted_fresh);
	assert_int_equal(w->upstream.n_releases, 1);
	w->second.side.is_reused = true;
	answer(w, E_OK, &w->second);
	assert_int_equal(w->second.n_requests, 1);
	memory_side_say_fail(&w->second, E_RESET);
	assert_int_equal(w->origin.n_opens, 2);
	assert_int_equal(w->client.statuses[0], 502);
}

static void what_may_have_been_acted_upon_is_not_repeated(void **state)
{
	struct world *w = *state;

	w->head.method = STR("POST");
	w->head.is_idempotent = false;
	w->upstream.side.is_reused = w->upstream.side.was_sent = true;
	start_connected(w);
	memory_side_say_fail(&w->upstream, E_RESET);
	assert_int_equal(w->origin.n_opens, 1);
	assert_int_equal(w->client.statuses[0], 502);
}

static void what_was_never_sent_is_repeated(void **state)
{
	struct world *w = *state;

	post(w);
	w->upstream.side.is_reused = true;
	start_connected(w);
	memory_side_say_fail(&w->upstream, E_RESET);
	assert_int_equal(w->origin.n_opens, 2);
	assert_false(w->client.wants);
	answer(w, E_OK, &w->second);
	assert_true(w->client.wants);
}

static void a_body_that_was_read_cannot_be_repeated(void **state)
{
	struct world *w = *state;

	post(w);
	w->head.is_idempotent = true;
	w->upstream.side.is_reused = true;
	start_connected(w);
	memory_side_say_body(&w->client, "x");
	memory_side_say_fail(&w->upstream, E_RESET);
	assert_int_equal(w->origin.n_opens, 1);
	assert_int_equal(w->client.statuses[0], 502);
}

static void an_answered_request_is_not_repeated(void **state)
{
	struct world *w = *state;

	w->upstream.side.is_reused = w->upstream.side.was_sent = true;
	start_connected(w);
	memory_side_say_response(&w->upstream, 103, NULL);
	memory_side_say_fail(&w->upstream, E_RESET);
	assert_int_equal(w->origin.n_opens, 1);
	assert_int_equal(w->client.statuses[1], 502);
}

static void a_client_that_leaves_ends_the_search(void **state)
{
	struct world *w = *state;

	start(w);
	memory_side_say_fail(&w->client, E_RESET);
	assert_int_equal(w->origin.n_cancels, 1);
	assert_int_equal(w->client.n_releases, 1);
	assert_int_equal(w->client.n_responses, 0);
}

static void a_client_that_leaves_releases_the_upstream(void **state)
{
	struct world *w = *state;

	start_connected(w);
	memory_side_say_fail(&w->client, E_RESET);
	assert_over(w);
}

static void an_early_answer_ends_the_exchange(void **state)
{
	struct world *w = *state;

	post(w);
	start_connected(w);
	memory_side_say_body(&w->client, "first part");
	memory_side_say_response(&w->upstream, 403, NULL);
	memory_side_say_end(&w->upstream, NULL);
	assert_int_equal(w->client.statuses[0], 403);
	assert_int_equal(w->client.n_ends, 1);
	assert_over(w);
}

static void a_body_above_the_limit_is_413(void **state)
{
	struct world *w = *state;

	post(w);
	w->args.body_max = 4;
	start_connected(w);
	memory_side_say_body(&w->client, "1234");
	assert_int_equal(w->client.n_responses, 0);
	memory_side_say_body(&w->client, "5");
	assert_int_equal(w->client.statuses[0], 413);
	assert_string_equal(memory_side_text(&w->upstream), "1234");
	assert_over(w);
}

static void an_upgrade_becomes_a_tunnel(void **state)
{
	struct world *w = *state;

	w->head.upgrade = STR("websocket");
	start_connected(w);
	w->upstream.n_ends = 0;
	memory_side_say_response(&w->upstream, 101, "websocket");
	assert_int_equal(w->client.statuses[0], 101);
	memory_side_say_body(&w->client, "ping");
	memory_side_say_body(&w->upstream, "pong");
	memory_side_say_end(&w->client, NULL);
	assert_int_equal(w->upstream.n_ends, 1);
	assert_int_equal(w->client.n_releases, 0);
	memory_side_say_body(&w->upstream, "!");
	memory_side_say_end(&w->upstream, NULL);
	assert_string_equal(memory_side_text(&w->upstream), "ping");
	assert_string_equal(memory_side_text(&w->client), "pong!");
	assert_over(w);
}

static void a_silent_tunnel_ends(void **state)
{
	struct world *w = *state;

	w->head.upgrade = STR("websocket");
	start_connected(w);
	memory_side_say_response(&w->upstream, 101, "websocket");
	turn(w, 4000);
	w->upstream.n_ends = 0;
	memory_side_say_body(&w->client, "still here");
	turn(w, 4000);
	assert_int_equal(w->client.n_releases, 0);
	turn(w, 1100);
	assert_over(w);
}

static void an_upgrade_nobody_asked_for_is_502(void **state)
{
	struct world *w = *state;

	start_connected(w);
	memory_side_say_response(&w->upstream, 101, "websocket");
	assert_int_equal(w->client.statuses[0], 502);
	assert_over(w);
}

static void interim_answers_are_passed_on(void **state)
{
	struct world *w = *state;

	start_connected(w);
	memory_side_say_response(&w->upstream, 103, NULL);
	memory_side_say_response(&w->upstream, 200, NULL);
	assert_int_equal(w->client.statuses[0], 103);
	assert_int_equal(w->client.statuses[1], 200);
}

static void a_body_is_asked_for_when_the_upstream_continues(void **state)
{
	struct world *w = *state;

	post(w);
	w->head.expects_continue = true;
	start_connected(w);
	assert_false(w->client.wants);
	memory_side_say_response(&w->upstream, 100, NULL);
	assert_int_equal(w->client.statuses[0], 100);
	assert_true(w->client.wants);
}

static void an_upstream_that_never_continues_is_not_waited_for(void **state)
{
	struct world *w = *state;

	post(w);
	w->head.expects_continue = true;
	start_connected(w);
	turn(w, 900);
	assert_false(w->client.wants);
	turn(w, 200);
	assert_true(w->client.wants);
}

static void a_final_answer_instead_of_continue_asks_for_nothing(void **state)
{
	struct world *w = *state;

	post(w);
	w->head.expects_continue = true;
	start_connected(w);
	memory_side_say_response(&w->upstream, 417, NULL);
	memory_side_say_end(&w->upstream, NULL);
	turn(w, 2000);
	assert_false(w->client.wants);
	assert_over(w);
}

static void a_request_that_cannot_be_sent_is_answered(void **state)
{
	struct world *w = *state;

	w->upstream.fails = E_RESET;
	start_connected(w);
	assert_int_equal(w->client.statuses[0], 502);
	assert_over(w);
}

static void a_client_that_takes_nothing_more_ends_it(void **state)
{
	struct world *w = *state;

	start_connected(w);
	memory_side_say_response(&w->upstream, 200, NULL);
	w->client.fails = E_LIMIT;
	memory_side_say_body(&w->upstream, "x");
	assert_over(w);
}

static void cutting_ends_it_in_each_state(void **state)
{
	struct world *w = *state;

	start(w);
	forward_home_cut(w->home);
	assert_int_equal(w->client.n_releases, 1);
	memory_side_fini(&w->client);
	memory_side_init(&w->client);
	start_connected(w);
	forward_home_cut(w->home);
	assert_over(w);
	memory_side_fini(&w->client);
	memory_side_fini(&w->upstream);
	memory_side_init(&w->client);
	memory_side_init(&w->upstream);
	start_connected(w);
	memory_side_say_response(&w->upstream, 200, NULL);
	forward_home_cut(w->home);
	forward_home_cut(w->home);
	assert_over(w);
}

static void memory_of_ended_exchanges_is_used_again(void **state)
{
	struct world *w = *state;

	for (int i = 0; i < 300; i++) {
		start(w);
		answer(w, E_UPSTREAM_CONNECT, NULL);
		turn(w, 0);
		memory_side_fini(&w->client);
		memory_side_init(&w->client);
	}
	assert_int_equal(w->origin.n_opens, 300);
}

#define T(name) cmocka_unit_test_setup_teardown(name, begin, finish)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_request_goes_there_and_its_answer_comes_back),
		T(bodies_flow_both_ways_at_once),
		T(trailers_are_passed_on),
		T(a_slow_client_pauses_the_upstream),
		T(a_slow_upstream_pauses_the_client),
		T(nobody_to_connect_to_is_502),
		T(an_upstream_that_takes_too_long_is_504),
		T(an_upstream_that_breaks_off_before_its_head_is_502),
		T(an_upstream_that_breaks_off_after_its_head_breaks_the_client_off),
		T(a_stale_connection_is_replaced_once),
		T(what_may_have_been_acted_upon_is_not_repeated),
		T(what_was_never_sent_is_repeated),
		T(a_body_that_was_read_cannot_be_repeated),
		T(an_answered_request_is_not_repeated),
		T(a_client_that_leaves_ends_the_search),
		T(a_client_that_leaves_releases_the_upstream),
		T(an_early_answer_ends_the_exchange),
		T(a_body_above_the_limit_is_413),
		T(an_upgrade_becomes_a_tunnel),
		T(a_silent_tunnel_ends),
		T(an_upgrade_nobody_asked_for_is_502),
		T(interim_answers_are_passed_on),
		T(a_body_is_asked_for_when_the_upstream_continues),
		T(an_upstream_that_never_continues_is_not_waited_for),
		T(a_final_answer_instead_of_continue_asks_for_nothing),
		T(a_request_that_cannot_be_sent_is_answered),
		T(a_client_that_takes_nothing_more_ends_it),
		T(cutting_ends_it_in_each_state),
		T(memory_of_ended_exchanges_is_used_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
