/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proxy/ask_check.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/log.h"
#include "tests/unit/proxy/asking.h"

static struct asked first, second;
static struct endpoint_look looks[4];
static unsigned n_looks;

static int begin(void **state)
{
	(void)state;
	asked_start(&first);
	asked_start(&second);
	n_looks = 0;
	return 0;
}

static int end(void **state)
{
	(void)state;
	asked_stop(&first);
	asked_stop(&second);
	return 0;
}

static void on_look(void *owner, const struct endpoint_look *look)
{
	assert_null(owner);
	looks[n_looks++] = *look;
}

static void check(enum conf_canary canary)
{
	struct conf_on_demand conf = { .ask = { first.url, second.url }, .n_ask = 2, .ask_timeout_ms = 400,
		.canary = canary };
	struct fault fault = { 0 };

	assert_int_equal(ask_check(&conf, "test", on_look, NULL, &fault), E_OK);
	assert_int_equal(n_looks, 2);
}

static void each_endpoint_is_asked_and_told_of(void **state)
{
	(void)state;
	atomic_store(&second.canary, 200);
	check(CONF_CANARY_WARN);
	assert_int_equal(looks[0].canary, ENDPOINT_STRICT);
	assert_int_equal(looks[1].canary, ENDPOINT_OPEN);
	assert_true(looks[0].is_well && looks[1].is_well);
	assert_int_equal(atomic_load(&first.n_canaries), 1);
}

static void they_are_asked_even_if_they_are_not_otherwise(void **state)
{
	(void)state;
	check(CONF_CANARY_OFF);
	assert_int_equal(looks[0].canary, ENDPOINT_STRICT);
	assert_int_equal(looks[1].canary, ENDPOINT_STRICT);
}

static void one_that_says_nothing_is_told_with_the_reason(void **state)
{
	(void)state;
	atomic_store(&first.is_silent, true);
	atomic_store(&second.is_down, true);
	check(CONF_CANARY_WARN);
	for (unsigned i = 0; i < 2; i++) {
		assert_false(looks[i].is_well);
		assert_int_equal(looks[i].fault.code, E_ASK_UNKNOWN);
		assert_true(looks[i].fault.detail[0]);
	}
}

#define CLAIM(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLAIM(each_endpoint_is_asked_and_told_of),
		CLAIM(they_are_asked_even_if_they_are_not_otherwise),
		CLAIM(one_that_says_nothing_is_told_with_the_reason),
	};

	signal(SIGPIPE, SIG_IGN);
	log_setup(2, LOG_ERROR, LOG_TEXT);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
