/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/proxy/naming.h"

static void a_stored_certificate_is_served_without_asking(void **state)
{
	struct world *w = *state;
	struct entry *e = entry_until(w, "shop.example", NOW + DAY_MS);

	want(w, 0, "shop.example");
	assert_int_equal(w->n_answers, 0);
	loaded(w, E_OK, e);
	assert_int_equal(w->n_answers, 1);
	assert_ptr_equal(w->answers[0].entry, e);
	assert_int_equal(w->n_asked + w->n_orders, 0);
	assert_int_equal(w->n_watched, 1);
	assert_int_equal(names_count(w->names), 0);
}

static void a_new_name_is_asked_for_then_ordered_then_installed(void **state)
{
	struct world *w = *state;
	struct entry *e = entry_until(w, "shop.example", NOW + DAY_MS);

	want(w, 1, "shop.example");
	loaded(w, E_NOT_FOUND, NULL);
	assert_int_equal(w->n_asked, 1);
	assert_string_equal(w->asked_ip, "192.0.2.7");
	assert_int_equal(w->n_orders, 0);
	w->tenant = "acme-corp";
	verdict(w, ASK_ALLOW);
	assert_int_equal(w->n_orders, 1);
	assert_int_equal(w->reason, ISSUER_ON_DEMAND);
	assert_string_equal(w->wish.tenant, "acme-corp");
	assert_int_equal(w->wish.not_after_ms, 0);
	assert_true(names_is_busy(w->names, "shop.example"));
	obtained(w, E_OK, e, 0);
	assert_int_equal(w->n_answers, 1);
	assert_ptr_equal(w->answers[0].worker, worker(1));
	assert_ptr_equal(w->answers[0].entry, e);
	assert_int_equal(w->n_installed, 1);
	assert_int_equal(w->n_kept, 0);
	assert_false(names_is_busy(w->names, "shop.example"));
}

static void all_workers_share_one_question_and_one_order(void **state)
{
	struct world *w = *state;
	struct entry *e = entry_until(w, "shop.example", NOW + DAY_MS);

	want(w, 0, "shop.example");
	want(w, 1, "shop.example");
	want(w, 1, "shop.example");
	loaded(w, E_NOT_FOUND, NULL);
	want(w, 2, "shop.example");
	verdict(w, ASK_ALLOW);
	want(w, 0, "shop.example");
	obtained(w, E_OK, e, 0);
	assert_int_equal(w->n_loads, 0);
	assert_int_equal(w->n_asked, 1);
	assert_int_equal(w->n_orders, 1);
	assert_int_equal(w->n_answers, 3);
}

static void what_one_worker_was_given_serves_the_others(void **state)
{
	struct world *w = *state;
	struct entry *e = entry_until(w, "shop.example", NOW + DAY_MS);

	want(w, 0, "shop.example");
	loaded(w, E_OK, e);
	want(w, 1, "shop.example");
	assert_int_equal(w->n_loads, 0);
	assert_ptr_equal(w->answers[1].worker, worker(1));
	assert_ptr_equal(w->answers[1].entry, e);
	clock_test_advance(DAY_MS);
	want(w, 2, "shop.example");
	assert_int_equal(w->n_loads, 1);
	loaded(w, E_STORE, NULL);
}

static void a_denied_name_is_refused_and_remembered(void **state)
{
	struct world *w = *state;

	want(w, 0, "evil.example");
	loaded(w, E_NOT_FOUND, NULL);
	verdict(w, ASK_DENY);
	assert_int_equal(w->answers[0].err, E_DENIED);
	assert_int_equal(w->answers[0].until_ms, NOW + 600000);
	want(w, 1, "evil.example");
	assert_int_equal(w->answers[1].err, E_DENIED);
	assert_int_equal(w->answers[1].until_ms, NOW + 600000);
	assert_int_equal(w->n_loads, 0);
	assert_int_equal(w->n_asked, 1);
	clock_test_advance(600001);
	want(w, 1, "evil.example");
	assert_int_equal(w->n_loads, 1);
	loaded(w, E_NOT_FOUND, NULL);
	verdict(w, ASK_DENY);
}

