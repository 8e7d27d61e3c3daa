/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proxy/health.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "proxy/attempt.h"
#include "tests/support/blocking.h"
#include "tests/support/stand.h"

struct world {
	struct loop *loop;
	struct snapshot *snapshot;
	struct upstream_set *set;
	struct health *health;
	struct blocking_backend backend;
	struct server *server;
};

static struct stand stand;

static const char *const good = "HTTP/1.1 204 No Content\r\n\r\n";
static const char *const bad = "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n";

static int begin(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	char config[512];

	assert_int_equal(tls_setup(), E_OK);
	blocking_backend_start(&w->backend, good);
	w->loop = loop_new();
	snprintf(config, sizeof(config), "{ \"store\": \"unused\", \"upstreams\": { \"u\": { "
		"\"servers\": [\"127.0.0.1:%u\"], \"health\": { \"path\": \"/healthz\", "
		"\"every\": \"100ms\", \"timeout\": \"200ms\", \"down_after\": 2, \"up_after\": 2 } } }, "
		"\"sites\": { \"a.example\": \"u\" } }", w->backend.port);
	w->snapshot = stand_snapshot(&stand, config);
	w->set = upstream_set_new(w->loop, w->snapshot, &attempt_ops, NULL);
	w->server = &w->set->at[0].servers[0];
	w->health = health_start(w->set, NULL);
	*state = w;
	return 0;
}

static int end(void **state)
{
	struct world *w = *state;

	health_stop(&w->health);
	health_stop(&w->health);
	upstream_set_unref(&w->set);
	snapshot_unref(&w->snapshot);
	while (loop_turn(w->loop))
		usleep(500);
	loop_free(&w->loop);
	blocking_backend_stop(&w->backend);
	free(w);
	return 0;
}

static bool comes_to(struct world *w, bool down)
{
	for (int i = 0; i < 4000 && upstream_is_down(w->server) != down; i++) {
		loop_turn(w->loop);
		usleep(500);
	}
	return upstream_is_down(w->server) == down;
}

static void wait_for_requests(struct world *w, unsigned n)
{
	n += atomic_load(&w->backend.n_requests);
	for (int i = 0; i < 4000 && atomic_load(&w->backend.n_requests) < n; i++) {
		loop_turn(w->loop);
		usleep(500);
	}
}

static void good_answers_keep_a_server_up(void **state)
{
	struct world *w = *state;

	wait_for_requests(w, 3);
	assert_false(upstream_is_down(w->server));
	assert_memory_equal(w->backend.last, "GET /healthz HTTP/1.1\r\n", 23);
	assert_non_null(strstr(w->backend.last, "User-Agent: sallyport-health\r\n"));
}

static void bad_answers_take_it_down_and_good_ones_up_again(void **state)
{
	struct world *w = *state;

	w->backend.answer = bad;
	assert_true(comes_to(w, true));
	assert_true(atomic_load(&w->backend.n_requests) >= 2);
	w->backend.answer = good;
	assert_true(comes_to(w, false));
}

/* Down after two failures in all, one of them before the reload. */
static void a_reload_goes_on_counting(void **state)
{
	struct world *w = *state;
	struct upstream_set *old = w->set;
	struct health *before = w->health;

	w->backend.answer = bad;
	wait_for_requests(w, 1);
	w->set = upstream_set_new(w->loop, w->snapshot, &attempt_ops, old);
	w->server = &w->set->at[0].servers[0];
	w->health = health_start(w->set, before);
	health_stop(&before);
	upstream_set_unref(&old);
	assert_true(comes_to(w, true));
	assert_true(atomic_load(&w->backend.n_requests) >= 2);
}

static void silence_takes_it_down(void **state)
{
	struct world *w = *state;

	w->backend.answer = "";
	assert_true(comes_to(w, true));
}

static void an_answer_that_makes_no_sense_takes_it_down(void **state)
{
	struct world *w = *state;

	w->backend.answer = "hello\r\n\r\n";
	assert_true(comes_to(w, true));
}

static void a_closed_port_takes_it_down(void **state)
{
	struct world *w = *state;

	blocking_backend_stop(&w->backend);
	assert_true(comes_to(w, true));
	blocking_backend_start(&w->backend, good);
}

static void stopping_while_asking_is_clean(void **state)
{
	struct world *w = *state;

	w->backend.answer = "";
	wait_for_requests(w, 1);
	health_stop(&w->health);
	loop_turn(w->loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(good_answers_keep_a_server_up, begin, end),
		cmocka_unit_test_setup_teardown(bad_answers_take_it_down_and_good_ones_up_again, begin, end),
		cmocka_unit_test_setup_teardown(a_reload_goes_on_counting, begin, end),
		cmocka_unit_test_setup_teardown(silence_takes_it_down, begin, end),
		cmocka_unit_test_setup_teardown(an_answer_that_makes_no_sense_takes_it_down, begin, end),
		cmocka_unit_test_setup_teardown(a_closed_port_takes_it_down, begin, end),
		cmocka_unit_test_setup_teardown(stopping_while_asking_is_clean, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
