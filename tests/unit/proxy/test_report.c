/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proxy/admin/report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"

static struct loop *loop;
static struct store *store;
static struct json *report;
static struct report_live live;

static int begin(void **state)
{
	(void)state;
	loop = loop_new();
	store = store_memory_new(loop);
	live = (struct report_live){ .is_running = true };
	return 0;
}

static int end(void **state)
{
	(void)state;
	json_free(&report);
	store->ops->free(store);
	loop_stop(loop);
	loop_run(loop);
	loop_free(&loop);
	return 0;
}

static void on_saved(void *owner, enum err err, const struct fault *fault)
{
	(void)owner;
	(void)fault;
	assert_int_equal(err, E_OK);
}

static void save(enum store_group group, struct str text)
{
	store_save(store, group, "a.example.com", text, on_saved, NULL);
}

static void save_failure(enum err err, const char *type)
{
	struct failure f = { .count = 3, .first_at_ms = 1800000000000, .last_at_ms = 1800000100000,
		.retry_at_ms = 1800000200000, .is_validation = strcmp(type, "connection") == 0 };
	struct buf text;

	fault_set(&f.fault, err, "the CA's own words");
	snprintf(f.fault.type, sizeof(f.fault.type), "%s", type);
	buf_init(&text, 0);
	assert_int_equal(failure_write(&f, &text), E_OK);
	save(STORE_FAILURES, buf_str(&text));
	buf_fini(&text);
}

static struct conf_ca cas[] = { { .name = "zerossl", .directory = "https://acme.zerossl.com/v2/DV90" },
	{ .name = "letsencrypt", .directory = "https://acme-v02.api.letsencrypt.org/directory" } };
static const struct conf conf = { .acme = { .ca = cas, .n_ca = 2 } };
static struct conf_ca staging = { .name = "stage", .directory = "https://s.test/dir" };
static struct conf_ca live_ca = { .name = "live", .directory = "https://l.test/dir", .staging = &staging,
	.limits = { .failures = { 4, 14400000, true } } };
static const struct conf staged = { .acme = { .ca = &live_ca, .n_ca = 1, .rehearse = true } };
static const struct conf *used = &conf;
static const char *asked = "a.example.com";

static void look(void *owner, const char *name, struct report_live *out)
{
	(void)owner;
	assert_string_equal(name, "a.example.com");
	*out = live;
	out->conf = used;
}

static void on_report(void *owner, struct json *json)
{
	(void)owner;
	report = json;
}

static const char *state_now(report_look_fn *how)
{
	json_free(&report);
	report_start(&(struct report_args){ .store = store, .conf = used, .name = asked, .look = how,
		.fn = on_report });
	assert_null(report);
	while (!report)
		loop_turn(loop);
	return json_get_str(report, "state").at;
}

static void what_nobody_knows_is_unknown(void **state)
{
	(void)state;
	assert_string_equal(state_now(NULL), "unknown");
	assert_false(json_bool(json_get(report, "running"), true));
	assert_null(json_get(report, "cause"));
	assert_null(json_get(report, "served"));
	assert_null(json_get(report, "passed_over"));
}

static void the_cas_that_do_not_sign_addresses_are_told(void **state)
{
	const struct json *list;

	(void)state;
	asked = "203.0.113.7";
	assert_string_equal(state_now(NULL), "unknown");
	list = json_get(report, "passed_over");
	assert_int_equal(json_count(list), 1);
	assert_true(str_is(json_get_str(json_first(list), "ca"), "zerossl"));
	assert_true(str_is(json_get_str(json_first(list), "why"), "certifies no IP addresses"));
	asked = "10.0.0.7";
	assert_string_equal(state_now(NULL), "unknown");
	assert_int_equal(json_count(json_get(report, "passed_over")), 2);
	asked = "a.example.com";
}

static void a_remembered_failure_is_told_in_the_cas_words(void **state)
{
	(void)state;
	save_failure(E_ISSUE, "unauthorized");
	assert_string_equal(state_now(NULL), "failing");
	assert_true(str_is(json_get_str(json_get(report, "cause"), "detail"), "the CA's own words"));
	assert_true(str_is(json_get_str(json_get(report, "cause"), "code"), "SP-204"));
	assert_int_equal((int)json_number(json_get(report, "attempts"), 0), 3);
	assert_int_equal(clock_parse_rfc3339(json_get_str(report, "next").at,
		json_get_str(report, "next").len), 1800000200000);
}

