/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proxy/reload.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/log.h"
#include "base/mem.h"

/* The issuer's part, which would want CAs. These definitions stand in for issuer.c. */
struct issuer_plan {
	int unused;
};

static bool is_concerned;
static unsigned n_plans;

bool issuer_is_concerned(const struct issuer *i, const struct conf *next, const struct diff *diff)
{
	(void)i;
	assert_non_null(next);
	assert_non_null(diff);
	return is_concerned;
}

enum err issuer_prepare(struct conf *conf, struct issuer_plan **out, struct fault *fault)
{
	(void)fault;
	assert_non_null(conf);
	*out = mem_new(sizeof(**out));
	n_plans++;
	return E_OK;
}

void issuer_plan_free(struct issuer_plan **p)
{
	n_plans -= *p != NULL;
	mem_free(p);
}

static char directory[] = "/tmp/sallyport-test-XXXXXX";
static char file[64];

struct world {
	struct loop *loop;
	struct tls_tickets *tickets;
	struct conf *conf;
	struct snapshot *snapshot;
	struct ports ports;
	struct reload *reload;
	unsigned n_commits, n_answers, n_changes, n_restart;
	enum err err;
	char problem[640], detail[1200];
	bool settles, is_plan;
	char store[64];
};

#define SITES "\"sites\": {\"a.example\": {\"tls\": \"off\", \"http\": \"serve\", \"to\": \"127.0.0.1:1\"}}"
#define CONF(more) "{\"store\": \"one\", \"listen\": {\"https\": \"off\", \"http\": \"127.0.0.1:0\"}, " more SITES "}"

