/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/proxy/naming.h"

static void two_keys(struct world *w)
{
	w->conf.acme.keys = (struct conf_keys){ 2, { CONF_KEY_P256, CONF_KEY_RSA2048 } };
}

static const char *loading(const struct world *w)
{
	return w->n_loads ? w->loading[w->n_loads - 1] : "";
}

static void with_one_type_nothing_else_is_looked_for(void **state)
{
	struct world *w = *state;

	want(w, 0, "new.example.org");
	loaded(w, E_NOT_FOUND, NULL);
	assert_int_equal(w->n_loads, 0);
	verdict(w, ASK_ALLOW);
	obtained(w, E_OK, entry_until(w, "new.example.org", NOW + DAY_MS), 0);
	assert_int_equal(w->n_loads, 0);
	assert_int_equal(names_count(w->names), 0);
}

/* Both are looked for: the first for its client, the second in case it would do meanwhile. */
static void first_visit(struct world *w, const char *name)
{
	struct fault none = { 0 };

	want(w, 0, name);
	assert_int_equal(w->n_loads, 1);
	w->n_loads = 0;
	fault_set(&none, E_NOT_FOUND, "none");
	w->load_fn[0](w->load_owner[0], E_NOT_FOUND, NULL, &none);
}

static void the_second_is_ordered_after_the_first_was_answered(void **state)
{
	struct world *w = *state;

	two_keys(w);
	first_visit(w, "new.example.org");
	assert_string_equal(loading(w), "new.example.org+rsa");
	loaded(w, E_NOT_FOUND, NULL);  /* a glance: it ends there */
	verdict(w, ASK_ALLOW);
	assert_string_equal(w->ordered, "new.example.org");
	obtained(w, E_OK, entry_until(w, "new.example.org", NOW + DAY_MS), 0);
	assert_int_equal(w->n_answers, 1);
	assert_string_equal(loading(w), "new.example.org+rsa");
	loaded(w, E_NOT_FOUND, NULL);
	verdict(w, ASK_ALLOW);
	assert_string_equal(w->ordered, "new.example.org+rsa");
	assert_string_equal(w->asked_ip, "192.0.2.7");
	assert_int_equal(w->reason, ISSUER_PAIR);
	obtained(w, E_OK, entry_until(w, "new.example.org+rsa", NOW + DAY_MS), 0);
	assert_int_equal(w->n_answers, 1);  /* nobody waited for it */
	assert_int_equal(w->n_orders, 2);
	assert_int_equal(w->n_watched, 2);
	assert_int_equal(names_count(w->names), 0);
}

static void a_glance_that_is_overtaken_becomes_a_wish(void **state)
{
	struct world *w = *state;
	store_load_fn *load;
	void *owner;
	struct fault none = { 0 };

	two_keys(w);
	first_visit(w, "new.example.org");
	load = w->load_fn[0];
	owner = w->load_owner[0];
	w->n_loads = 0;
	verdict(w, ASK_ALLOW);
	obtained(w, E_OK, entry_until(w, "new.example.org", NOW + DAY_MS), 0);
	assert_int_equal(w->n_loads, 0);
	fault_set(&none, E_NOT_FOUND, "none");
	load(owner, E_NOT_FOUND, NULL, &none);
	verdict(w, ASK_ALLOW);
	assert_string_equal(w->ordered, "new.example.org+rsa");
	obtained(w, E_ISSUE, NULL, NOW + DAY_MS);
}

static void a_failure_of_the_second_is_its_own(void **state)
{
	struct world *w = *state;
	struct names_look look;

	two_keys(w);
	first_visit(w, "new.example.org");
	loaded(w, E_NOT_FOUND, NULL);
	verdict(w, ASK_ALLOW);
	obtained(w, E_OK, entry_until(w, "new.example.org", NOW + DAY_MS), 0);
	loaded(w, E_NOT_FOUND, NULL);
	verdict(w, ASK_ALLOW);
	obtained(w, E_ISSUE, NULL, NOW + DAY_MS);
	names_look(w->names, "new.example.org", &look);
	assert_int_equal(look.refused, E_OK);
	names_look(w->names, "new.example.org+rsa", &look);
	assert_int_equal(look.refused, E_ISSUE);
	/* the first is served from memory, and nothing is tried again before its time */
	want(w, 1, "new.example.org");
	assert_int_equal(w->answers[w->n_answers - 1].err, E_OK);
	assert_int_equal(w->n_loads, 0);
}

static void a_client_that_needs_the_second_has_it_ordered_first(void **state)
{
	struct world *w = *state;

	two_keys(w);
	first_visit(w, "new.example.org+rsa");
	assert_string_equal(loading(w), "new.example.org");
	loaded(w, E_NOT_FOUND, NULL);
	verdict(w, ASK_ALLOW);
	assert_string_equal(w->ordered, "new.example.org+rsa");
	obtained(w, E_OK, entry_until(w, "new.example.org+rsa", NOW + DAY_MS), 0);
	assert_int_equal(w->n_answers, 1);
	assert_string_equal(loading(w), "new.example.org");
	loaded(w, E_OK, entry_until(w, "new.example.org", NOW + DAY_MS));
	assert_int_equal(names_count(w->names), 0);
	assert_int_equal(w->n_orders, 1);
}

