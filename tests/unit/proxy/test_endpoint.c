/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proxy/endpoint.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "tests/unit/proxy/asking.h"

static struct asked asked;

struct world {
	struct loop *loop;
	struct conf_on_demand conf;
	struct endpoint *endpoint;
	unsigned n_answers;
	enum ask_verdict verdict;
};

static void open_endpoint(struct world *w)
{
	w->endpoint = endpoint_new(&(struct endpoint_args){ .loop = w->loop, .url = asked.url, .conf = &w->conf,
		.user_agent = "test" });
}

static int begin(void **state)
{
	struct world *w = mem_new(sizeof(*w));

	asked_start(&asked);
	w->loop = loop_new();
	w->conf = (struct conf_on_demand){ .ask_timeout_ms = 500 };
	*state = w;
	return 0;
}

static int end(void **state)
{
	struct world *w = *state;

	endpoint_free(&w->endpoint);
	loop_stop(w->loop);
	loop_run(w->loop);
	loop_free(&w->loop);
	asked_stop(&asked);
	clock_test_end();
	mem_release(w);
	return 0;
}

static void turn(struct world *w)
{
	loop_turn(w->loop);
	usleep(1000);
}

static void await_canary(struct world *w, enum endpoint_canary canary)
{
	for (int i = 0; i < 8000 && endpoint_canary(w->endpoint) != canary; i++)
		turn(w);
	assert_int_equal(endpoint_canary(w->endpoint), canary);
}

static void on_verdict(void *owner, enum ask_verdict verdict, struct str body, const struct fault *why)
{
	struct world *w = owner;

	(void)body;
	assert_int_equal(verdict == ASK_UNKNOWN, why != NULL);
	w->n_answers++;
	w->verdict = verdict;
}

static enum ask_verdict verdict_of(struct world *w, const char *name)
{
	unsigned before = w->n_answers;

	assert_non_null(endpoint_ask(w->endpoint, name, "2001:db8::7", 500, on_verdict, w));
	for (int i = 0; i < 5000 && w->n_answers == before; i++)
		turn(w);
	assert_int_equal(w->n_answers, before + 1);
	return w->verdict;
}

static void the_query_of_the_url_is_kept_and_all_is_encoded(void **state)
{
	struct world *w = *state;
	struct buf out;

	w->conf.canary = CONF_CANARY_OFF;
	open_endpoint(w);
	verdict_of(w, "ok.example");
	assert_memory_equal(asked.last, "GET /check?key=1&domain=ok.example&ip=2001%3Adb8%3A%3A7 HTTP/1.1", 64);
	buf_init(&out, 100);
	assert_int_equal(endpoint_url(&out, "http://h/x", "a&b=c.example", "::1"), E_OK);
	assert_string_equal(buf_cstring(&out), "http://h/x?domain=a%26b%3Dc.example&ip=%3A%3A1");
	assert_int_equal(endpoint_url(&out, "http://h/x", "a.example", "::1"), E_OK);
	assert_int_equal(endpoint_url(&out, "http://h/x", "a.example", "::1"), E_LIMIT);
	buf_fini(&out);
}

static void one_that_denies_the_canary_is_strict(void **state)
{
	static const int denials[] = { 403, 404, 410, 400, 422, 301 };
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_LEN(denials); i++) {
		struct endpoint_look look;

		atomic_store(&asked.canary, denials[i]);
		open_endpoint(w);
		assert_int_equal(endpoint_canary(w->endpoint), ENDPOINT_UNTRIED);
		await_canary(w, ENDPOINT_STRICT);
		endpoint_look(w->endpoint, &look);
		assert_true(look.is_well && !look.failures);
		endpoint_free(&w->endpoint);
	}
	assert_non_null(strstr(asked.last, ".invalid&ip=192.0.2.1"));
}

static void one_that_allows_it_is_open(void **state)
{
	struct world *w = *state;
	struct endpoint_look look;

	atomic_store(&asked.canary, 200);
	open_endpoint(w);
	await_canary(w, ENDPOINT_OPEN);
	endpoint_look(w->endpoint, &look);
	assert_string_equal(look.canary_text, "allowed");
	assert_null(strstr(look.url, "key"));
	assert_true(look.is_well);
}