static void an_ask_endpoint_that_is_down_refuses_shortly(void **state)
{
	struct world *w = *state;

	want(w, 0, "new.example");
	loaded(w, E_NOT_FOUND, NULL);
	verdict(w, ASK_UNKNOWN);
	assert_int_equal(w->answers[0].err, E_ASK_UNKNOWN);
	assert_true(w->answers[0].until_ms <= NOW + 10000);
	assert_int_equal(w->n_orders, 0);
}

static void a_name_with_an_expired_certificate_was_allowed_lately(void **state)
{
	struct world *w = *state;
	struct entry *e = entry_until(w, "shop.example", NOW - 1);

	want(w, 0, "shop.example");
	loaded(w, E_OK, e);
	assert_int_equal(w->n_answers, 0);
	assert_int_equal(w->n_asked, 1);
	verdict(w, ASK_UNKNOWN);
	assert_int_equal(w->n_orders, 1);
	obtained(w, E_ISSUE, NULL, NOW + 60000);
}

static void a_failed_order_is_refused_until_its_next_attempt(void **state)
{
	struct world *w = *state;

	want(w, 0, "shop.example");
	loaded(w, E_NOT_FOUND, NULL);
	verdict(w, ASK_ALLOW);
	obtained(w, E_ISSUE, NULL, NOW + 60000);
	assert_int_equal(w->answers[0].err, E_ISSUE);
	assert_int_equal(w->answers[0].until_ms, NOW + 60000);
	want(w, 2, "shop.example");
	assert_int_equal(w->answers[1].err, E_ISSUE);
	assert_int_equal(w->n_orders, 1);
}

static void a_far_retry_time_is_cut(void **state)
{
	struct world *w = *state;

	want(w, 0, "shop.example");
	loaded(w, E_NOT_FOUND, NULL);
	verdict(w, ASK_ALLOW);
	obtained(w, E_RATE_LIMITED, NULL, INT64_MAX);
	assert_int_equal(w->answers[0].until_ms, NOW + 2 * (int64_t)DAY_MS);
}

static void a_damaged_file_is_ordered_again_but_a_broken_store_is_not(void **state)
{
	struct world *w = *state;

	want(w, 0, "one.example");
	loaded(w, E_STORE_CORRUPT, NULL);
	assert_int_equal(w->n_asked, 1);
	verdict(w, ASK_DENY);
	want(w, 0, "two.example");
	loaded(w, E_STORE, NULL);
	assert_int_equal(w->n_asked, 1);
	assert_int_equal(w->answers[1].err, E_STORE);
}

/* "*" is for names that clients send. */
static void addresses_are_nobodys_on_demand(void **state)
{
	static const char *const addresses[] = { "127.0.0.1", "::1", "203.0.113.7", "2001:db8::1" };
	struct world *w = *state;
	struct fault fault = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(addresses); i++) {
		want(w, 0, addresses[i]);
		assert_int_equal(w->answers[i].err, E_DENIED);
		assert_int_equal(names_issue(w->names, addresses[i], &fault), E_DENIED);
		assert_false(names_is_covered(w->names, addresses[i]));
		names_due(w->names, addresses[i]);
	}
	assert_int_equal(w->n_answers, ARRAY_LEN(addresses));
	assert_int_equal(w->n_loads + w->n_asked + w->n_orders, 0);
}

static void a_configured_address_is_a_name_like_any(void **state)
{
	static struct conf_site address = { .name = "2001:db8::1", .is_ip = true, .tls = CONF_TLS_AUTO };
	struct world *w = *state;
	struct entry *e = entry_until(w, "2001:db8::1", NOW + DAY_MS);
	struct router *all = w->router;
	struct conf conf = w->conf;

	conf.sites = &address;
	conf.n_sites = 1;
	names_free(&w->names);
	w->router = router_new(&conf);
	w->names = names_new(&(struct names_args){ .loop = w->loop, .conf = &conf, .router = w->router,
		.store = &w->store, .n_workers = WORKERS, .ops = &ops, .owner = w });
	want(w, 0, "2001:db8::1");
	loaded(w, E_NOT_FOUND, NULL);
	assert_int_equal(w->n_asked, 0);
	assert_int_equal(w->n_orders, 1);
	assert_string_equal(w->ordered, "2001:db8::1");
	assert_int_equal(w->reason, ISSUER_NAMED);
	obtained(w, E_OK, e, 0);
	assert_ptr_equal(w->answers[0].entry, e);
	assert_int_equal(w->n_kept, 1);
	assert_true(names_is_covered(w->names, "2001:db8::1"));
	names_stop(w->names);
	names_free(&w->names);
	router_free(&w->router);
	w->router = all;
	w->names = names_new(&(struct names_args){ .loop = w->loop, .conf = &w->conf, .router = w->router,
		.store = &w->store, .n_workers = WORKERS, .ops = &ops, .owner = w });
}

