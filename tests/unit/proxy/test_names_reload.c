/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/proxy/naming.h"

/* The configuration after the reload. */
static struct conf next_conf;
static struct router *next_router, *former_router;

static void reload_to(struct world *w, struct conf_site *to, unsigned n, struct names_reload_args args)
{
	static struct diff nothing;

	next_conf = w->conf;
	next_conf.sites = to;
	next_conf.n_sites = n;
	former_router = next_router;
	next_router = router_new(&next_conf);
	args.conf = &next_conf;
	args.router = next_router;
	if (!args.diff)
		args.diff = &nothing;
	names_reload(w->names, &args);
	router_free(&former_router);
}

static int end_reloaded(void **state)
{
	int rc = end_world(state);

	router_free(&next_router);
	return rc;
}

#define RELOAD_CLAIM(name) cmocka_unit_test_setup_teardown(name, make_world, end_reloaded)

static const struct names_reload_args plainly = { 0 };

static void what_no_site_covers_any_more_is_given_up(void **state)
{
	struct conf_site one[] = { { .name = "app.example.com", .tls = CONF_TLS_AUTO } };
	struct world *w = *state;

	want(w, 1, "a.example.net");
	loaded(w, E_NOT_FOUND, NULL);
	verdict(w, ASK_ALLOW);
	assert_int_equal(w->n_orders, 1);
	reload_to(w, one, 1, plainly);
	assert_int_equal(w->n_abandoned, 1);
	assert_int_equal(w->n_answers, 1);
	assert_int_equal(w->answers[0].err, E_DENIED);
	assert_int_equal(names_count(w->names), 0);
}

static void a_look_into_the_store_ends_and_then_knows(void **state)
{
	struct conf_site one[] = { { .name = "app.example.com", .tls = CONF_TLS_AUTO } };
	struct world *w = *state;

	want(w, 1, "a.example.net");
	reload_to(w, one, 1, plainly);
	assert_int_equal(w->n_answers, 0);
	loaded(w, E_NOT_FOUND, NULL);
	assert_int_equal(w->answers[0].err, E_DENIED);
	assert_int_equal(w->n_asked, 0);
	assert_int_equal(names_count(w->names), 0);
}

static void only_new_names_are_loaded_and_ordered(void **state)
{
	struct conf_site two[] = { { .name = "app.example.com", .tls = CONF_TLS_AUTO },
		{ .name = "new.example.com", .tls = CONF_TLS_AUTO }, { .name = "*", .tls = CONF_TLS_ON_DEMAND } };
	struct world *w = *state;

	names_start(w->names);
	assert_int_equal(w->n_loads, 1);
	loaded(w, E_OK, entry_until(w, "app.example.com", NOW + DAY_MS));
	assert_int_equal(w->n_kept, 1);
	reload_to(w, two, 3, plainly);
	assert_int_equal(w->n_loads, 1);
	assert_string_equal(w->loading[0], "new.example.com");
	loaded(w, E_NOT_FOUND, NULL);
	assert_string_equal(w->ordered, "new.example.com");
	obtained(w, E_OK, entry_until(w, "new.example.com", NOW + DAY_MS), 0);
	assert_int_equal(w->n_kept, 2);
	assert_int_equal(w->n_forgotten, 0);
}

static void what_was_not_loaded_yet_is_not_lost(void **state)
{
	enum { MANY = 40 };
	static struct conf_site many[MANY], more[MANY];
	static char text[MANY][32];
	struct world *w = *state;

	for (int i = 0; i < MANY; i++) {
		snprintf(text[i], sizeof(text[i]), "n%d.example.com", i);
		many[i] = more[i] = (struct conf_site){ .name = text[i], .tls = CONF_TLS_AUTO };
	}
	names_start(w->names);
	loaded(w, E_OK, entry_until(w, "app.example.com", NOW + DAY_MS));
	reload_to(w, many, MANY, plainly);
	assert_int_equal(w->n_loads, 32);
	w->conf.sites = many;
	w->conf.n_sites = MANY;
	reload_to(w, more, MANY, plainly);
	for (int i = 0; i < MANY; i++) {
		assert_true(w->n_loads > 0);
		loaded(w, E_STORE, NULL);
	}
	assert_int_equal(w->n_loads, 0);
	assert_int_equal(names_count(w->names), MANY);
}