static void the_next_attempt_of_one_that_failed_validation_is_a_rehearsal(void **state)
{
	(void)state;
	used = &staged;
	save_failure(E_ISSUE, "unauthorized");
	state_now(NULL);
	assert_null(json_get(report, "rehearsal"));
	save_failure(E_ISSUE, "connection");
	state_now(NULL);
	assert_true(str_is(json_get_str(report, "rehearsal"), "stage"));
	live.is_under_way = true;
	live.state = REPORT_ORDERING;
	state_now(look);
	assert_null(json_get(report, "rehearsal"));
	live.rehearsal = "stage";
	state_now(look);
	assert_true(str_is(json_get_str(report, "rehearsal"), "stage"));
	used = &conf;
}

static void what_is_left_comes_from_the_store_when_nothing_runs(void **state)
{
	const struct json *first;

	(void)state;
	used = &staged;
	state_now(NULL);
	first = json_first(json_get(report, "budget"));
	assert_true(str_is(json_get_str(first, "what"), "failed validations of the name"));
	assert_true(str_is(json_get_str(first, "of"), "a.example.com"));
	assert_true(str_is(json_get_str(first, "ca"), "live"));
	assert_int_equal(json_number(json_get(first, "left"), -1), 4);
	assert_null(json_get(first, "next"));
	store_save(store, STORE_GOVERNOR, "state", STR("sallyport-governor 1\nca 0 https://l.test/dir\n"
		"0 99999999999999 f0 a.example.com\n"), on_saved, NULL);
	state_now(NULL);
	first = json_first(json_get(report, "budget"));
	assert_int_equal(json_number(json_get(first, "left"), -1), 0);
	assert_non_null(json_get(first, "next"));
	state_now(look);
	assert_null(json_get(report, "budget"));   /* this one knows no issuer */
	used = &conf;
}

static void a_rate_limit_is_nobodys_fault(void **state)
{
	(void)state;
	save_failure(E_RATE_LIMITED, "rateLimited");
	assert_string_equal(state_now(NULL), "parked");
	assert_true(str_is(json_get_str(report, "scope"), "rate limit"));
}

static void work_under_way_is_the_news(void **state)
{
	(void)state;
	save_failure(E_ISSUE, "unauthorized");
	live.is_under_way = true;
	live.state = REPORT_VALIDATING;
	live.activity = "validating http-01";
	assert_string_equal(state_now(look), "validating");
	assert_true(str_is(json_get_str(report, "activity"), "validating http-01"));
	assert_null(json_get(report, "next"));
}

static void a_refusal_counts_when_nothing_else_does(void **state)
{
	(void)state;
	live.state = REPORT_DENIED;
	fault_set(&live.cause, E_DENIED, "ask said no");
	live.until_ms = 1800000300000;
	assert_string_equal(state_now(look), "denied");
	assert_true(str_is(json_get_str(json_get(report, "cause"), "detail"), "ask said no"));
	assert_non_null(json_get(report, "next"));
}

static void a_damaged_bundle_is_quarantine(void **state)
{
	(void)state;
	save(STORE_CERTS, STR("sallyport-bundle: 1\nnonsense"));
	assert_string_equal(state_now(NULL), "quarantined");
	assert_true(str_is(json_get_str(json_get(report, "cause"), "code"), "SP-302"));
}

static void damaged_memory_of_failures_and_orders_is_no_memory(void **state)
{
	(void)state;
	save(STORE_FAILURES, STR("count: many"));
	save(STORE_ORDERS, STR("\xff\xfe"));
	assert_string_equal(state_now(NULL), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
		TEST(what_nobody_knows_is_unknown),
		TEST(the_cas_that_do_not_sign_addresses_are_told),
		TEST(a_remembered_failure_is_told_in_the_cas_words),
		TEST(the_next_attempt_of_one_that_failed_validation_is_a_rehearsal),
		TEST(what_is_left_comes_from_the_store_when_nothing_runs),
		TEST(a_rate_limit_is_nobodys_fault),
		TEST(work_under_way_is_the_news),
		TEST(a_refusal_counts_when_nothing_else_does),
		TEST(a_damaged_bundle_is_quarantine),
		TEST(damaged_memory_of_failures_and_orders_is_no_memory),
#undef TEST
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