static void names_no_ca_signs_touch_nothing(void **state)
{
	static const char *const bad[] = { "localhost", "a_b.example", "a.b.c.d.e.example",
		"-a.example", "a..example" };
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		want(w, 0, bad[i]);
		assert_int_equal(w->answers[i].err, E_NAME);
	}
	assert_int_equal(w->n_answers, ARRAY_LEN(bad));
	assert_int_equal(w->n_loads + w->n_asked + w->n_orders, 0);
}

static void a_wildcard_site_without_on_demand_orders_nothing(void **state)
{
	struct world *w = *state;

	want(w, 0, "a.wild.example");
	loaded(w, E_NOT_FOUND, NULL);
	assert_int_equal(w->answers[0].err, E_DENIED);
	want(w, 0, "a.file.example");
	loaded(w, E_NOT_FOUND, NULL);
	assert_int_equal(w->answers[1].err, E_DENIED);
	assert_int_equal(w->n_asked + w->n_orders, 0);
}

static void without_an_ask_endpoint_nothing_is_ordered_on_demand(void **state)
{
	struct world *w = *state;

	w->conf.on_demand.n_ask = 0;
	want(w, 0, "shop.example");
	loaded(w, E_NOT_FOUND, NULL);
	assert_int_equal(w->answers[0].err, E_DENIED);
}

static void a_listed_name_is_ordered_without_asking(void **state)
{
	struct world *w = *state;

	w->listed = LISTED_ALLOWED;
	want(w, 0, "shop.example");
	loaded(w, E_NOT_FOUND, NULL);
	assert_int_equal(w->n_orders, 1);
	assert_int_equal(w->n_asked, 0);
	assert_string_equal(w->wish.decision, "listed");
}

static void what_the_reply_promised_goes_with_order_and_certificate(void **state)
{
	struct world *w = *state;

	snprintf(w->promise.to, sizeof(w->promise.to), "10.0.0.1:80");
	snprintf(w->promise.profile, sizeof(w->promise.profile), "shortlived");
	w->listed = LISTED_ALLOWED;
	want(w, 0, "shop.example");
	loaded(w, E_NOT_FOUND, NULL);
	assert_int_equal(w->n_orders, 1);
	assert_string_equal(w->ordered_profile, "shortlived");
}

static void a_denied_name_is_not_asked_about_until_that_is_taken_back(void **state)
{
	struct world *w = *state;

	w->listed = LISTED_DENIED;
	want(w, 0, "shop.example");
	loaded(w, E_NOT_FOUND, NULL);
	assert_int_equal(w->answers[0].err, E_DENIED);
	w->listed = LISTED_ALLOWED;
	want(w, 0, "shop.example");
	assert_int_equal(w->answers[1].err, E_DENIED);
	names_reconsider(w->names);
	want(w, 0, "shop.example");
	loaded(w, E_NOT_FOUND, NULL);
	assert_int_equal(w->n_orders, 1);
	assert_int_equal(w->n_asked, 0);
}

static void a_list_that_was_never_read_denies_nothing_for_long(void **state)
{
	struct world *w = *state;

	w->conf.on_demand.n_ask = 0;
	w->listed = LISTED_UNKNOWN;
	want(w, 0, "shop.example");
	loaded(w, E_NOT_FOUND, NULL);
	assert_int_equal(w->answers[0].err, E_NAMES_FILE);
	w->conf.on_demand.n_ask = 1;
	want(w, 0, "other.example");
	loaded(w, E_NOT_FOUND, NULL);
	assert_int_equal(w->n_asked, 1);
}

