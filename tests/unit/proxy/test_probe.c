/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proxy/admin/probe.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <cmocka.h>

#include "base/clock.h"

static struct loop *loop;
static struct challenge_table *table;
static struct challenge_set *published;
static uint64_t generation;
static unsigned n_told;
static enum err told_err;

static void on_publish(void *owner, struct challenge_set *set, uint64_t number)
{
	(void)owner;
	challenge_set_unref(&published);
	published = set;
	generation = number;
}

static void on_told(void *owner, enum err err)
{
	(void)owner;
	n_told++;
	told_err = err;
}

static int begin(void **state)
{
	(void)state;
	n_told = 0;
	generation = 0;
	if (tls_setup())
		return -1;
	loop = loop_new();
	table = challenge_table_new(loop, on_publish, NULL);
	return 0;
}

static int end(void **state)
{
	(void)state;
	challenge_table_free(&table);
	challenge_set_unref(&published);
	loop_stop(loop);
	loop_run(loop);
	loop_free(&loop);
	return 0;
}

static void turn(void)
{
	for (int i = 0; i < 100; i++) {
		loop_turn(loop);
		if (generation)
			challenge_published(table, generation);
		nanosleep(&(struct timespec){ 0, 500000 }, NULL);
	}
}

static void both_challenges_are_answered_and_counted(void **state)
{
	struct probes *p = probes_new(loop, table);
	struct probe_look look;
	struct str answer;

	(void)state;
	assert_false(probes_look(p, "a.example", &look));
	assert_int_equal(probes_plant(p, "a.example", on_told, NULL), E_OK);
	assert_int_equal(n_told, 0);
	turn();
	assert_int_equal(n_told, 1);
	assert_int_equal(told_err, E_OK);
	assert_true(probes_look(p, "a.example", &look));
	answer = challenge_set_http01(published, STR("a.example"), str_from(look.token));
	assert_true(str_is(answer, look.key_authorization));
	assert_non_null(challenge_set_tlsalpn01(published, STR("a.example")));
	challenge_seen(table, CONF_HTTP_01, STR("a.example"));
	challenge_seen(table, CONF_TLS_ALPN_01, STR("a.example"));
	challenge_seen(table, CONF_TLS_ALPN_01, STR("a.example"));
	probes_look(p, "a.example", &look);
	assert_int_equal(look.http_seen, 1);
	assert_int_equal(look.alpn_seen, 2);
	/* another one replaces it */
	assert_int_equal(probes_plant(p, "a.example", on_told, NULL), E_OK);
	probes_look(p, "a.example", &look);
	assert_int_equal(look.http_seen, 0);
	turn();
	assert_int_equal(n_told, 2);
	probes_free(&p);
	turn();
	assert_null(challenge_set_tlsalpn01(published, STR("a.example")));
}

static void they_are_bounded_and_may_end_in_any_state(void **state)
{
	struct probes *p = probes_new(loop, table);
	char name[32];
	unsigned taken = 0;

	(void)state;
	for (int i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "n%d.example", i);
		taken += probes_plant(p, name, on_told, NULL) == E_OK;
	}
	assert_int_equal(taken, 8);
	assert_int_equal(probes_plant(p, "n0.example", on_told, NULL), E_LIMIT);
	probes_free(&p);
	probes_free(&p);
	assert_int_equal(n_told, 8);
	assert_int_equal(told_err, E_CANCELED);
	turn();
	assert_int_equal(n_told, 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(both_challenges_are_answered_and_counted, begin, end),
		cmocka_unit_test_setup_teardown(they_are_bounded_and_may_end_in_any_state, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
