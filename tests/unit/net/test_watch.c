/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/watch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

struct watched {
	struct watch watch;
	struct loop *loop;
	struct watched *victim;
	int n;
	unsigned events;
};

static void on_ready(struct watch *w, unsigned events)
{
	struct watched *x = container_of(w, struct watched, watch);

	x->n++;
	x->events = events;
	if (x->victim && x->victim->watch.fd >= 0)
		watch_close(x->loop, &x->victim->watch);
}

static int n_early, n_early_at_first_fn;

static size_t on_early(struct watch *w, char *room)
{
	(void)w;
	n_early++;
	memset(room, 'x', WATCH_EARLY_READ);
	return 1;
}

static void on_ready_after_early(struct watch *w, unsigned events)
{
	if (!container_of(w, struct watched, watch)->n && !n_early_at_first_fn)
		n_early_at_first_fn = n_early;
	on_ready(w, events);
}

static void start(struct watched *x, struct loop *l, int fd, enum watch_kind kind)
{
	*x = (struct watched){.watch.fn = on_ready, .loop = l};
	assert_int_equal(watch_open(l, &x->watch, fd, kind), E_OK);
}

static void a_stream_is_told_once_per_change(void **state)
{
	struct loop *l = loop_new();
	struct watched x;
	int fds[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	start(&x, l, fds[0], WATCH_STREAM);
	assert_true(loop_turn(l));
	assert_int_equal(x.events, WATCH_WRITE);
	loop_turn(l);
	assert_int_equal(x.n, 1);
	assert_int_equal(write(fds[1], "x", 1), 1);
	loop_turn(l);
	loop_turn(l);
	assert_int_equal(x.n, 2);
	assert_true(x.events & WATCH_READ);
	close(fds[1]);
	loop_turn(l);
	assert_true(x.events & WATCH_HANGUP);
	watch_close(l, &x.watch);
	assert_false(loop_turn(l));
	close(fds[0]);
	loop_free(&l);
}

static void level_is_told_again_until_paused(void **state)
{
	struct loop *l = loop_new();
	struct watched x;
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	start(&x, l, fds[0], WATCH_LEVEL);
	assert_int_equal(write(fds[1], "x", 1), 1);
	loop_turn(l);
	loop_turn(l);
	assert_int_equal(x.n, 2);
	watch_pause(l, &x.watch);
	loop_turn(l);
	assert_int_equal(x.n, 2);
	watch_resume(l, &x.watch);
	loop_turn(l);
	assert_int_equal(x.n, 3);
	watch_close(l, &x.watch);
	close(fds[0]);
	close(fds[1]);
	loop_free(&l);
}

static void closed_by_another_in_the_same_turn_it_is_not_told(void **state)
{
	struct loop *l = loop_new();
	struct watched x[2];
	int fds[2][2];

	(void)state;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(pipe(fds[i]), 0);
		start(&x[i], l, fds[i][0], WATCH_BACKGROUND);
		assert_int_equal(write(fds[i][1], "x", 1), 1);
	}
	x[0].victim = &x[1];
	x[1].victim = &x[0];
	loop_turn(l);
	assert_int_equal(x[0].n + x[1].n, 1);
	for (int i = 0; i < 2; i++) {
		if (x[i].watch.fd >= 0)
			watch_close(l, &x[i].watch);
		close(fds[i][0]);
		close(fds[i][1]);
	}
	loop_free(&l);
}

/* A hang-up is none, and one that is alone gains nothing by it. */
static void all_are_asked_early_before_the_first_is_told(void **state)
{
	struct loop *l = loop_new();
	struct watched x[3];
	int fds[3][2];

	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds[i]), 0);
		x[i] = (struct watched){.watch = {.fn = on_ready_after_early, .early = on_early}, .loop = l};
		assert_int_equal(watch_open(l, &x[i].watch, fds[i][0], WATCH_LEVEL), E_OK);
	}
	assert_int_equal(write(fds[0][1], "x", 1), 1);
	loop_turn(l);
	assert_int_equal(n_early, 0);
	assert_int_equal(x[0].n, 1);
	x[0].n = n_early_at_first_fn = 0;
	assert_int_equal(write(fds[1][1], "x", 1), 1);
	close(fds[2][1]);
	loop_turn(l);
	assert_int_equal(n_early, 2);
	assert_int_equal(n_early_at_first_fn, 2);
	assert_int_equal(x[0].n + x[1].n + x[2].n, 3);
	for (int i = 0; i < 3; i++) {
		watch_close(l, &x[i].watch);
		close(fds[i][0]);
		if (i < 2)
			close(fds[i][1]);
	}
	loop_free(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_stream_is_told_once_per_change),
		cmocka_unit_test(level_is_told_again_until_paused),
		cmocka_unit_test(closed_by_another_in_the_same_turn_it_is_not_told),
		cmocka_unit_test(all_are_asked_early_before_the_first_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