static void names_under_way_are_capped(void **state)
{
	struct world *w = *state;
	char name[32];

	for (int i = 0; i < 9; i++) {
		snprintf(name, sizeof(name), "x%d.example", i);
		want(w, 0, name);
	}
	assert_int_equal(w->n_loads, 8);
	assert_int_equal(w->n_answers, 1);
	assert_int_equal(w->answers[0].err, E_LIMIT);
	want(w, 0, "app.example.com");
	assert_int_equal(w->n_loads, 9);
	while (w->n_loads)
		loaded(w, E_STORE, NULL);
	assert_int_equal(w->n_answers, 10);
}

static void new_names_per_minute_are_capped(void **state)
{
	struct world *w = *state;
	char name[32];

	for (int i = 0; i < 21; i++) {
		snprintf(name, sizeof(name), "x%d.example", i);
		want(w, 0, name);
		loaded(w, E_NOT_FOUND, NULL);
		verdict(w, ASK_ALLOW);
		if (i < 20)
			obtained(w, E_ISSUE, NULL, NOW + 60000);
	}
	assert_int_equal(w->n_orders, 20);
	assert_int_equal(w->answers[20].err, E_LIMIT);
	assert_true(w->answers[20].until_ms <= NOW + 5000);
}

static void the_order_goes_on_when_its_waiters_left(void **state)
{
	struct world *w = *state;
	struct entry *e = entry_until(w, "shop.example", NOW + DAY_MS);

	want(w, 0, "shop.example");
	loaded(w, E_NOT_FOUND, NULL);
	names_unwant(w->names, worker(0), "shop.example");
	names_unwant(w->names, worker(1), "shop.example");
	names_unwant(w->names, worker(1), "other.example");
	verdict(w, ASK_ALLOW);
	obtained(w, E_OK, e, 0);
	assert_int_equal(w->n_answers, 0);
	assert_int_equal(w->n_installed, 1);
}

static void configured_names_are_loaded_and_kept_at_start(void **state)
{
	struct world *w = *state;
	struct entry *e = entry_until(w, "app.example.com", NOW + DAY_MS);

	names_start(w->names);
	assert_int_equal(w->n_loads, 1);
	assert_string_equal(w->loading[0], "app.example.com");
	loaded(w, E_OK, e);
	assert_int_equal(w->n_kept, 1);
	assert_int_equal(w->n_orders, 0);
	assert_int_equal(names_count(w->names), 0);
}

static void a_visitor_hurries_what_began_in_the_background(void **state)
{
	struct world *w = *state;
	struct entry *e = entry_until(w, "app.example.com", NOW + DAY_MS);

	names_start(w->names);
	loaded(w, E_NOT_FOUND, NULL);
	assert_int_equal(w->n_asked, 0);
	assert_int_equal(w->reason, ISSUER_NAMED);
	assert_int_equal(w->n_hurried, 0);
	want(w, 0, "app.example.com");
	want(w, 1, "app.example.com");
	assert_int_equal(w->n_hurried, 1);
	obtained(w, E_OK, e, 0);
	assert_int_equal(w->n_answers, 2);
	assert_int_equal(w->n_kept, 1);
}

static void a_configured_name_that_failed_is_tried_again(void **state)
{
	struct world *w = *state;
	struct entry *e = entry_until(w, "app.example.com", NOW + DAY_MS);

	names_start(w->names);
	loaded(w, E_NOT_FOUND, NULL);
	obtained(w, E_ISSUE, NULL, NOW + 60000);
	want(w, 0, "app.example.com");
	assert_int_equal(w->answers[0].err, E_ISSUE);
	later(w, 59000);
	assert_int_equal(w->n_orders, 1);
	later(w, 1100);
	assert_int_equal(w->n_orders, 2);
	want(w, 0, "app.example.com");
	assert_int_equal(w->n_answers, 1);
	obtained(w, E_OK, e, 0);
	assert_int_equal(w->n_answers, 2);
}

static void a_name_being_renewed_is_waited_for(void **state)
{
	struct world *w = *state;
	struct entry *old = entry_until(w, "app.example.com", NOW - 1);
	struct entry *e = entry_until(w, "app.example.com", NOW + DAY_MS);

	w->is_renewing = true;
	want(w, 0, "app.example.com");
	loaded(w, E_OK, old);
	later(w, 1000);
	assert_int_equal(w->n_orders, 0);
	names_renewed(w->names, e);
	assert_int_equal(w->n_answers, 1);
	assert_ptr_equal(w->answers[0].entry, e);
}