static void write_file(const char *text)
{
	FILE *f = fopen(file, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void look(void *owner, struct reload_running *out)
{
	struct world *w = owner;

	*out = (struct reload_running){ w->conf, w->snapshot, &w->ports };
}

static void commit(void *owner, struct reload_next *next)
{
	struct world *w = owner;

	w->n_commits++;
	assert_int_equal(next->ports.n_workers, 1);
	snprintf(w->store, sizeof(w->store), "%s", next->conf->store);
	conf_unref(&w->conf);
	w->conf = conf_ref(next->conf);
	if (w->settles)
		reload_settled(w->reload);
}

static void on_outcome(void *owner, const struct reload_outcome *o)
{
	struct world *w = owner;

	w->n_answers++;
	w->err = o->err;
	w->is_plan = o->is_plan;
	w->n_changes = o->diff ? o->diff->n : 0;
	w->n_restart = o->diff ? o->diff->n_restart : 0;
	snprintf(w->problem, sizeof(w->problem), "%s", o->problems.n ? o->problems.at[0].text : "");
	snprintf(w->detail, sizeof(w->detail), "%s: %s", o->fault.activity, o->fault.detail);
}

static int begin(void **state)
{
	struct world *w = mem_new(sizeof(*w));
	struct conf_problems problems = { 0 };
	struct load_args sources = { .file = file };
	struct fault fault = { 0 };

	is_concerned = false;
	write_file(CONF(""));
	assert_int_equal(load_conf(&sources, &w->conf, &problems), E_OK);
	w->loop = loop_new();
	w->tickets = tls_tickets_new();
	w->settles = true;
	assert_int_equal(snapshot_new(w->conf, w->tickets, &w->snapshot, &fault), E_OK);
	assert_int_equal(ports_open(&w->ports, &w->conf->listen, 1, &fault), E_OK);
	w->reload = reload_new(&(struct reload_args){ .loop = w->loop, .sources = sources,
		.tickets = w->tickets, .look = look, .commit = commit, .owner = w });
	*state = w;
	return 0;
}

static int end(void **state)
{
	struct world *w = *state;

	reload_free(&w->reload);
	loop_stop(w->loop);
	loop_run(w->loop);
	loop_free(&w->loop);
	assert_int_equal(n_plans, 0);
	ports_close(&w->ports);
	snapshot_unref(&w->snapshot);
	conf_unref(&w->conf);
	tls_tickets_free(&w->tickets);
	mem_release(w);
	return 0;
}

static void wait_for(struct world *w, const unsigned *what, unsigned n)
{
	for (int i = 0; i < 10000 && *what < n; i++) {
		loop_turn(w->loop);
		usleep(500);
	}
	assert_int_equal(*what, n);
}

static void start(struct world *w, enum reload_kind kind)
{
	reload_start(w->reload, kind, on_outcome, w);
}

static void a_good_configuration_is_committed(void **state)
{
	struct world *w = *state;

	write_file(CONF("\"timeouts\": {\"idle\": \"5s\"}, "));
	is_concerned = true;
	start(w, RELOAD_APPLY);
	assert_int_equal(w->n_answers, 0);
	wait_for(w, &w->n_answers, 1);
	assert_int_equal(w->err, E_OK);
	assert_int_equal(w->n_commits, 1);
	assert_int_equal(w->n_changes, 1);
	assert_int_equal(w->conf->timeouts.idle_ms, 5000);
	assert_int_equal(reload_last(w->reload)->err, E_OK);
	assert_int_equal(reload_last(w->reload)->diff->n, 1);
}

static void it_is_answered_when_it_is_in_force(void **state)
{
	struct world *w = *state;

	w->settles = false;
	start(w, RELOAD_APPLY);
	wait_for(w, &w->n_commits, 1);
	for (int i = 0; i < 20; i++)
		loop_turn(w->loop);
	assert_int_equal(w->n_answers, 0);
	reload_settled(w->reload);
	assert_int_equal(w->n_answers, 1);
	reload_settled(w->reload);
	assert_int_equal(w->n_answers, 1);
}

static void a_bad_one_changes_nothing_and_says_where(void **state)
{
	struct world *w = *state;

	assert_null(reload_last(w->reload));
	write_file("{\n  \"store\": \"one\",\n  \"timeoutz\": 1, " SITES "}");
	start(w, RELOAD_APPLY);
	wait_for(w, &w->n_answers, 1);
	assert_int_equal(w->err, E_CONFIG);
	assert_int_equal(w->n_commits, 0);
	assert_non_null(strstr(w->problem, ":3:3: "));
	assert_int_equal(reload_last(w->reload)->err, E_CONFIG);
	assert_int_equal(reload_last(w->reload)->problems.n, 1);
	unlink(file);
	start(w, RELOAD_APPLY);
	wait_for(w, &w->n_answers, 2);
	assert_int_equal(w->err, E_FILE);
}

static void what_cannot_be_prepared_is_refused_as_a_whole(void **state)
{
	struct world *w = *state;

	write_file("{\"store\": \"one\", \"listen\": {\"https\": \"127.0.0.1:0\", \"http\": \"127.0.0.1:0\"}, "
		"\"sites\": {\"b.example\": {\"cert\": \"/nonexistent\", \"key\": \"/nonexistent\", "
		"\"to\": \"127.0.0.1:1\"}}}");
	start(w, RELOAD_APPLY);
	wait_for(w, &w->n_answers, 1);
	assert_int_equal(w->err, E_FILE);
	assert_non_null(strstr(w->detail, "b.example"));
	write_file("{\"store\": \"one\", \"listen\": {\"https\": \"off\", \"http\": \"192.0.2.1:80\"}, " SITES "}");
	start(w, RELOAD_APPLY);
	wait_for(w, &w->n_answers, 2);
	assert_int_equal(w->err, E_BIND);
	assert_int_equal(w->n_commits, 0);
}

static void a_plan_changes_nothing(void **state)
{
	struct world *w = *state;

	write_file(CONF("\"workers\": 3, \"timeouts\": {\"idle\": \"5s\"}, "));
	start(w, RELOAD_PLAN);
	wait_for(w, &w->n_answers, 1);
	assert_int_equal(w->err, E_OK);
	assert_true(w->is_plan);
	assert_int_equal(w->n_changes, 2);
	assert_int_equal(w->n_restart, 1);
	assert_int_equal(w->n_commits, 0);
	assert_null(reload_last(w->reload));
}

static void what_needs_a_restart_keeps_its_value(void **state)
{
	struct world *w = *state;

	write_file("{\"store\": \"two\", \"listen\": {\"https\": \"off\", \"http\": \"127.0.0.1:0\"}, " SITES "}");
	for (unsigned i = 1; i < 3; i++) {
		start(w, RELOAD_APPLY);
		wait_for(w, &w->n_answers, i);
		assert_string_equal(w->store, "one");
		assert_int_equal(w->n_restart, 1);
	}
}

static void those_who_ask_meanwhile_share_one_more_round(void **state)
{
	struct world *w = *state;

	start(w, RELOAD_APPLY);
	loop_turn(w->loop);
	for (int i = 0; i < 5; i++) {
		start(w, RELOAD_APPLY);
		reload_start(w->reload, RELOAD_APPLY, NULL, NULL);
	}
	start(w, RELOAD_PLAN);
	wait_for(w, &w->n_answers, 7);
	assert_int_equal(w->n_commits, 2);
}

static void signals_in_a_row_are_one(void **state)
{
	struct world *w = *state;

	for (int i = 0; i < 100; i++)
		reload_start(w->reload, RELOAD_APPLY, NULL, NULL);
	start(w, RELOAD_PLAN);
	wait_for(w, &w->n_answers, 1);
	assert_int_equal(w->n_commits, 1);
}

static void closed_while_idle_it_refuses(void **state)
{
	struct world *w = *state;

	reload_close(w->reload);
	start(w, RELOAD_APPLY);
	wait_for(w, &w->n_answers, 1);
	assert_int_equal(w->err, E_DRAINING);
	assert_int_equal(w->n_commits, 0);
}

static void closed_while_preparing_nothing_is_committed(void **state)
{
	struct world *w = *state;

	is_concerned = true;
	start(w, RELOAD_APPLY);
	loop_turn(w->loop);
	start(w, RELOAD_APPLY);
	reload_close(w->reload);
	assert_int_equal(w->n_answers, 2);
	assert_int_equal(w->err, E_DRAINING);
	for (int i = 0; i < 200; i++) {
		loop_turn(w->loop);
		usleep(500);
	}
	assert_int_equal(w->n_commits, 0);
}

static void closed_while_settling_it_answers(void **state)
{
	struct world *w = *state;

	w->settles = false;
	start(w, RELOAD_APPLY);
	wait_for(w, &w->n_commits, 1);
	reload_close(w->reload);
	assert_int_equal(w->n_answers, 1);
	assert_int_equal(w->err, E_DRAINING);
}

static void freed_while_the_work_queue_reads_it_is_clean(void **state)
{
	struct world *w = *state;

	start(w, RELOAD_APPLY);
	loop_turn(w->loop);
	reload_free(&w->reload);
	assert_int_equal(w->n_answers, 1);
}

#define CLAIM(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLAIM(a_good_configuration_is_committed),
		CLAIM(it_is_answered_when_it_is_in_force),
		CLAIM(a_bad_one_changes_nothing_and_says_where),
		CLAIM(what_cannot_be_prepared_is_refused_as_a_whole),
		CLAIM(a_plan_changes_nothing),
		CLAIM(what_needs_a_restart_keeps_its_value),
		CLAIM(those_who_ask_meanwhile_share_one_more_round),
		CLAIM(signals_in_a_row_are_one),
		CLAIM(closed_while_idle_it_refuses),
		CLAIM(closed_while_preparing_nothing_is_committed),
		CLAIM(closed_while_settling_it_answers),
		CLAIM(freed_while_the_work_queue_reads_it_is_clean),
	};
	int failed;
	char command[100];

	if (!mkdtemp(directory) || tls_setup())
		return 1;
	snprintf(file, sizeof(file), "%s/c.json", directory);
	log_setup(2, LOG_ERROR, LOG_TEXT);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	snprintf(command, sizeof(command), "rm -rf %s", directory);
	return system(command) || failed;
}
