/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proxy/tunnel.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/clock.h"
#include "tests/support/memory_side.h"

static struct loop *loop;
static struct memory_side client, upstream;
static struct tunnel tunnel;
static int n_over;
static enum err how;

static void on_over(struct tunnel *t, enum err err)
{
	assert_ptr_equal(t, &tunnel);
	n_over++;
	how = err;
}

static void begin(void)
{
	struct tunnel_args args = { &client.side, &upstream.side, 10, 1000, on_over };

	clock_test_set(1000000, 1000);
	n_over = 0;
	loop = loop_new();
	memory_side_init(&client);
	memory_side_init(&upstream);
	client.n_responses = upstream.n_requests = 1;
	tunnel_init(&tunnel, loop);
	tunnel_open(&tunnel, &args);
	assert_true(client.wants && upstream.wants);
}

static void end(void)
{
	tunnel_close(&tunnel);
	tunnel_close(&tunnel);
	loop_free(&loop);
	memory_side_fini(&client);
	memory_side_fini(&upstream);
	clock_test_end();
}

static void pass(int64_t ms)
{
	clock_test_advance(ms);
	loop_turn(loop);
	loop_turn(loop);
}

static void bytes_go_both_ways(void **state)
{
	(void)state;
	begin();
	memory_side_say_body(&client, "up");
	memory_side_say_body(&upstream, "down");
	assert_string_equal(memory_side_text(&upstream), "up");
	assert_string_equal(memory_side_text(&client), "down");
	end();
}

static void it_is_over_when_both_ended(void **state)
{
	(void)state;
	begin();
	memory_side_say_end(&upstream, NULL);
	assert_int_equal(client.n_ends, 1);
	assert_int_equal(n_over, 0);
	memory_side_say_body(&client, "late");
	memory_side_say_end(&client, NULL);
	assert_int_equal(n_over, 1);
	assert_int_equal(how, E_OK);
	end();
}

static void silence_ends_it_and_either_side_breaks_silence(void **state)
{
	(void)state;
	begin();
	pass(900);
	memory_side_say_body(&client, "x");
	pass(900);
	memory_side_say_body(&upstream, "x");
	pass(900);
	assert_int_equal(n_over, 0);
	pass(200);
	assert_int_equal(n_over, 1);
	assert_int_equal(how, E_TIMEOUT);
	end();
}

static void a_failure_of_either_side_ends_it(void **state)
{
	(void)state;
	begin();
	memory_side_say_fail(&client, E_RESET);
	assert_int_equal(how, E_RESET);
	end();
	begin();
	upstream.fails = E_LIMIT;
	memory_side_say_body(&client, "x");
	assert_int_equal(n_over, 1);
	end();
}

static void slow_readers_pause_the_other_side(void **state)
{
	(void)state;
	begin();
	client.queued = 11;
	memory_side_say_body(&upstream, "x");
	assert_false(upstream.wants);
	assert_true(client.wants);
	memory_side_say_writable(&client);
	assert_true(upstream.wants);
	upstream.queued = 11;
	memory_side_say_body(&client, "x");
	assert_false(client.wants);
	memory_side_say_writable(&upstream);
	assert_true(client.wants);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_go_both_ways),
		cmocka_unit_test(it_is_over_when_both_ended),
		cmocka_unit_test(silence_ends_it_and_either_side_breaks_silence),
		cmocka_unit_test(a_failure_of_either_side_ends_it),
		cmocka_unit_test(slow_readers_pause_the_other_side),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
