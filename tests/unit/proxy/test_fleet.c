/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proxy/fleet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/mem.h"

/* Workers that only note what they are told. These definitions stand in for worker.c. */
struct worker {
	unsigned index, n_workers, n_https, n_http;
	int https_fd;
	atomic_uint *connections;
	unsigned n_installed, n_forgotten, n_published;
	int64_t drain_ms;
	bool is_stopped;
	int https[PORTS_MAX];
	uint64_t generation;
};

static struct worker workers[8];
static unsigned n_started, n_joined;

struct worker *worker_start(const struct worker_args *args)
{
	struct worker *w = &workers[n_started++];

	*w = (struct worker){ .index = args->index, .n_workers = args->n_workers,
		.n_https = args->n_https, .n_http = args->n_http, .https_fd = args->https_fds[0],
		.connections = args->connections };
	close(w->https_fd);
	return w;
}

void worker_install(struct worker *w, struct entry *e, bool keep)
{
	assert_non_null(e);
	assert_true(keep);
	w->n_installed++;
}

void worker_forget(struct worker *w, const char *name)
{
	assert_string_equal(name, "gone.example.com");
	w->n_forgotten++;
}

void worker_forget_refusals(struct worker *w)
{
	assert_non_null(w);
}

void worker_set_challenges(struct worker *w, struct challenge_set *set, uint64_t generation)
{
	assert_null(set);
	assert_int_equal(generation, 1);
	w->n_published++;
}

void worker_reload(struct worker *w, const struct worker_reload_args *args)
{
	memcpy(w->https, args->https, sizeof(w->https));
	w->generation = args->generation;
	assert_int_equal(args->connections_max, 20);
	for (unsigned i = 0; i < PORTS_MAX; i++)
		if (args->https[i] >= 0)
			close(args->https[i]);
}

void worker_drain(struct worker *w, int64_t deadline_ms)
{
	w->drain_ms = deadline_ms;
}

void worker_stop(struct worker *w)
{
	w->is_stopped = true;
}

void worker_join(struct worker **w)
{
	assert_non_null(*w);
	n_joined++;
	*w = NULL;
}

static struct fleet *start(struct ports *p, unsigned n)
{
	static struct conf_addr loopback = { CONF_ADDR_IP, "127.0.0.1:0", "127.0.0.1", 0 };
	struct conf_listen listen = { .https = { &loopback, 1 } };
	struct fault fault = { 0 };

	n_started = n_joined = 0;
	assert_int_equal(ports_open(p, &listen, n, &fault), E_OK);
	return fleet_start(&(struct fleet_args){ .ports = p, .connections_max = 10 });
}

static void each_worker_has_sockets_of_its_own(void **state)
{
	struct ports p;
	struct fleet *f = start(&p, 3);

	(void)state;
	assert_int_equal(n_started, 3);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(workers[i].index, i);
		assert_int_equal(workers[i].n_https, 1);
		assert_int_equal(workers[i].n_http, 0);
	}
	assert_int_not_equal(workers[0].https_fd, workers[1].https_fd);
	atomic_fetch_add(workers[1].connections, 2);
	assert_int_equal(fleet_connections(f), 2);
	ports_close(&p);
	fleet_join(&f);
	fleet_join(&f);
	assert_int_equal(n_joined, 3);
}

static void what_one_is_told_all_are_told(void **state)
{
	struct ports p;
	struct fleet *f = start(&p, 2);
	struct entry *e = mem_new(sizeof(*e));

	(void)state;
	fleet_install(f, e, true);
	fleet_forget(f, "gone.example.com");
	fleet_publish(f, NULL, 1);
	fleet_drain(f, 5000);
	fleet_stop(f);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(workers[i].n_installed, 1);
		assert_int_equal(workers[i].n_forgotten, 1);
		assert_int_equal(workers[i].n_published, 1);
		assert_int_equal(workers[i].drain_ms, 5000);
		assert_true(workers[i].is_stopped);
	}
	mem_release(e);
	ports_close(&p);
	fleet_join(&f);
}

static void a_challenge_is_live_when_the_slowest_has_it(void **state)
{
	struct ports p;
	struct fleet *f = start(&p, 2);

	(void)state;
	assert_int_equal(fleet_note_live(f, &workers[0], 7), 0);
	assert_int_equal(fleet_note_live(f, &workers[1], 5), 5);
	assert_int_equal(fleet_note_live(f, &workers[1], 8), 7);
	ports_close(&p);
	fleet_join(&f);
}

static void all_are_drained_when_the_last_is(void **state)
{
	struct ports p;
	struct fleet *f = start(&p, 2);

	(void)state;
	assert_false(fleet_note_drained(f, &workers[1]));
	assert_false(fleet_note_drained(f, &workers[1]));
	assert_true(fleet_note_drained(f, &workers[0]));
	ports_close(&p);
	fleet_join(&f);
}

static void a_reload_is_done_when_the_last_has_settled(void **state)
{
	struct conf_addr both[2] = { { CONF_ADDR_IP, "127.0.0.1:0", "127.0.0.1", 0 },
		{ CONF_ADDR_IP, "127.0.0.2:0", "127.0.0.2", 0 } };
	struct conf_listen listen = { .https = { both, 2 } };
	struct fault fault = { 0 };
	struct ports p, next;
	struct fleet *f = start(&p, 2);

	(void)state;
	assert_int_equal(ports_reopen(&next, &p, &listen, &fault), E_OK);
	assert_int_equal(fleet_reload(f, NULL, &next, 20), 1);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(workers[i].generation, 1);
		assert_int_equal(workers[i].https[0], PORT_STAYS);
		assert_true(workers[i].https[1] >= 0);
		assert_int_equal(workers[i].https[2], PORT_ENDS);
	}
	assert_false(fleet_note_settled(f, &workers[0], 1));
	assert_true(fleet_note_settled(f, &workers[1], 1));
	ports_close(&next);
	ports_close(&p);
	fleet_join(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_worker_has_sockets_of_its_own),
		cmocka_unit_test(what_one_is_told_all_are_told),
		cmocka_unit_test(a_challenge_is_live_when_the_slowest_has_it),
		cmocka_unit_test(all_are_drained_when_the_last_is),
		cmocka_unit_test(a_reload_is_done_when_the_last_has_settled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
