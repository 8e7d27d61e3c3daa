/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proxy/permits.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "conf/load.h"
#include "tests/unit/proxy/asking.h"

static struct asked asked;
static struct loop *loop;
static struct store *store;
static unsigned n_answers;

static struct conf *configured(const char *on_demand)
{
	struct conf_problems problems = { 0 };
	struct load_args args = { 0 };
	struct conf *conf = NULL;
	char text[512];

	snprintf(text, sizeof(text), "{\"store\": \"/no/such/place\", \"on_demand\": {%s}}", on_demand);
	if (load_text(str_from(text), "t.json", &args, &conf, &problems))
		fail_msg("%s", problems.at[0].text);
	return conf;
}

static struct conf *asking_conf(void)
{
	char text[256];

	snprintf(text, sizeof(text), "\"ask\": \"%s\", \"canary\": \"off\"", asked.url);
	return configured(text);
}

static void on_change(void *owner)
{
	(void)owner;
}

static struct permits *opened(struct conf *conf)
{
	struct permits *p = NULL;
	struct fault fault = { 0 };

	assert_int_equal(permits_open(&(struct permits_args){ loop, store, conf, "test", on_change, NULL }, &p,
		&fault), E_OK);
	return p;
}

static int begin(void **state)
{
	(void)state;
	asked_start(&asked);
	loop = loop_new();
	store = store_memory_new(loop);
	n_answers = 0;
	return 0;
}

static void turn(void)
{
	for (int i = 0; i < 20; i++) {
		loop_turn(loop);
		usleep(1000);
	}
}

static int end(void **state)
{
	(void)state;
	turn();
	store->ops->free(store);
	loop_stop(loop);
	loop_run(loop);
	loop_free(&loop);
	asked_stop(&asked);
	return 0;
}

static void on_verdict(void *owner, enum ask_verdict verdict, const struct fault *fault)
{
	(void)owner;
	(void)verdict;
	(void)fault;
	n_answers++;
}

static void ask_about(struct permits *p, const char *name)
{
	unsigned before = n_answers;

	ask_start(permits_ask(p), name, "::1", on_verdict, NULL);
	for (int i = 0; i < 5000 && n_answers == before; i++) {
		loop_turn(loop);
		usleep(1000);
	}
	assert_int_equal(n_answers, before + 1);
}

static void the_list_decides_and_then_the_endpoint(void **state)
{
	struct conf *conf = asking_conf();
	struct permits *p = opened(conf);
	struct fault fault = { 0 };
	char name[256];

	(void)state;
	ask_about(p, "no.example");
	ask_about(p, "tenant.example");
	assert_false(permits_may(p, "no.example"));
	assert_true(permits_may(p, "tenant.example"));
	assert_true(permits_may(p, "unknown.example"));
	assert_string_equal(permits_tenant(p, "tenant.example"), "acme-corp");
	assert_int_equal(lists_allow(permits_lists(p), STR("no.example tenant=t"), name, &fault), E_OK);
	assert_int_equal(lists_deny(permits_lists(p), STR("unknown.example"), name, &fault), E_OK);
	assert_true(permits_may(p, "no.example"));
	assert_false(permits_may(p, "unknown.example"));
	assert_string_equal(permits_tenant(p, "no.example"), "t");
	assert_string_equal(permits_profile(p, "no.example"), "");
	permits_free(&p);
	permits_free(&p);
	conf_unref(&conf);
}

static void another_configuration_keeps_what_the_same_endpoint_allowed(void **state)
{
	struct conf *conf = asking_conf(), *same = asking_conf(), *none = configured("\"listed_only\": true");
	struct permits *p = opened(conf);

	(void)state;
	ask_about(p, "ok.example");
	ask_about(p, "no.example");
	assert_true(permits_use(p, same, true, NULL));
	assert_int_equal(ask_recall(permits_ask(p), "ok.example"), ASK_ALLOW);
	assert_int_equal(ask_recall(permits_ask(p), "no.example"), ASK_UNKNOWN);
	assert_false(permits_use(p, same, false, NULL));
	assert_true(permits_use(p, none, true, NULL));
	assert_null(permits_ask(p));
	assert_false(permits_may(p, "ok.example"));
	permits_free(&p);
	conf_unref(&conf);
	conf_unref(&same);
	conf_unref(&none);
}

#define CLAIM(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLAIM(the_list_decides_and_then_the_endpoint),
		CLAIM(another_configuration_keeps_what_the_same_endpoint_allowed),
	};

	signal(SIGPIPE, SIG_IGN);
	log_setup(2, LOG_ERROR, LOG_TEXT);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
