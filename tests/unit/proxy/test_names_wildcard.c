/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/proxy/naming.h"

/* A wildcard that is ours to obtain, and a name below it. */
static void wildcards(struct world *w)
{
	w->holds_wildcards = true;
	sites[2].tls = CONF_TLS_AUTO;
	sites[3].tls = CONF_TLS_AUTO;
}

static void a_stored_wildcard_is_served_without_asking(void **state)
{
	struct world *w = *state;
	struct entry *e = entry_until(w, "*.shop.example", NOW + DAY_MS);

	w->holds_wildcards = true;
	want(w, 0, "a.shop.example");
	loaded(w, E_NOT_FOUND, NULL);
	assert_string_equal(w->loading[0], "*.shop.example");
	loaded(w, E_OK, e);
	assert_ptr_equal(w->answers[0].entry, e);
	want(w, 1, "b.shop.example");
	assert_ptr_equal(w->answers[1].entry, e);
	assert_int_equal(w->n_asked + w->n_orders + w->n_loads, 0);
}

static void an_expired_wildcard_serves_nobody(void **state)
{
	struct world *w = *state;

	w->holds_wildcards = true;
	want(w, 0, "a.shop.example");
	loaded(w, E_NOT_FOUND, NULL);
	loaded(w, E_OK, entry_until(w, "*.shop.example", NOW - 1));
	assert_int_equal(w->n_answers, 0);
	assert_int_equal(w->n_asked, 1);
}

/* The host itself, then the wildcard for it, then the wildcard's own machine. */
static void miss(struct world *w, int n)
{
	while (n--)
		loaded(w, E_NOT_FOUND, NULL);
}

static void names_below_a_wildcard_share_one_order(void **state)
{
	struct world *w = *state;
	struct entry *e = entry_until(w, "*.wild.example", NOW + DAY_MS);

	wildcards(w);
	want(w, 0, "a.wild.example");
	miss(w, 3);
	assert_int_equal(w->n_orders, 1);
	assert_string_equal(w->ordered, "*.wild.example");
	assert_int_equal(w->reason, ISSUER_NAMED);
	assert_true(names_is_busy(w->names, "*.wild.example"));
	want(w, 1, "b.wild.example");
	miss(w, 2);
	assert_int_equal(w->n_orders, 1);
	assert_true(w->n_hurried > 0);
	obtained(w, E_OK, e, 0);
	assert_int_equal(w->n_answers, 2);
	assert_ptr_equal(w->answers[0].entry, e);
	assert_ptr_equal(w->answers[1].entry, e);
	assert_int_equal(w->n_kept, 1);
	assert_int_equal(w->n_asked, 0);
	assert_int_equal(names_count(w->names), 0);
}

static void a_wildcard_that_failed_refuses_until_its_next_attempt(void **state)
{
	struct world *w = *state;

	wildcards(w);
	want(w, 0, "a.wild.example");
	miss(w, 3);
	obtained(w, E_DNS, NULL, NOW + 60000);
	assert_int_equal(w->answers[0].err, E_DNS);
	want(w, 0, "b.wild.example");
	miss(w, 2);
	assert_int_equal(w->answers[1].err, E_DNS);
	assert_int_equal(w->n_orders, 1);
	later(w, 61000);
	assert_int_equal(w->n_orders, 2);
}

static void a_named_site_whose_wildcard_failed_stands_alone(void **state)
{
	struct world *w = *state;

	wildcards(w);
	want(w, 0, "app.wild.example");
	miss(w, 3);
	assert_string_equal(w->ordered, "*.wild.example");
	obtained(w, E_DNS, NULL, NOW + 60000);
	assert_int_equal(w->n_answers, 0);
	assert_string_equal(w->ordered, "app.wild.example");
	obtained(w, E_OK, entry_until(w, "app.wild.example", NOW + DAY_MS), 0);
	assert_int_equal(w->answers[0].err, E_OK);
}

static void what_a_held_wildcard_covers_is_not_renewed(void **state)
{
	struct world *w = *state;

	wildcards(w);
	assert_true(names_is_covered(w->names, "*.wild.example"));
	assert_true(names_is_covered(w->names, "app.wild.example"));
	assert_false(names_is_covered(w->names, "old.wild.example"));
	names_renewed(w->names, entry_until(w, "*.wild.example", NOW + DAY_MS));
	assert_int_equal(w->n_kept, 1);
	assert_false(names_is_covered(w->names, "app.wild.example"));
	assert_true(names_is_covered(w->names, "*.wild.example"));
}

static void stopping_with_followers_answers_all(void **state)
{
	struct world *w = *state;

	wildcards(w);
	want(w, 0, "a.wild.example");
	miss(w, 3);
	want(w, 1, "b.wild.example");
	loaded(w, E_NOT_FOUND, NULL);
	names_stop(w->names);
	assert_int_equal(w->n_answers, 2);
	assert_int_equal(w->answers[0].err, E_DRAINING);
	miss(w, 1);
	assert_int_equal(w->n_answers, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLAIM(a_stored_wildcard_is_served_without_asking),
		CLAIM(an_expired_wildcard_serves_nobody),
		CLAIM(names_below_a_wildcard_share_one_order),
		CLAIM(a_wildcard_that_failed_refuses_until_its_next_attempt),
		CLAIM(a_named_site_whose_wildcard_failed_stands_alone),
		CLAIM(what_a_held_wildcard_covers_is_not_renewed),
		CLAIM(stopping_with_followers_answers_all),
	};

	log_setup(2, LOG_ERROR, LOG_TEXT);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
