/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proxy/attempt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "tests/support/blocking.h"
#include "tests/support/stand.h"

static struct stand stand;

struct world {
	struct loop *loop;
	struct snapshot *snapshot;
	struct upstream_set *set;
	struct blocking_backend backend;
	struct attempt attempt;
	/* the last answer */
	unsigned n_answers;
	enum err err;
	struct side *side;
};

static void on_side(void *owner, enum err err, struct side *s)
{
	struct world *w = owner;

	w->n_answers++;
	w->err = err;
	w->side = s;
}

static int begin(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	char config[512];

	assert_int_equal(tls_setup(), E_OK);
	blocking_backend_start(&w->backend, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
	w->loop = loop_new();
	/* port 1 refuses */
	snprintf(config, sizeof(config), "{ \"store\": \"unused\", \"upstreams\": { "
		"\"good\": { \"servers\": [\"127.0.0.1:1\", \"127.0.0.1:%u\"], \"balance\": \"first\" }, "
		"\"bad\": { \"servers\": [\"127.0.0.1:1\"] } }, "
		"\"sites\": { \"a.example\": \"good\", \"b.example\": \"bad\" } }", w->backend.port);
	w->snapshot = stand_snapshot(&stand, config);
	w->set = upstream_set_new(w->loop, w->snapshot, &attempt_ops, NULL);
	*state = w;
	return 0;
}

static int end(void **state)
{
	struct world *w = *state;

	side_release(&w->side);
	if (w->set)
		upstream_set_unref(&w->set);
	snapshot_unref(&w->snapshot);
	while (loop_turn(w->loop))
		usleep(500);
	loop_free(&w->loop);
	blocking_backend_stop(&w->backend);
	free(w);
	return 0;
}

static struct upstream *find(struct world *w, const char *name)
{
	for (unsigned i = 0; i < w->set->n; i++)
		if (str_is(str_from(name), w->set->at[i].conf->name))
			return &w->set->at[i];
	return NULL;
}

static void search(struct world *w, const char *name)
{
	unsigned before = w->n_answers;

	w->attempt = (struct attempt){ .origin = &find(w, name)->origin, .fn = on_side, .owner = w };
	attempt_open(&w->attempt);
	for (int i = 0; i < 4000 && w->n_answers == before; i++) {
		loop_turn(w->loop);
		usleep(500);
	}
	assert_int_equal(w->n_answers, before + 1);
}

static void a_refusing_server_is_passed_over(void **state)
{
	struct world *w = *state;

	search(w, "good");
	assert_int_equal(w->err, E_OK);
	assert_non_null(w->side);
	assert_int_equal(w->attempt.n_tried, 1);
	assert_int_equal(find(w, "good")->servers[0].failures, 1);
	assert_int_equal(find(w, "good")->servers[1].load.in_flight, 1);
	side_release(&w->side);
	assert_int_equal(find(w, "good")->servers[1].load.in_flight, 0);
}

static void nobody_left_is_an_error(void **state)
{
	struct world *w = *state;

	search(w, "bad");
	assert_int_equal(w->err, E_UPSTREAM_CONNECT);
	assert_null(w->side);
	assert_string_equal(w->attempt.server_text, "127.0.0.1:1");
	assert_int_equal(find(w, "bad")->servers[0].load.in_flight, 0);
}

static void cancelled_searches_do_not_answer(void **state)
{
	struct world *w = *state;

	w->attempt = (struct attempt){ .origin = &find(w, "good")->origin, .fn = on_side, .owner = w };
	attempt_open(&w->attempt);
	assert_int_equal(find(w, "good")->servers[0].load.in_flight, 1);
	attempt_cancel(&w->attempt);
	attempt_cancel(&w->attempt);
	for (int i = 0; i < 50; i++)
		loop_turn(w->loop);
	assert_int_equal(w->n_answers, 0);
	assert_int_equal(find(w, "good")->servers[0].load.in_flight, 0);
}

static void the_set_lives_as_long_as_it_is_referenced(void **state)
{
	struct world *w = *state;
	struct origin *o = &find(w, "good")->origin;

	search(w, "good");
	o->ops->ref(o);
	upstream_set_unref(&w->set);
	side_release(&w->side);
	o->ops->unref(o);
}

static struct stream *dialled;
static bool is_dialled;

static void on_dialled(void *owner, enum err err, struct stream *s, const struct fault *fault)
{
	(void)owner;
	(void)fault;
	assert_int_equal(err, E_OK);
	dialled = s;
	is_dialled = true;
}

static void a_server_can_be_dialled_directly(void **state)
{
	struct world *w = *state;

	attempt_dial(&find(w, "good")->servers[1], 2000, on_dialled, NULL);
	for (int i = 0; i < 4000 && !is_dialled; i++) {
		loop_turn(w->loop);
		usleep(500);
	}
	assert_non_null(dialled);
	stream_close(&dialled, STREAM_CLOSE_ABORT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_refusing_server_is_passed_over, begin, end),
		cmocka_unit_test_setup_teardown(nobody_left_is_an_error, begin, end),
		cmocka_unit_test_setup_teardown(cancelled_searches_do_not_answer, begin, end),
		cmocka_unit_test_setup_teardown(the_set_lives_as_long_as_it_is_referenced, begin, end),
		cmocka_unit_test_setup_teardown(a_server_can_be_dialled_directly, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