static void a_name_configured_no_longer_is_kept_no_longer(void **state)
{
	struct conf_site star[] = { { .name = "*", .tls = CONF_TLS_ON_DEMAND } };
	struct world *w = *state;

	names_start(w->names);
	loaded(w, E_OK, entry_until(w, "app.example.com", NOW + DAY_MS));
	reload_to(w, star, 1, plainly);
	assert_int_equal(w->n_forgotten, 1);
	assert_string_equal(w->forgotten, "app.example.com");
	/* and is served on demand, from what is still known */
	want(w, 0, "app.example.com");
	assert_int_equal(w->answers[0].err, E_OK);
}

static void refusals_are_forgotten(void **state)
{
	struct world *w = *state;

	want(w, 0, "a.example.net");
	loaded(w, E_NOT_FOUND, NULL);
	verdict(w, ASK_DENY);
	want(w, 0, "a.example.net");
	assert_int_equal(w->answers[1].err, E_DENIED);
	assert_int_equal(w->n_asked, 1);
	reload_to(w, sites, ARRAY_LEN(sites), plainly);
	want(w, 0, "a.example.net");
	loaded(w, E_NOT_FOUND, NULL);
	assert_int_equal(w->n_asked, 2);
	verdict(w, ASK_DENY);
}

static void a_dropped_question_is_asked_again(void **state)
{
	struct world *w = *state;

	want(w, 0, "a.example.net");
	loaded(w, E_NOT_FOUND, NULL);
	assert_int_equal(w->n_asked, 1);
	reload_to(w, sites, ARRAY_LEN(sites), plainly);
	assert_int_equal(w->n_asked, 1);
	reload_to(w, sites, ARRAY_LEN(sites), (struct names_reload_args){ .asks_again = true });
	assert_int_equal(w->n_asked, 2);
	verdict(w, ASK_ALLOW);
	assert_int_equal(w->n_orders, 1);
}

static void an_order_under_way_goes_on(void **state)
{
	struct world *w = *state;

	want(w, 0, "app.example.com");
	loaded(w, E_NOT_FOUND, NULL);
	assert_int_equal(w->n_orders, 1);
	reload_to(w, sites, ARRAY_LEN(sites), (struct names_reload_args){ .forgives = true });
	assert_int_equal(w->n_abandoned, 0);
	obtained(w, E_OK, entry_until(w, "app.example.com", NOW + DAY_MS), 0);
	assert_int_equal(w->answers[0].err, E_OK);
	assert_int_equal(w->n_orders, 1);
}

static void rest_in_failure(struct world *w)
{
	want(w, 0, "app.example.com");
	loaded(w, E_NOT_FOUND, NULL);
	obtained(w, E_ISSUE, NULL, NOW + DAY_MS);
	assert_int_equal(w->n_orders, 1);
}

static void other_cas_forgive_what_failed(void **state)
{
	struct world *w = *state;

	rest_in_failure(w);
	reload_to(w, sites, ARRAY_LEN(sites), plainly);
	later(w, 5000);
	assert_int_equal(w->n_orders, 1);
	reload_to(w, sites, ARRAY_LEN(sites), (struct names_reload_args){ .forgives = true });
	assert_int_equal(w->n_forgiven, 1);
	later(w, 5000);
	assert_int_equal(w->n_orders, 2);
}

static void a_site_that_changed_is_forgiven(void **state)
{
	struct diff_change change = { "sites[\"app.example.com\"].routes[\"/*\"].to", "a", "b", RELOAD_LIVE };
	struct diff diff = { .at = &change, .n = 1 };
	struct world *w = *state;

	rest_in_failure(w);
	reload_to(w, sites, ARRAY_LEN(sites), (struct names_reload_args){ .diff = &diff });
	assert_int_equal(w->n_forgiven, 1);
	later(w, 5000);
	assert_int_equal(w->n_orders, 2);
}