static void a_renewal_that_failed_is_followed_by_an_order(void **state)
{
	struct world *w = *state;
	struct entry *old = entry_until(w, "app.example.com", NOW - 1);

	w->is_renewing = true;
	want(w, 0, "app.example.com");
	loaded(w, E_OK, old);
	w->is_renewing = false;
	later(w, 1000);
	assert_int_equal(w->n_orders, 0);
	names_renewal_failed(w->names, "other.example.com");
	names_renewal_failed(w->names, "app.example.com");
	later(w, 1);
	assert_int_equal(w->n_orders, 1);
	obtained(w, E_BACKOFF, NULL, NOW + 60000);
	assert_int_equal(w->answers[0].err, E_BACKOFF);
}

static void a_due_name_is_only_looked_up(void **state)
{
	struct world *w = *state;
	struct entry *e = entry_until(w, "shop.example", NOW + DAY_MS);

	names_due(w->names, "shop.example");
	names_due(w->names, "shop.example");
	assert_int_equal(w->n_loads, 1);
	loaded(w, E_NOT_FOUND, NULL);
	assert_int_equal(w->n_asked, 0);
	names_due(w->names, "shop.example");
	loaded(w, E_OK, e);
	assert_int_equal(w->n_installed, 1);
	assert_int_equal(w->n_watched, 1);
	names_due(w->names, "shop.example");
	want(w, 0, "shop.example");
	loaded(w, E_NOT_FOUND, NULL);
	assert_int_equal(w->n_asked, 1);
	verdict(w, ASK_DENY);
}

static void stopping_answers_all_and_ignores_what_comes_late(void **state)
{
	struct world *w = *state;

	want(w, 0, "one.example");
	want(w, 0, "two.example");
	loaded(w, E_NOT_FOUND, NULL);
	names_stop(w->names);
	assert_int_equal(w->n_answers, 2);
	assert_int_equal(w->answers[0].err, E_DRAINING);
	loaded(w, E_NOT_FOUND, NULL);
	assert_int_equal(w->n_asked, 1);
	want(w, 1, "three.example");
	assert_int_equal(w->answers[2].err, E_DRAINING);
}

static void only_wanted_names_are_renewed(void **state)
{
	struct world *w = *state;

	assert_true(names_is_covered(w->names, "app.example.com"));
	assert_true(names_is_covered(w->names, "shop.example"));
	assert_false(names_is_covered(w->names, "a.file.example"));
	assert_false(names_is_covered(w->names, "a.wild.example"));
}

static void the_operator_need_not_ask_and_overrides_a_refusal(void **state)
{
	struct world *w = *state;
	struct fault fault = { 0 };
	struct names_look look;

	want(w, 0, "shop.example");
	loaded(w, E_NOT_FOUND, NULL);
	verdict(w, ASK_DENY);
	names_look(w->names, "shop.example", &look);
	assert_int_equal(look.refused, E_DENIED);
	assert_int_equal(look.cause.fault.code, E_DENIED);
	assert_non_null(strstr(look.cause.fault.detail, "denies"));
	assert_int_equal(names_issue(w->names, "shop.example", &fault), E_OK);
	loaded(w, E_NOT_FOUND, NULL);
	assert_int_equal(w->n_asked, 1);
	assert_int_equal(w->n_orders, 1);
	names_look(w->names, "shop.example", &look);
	assert_int_equal(look.stage, NAMES_ORDERING);
	assert_int_equal(names_issue(w->names, "shop.example", &fault), E_OK);   /* under way: nothing new */
	assert_int_equal(w->n_orders, 1);
	assert_int_equal(names_forget(w->names, "shop.example", &fault), E_LOCKED);
	obtained(w, E_OK, entry_until(w, "shop.example", NOW + DAY_MS), 0);
	names_look(w->names, "shop.example", &look);
	assert_int_equal(look.refused, E_OK);
	assert_int_equal(look.cause.fault.code, E_OK);
	assert_int_equal(look.stage, NAMES_IDLE);
	assert_int_equal(names_issue(w->names, "a.wild.example", &fault), E_DENIED);
}