static void an_expired_one_is_stood_in_for_by_the_other(void **state)
{
	struct world *w = *state;
	struct entry *rsa = entry_until(w, "new.example.org+rsa", NOW + DAY_MS);

	two_keys(w);
	want(w, 2, "new.example.org");
	loaded(w, E_OK, entry_until(w, "new.example.org", NOW - 1));
	assert_string_equal(loading(w), "new.example.org+rsa");
	loaded(w, E_OK, rsa);
	/* to the worker that waits, under its own name */
	assert_int_equal(w->n_answers, 1);
	assert_ptr_equal(w->answers[0].worker, worker(2));
	assert_ptr_equal(w->answers[0].entry, rsa);
	verdict(w, ASK_ALLOW);
	obtained(w, E_OK, entry_until(w, "new.example.org", NOW + DAY_MS), 0);
	assert_int_equal(w->n_answers, 2);
}

static void a_second_that_no_configuration_wants_is_not_had(void **state)
{
	struct world *w = *state;
	struct fault fault = { 0 };

	want(w, 0, "app.example.com+rsa");
	assert_int_equal(w->answers[0].err, E_DENIED);
	assert_false(names_is_covered(w->names, "app.example.com+rsa"));
	assert_int_equal(names_issue(w->names, "app.example.com+rsa", &fault), E_DENIED);
	two_keys(w);
	assert_true(names_is_covered(w->names, "app.example.com+rsa"));
	assert_false(names_is_covered(w->names, "app.example.com+ecdsa"));
	assert_int_equal(names_keys(w->names, "app.example.com")->n, 2);
}

static void configured_names_have_both_from_the_start(void **state)
{
	struct world *w = *state;

	two_keys(w);
	names_start(w->names);
	loaded(w, E_OK, entry_until(w, "app.example.com", NOW + DAY_MS));
	assert_string_equal(loading(w), "app.example.com+rsa");
	loaded(w, E_NOT_FOUND, NULL);
	assert_int_equal(w->n_asked, 0);
	assert_string_equal(w->ordered, "app.example.com+rsa");
	assert_int_equal(w->reason, ISSUER_NAMED);
	obtained(w, E_ISSUE, NULL, NOW + 5000);
	later(w, 6000);
	assert_int_equal(w->n_orders, 2);
	obtained(w, E_OK, entry_until(w, "app.example.com+rsa", NOW + DAY_MS), 0);
	assert_int_equal(w->n_kept, 2);
}

static void below_a_wildcard_both_of_its_certificates_are_followed(void **state)
{
	struct world *w = *state;

	two_keys(w);
	sites[2].tls = CONF_TLS_AUTO;
	w->holds_wildcards = true;
	want(w, 0, "a.wild.example+rsa");
	loaded(w, E_NOT_FOUND, NULL);          /* its own */
	while (w->n_loads)                     /* the other's, wildcards */
		loaded(w, E_NOT_FOUND, NULL);
	assert_string_equal(w->ordered, "*.wild.example+rsa");
	obtained(w, E_OK, entry_until(w, "*.wild.example+rsa", NOW + DAY_MS), 0);
	assert_int_equal(w->answers[w->n_answers - 1].err, E_OK);
	assert_string_equal(w->answers[w->n_answers - 1].entry->name, "*.wild.example+rsa");
}

static void a_renewal_of_one_looks_for_the_other(void **state)
{
	struct world *w = *state;

	two_keys(w);
	names_renewed(w->names, entry_until(w, "app.example.com", NOW + DAY_MS));
	assert_string_equal(loading(w), "app.example.com+rsa");
	loaded(w, E_OK, entry_until(w, "app.example.com+rsa", NOW + DAY_MS));
	names_renewed(w->names, entry_until(w, "app.example.com", NOW + 2 * DAY_MS));
	assert_int_equal(w->n_loads, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLAIM(with_one_type_nothing_else_is_looked_for),
		CLAIM(the_second_is_ordered_after_the_first_was_answered),
		CLAIM(a_glance_that_is_overtaken_becomes_a_wish),
		CLAIM(a_failure_of_the_second_is_its_own),
		CLAIM(a_client_that_needs_the_second_has_it_ordered_first),
		CLAIM(an_expired_one_is_stood_in_for_by_the_other),
		CLAIM(a_second_that_no_configuration_wants_is_not_had),
		CLAIM(configured_names_have_both_from_the_start),
		CLAIM(below_a_wildcard_both_of_its_certificates_are_followed),
		CLAIM(a_renewal_of_one_looks_for_the_other),
	};

	log_setup(2, LOG_ERROR, LOG_TEXT);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