static void one_that_is_down_is_asked_until_it_answers(void **state)
{
	struct world *w = *state;
	struct endpoint_look look = { .is_well = true };

	atomic_store(&asked.is_down, true);
	open_endpoint(w);
	for (int i = 0; i < 8000 && look.is_well; i++) {
		turn(w);
		endpoint_look(w->endpoint, &look);
	}
	assert_false(look.is_well);
	assert_true(look.since_ms > 0 && look.fault.code == E_ASK_UNKNOWN);
	assert_false(endpoint_is_ready(w->endpoint));
	atomic_store(&asked.is_down, false);
	await_canary(w, ENDPOINT_STRICT);
	assert_true(endpoint_is_ready(w->endpoint));
}

static void one_that_is_out_of_order_says_nothing_by_it(void **state)
{
	struct world *w = *state;

	atomic_store(&asked.canary, 503);
	open_endpoint(w);
	for (int i = 0; i < 3000 && !atomic_load(&asked.n_canaries); i++)
		turn(w);
	for (int i = 0; i < 50; i++)
		turn(w);
	assert_int_equal(endpoint_canary(w->endpoint), ENDPOINT_UNTRIED);
}

static void it_is_not_asked_when_the_operator_says_off(void **state)
{
	struct world *w = *state;

	w->conf.canary = CONF_CANARY_OFF;
	open_endpoint(w);
	for (int i = 0; i < 50; i++)
		turn(w);
	assert_int_equal(endpoint_canary(w->endpoint), ENDPOINT_TRUSTED);
	assert_int_equal(atomic_load(&asked.n_connections), 0);
}

static void two_failures_in_a_row_put_it_aside_and_one_question_tries_it(void **state)
{
	struct world *w = *state;

	w->conf.canary = CONF_CANARY_OFF;
	open_endpoint(w);
	assert_int_equal(verdict_of(w, "broken.example"), ASK_UNKNOWN);
	assert_int_equal(verdict_of(w, "ok.example"), ASK_ALLOW);
	assert_int_equal(verdict_of(w, "broken.example"), ASK_UNKNOWN);
	assert_true(endpoint_is_ready(w->endpoint));
	assert_int_equal(verdict_of(w, "garbage.example"), ASK_UNKNOWN);
	assert_false(endpoint_is_ready(w->endpoint));
	clock_test_set(clock_wall_ms(), clock_mono_ms() + 5001);
	turn(w);
	assert_true(endpoint_is_ready(w->endpoint));
	assert_non_null(endpoint_ask(w->endpoint, "ok.example", "::1", 500, on_verdict, w));
	assert_false(endpoint_is_ready(w->endpoint));
	for (int i = 0; i < 5000 && w->verdict != ASK_ALLOW; i++)
		turn(w);
	assert_int_equal(w->verdict, ASK_ALLOW);
	assert_true(endpoint_is_ready(w->endpoint));
}

static void it_may_end_with_questions_under_way(void **state)
{
	struct world *w = *state;
	struct endpoint_call *c;

	atomic_store(&asked.is_silent, true);
	open_endpoint(w);
	assert_non_null(endpoint_ask(w->endpoint, "a.example", "::1", 500, on_verdict, w));
	c = endpoint_ask(w->endpoint, "b.example", "::1", 500, on_verdict, w);
	turn(w);
	endpoint_cancel(&c);
	assert_null(c);
	endpoint_cancel(&c);
	turn(w);
	endpoint_free(&w->endpoint);
	endpoint_free(&w->endpoint);
	turn(w);
	assert_int_equal(w->n_answers, 0);
}

#define CLAIM(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLAIM(the_query_of_the_url_is_kept_and_all_is_encoded),
		CLAIM(one_that_denies_the_canary_is_strict),
		CLAIM(one_that_allows_it_is_open),
		CLAIM(one_that_is_down_is_asked_until_it_answers),
		CLAIM(one_that_is_out_of_order_says_nothing_by_it),
		CLAIM(it_is_not_asked_when_the_operator_says_off),
		CLAIM(two_failures_in_a_row_put_it_aside_and_one_question_tries_it),
		CLAIM(it_may_end_with_questions_under_way),
	};

	signal(SIGPIPE, SIG_IGN);
	log_setup(2, LOG_ERROR, LOG_TEXT);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