static void a_forgotten_name_begins_anew(void **state)
{
	struct world *w = *state;
	struct fault fault = { 0 };

	want(w, 0, "shop.example");
	loaded(w, E_OK, entry_until(w, "shop.example", NOW + DAY_MS));
	assert_int_equal(names_forget(w->names, "shop.example", &fault), E_OK);
	want(w, 1, "shop.example");
	assert_int_equal(w->n_loads, 1);
	loaded(w, E_NOT_FOUND, NULL);
	assert_int_equal(w->n_asked, 1);
	verdict(w, ASK_DENY);
	assert_int_equal(names_forget(w->names, "shop.example", &fault), E_OK);
	want(w, 1, "shop.example");
	assert_int_equal(w->n_loads, 1);
	loaded(w, E_OK, entry_until(w, "shop.example", NOW + DAY_MS));
}

static void count_resting(void *owner, const char *name, const struct cause *cause)
{
	assert_string_equal(name, "shop.example");
	assert_int_equal(cause->fault.code, E_ISSUE);
	++*(unsigned *)owner;
}

static void an_announced_name_is_not_asked_for_and_tried_until_it_works(void **state)
{
	struct world *w = *state;
	unsigned told = 0;

	w->is_announced = true;
	want(w, 0, "shop.example");
	loaded(w, E_NOT_FOUND, NULL);
	assert_int_equal(w->n_asked, 0);
	assert_int_equal(w->n_orders, 1);
	obtained(w, E_ISSUE, NULL, NOW + 60000);
	assert_int_equal(names_resting(w->names, 8, count_resting, &told), 1);
	assert_int_equal(told, 1);
	later(w, 60001);
	assert_int_equal(w->n_orders, 2);
	obtained(w, E_OK, entry_until(w, "shop.example", NOW + DAY_MS), 0);
	assert_int_equal(names_resting(w->names, 8, count_resting, &told), 0);
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		CLAIM(a_stored_certificate_is_served_without_asking),
		CLAIM(a_new_name_is_asked_for_then_ordered_then_installed),
		CLAIM(all_workers_share_one_question_and_one_order),
		CLAIM(what_one_worker_was_given_serves_the_others),
		CLAIM(a_denied_name_is_refused_and_remembered),
		CLAIM(an_ask_endpoint_that_is_down_refuses_shortly),
		CLAIM(a_name_with_an_expired_certificate_was_allowed_lately),
		CLAIM(a_failed_order_is_refused_until_its_next_attempt),
		CLAIM(a_far_retry_time_is_cut),
		CLAIM(a_damaged_file_is_ordered_again_but_a_broken_store_is_not),
		CLAIM(addresses_are_nobodys_on_demand),
		CLAIM(a_configured_address_is_a_name_like_any),
		CLAIM(names_no_ca_signs_touch_nothing),
		CLAIM(a_wildcard_site_without_on_demand_orders_nothing),
		CLAIM(without_an_ask_endpoint_nothing_is_ordered_on_demand),
		CLAIM(a_listed_name_is_ordered_without_asking),
		CLAIM(what_the_reply_promised_goes_with_order_and_certificate),
		CLAIM(a_denied_name_is_not_asked_about_until_that_is_taken_back),
		CLAIM(a_list_that_was_never_read_denies_nothing_for_long),
		CLAIM(names_under_way_are_capped),
		CLAIM(new_names_per_minute_are_capped),
		CLAIM(the_order_goes_on_when_its_waiters_left),
		CLAIM(configured_names_are_loaded_and_kept_at_start),
		CLAIM(a_visitor_hurries_what_began_in_the_background),
		CLAIM(a_configured_name_that_failed_is_tried_again),
		CLAIM(a_name_being_renewed_is_waited_for),
		CLAIM(a_renewal_that_failed_is_followed_by_an_order),
		CLAIM(a_due_name_is_only_looked_up),
		CLAIM(stopping_answers_all_and_ignores_what_comes_late),
		CLAIM(only_wanted_names_are_renewed),
		CLAIM(the_operator_need_not_ask_and_overrides_a_refusal),
		CLAIM(a_forgotten_name_begins_anew),
		CLAIM(an_announced_name_is_not_asked_for_and_tried_until_it_works),
	};

	log_setup(2, LOG_ERROR, LOG_TEXT);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
