/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/deadline.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/clock.h"

struct timed {
	struct deadline deadline;
	struct loop *loop;
	int fired;
	int64_t fired_at_ms, rearm_ms;
};

static void on_deadline(struct deadline *d)
{
	struct timed *t = container_of(d, struct timed, deadline);

	t->fired++;
	t->fired_at_ms = loop_now_ms(t->loop);
	if (t->rearm_ms >= 0)
		deadline_arm(d, t->rearm_ms);
}

static struct loop *start(struct timed *t, unsigned n)
{
	clock_test_set(1000000, 1000);
	struct loop *l = loop_new();

	for (unsigned i = 0; i < n; i++) {
		t[i] = (struct timed){.loop = l, .rearm_ms = -1};
		deadline_init(&t[i].deadline, l, on_deadline);
	}
	return l;
}

static void stop(struct loop *l, struct timed *t, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		deadline_disarm(&t[i].deadline);
	loop_free(&l);
	clock_test_end();
}

static void it_fires_once_and_never_early(void **state)
{
	struct timed t;
	struct loop *l = start(&t, 1);

	(void)state;
	deadline_arm(&t.deadline, 100);
	clock_test_advance(99);
	assert_true(loop_turn(l));
	assert_int_equal(t.fired, 0);
	clock_test_advance(1);
	assert_false(loop_turn(l));
	assert_int_equal(t.fired, 1);
	assert_false(deadline_is_armed(&t.deadline));
	clock_test_advance(1000);
	loop_turn(l);
	assert_int_equal(t.fired, 1);
	stop(l, &t, 1);
}

static void arming_again_replaces_later_and_earlier(void **state)
{
	struct timed t;
	struct loop *l = start(&t, 1);

	(void)state;
	deadline_arm(&t.deadline, 100);
	deadline_arm(&t.deadline, 300);
	clock_test_advance(299);
	loop_turn(l);
	assert_int_equal(t.fired, 0);
	deadline_arm(&t.deadline, 1000);
	deadline_arm(&t.deadline, 5);
	clock_test_advance(5);
	loop_turn(l);
	assert_int_equal(t.fired, 1);
	stop(l, &t, 1);
}

static void disarmed_twice_it_stays_silent(void **state)
{
	struct timed t;
	struct loop *l = start(&t, 1);

	(void)state;
	deadline_disarm(&t.deadline);
	deadline_arm(&t.deadline, 1);
	deadline_disarm(&t.deadline);
	deadline_disarm(&t.deadline);
	clock_test_advance(10);
	assert_false(loop_turn(l));
	assert_int_equal(t.fired, 0);
	stop(l, &t, 1);
}

static void arming_for_now_in_the_callback_waits_for_the_next_turn(void **state)
{
	struct timed t;
	struct loop *l = start(&t, 1);

	(void)state;
	t.rearm_ms = 0;
	deadline_arm(&t.deadline, 0);
	loop_turn(l);
	assert_int_equal(t.fired, 1);
	loop_turn(l);
	assert_int_equal(t.fired, 2);
	stop(l, &t, 1);
}

enum { MANY = 500 };

static void many_fire_in_their_turn_whatever_was_done_to_them(void **state)
{
	struct timed t[MANY];
	int64_t due[MANY];
	struct loop *l = start(t, MANY);

	(void)state;
	srand(3);
	for (int round = 0; round < 4000; round++) {
		int i = rand() % MANY;

		due[i] = rand() % 3 == 0 ? -1 : rand() % 1000;
		if (due[i] < 0)
			deadline_disarm(&t[i].deadline);
		else
			deadline_arm(&t[i].deadline, due[i]);
	}
	for (int i = 0; i < MANY; i++)
		if (!deadline_is_armed(&t[i].deadline))
			due[i] = -1;
	for (int ms = 0; ms < 1001; ms++) {
		loop_turn(l);
		clock_test_advance(1);
	}
	for (int i = 0; i < MANY; i++) {
		assert_int_equal(t[i].fired, due[i] >= 0);
		if (due[i] >= 0)
			assert_int_equal(t[i].fired_at_ms, 1000 + due[i]);
	}
	stop(l, t, MANY);
}

static void on_stop(struct deadline *d)
{
	loop_stop(container_of(d, struct timed, deadline)->loop);
}

static void a_sleeping_loop_is_woken(void **state)
{
	struct timed t = {.loop = loop_new()};
	int64_t before = clock_mono_ms();

	(void)state;
	deadline_init(&t.deadline, t.loop, on_stop);
	deadline_arm(&t.deadline, 30);
	loop_run(t.loop);
	assert_in_range(clock_mono_ms() - before, 30, 500);
	loop_free(&t.loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_fires_once_and_never_early),
		cmocka_unit_test(arming_again_replaces_later_and_earlier),
		cmocka_unit_test(disarmed_twice_it_stays_silent),
		cmocka_unit_test(arming_for_now_in_the_callback_waits_for_the_next_turn),
		cmocka_unit_test(many_fire_in_their_turn_whatever_was_done_to_them),
		cmocka_unit_test(a_sleeping_loop_is_woken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
