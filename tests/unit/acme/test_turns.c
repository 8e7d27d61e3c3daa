/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "acme/turns.h"

#include "base/clock.h"
#include "unit.h"

static struct governor *governor;
static struct turns *turns;
static struct turn all[64];
static unsigned n_all;

static void begin(struct rate orders, unsigned max_running)
{
	struct governor_ca ca = { .directory = "https://ca.test/dir",
		.limits = { [SCOPE_ACCOUNT] = orders } };
	clock_test_set(1800000000000, 1000);
	governor = governor_new(&(struct governor_args){ .cas = &ca, .n_cas = 1 });
	turns = turns_new(governor, max_running);
	n_all = 0;
}

static void end(void)
{
	for (unsigned i = 0; i < n_all; i++) {
		turns_leave(turns, &all[i]);
		governor_settle(governor, &all[i].grant, GRANT_UNUSED);
	}
	turns_free(&turns);
	governor_free(&governor);
	clock_test_end();
}

static struct turn *add(const char *name, enum turn_class class, const char *tenant, int64_t key)
{
	struct turn *t = &all[n_all++];
	*t = (struct turn){ .class = class, .grant = { .name = name, .tenant = tenant,
		.kind = class <= TURN_EXPIRING ? GRANT_RENEWAL : GRANT_CLIENTS } };
	list_init(&t->node);
	assert_int_equal(governor_take(governor, &t->grant, 0, NULL), E_OK);
	turns_add(turns, t, key);
	return t;
}

static void next_is(const char *name)
{
	struct fault fault;
	int64_t wait_ms;
	struct turn *t = turns_next(turns, &wait_ms, &fault);
	if (!name) {
		assert_null(t);
		return;
	}
	assert_non_null(t);
	assert_string_equal(t->grant.name, name);
}

static void what_is_served_comes_before_what_may_come(void **state)
{
	(void)state;
	begin((struct rate){ 0 }, 64);
	add("retry", TURN_RETRY, NULL, 0);
	add("bulk", TURN_BULK, NULL, 0);
	add("visited", TURN_VISITED, NULL, 0);
	add("later", TURN_EXPIRING, NULL, 200);
	add("sooner", TURN_EXPIRING, NULL, 100);
	add("urgent", TURN_URGENT, NULL, 0);
	add("expired", TURN_EXPIRED, NULL, 0);
	assert_int_equal(turns_count(turns, TURN_EXPIRING), 2);
	static const char *const order[] = { "expired", "urgent", "sooner", "later", "visited", "bulk",
		"retry", NULL };
	for (size_t i = 0; i < sizeof order / sizeof *order; i++)
		next_is(order[i]);
	end();
}

static void tenants_take_turns(void **state)
{
	(void)state;
	begin((struct rate){ 0 }, 64);
	add("a1", TURN_VISITED, "a", 0);
	add("a2", TURN_VISITED, "a", 0);
	add("a3", TURN_VISITED, "a", 0);
	add("b1", TURN_VISITED, "b", 0);
	add("n1", TURN_VISITED, NULL, 0);
	next_is("a1");
	next_is("b1");
	next_is("n1");
	next_is("a2");
	next_is("a3");
	next_is(NULL);
	end();
}

static void one_a_client_waits_for_moves_up(void **state)
{
	(void)state;
	begin((struct rate){ 0 }, 64);
	add("first", TURN_BULK, NULL, 0);
	struct turn *t = add("second", TURN_RETRY, NULL, 0);
	turns_hurry(turns, t);
	turns_hurry(turns, t);
	next_is("second");
	next_is("first");
	turns_hurry(turns, t);   /* running: nothing to move */
	end();
}

static void half_of_the_bucket_is_the_renewals(void **state)
{
	static const char *const names[] = { "1", "2", "3", "4" };
	struct fault fault;
	int64_t wait_ms;
	(void)state;
	begin((struct rate){ 4, 1000 }, 64);
	for (int i = 0; i < 4; i++)
		add(names[i], TURN_VISITED, NULL, 0);
	next_is("1");
	next_is("2");
	assert_null(turns_next(turns, &wait_ms, &fault));
	assert_int_equal(wait_ms, 1000);
	add("r1", TURN_EXPIRING, NULL, 0);
	add("r2", TURN_EXPIRING, NULL, 0);
	add("r3", TURN_EXPIRING, NULL, 0);
	next_is("r1");
	next_is("r2");
	next_is(NULL);
	end();
}

static void places_are_bounded_and_shared(void **state)
{
	(void)state;
	begin((struct rate){ 0 }, 4);
	struct turn *r = add("r1", TURN_EXPIRING, NULL, 1);
	add("r2", TURN_EXPIRING, NULL, 2);
	add("r3", TURN_EXPIRING, NULL, 3);
	add("r4", TURN_EXPIRING, NULL, 4);
	add("v", TURN_VISITED, NULL, 0);
	next_is("r1");
	next_is("r2");
	next_is("r3");
	next_is("v");     /* a quarter is for the others */
	next_is(NULL);
	turns_leave(turns, r);
	next_is("r4");
	turns_leave(turns, &all[1]);
	turns_leave(turns, &all[1]);
	add("r5", TURN_EXPIRING, NULL, 5);
	next_is("r5");    /* nobody else waits */
	next_is(NULL);
	end();
}

static void one_whose_limit_others_used_up_is_refused_at_its_turn(void **state)
{
	struct governor_ca ca = { .directory = "https://ca.test/dir",
		.limits = { [SCOPE_DOMAIN] = { 1, 3600000 } } };
	struct fault fault;
	int64_t wait_ms;
	(void)state;
	begin((struct rate){ 0 }, 64);
	turns_free(&turns);
	governor_free(&governor);
	governor = governor_new(&(struct governor_args){ .cas = &ca, .n_cas = 1 });
	turns = turns_new(governor, 64);
	add("a.q.test", TURN_BULK, NULL, 0);
	add("b.q.test", TURN_BULK, NULL, 0);
	next_is("a.q.test");
	struct turn *t = turns_next(turns, &wait_ms, &fault);
	assert_string_equal(t->grant.name, "b.q.test");
	assert_int_equal(fault.code, E_RATE_LIMITED);
	assert_true(fault.retry_at_ms > clock_wall_ms());
	end();
}

static void every_class_has_a_text(void **state)
{
	(void)state;
	for (int c = 0; c < TURN_CLASS_COUNT; c++)
		assert_true(turns_class_text((enum turn_class)c)[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_served_comes_before_what_may_come),
		cmocka_unit_test(tenants_take_turns),
		cmocka_unit_test(one_a_client_waits_for_moves_up),
		cmocka_unit_test(half_of_the_bucket_is_the_renewals),
		cmocka_unit_test(places_are_bounded_and_shared),
		cmocka_unit_test(one_whose_limit_others_used_up_is_refused_at_its_turn),
		cmocka_unit_test(every_class_has_a_text),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
