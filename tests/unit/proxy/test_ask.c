/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proxy/ask.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "tests/unit/proxy/asking.h"

enum { TIMEOUT_MS = 600 };

static struct asked first, second;

/* ---- the asking side ---- */

struct world {
	struct loop *loop;
	struct conf_on_demand conf;
	struct ask *ask;
	unsigned n_answers;
	enum ask_verdict verdict;
	struct fault fault;
	struct promise promise;
	bool refuses_promise;
};

static enum err on_promise(void *owner, const char *name, const struct promise *promise, struct fault *fault)
{
	struct world *w = owner;

	assert_non_null(name);
	w->promise = *promise;
	return w->refuses_promise ? fault_set(fault, E_PLACEMENT, "not there") : E_OK;
}

static struct world *make(enum conf_canary canary, unsigned n_urls)
{
	struct world *w = mem_new(sizeof(*w));
	struct fault fault = { 0 };

	asked_start(&first);
	asked_start(&second);
	w->loop = loop_new();
	w->conf = (struct conf_on_demand){ .ask = { first.url, second.url }, .n_ask = n_urls,
		.ask_timeout_ms = TIMEOUT_MS, .allow_ms = 60000, .deny_ms = 30000, .canary = canary,
		.if_ask_is_down_ms = 600000, .negative_names = 10 };
	assert_int_equal(ask_new(&(struct ask_args){ .loop = w->loop, .conf = &w->conf, .user_agent = "test",
		.on_promise = on_promise, .owner = w }, &w->ask, &fault), E_OK);
	return w;
}

static int make_world(void **state)
{
	*state = make(CONF_CANARY_OFF, 1);
	return 0;
}

static int make_pair(void **state)
{
	*state = make(CONF_CANARY_OFF, 2);
	return 0;
}

static int make_careful(void **state)
{
	*state = make(CONF_CANARY_REFUSE, 1);
	return 0;
}

static int end_world(void **state)
{
	struct world *w = *state;

	ask_free(&w->ask);
	loop_stop(w->loop);
	loop_run(w->loop);
	loop_free(&w->loop);
	asked_stop(&first);
	asked_stop(&second);
	clock_test_end();
	mem_release(w);
	return 0;
}

static void on_verdict(void *owner, enum ask_verdict verdict, const struct fault *fault)
{
	struct world *w = owner;

	w->n_answers++;
	w->verdict = verdict;
	w->fault = fault ? *fault : (struct fault){ 0 };
}

static enum ask_verdict verdict_of(struct world *w, const char *name)
{
	unsigned before = w->n_answers;

	ask_start(w->ask, name, "2001:db8::7", on_verdict, w);
	assert_int_equal(w->n_answers, before);
	for (int i = 0; i < 5000 && w->n_answers == before; i++) {
		loop_turn(w->loop);
		usleep(1000);
	}
	assert_int_equal(w->n_answers, before + 1);
	return w->verdict;
}

/* ---- claims ---- */

static void only_200_permits(void **state)
{
	static const struct { const char *name; enum ask_verdict verdict; } rows[] = {
		{ "ok.example", ASK_ALLOW }, { "created.example", ASK_UNKNOWN }, { "no.example", ASK_DENY },
		{ "missing.example", ASK_DENY }, { "gone.example", ASK_DENY },
		{ "broken.example", ASK_UNKNOWN }, { "moved.example", ASK_UNKNOWN },
		{ "garbage.example", ASK_UNKNOWN }, { "cut.example", ASK_UNKNOWN },
		{ "huge.example", ASK_UNKNOWN },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		enum ask_verdict got = verdict_of(*state, rows[i].name);

		if (got != rows[i].verdict)
			fail_msg("%s: %s", rows[i].name, ask_verdict_text(got));
	}
}

