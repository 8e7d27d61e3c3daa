/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/memory_stream.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void run(struct loop *l)
{
	for (int i = 0; i < 50; i++)
		loop_turn(l);
}

struct pair {
	struct loop *loop;
	struct stream *a;
	struct memory_end b;
};

static const struct stream_events silent;

static void start(struct pair *p)
{
	struct stream *b;

	p->loop = loop_new();
	memory_stream_pair(p->loop, &p->a, &b);
	stream_own(p->a, &silent, p);
	memory_end_init(&p->b, &b);
}

static void stop(struct pair *p)
{
	stream_close(&p->a, STREAM_CLOSE_ABORT);
	memory_end_fini(&p->b);
	run(p->loop);
	assert_int_equal(memory_stream_count(), 0);
	loop_free(&p->loop);
}

static void bytes_arrive_later_and_in_order(void **state)
{
	struct pair p;

	(void)state;
	start(&p);
	assert_int_equal(stream_write(p.a, (struct str[]){STR("ab"), STR("cd")}, 2), E_OK);
	assert_int_equal(p.b.got.len, 0);
	run(p.loop);
	assert_true(str_is(buf_str(&p.b.got), "abcd"));
	stop(&p);
}

static void a_small_window_queues(void **state)
{
	struct pair p;

	(void)state;
	start(&p);
	stream_read_stop(p.b.stream);
	memory_stream_set_window(p.a, 3);
	assert_int_equal(stream_write(p.a, &STR("abcdef"), 1), E_OK);
	assert_int_equal(stream_queued(p.a), 3);
	run(p.loop);
	assert_int_equal(stream_queued(p.a), 3);
	stop(&p);
}

static void closing_gracefully_is_an_eof_after_the_bytes(void **state)
{
	struct pair p;

	(void)state;
	start(&p);
	assert_int_equal(stream_write(p.a, &STR("bye"), 1), E_OK);
	stream_close(&p.a, STREAM_CLOSE_GRACEFUL);
	run(p.loop);
	assert_true(str_is(buf_str(&p.b.got), "bye"));
	assert_true(p.b.is_eof);
	stop(&p);
}

static void aborting_is_a_reset(void **state)
{
	struct pair p;

	(void)state;
	start(&p);
	stream_close(&p.a, STREAM_CLOSE_ABORT);
	run(p.loop);
	assert_int_equal(p.b.err, E_RESET);
	stop(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_arrive_later_and_in_order),
		cmocka_unit_test(a_small_window_queues),
		cmocka_unit_test(closing_gracefully_is_an_eof_after_the_bytes),
		cmocka_unit_test(aborting_is_a_reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