static void followers_of_a_wildcard_that_goes_go_on_alone(void **state)
{
	struct conf_site star[] = { { .name = "*", .tls = CONF_TLS_ON_DEMAND } };
	struct world *w = *state;

	sites[2].tls = CONF_TLS_AUTO;
	want(w, 0, "a.wild.example");
	loaded(w, E_NOT_FOUND, NULL);
	assert_int_equal(w->n_orders, 1);
	assert_string_equal(w->ordered, "*.wild.example");
	assert_int_equal(names_count(w->names), 2);
	reload_to(w, star, 1, plainly);
	assert_int_equal(w->n_abandoned, 1);
	assert_int_equal(names_count(w->names), 1);
	assert_int_equal(w->n_asked, 1);
	verdict(w, ASK_ALLOW);
	assert_string_equal(w->ordered, "a.wild.example");
}

static const struct conf_keys both = { 2, { CONF_KEY_P256, CONF_KEY_RSA2048 } }, ecdsa = { 1, { CONF_KEY_P256 } };

static void a_second_type_of_key_is_seen_to_at_once(void **state)
{
	struct conf_site two[] = { { .name = "app.example.com", .tls = CONF_TLS_AUTO, .keys = both } };
	struct world *w = *state;

	names_start(w->names);
	loaded(w, E_OK, entry_until(w, "app.example.com", NOW + DAY_MS));
	assert_int_equal(w->n_loads, 0);
	reload_to(w, two, 1, plainly);
	assert_string_equal(w->loading[0], "app.example.com");
	loaded(w, E_OK, entry_until(w, "app.example.com", NOW + DAY_MS));
	assert_string_equal(w->loading[0], "app.example.com+rsa");
	loaded(w, E_NOT_FOUND, NULL);
	assert_string_equal(w->ordered, "app.example.com+rsa");
	obtained(w, E_OK, entry_until(w, "app.example.com+rsa", NOW + DAY_MS), 0);
}

static void a_second_certificate_that_nobody_wants_any_more_is_let_go(void **state)
{
	struct conf_site one[] = { { .name = "app.example.com", .tls = CONF_TLS_AUTO, .keys = ecdsa },
		{ .name = "*", .tls = CONF_TLS_ON_DEMAND, .keys = ecdsa } };
	struct world *w = *state;

	w->conf.acme.keys = both;
	names_start(w->names);
	loaded(w, E_OK, entry_until(w, "app.example.com", NOW + DAY_MS));
	loaded(w, E_NOT_FOUND, NULL);
	assert_int_equal(w->n_orders, 1);
	want(w, 0, "a.example.net+rsa");          /* on demand, still being looked for */
	reload_to(w, one, 2, plainly);
	assert_int_equal(w->n_abandoned, 1);
	assert_string_equal(w->forgotten, "app.example.com+rsa");
	loaded(w, E_NOT_FOUND, NULL);
	assert_int_equal(w->answers[0].err, E_DENIED);
	assert_int_equal(w->n_orders, 1);
	assert_int_equal(names_count(w->names), 0);
}

static void nothing_happens_while_stopping(void **state)
{
	struct world *w = *state;

	names_stop(w->names);
	reload_to(w, sites, ARRAY_LEN(sites), plainly);
	assert_int_equal(w->n_loads, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RELOAD_CLAIM(what_no_site_covers_any_more_is_given_up),
		RELOAD_CLAIM(a_look_into_the_store_ends_and_then_knows),
		RELOAD_CLAIM(only_new_names_are_loaded_and_ordered),
		RELOAD_CLAIM(what_was_not_loaded_yet_is_not_lost),
		RELOAD_CLAIM(a_name_configured_no_longer_is_kept_no_longer),
		RELOAD_CLAIM(refusals_are_forgotten),
		RELOAD_CLAIM(a_dropped_question_is_asked_again),
		RELOAD_CLAIM(an_order_under_way_goes_on),
		RELOAD_CLAIM(other_cas_forgive_what_failed),
		RELOAD_CLAIM(a_site_that_changed_is_forgiven),
		RELOAD_CLAIM(followers_of_a_wildcard_that_goes_go_on_alone),
		RELOAD_CLAIM(a_second_type_of_key_is_seen_to_at_once),
		RELOAD_CLAIM(a_second_certificate_that_nobody_wants_any_more_is_let_go),
		RELOAD_CLAIM(nothing_happens_while_stopping),
	};

	log_setup(2, LOG_ERROR, LOG_TEXT);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