static void a_slow_endpoint_is_unknown_at_the_deadline(void **state)
{
	struct world *w = *state;
	int64_t begun = clock_mono_ms();

	assert_int_equal(verdict_of(w, "slow.example"), ASK_UNKNOWN);
	assert_true(clock_mono_ms() - begun >= TIMEOUT_MS - 20);
	assert_true(clock_mono_ms() - begun < 4 * TIMEOUT_MS);
	assert_int_equal(w->fault.code, E_ASK_UNKNOWN);
	assert_true(w->fault.detail[0] != 0);
}

static void verdicts_are_remembered_for_their_time(void **state)
{
	struct world *w = *state;

	assert_int_equal(verdict_of(w, "ok.example"), ASK_ALLOW);
	assert_int_equal(verdict_of(w, "ok.example"), ASK_ALLOW);
	assert_int_equal(verdict_of(w, "no.example"), ASK_DENY);
	assert_int_equal(verdict_of(w, "no.example"), ASK_DENY);
	assert_int_equal(atomic_load(&first.n_requests), 2);
	assert_int_equal(ask_recall(w->ask, "ok.example"), ASK_ALLOW);
	clock_test_set(clock_wall_ms(), clock_mono_ms() + 30001);
	assert_int_equal(ask_recall(w->ask, "no.example"), ASK_UNKNOWN);
	assert_int_equal(ask_recall(w->ask, "ok.example"), ASK_ALLOW);
	clock_test_advance(30001);
	assert_int_equal(ask_recall(w->ask, "ok.example"), ASK_UNKNOWN);
}

static void what_was_allowed_stays_allowed_while_it_is_down(void **state)
{
	struct world *w = *state;

	assert_int_equal(verdict_of(w, "ok.example"), ASK_ALLOW);
	atomic_store(&first.is_down, true);
	clock_test_set(clock_wall_ms(), clock_mono_ms() + 60001);
	assert_int_equal(verdict_of(w, "ok.example"), ASK_ALLOW);
	assert_int_equal(w->fault.code, E_ASK_UNKNOWN);
	assert_int_equal(verdict_of(w, "created.example"), ASK_UNKNOWN);
	w->conf.if_ask_is_down_ms = 0;
	assert_int_equal(verdict_of(w, "ok.example"), ASK_UNKNOWN);
}

static struct ask_permit read_permit(const char *body)
{
	struct ask_permit permit;

	ask_read(str_from(body), &permit);
	return permit;
}

static void a_yes_may_say_for_whom_and_how_long(void **state)
{
	static const char *const vague[] = { "", "yes", "[]", "{}", "{\"tenant\":5,\"ttl\":\"x\"}",
		"{\"tenant\":\"with space\"}", "{\"tenant\":\"\"}", "{\"ttl\":-5}",
		"{\"tenant\":\"0123456789012345678901234567890123456789012345678901234567890123\"}" };
	struct ask_permit p = read_permit("{\"tenant\":\"acme-corp\",\"ttl\":600,\"more\":[1]}");

	(void)state;
	assert_string_equal(p.tenant, "acme-corp");
	assert_int_equal(p.ttl_ms, 600000);
	assert_int_equal(read_permit("{\"ttl\":1e300}").ttl_ms, (int64_t)30 * 24 * 3600 * 1000);
	for (size_t i = 0; i < sizeof(vague) / sizeof(*vague); i++) {
		p = read_permit(vague[i]);
		assert_string_equal(p.tenant, "");
		assert_int_equal(p.ttl_ms, -1);
	}
}

