/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/loop.h"

#include <pthread.h>
#include <setjmp.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/resource.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cmocka.h>

struct counted {
	struct loop *loop;
	struct loop_task task;
	int runs, again;
};

static void on_task(struct loop_task *t)
{
	struct counted *c = container_of(t, struct counted, task);

	c->runs++;
	if (c->again-- > 0)
		loop_defer(c->loop, t);
}

static void a_task_runs_once_however_often_scheduled(void **state)
{
	struct counted c = {.loop = loop_new()};

	(void)state;
	loop_task_init(&c.task, on_task);
	loop_defer(c.loop, &c.task);
	loop_defer(c.loop, &c.task);
	assert_false(loop_turn(c.loop));
	assert_int_equal(c.runs, 1);
	loop_free(&c.loop);
	assert_null(c.loop);
}

static void a_task_may_schedule_itself_for_ever(void **state)
{
	struct counted c = {.loop = loop_new(), .again = 1000};

	(void)state;
	loop_task_init(&c.task, on_task);
	loop_defer(c.loop, &c.task);
	assert_true(loop_turn(c.loop));
	assert_true(c.runs < 20);
	loop_task_cancel(&c.task);
	assert_false(loop_turn(c.loop));
	loop_free(&c.loop);
}

struct job {
	struct loop_work work;
	struct loop *loop;
	pthread_t ran_on;
	int nice;
	bool was_canceled;
	int done;
};

static void on_work(struct loop_work *w)
{
	struct job *j = container_of(w, struct job, work);

	j->ran_on = pthread_self();
	j->nice = getpriority(PRIO_PROCESS, (id_t)gettid());
}

static void on_work_done(struct loop_work *w, bool canceled)
{
	struct job *j = container_of(w, struct job, work);

	j->was_canceled = canceled;
	j->done++;
	loop_stop(j->loop);
}

static void work_runs_elsewhere_and_is_done_here(void **state)
{
	struct job j = {.work = {.fn = on_work, .done = on_work_done}, .loop = loop_new()};

	(void)state;
	loop_work_start(j.loop, &j.work);
	loop_run(j.loop);
	assert_int_equal(j.done, 1);
	assert_false(j.was_canceled);
	assert_false(pthread_equal(j.ran_on, pthread_self()));
	/* 19 is the nicest there is */
	int nice = getpriority(PRIO_PROCESS, (id_t)gettid()) + 10;
	assert_int_equal(j.nice, nice < 19 ? nice : 19);
	loop_free(&j.loop);
}

static void on_slow_work(struct loop_work *w)
{
	(void)w;
	usleep(20000);
}

static void canceled_work_is_done_as_well(void **state)
{
	struct loop *l = loop_new();
	struct job j[12] = {0};
	int canceled = 0;

	(void)state;
	for (int i = 0; i < 12; i++) {
		j[i] = (struct job){.work = {.fn = on_slow_work, .done = on_work_done}, .loop = l};
		loop_work_start(l, &j[i].work);
	}
	for (int i = 0; i < 12; i++)
		loop_work_cancel(&j[i].work);
	loop_run(l);
	for (int i = 0; i < 12; i++) {
		assert_int_equal(j[i].done, 1);
		canceled += j[i].was_canceled;
	}
	assert_true(canceled > 0);
	loop_free(&l);
}

static void freeing_a_loop_whose_work_hangs_does_not_crash(void **state)
{
	static struct job j = {.work = {.fn = on_slow_work, .done = on_work_done}};
	struct loop *l = loop_new();

	(void)state;
	j.loop = l;
	loop_work_start(l, &j.work);
	loop_turn(l);
	loop_free(&l);
	assert_null(l);
	usleep(40000);
}

static void on_signal(void *owner, int signum)
{
	assert_int_equal(signum, SIGUSR1);
	loop_stop(owner);
}

static void signals_reach_the_loop_and_do_not_keep_it_alive(void **state)
{
	struct loop *l = loop_new();

	(void)state;
	loop_on_signal(l, SIGUSR1, on_signal, l);
	assert_false(loop_turn(l));
	kill(getpid(), SIGUSR1);
	loop_run(l);
	loop_free(&l);
}

struct slices {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime_ns, deadline_ns, period_ns;
};

struct placed {
	enum loop_place place;
	struct slices got;
};

static void *take_place(void *arg)
{
	struct placed *p = arg;

	loop_take_place(p->place);
	syscall(SYS_sched_getattr, 0, &p->got, sizeof(p->got), 0);
	return NULL;
}

/* Each thread's is its own, whatever place the thread had that started it. */
static void places_differ_by_nice_values_and_slices_are_short(void **state)
{
	int base = getpriority(PRIO_PROCESS, (id_t)getpid());
	struct utsname kernel;
	unsigned major, minor;

	(void)state;
	uname(&kernel);
	assert_int_equal(sscanf(kernel.release, "%u.%u", &major, &minor), 2);
	for (int place = LOOP_FIRST; place <= LOOP_LAST; place++) {
		struct placed p = {.place = (enum loop_place)place};
		int nice = base + 5 * place;
		pthread_t thread;

		assert_int_equal(pthread_create(&thread, NULL, take_place, &p), 0);
		pthread_join(thread, NULL);
		assert_int_equal(p.got.policy, SCHED_OTHER);
		assert_int_equal(p.got.nice, nice < 19 ? nice : 19);
		if (major > 6 || (major == 6 && minor >= 12))
			assert_int_equal(p.got.runtime_ns, LOOP_SHORT_SLICE_US * 1000);
	}
	assert_int_equal(getpriority(PRIO_PROCESS, (id_t)getpid()), base);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_task_runs_once_however_often_scheduled),
		cmocka_unit_test(a_task_may_schedule_itself_for_ever),
		cmocka_unit_test(work_runs_elsewhere_and_is_done_here),
		cmocka_unit_test(canceled_work_is_done_as_well),
		cmocka_unit_test(freeing_a_loop_whose_work_hangs_does_not_crash),
		cmocka_unit_test(places_differ_by_nice_values_and_slices_are_short),
		cmocka_unit_test(signals_reach_the_loop_and_do_not_keep_it_alive),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