static void a_yes_may_say_where_to_and_by_which_profile(void **state)
{
	static const struct { const char *body, *to, *profile; } rows[] = {
		{ "{\"to\":\"10.0.0.1:80\",\"profile\":\"shortlived\"}", "10.0.0.1:80", "shortlived" },
		{ "{\"to\":\"blue\"}", "blue", "" }, { "{\"to\":null,\"profile\":null}", "", "" },
		{ "{\"to\":\"\"}", "?", "" }, { "{\"to\":7}", "?", "" }, { "{\"to\":\"a b\"}", "?", "" },
		{ "{\"profile\":\"Short Lived\"}", "", "" }, { "{\"profile\":[\"a\"]}", "", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct ask_permit p = read_permit(rows[i].body);

		assert_string_equal(p.promise.to, rows[i].to);
		assert_string_equal(p.promise.profile, rows[i].profile);
	}
}

static void a_yes_whose_promise_is_refused_is_none(void **state)
{
	struct world *w = *state;

	w->refuses_promise = true;
	assert_int_equal(verdict_of(w, "ok.example"), ASK_UNKNOWN);
	assert_int_equal(w->fault.code, E_PLACEMENT);
	w->refuses_promise = false;
	assert_int_equal(verdict_of(w, "ok.example"), ASK_ALLOW);
	assert_string_equal(w->promise.to, "");
}

static void what_a_yes_said_is_remembered_with_it(void **state)
{
	struct world *w = *state;

	assert_int_equal(verdict_of(w, "ok.example"), ASK_ALLOW);
	assert_string_equal(ask_tenant(w->ask, "ok.example"), "");
	assert_int_equal(verdict_of(w, "tenant.example"), ASK_ALLOW);
	assert_string_equal(ask_tenant(w->ask, "tenant.example"), "acme-corp");
	assert_string_equal(ask_tenant(w->ask, "unknown.example"), "");
	clock_test_set(clock_wall_ms(), clock_mono_ms() + 5001);
	assert_int_equal(ask_recall(w->ask, "tenant.example"), ASK_UNKNOWN);
	assert_int_equal(ask_recall(w->ask, "ok.example"), ASK_ALLOW);
}

static void the_next_url_is_asked_when_one_gives_no_verdict(void **state)
{
	struct world *w = *state;
	struct endpoint_look look;

	assert_int_equal(verdict_of(w, "split.example"), ASK_ALLOW);
	assert_int_equal(atomic_load(&second.n_requests), 1);
	assert_int_equal(verdict_of(w, "no.example"), ASK_DENY);
	assert_int_equal(verdict_of(w, "ok.example"), ASK_ALLOW);
	assert_int_equal(atomic_load(&second.n_requests), 1);
	assert_int_equal(ask_endpoints(w->ask), 2);
	ask_look(w->ask, 0, &look);
	assert_true(look.is_well);
}

static void both_share_one_deadline_and_a_dead_one_costs_it_twice_only(void **state)
{
	struct world *w = *state;
	struct endpoint_look look;
	int64_t begun = clock_mono_ms(), took_ms;

	atomic_store(&first.is_silent, true);
	assert_int_equal(verdict_of(w, "ok.example"), ASK_ALLOW);
	took_ms = clock_mono_ms() - begun;
	assert_true(took_ms >= TIMEOUT_MS / 2 - 20 && took_ms < 4 * TIMEOUT_MS);
	assert_int_equal(verdict_of(w, "tenant.example"), ASK_ALLOW);
	assert_int_equal(atomic_load(&first.n_connections), 2);
	assert_int_equal(verdict_of(w, "no.example"), ASK_DENY);
	assert_int_equal(verdict_of(w, "gone.example"), ASK_DENY);
	assert_int_equal(atomic_load(&first.n_connections), 2);
	ask_look(w->ask, 0, &look);
	assert_false(look.is_well);
	assert_int_equal(look.failures, 2);
	assert_true(look.retry_at_ms > clock_wall_ms());
	assert_int_equal(look.fault.code, E_ASK_UNKNOWN);
	/* one question tries it again, and it is well */
	atomic_store(&first.is_silent, false);
	clock_test_set(clock_wall_ms(), clock_mono_ms() + 5001);
	loop_turn(w->loop);
	assert_int_equal(verdict_of(w, "missing.example"), ASK_DENY);
	ask_look(w->ask, 0, &look);
	assert_true(look.is_well);
	assert_int_equal(atomic_load(&first.n_requests), 1);
}

static void one_that_rests_is_asked_when_no_other_is_left(void **state)
{
	struct world *w = *state;

	assert_int_equal(verdict_of(w, "broken.example"), ASK_UNKNOWN);
	assert_int_equal(verdict_of(w, "moved.example"), ASK_UNKNOWN);
	assert_int_equal(verdict_of(w, "ok.example"), ASK_ALLOW);
	assert_int_equal(atomic_load(&first.n_requests) + atomic_load(&second.n_requests), 5);
}

static void turn_until(struct world *w, enum endpoint_canary canary)
{
	struct endpoint_look look;

	for (int i = 0; i < 5000; i++) {
		ask_look(w->ask, 0, &look);
		if (look.canary == canary)
			return;
		loop_turn(w->loop);
		usleep(1000);
	}
	fail_msg("the canary is %s", look.canary_text);
}

static void a_careful_one_believes_only_an_endpoint_that_denies_the_canary(void **state)
{
	struct world *w = *state;

	atomic_store(&first.canary, 200);
	turn_until(w, ENDPOINT_OPEN);
	assert_int_equal(verdict_of(w, "ok.example"), ASK_UNKNOWN);
	assert_int_equal(w->fault.code, E_ASK_OPEN);
	assert_int_equal(verdict_of(w, "no.example"), ASK_DENY);
	w->conf.canary = CONF_CANARY_WARN;
	assert_int_equal(verdict_of(w, "ok.example"), ASK_ALLOW);
}

static void one_that_denied_it_is_believed(void **state)
{
	struct world *w = *state;

	turn_until(w, ENDPOINT_STRICT);
	assert_int_equal(verdict_of(w, "ok.example"), ASK_ALLOW);
	assert_int_equal(atomic_load(&first.n_canaries), 1);
}

static void a_question_ends_in_between_silently(void **state)
{
	struct world *w = *state;

	atomic_store(&first.is_silent, true);
	atomic_store(&second.is_silent, true);
	ask_start(w->ask, "ok.example", "::1", on_verdict, w);
	for (int i = 0; i < 3000 && !atomic_load(&second.n_connections); i++) {
		loop_turn(w->loop);
		usleep(1000);
	}
	assert_int_equal(atomic_load(&second.n_connections), 1);
	ask_free(&w->ask);
	loop_turn(w->loop);
	assert_int_equal(w->n_answers, 0);
}

static void freeing_it_ends_questions_silently(void **state)
{
	struct world *w = *state;

	ask_start(w->ask, "slow.example", "::1", on_verdict, w);
	ask_start(w->ask, "slow2.example", "::1", on_verdict, w);
	loop_turn(w->loop);
	ask_free(&w->ask);
	ask_free(&w->ask);
	loop_turn(w->loop);
	assert_int_equal(w->n_answers, 0);
}

#define CLAIM_OF(name, make) cmocka_unit_test_setup_teardown(name, make, end_world)
#define CLAIM(name) CLAIM_OF(name, make_world)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLAIM(only_200_permits),
		CLAIM(a_slow_endpoint_is_unknown_at_the_deadline),
		CLAIM(verdicts_are_remembered_for_their_time),
		CLAIM(what_was_allowed_stays_allowed_while_it_is_down),
		CLAIM(a_yes_may_say_for_whom_and_how_long),
		CLAIM(what_a_yes_said_is_remembered_with_it),
		CLAIM(a_yes_may_say_where_to_and_by_which_profile),
		CLAIM(a_yes_whose_promise_is_refused_is_none),
		CLAIM(freeing_it_ends_questions_silently),
		CLAIM_OF(the_next_url_is_asked_when_one_gives_no_verdict, make_pair),
		CLAIM_OF(both_share_one_deadline_and_a_dead_one_costs_it_twice_only, make_pair),
		CLAIM_OF(one_that_rests_is_asked_when_no_other_is_left, make_pair),
		CLAIM_OF(a_question_ends_in_between_silently, make_pair),
		CLAIM_OF(a_careful_one_believes_only_an_endpoint_that_denies_the_canary, make_careful),
		CLAIM_OF(one_that_denied_it_is_believed, make_careful),
	};

	signal(SIGPIPE, SIG_IGN);
	log_setup(2, LOG_ERROR, LOG_TEXT);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
