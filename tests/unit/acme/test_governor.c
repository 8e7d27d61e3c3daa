/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "acme/governor.h"

#include "base/clock.h"
#include "unit.h"

enum { MINUTE = 60000, HOUR = 60 * MINUTE };
static const int64_t start_ms = 1800000000000;

static const struct governor_ca cas[] = {
	{ .directory = "https://first.test/dir", .renewals_are_free = true, .limits = {
		[SCOPE_ACCOUNT] = { 20, MINUTE }, [SCOPE_DOMAIN] = { 3, HOUR },
		[SCOPE_NAMES] = { 2, 10 * HOUR }, [SCOPE_FAILURES] = { 2, 12 * MINUTE } } },
	{ .directory = "https://second.test/dir" },
};
static struct governor *g;

static struct governor *make(unsigned n_cas)
{
	return governor_new(&(struct governor_args){ .cas = cas, .n_cas = n_cas,
		.per_tenant = { 2, HOUR }, .per_registered_domain = { 5, HOUR } });
}

static int begin(void **state)
{
	(void)state;
	clock_test_set(start_ms, 5000);
	g = make(2);
	return 0;
}

static int end(void **state)
{
	(void)state;
	governor_free(&g);
	clock_test_end();
	return 0;
}

static struct fault why;

static unsigned orders_left(void)
{
	struct governor_left left[GOVERNOR_LEFT];
	unsigned n = governor_left(g, 0, &(struct grant){ .name = "any.test" }, GOVERNOR_CAS, left);
	assert_true(n > 0 && left[0].letter == 'a');
	return left[0].left;
}

/* An order from take to its end; false when it was refused. */
static bool order(const char *name, enum grant_kind kind, const char *tenant,
	enum grant_outcome outcome)
{
	struct grant grant = { .name = name, .tenant = tenant, .kind = kind };
	if (governor_take(g, &grant, 0, &why))
		return false;
	assert_int_equal(governor_start(g, &grant, &why), E_OK);
	assert_int_equal(governor_place(g, &grant, 0, &why), E_OK);
	governor_settle(g, &grant, outcome);
	return true;
}

static void certificates_of_a_domain_are_counted_and_its_failures_are_not(void **state)
{
	(void)state;
	assert_true(order("x.example.com", GRANT_NAMED, NULL, GRANT_FAILED));
	assert_true(order("a.example.com", GRANT_NAMED, NULL, GRANT_ISSUED));
	assert_true(order("b.example.com", GRANT_NAMED, NULL, GRANT_ISSUED));
	assert_true(order("c.example.com", GRANT_NAMED, NULL, GRANT_ISSUED));
	assert_false(order("d.example.com", GRANT_NAMED, NULL, GRANT_ISSUED));
	assert_int_equal(why.code, E_RATE_LIMITED);
	assert_int_equal(why.retry_at_ms, start_ms + HOUR);
	assert_non_null(strstr(why.detail, "(example.com)"));
	assert_true(order("d.example.org", GRANT_NAMED, NULL, GRANT_ISSUED));
	/* the same names again do not count, for this CA */
	assert_true(order("a.example.com", GRANT_RENEWAL, NULL, GRANT_ISSUED));
	clock_test_advance(HOUR);
	assert_true(order("d.example.com", GRANT_NAMED, NULL, GRANT_ISSUED));
}

/* As Let's Encrypt counts: an IPv4 address for itself, of IPv6 the first 64 bits. */
static void addresses_are_counted_by_what_one_host_has(void **state)
{
	(void)state;
	assert_true(order("2001:db8:1:2::a", GRANT_NAMED, NULL, GRANT_ISSUED));
	assert_true(order("2001:db8:1:2::b", GRANT_NAMED, NULL, GRANT_ISSUED));
	assert_true(order("2001:db8:1:2:ffff::1", GRANT_NAMED, NULL, GRANT_ISSUED));
	assert_false(order("2001:db8:1:2::d", GRANT_NAMED, NULL, GRANT_ISSUED));
	assert_non_null(strstr(why.detail, "(2001:db8:1:2::)"));
	assert_true(order("2001:db8:1:3::a", GRANT_NAMED, NULL, GRANT_ISSUED));
	for (int i = 1; i <= 6; i++) {
		char name[32];
		snprintf(name, sizeof name, "203.0.113.%d", i);
		assert_true(order(name, GRANT_NAMED, NULL, GRANT_ISSUED));
	}
}

static void a_name_that_fails_has_its_allowance_and_no_more(void **state)
{
	(void)state;
	assert_true(order("bad.test", GRANT_NAMED, NULL, GRANT_FAILED));
	assert_true(order("bad.test", GRANT_NAMED, NULL, GRANT_UNKNOWN));
	assert_false(order("bad.test", GRANT_RENEWAL, NULL, GRANT_FAILED));
	assert_non_null(strstr(why.detail, "failed validations of the name (bad.test)"));
	assert_int_equal(why.retry_at_ms, start_ms + 12 * MINUTE);
	assert_true(order("good.test", GRANT_NAMED, NULL, GRANT_ISSUED));
	clock_test_advance(12 * MINUTE);
	assert_true(order("bad.test", GRANT_NAMED, NULL, GRANT_REFUSED));   /* no validation: free */
	assert_true(order("bad.test", GRANT_NAMED, NULL, GRANT_FAILED));
	assert_false(order("bad.test", GRANT_NAMED, NULL, GRANT_FAILED));
}

static void the_same_names_are_not_had_too_often(void **state)
{
	(void)state;
	assert_true(order("a.test", GRANT_NAMED, NULL, GRANT_ISSUED));
	assert_true(order("a.test", GRANT_RENEWAL, NULL, GRANT_ISSUED));
	assert_false(order("a.test", GRANT_RENEWAL, NULL, GRANT_ISSUED));
	assert_int_equal(why.retry_at_ms, start_ms + 10 * HOUR);
}

static void budgets_are_for_names_that_clients_bring(void **state)
{
	(void)state;
	assert_true(order("a.one.test", GRANT_CLIENTS, "acme-corp", GRANT_FAILED));
	assert_true(order("b.two.test", GRANT_CLIENTS, "acme-corp", GRANT_FAILED));
	assert_false(order("c.three.test", GRANT_CLIENTS, "acme-corp", GRANT_ISSUED));
	assert_non_null(strstr(why.detail, "tenant (acme-corp)"));
	assert_true(order("c.three.test", GRANT_CLIENTS, "other", GRANT_ISSUED));
	assert_true(order("d.three.test", GRANT_NAMED, "acme-corp", GRANT_ISSUED));
	for (int i = 0; i < 5; i++) {
		char name[32];
		snprintf(name, sizeof name, "n%d.flood.test", i);
		assert_true(order(name, GRANT_CLIENTS, NULL, GRANT_FAILED));
	}
	assert_false(order("n6.flood.test", GRANT_CLIENTS, NULL, GRANT_FAILED));
	assert_non_null(strstr(why.detail, "new names below the registered domain (flood.test)"));
	assert_true(order("n1.flood.test", GRANT_RENEWAL, NULL, GRANT_ISSUED));
}

static void a_token_promised_does_not_come_back_by_waiting(void **state)
{
	struct grant held[4] = { { .name = "a.q.test", .kind = GRANT_NAMED },
		{ .name = "b.q.test", .kind = GRANT_NAMED }, { .name = "c.q.test", .kind = GRANT_NAMED },
		{ .name = "d.q.test", .kind = GRANT_NAMED } };
	(void)state;
	for (int i = 0; i < 4; i++)
		assert_int_equal(governor_take(g, &held[i], 0, NULL), E_OK);
	for (int i = 0; i < 3; i++)
		assert_int_equal(governor_start(g, &held[i], NULL), E_OK);
	clock_test_advance(100 * HOUR);
	assert_int_equal(governor_start(g, &held[3], &why), E_RATE_LIMITED);
	/* it may be given back any moment */
	assert_true(why.retry_at_ms - clock_wall_ms() <= MINUTE);
	governor_settle(g, &held[0], GRANT_UNUSED);
	assert_int_equal(governor_start(g, &held[3], &why), E_OK);
	for (int i = 0; i < 4; i++)
		governor_settle(g, &held[i], GRANT_UNUSED);
	assert_int_equal(orders_left(), 20);
}

static void a_budget_is_held_from_the_queue_on(void **state)
{
	struct grant held[3] = { { .name = "a.test", .tenant = "x" }, { .name = "b.test", .tenant = "x" },
		{ .name = "c.test", .tenant = "x" } };
	(void)state;
	assert_int_equal(governor_take(g, &held[0], 0, &why), E_OK);
	assert_int_equal(governor_take(g, &held[1], 0, &why), E_OK);
	assert_int_equal(governor_take(g, &held[2], 0, &why), E_RATE_LIMITED);
	governor_settle(g, &held[1], GRANT_UNUSED);
	assert_int_equal(governor_take(g, &held[2], 0, &why), E_OK);
	governor_settle(g, &held[0], GRANT_UNUSED);
	governor_settle(g, &held[2], GRANT_UNUSED);
}

static void renewals_have_the_last_half_of_the_account(void **state)
{
	char name[32];
	(void)state;
	for (int i = 0; i < 10; i++) {
		snprintf(name, sizeof name, "n%d-test.example", i);
		assert_int_equal(governor_wait_ms(g, 0, GRANT_NAMED), 0);
		snprintf(name, sizeof name, "n.%d.example", i);
		assert_true(order(name, GRANT_NAMED, NULL, GRANT_FAILED));
	}
	assert_int_equal(orders_left(), 10);
	assert_int_equal(governor_wait_ms(g, 0, GRANT_NAMED), MINUTE);
	assert_int_equal(governor_wait_ms(g, 0, GRANT_CLIENTS), MINUTE);
	assert_int_equal(governor_wait_ms(g, 0, GRANT_RENEWAL), 0);
	assert_int_equal(governor_wait_ms(g, 1, GRANT_NAMED), 0);
}

static void another_order_of_the_same_job_needs_another_grant(void **state)
{
	struct grant grant = { .name = "bad.test", .kind = GRANT_CLIENTS, .tenant = "t" };
	(void)state;
	assert_int_equal(governor_take(g, &grant, 0, NULL), E_OK);
	assert_int_equal(governor_start(g, &grant, &why), E_OK);
	assert_int_equal(governor_place(g, &grant, 0, &why), E_OK);
	governor_settle(g, &grant, GRANT_FAILED);
	assert_int_equal(governor_place(g, &grant, 0, &why), E_OK);   /* the other challenge */
	governor_settle(g, &grant, GRANT_FAILED);
	assert_int_equal(governor_place(g, &grant, 0, &why), E_RATE_LIMITED);
	assert_int_equal(governor_place(g, &grant, 1, &why), E_OK);   /* the other CA */
	governor_settle(g, &grant, GRANT_ISSUED);
	assert_int_equal(orders_left(), 18);
	/* and the budget was charged once */
	assert_true(order("b.test", GRANT_CLIENTS, "t", GRANT_ISSUED));
	assert_false(order("c.test", GRANT_CLIENTS, "t", GRANT_ISSUED));
}

/* Another CA instead, before there was any order: our own budget is charged for that one. */
static void an_order_at_another_ca_is_charged_to_the_tenant_as_well(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		struct grant grant = { .name = i ? "a.test" : "b.test", .kind = GRANT_CLIENTS, .tenant = "t" };
		assert_int_equal(governor_take(g, &grant, 0, NULL), E_OK);
		assert_int_equal(governor_start(g, &grant, &why), E_OK);
		assert_int_equal(governor_place(g, &grant, 1, &why), E_OK);
		governor_settle(g, &grant, GRANT_ISSUED);
		assert_int_equal(governor_place(g, &grant, 0, &why), E_OK);   /* and back: once is enough */
		governor_settle(g, &grant, GRANT_ISSUED);
	}
	assert_false(order("c.test", GRANT_CLIENTS, "t", GRANT_ISSUED));
	assert_non_null(strstr(why.detail, "tenant"));
}

static void a_busy_ca_is_left_alone_after_a_restart_too(void **state)
{
	struct fault busy = { .code = E_CA_DOWN, .status = 503 };
	struct buf b;
	(void)state;
	governor_learn(g, 0, "a.test", &busy);   /* for how long, it did not say */
	assert_int_equal(governor_closed_until_ms(g, 0), 0);
	busy.retry_at_ms = start_ms + HOUR;
	governor_learn(g, 0, "a.test", &busy);
	assert_int_equal(orders_left(), 0);      /* closed, not spent */
	buf_init(&b, GOVERNOR_STATE);
	assert_int_equal(governor_write(g, &b), E_OK);
	governor_free(&g);
	g = make(2);
	assert_int_equal(governor_read(g, buf_str(&b), &why), E_OK);
	buf_fini(&b);
	assert_false(order("b.test", GRANT_NAMED, NULL, GRANT_ISSUED));
	assert_int_equal(why.retry_at_ms, start_ms + HOUR);
	clock_test_advance(HOUR);
	assert_true(order("b.test", GRANT_NAMED, NULL, GRANT_ISSUED));
}

static const struct governor_left *left_of(unsigned ca, const char *name, const char *tenant, char letter)
{
	static struct governor_left left[GOVERNOR_LEFT];
	unsigned n = governor_left(g, ca, &(struct grant){ .name = name, .tenant = tenant },
		GOVERNOR_CAS_AND_OURS, left);
	for (unsigned i = 0; i < n; i++)
		if (left[i].letter == letter)
			return &left[i];
	return NULL;
}

static void what_is_left_is_told_with_the_time_of_the_next(void **state)
{
	(void)state;
	assert_int_equal(left_of(0, "a.example.com", "t", 'f')->left, 2);
	assert_int_equal(left_of(0, "a.example.com", "t", 'f')->next_at_ms, 0);
	order("a.example.com", GRANT_CLIENTS, "t", GRANT_FAILED);
	clock_test_advance(2 * MINUTE);
	const struct governor_left *left = left_of(0, "a.example.com", "t", 'f');
	assert_int_equal(left->left, 1);
	assert_int_equal(left->limit, 2);
	assert_int_equal(left->next_at_ms, start_ms + 12 * MINUTE);
	assert_string_equal(left->subject, "a.example.com");
	assert_string_equal(left->directory, "https://first.test/dir");
	left = left_of(0, "b.example.com", "t", 'd');
	assert_int_equal(left->left, 3);
	assert_string_equal(left->subject, "example.com");
	left = left_of(0, "b.example.com", "t", 't');
	assert_int_equal(left->left, 1);
	assert_string_equal(left->subject, "t");
	assert_null(left->directory);
	assert_int_equal(left_of(0, "b.example.com", NULL, 'b')->left, 4);
	assert_null(left_of(0, "b.example.com", NULL, 't'));   /* whose, is not known */
	assert_null(left_of(1, "b.example.com", NULL, 'a'));   /* no limit is known */
	order("a.example.com", GRANT_CLIENTS, "t", GRANT_FAILED);
	assert_int_equal(left_of(0, "a.example.com", "t", 'f')->left, 0);
}

static struct fault refusal(const char *detail, int64_t retry_in_ms)
{
	struct fault f = { .code = E_RATE_LIMITED, .status = 429 };
	snprintf(f.detail, sizeof f.detail, "%s", detail);
	f.retry_at_ms = retry_in_ms ? clock_wall_ms() + retry_in_ms : 0;
	return f;
}

static void a_refusal_closes_its_scope_and_nothing_else(void **state)
{
	struct fault f = refusal("too many certificates (50) already issued for \"example.com\"", 2 * HOUR);
	(void)state;
	governor_learn(g, 0, "a.example.com", &f);
	assert_false(order("b.example.com", GRANT_NAMED, NULL, GRANT_ISSUED));
	assert_true(why.retry_at_ms >= start_ms + 2 * HOUR);
	assert_true(order("a.example.org", GRANT_NAMED, NULL, GRANT_ISSUED));
	f = refusal("too many new orders (300) from this account", 4 * HOUR);
	governor_learn(g, 0, "a.example.org", &f);
	assert_false(order("a.example.net", GRANT_RENEWAL, NULL, GRANT_ISSUED));
	assert_int_equal(why.retry_at_ms, start_ms + 4 * HOUR);
	assert_int_equal(governor_closed_until_ms(g, 0), start_ms + 4 * HOUR);
	assert_int_equal(governor_closed_until_ms(g, 1), 0);
	clock_test_advance(4 * HOUR);
	assert_true(order("a.example.net", GRANT_RENEWAL, NULL, GRANT_ISSUED));
}

static void no_refusal_lasts_longer_than_two_days(void **state)
{
	struct fault f = refusal("too many new orders", (int64_t)1000 * 24 * HOUR);
	(void)state;
	governor_learn(g, 0, "a.test", &f);
	assert_int_equal(governor_closed_until_ms(g, 0), start_ms + 48 * (int64_t)HOUR);
	f = refusal("internal", HOUR);
	f.code = E_CA_DOWN;
	governor_learn(g, 1, "a.test", &f);   /* no matter of limits */
	assert_int_equal(governor_closed_until_ms(g, 1), 0);
}

static void unknown_words_about_several_names_are_about_the_account(void **state)
{
	struct fault f = refusal("nope", HOUR);
	(void)state;
	governor_learn(g, 0, "a.test", &f);
	governor_learn(g, 0, "a.test", &f);
	governor_learn(g, 0, "a.test", &f);
	assert_int_equal(governor_closed_until_ms(g, 0), 0);
	assert_false(order("a.test", GRANT_NAMED, NULL, GRANT_ISSUED));
	governor_learn(g, 0, "b.test", &f);
	assert_int_equal(governor_closed_until_ms(g, 0), 0);
	governor_learn(g, 0, "c.test", &f);
	assert_int_equal(governor_closed_until_ms(g, 0), start_ms + HOUR);
}

/* ---- persistence ---- */

static struct buf text;

static void restart(unsigned n_cas)
{
	buf_fini(&text);
	buf_init(&text, GOVERNOR_STATE);
	assert_int_equal(governor_write(g, &text), E_OK);
	governor_free(&g);
	g = make(n_cas);
	assert_int_equal(governor_read(g, buf_str(&text), &why), E_OK);
}

static void a_restart_forgets_nothing(void **state)
{
	struct fault f = refusal("too many certificates (5) already issued for this exact set of", HOUR);
	(void)state;
	order("a.t.test", GRANT_CLIENTS, "x", GRANT_ISSUED);
	order("b.t.test", GRANT_CLIENTS, "x", GRANT_ISSUED);
	order("bad.test", GRANT_NAMED, NULL, GRANT_FAILED);
	order("bad.test", GRANT_NAMED, NULL, GRANT_FAILED);
	governor_learn(g, 0, "closed.test", &f);
	assert_true(governor_is_dirty(g));
	clock_test_advance(MINUTE);
	restart(2);
	assert_false(governor_is_dirty(g));
	assert_false(order("c.u.test", GRANT_CLIENTS, "x", GRANT_ISSUED));
	assert_false(order("bad.test", GRANT_NAMED, NULL, GRANT_ISSUED));
	assert_int_equal(why.retry_at_ms, start_ms + 12 * MINUTE);
	assert_false(order("closed.test", GRANT_NAMED, NULL, GRANT_ISSUED));
	assert_int_equal(governor_wait_ms(g, 1, GRANT_NAMED), 0);
	buf_fini(&text);
}

static void orders_until_the_next_writing_are_counted_in_advance(void **state)
{
	(void)state;
	for (int i = 0; i < 8; i++) {
		char name[32];
		snprintf(name, sizeof name, "n.%d.example", i);
		assert_int_equal(governor_wants_writing(g), 0);
		order(name, GRANT_NAMED, NULL, GRANT_FAILED);
	}
	assert_true(governor_wants_writing(g));
	restart(1);
	assert_int_equal(orders_left(), 0);   /* 20 - 8 - 24 */
	buf_fini(&text);
}

static void a_clock_that_was_ahead_closes_nothing_for_ever(void **state)
{
	(void)state;
	order("bad.test", GRANT_NAMED, NULL, GRANT_FAILED);
	order("bad.test", GRANT_NAMED, NULL, GRANT_FAILED);
	struct fault f = refusal("too many new orders", HOUR);
	governor_learn(g, 0, "x.test", &f);
	clock_test_set(start_ms - (int64_t)700 * 24 * HOUR, 5000);
	restart(2);
	clock_test_advance(48 * (int64_t)HOUR);
	assert_true(order("bad.test", GRANT_NAMED, NULL, GRANT_ISSUED));
	buf_fini(&text);
}

static void a_damaged_state_is_refused(void **state)
{
	static const char *const bad[] = { "", "x", "sallyport-governor 2\n",
		"sallyport-governor 1\nca x https://a\n", "sallyport-governor 1\n1 2\n",
		"sallyport-governor 1\n1 2 q0 a.test\n", "sallyport-governor 1\n1 -2 d0 a.test\n",
		"sallyport-governor 1\n1 2 d999999 a.test\n", "sallyport-governor 1\n1 2 d0\n",
		"sallyport-governor 1\n99999999999999999999 2 d0 a.test\n" };
	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_int_equal(governor_read(g, str_from(bad[i]), &why), E_STORE_CORRUPT);
	/* of a CA that is configured no longer */
	assert_int_equal(governor_read(g, STR("sallyport-governor 1\nca 0 https://gone.test/dir\n"
		"9999999999999 0 d0 a.test\n9999999999999 0 t0 x\n"), &why), E_OK);
	assert_true(order("b.a.test", GRANT_NAMED, NULL, GRANT_ISSUED));
	assert_false(order("b.a.test", GRANT_CLIENTS, "x", GRANT_ISSUED));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(certificates_of_a_domain_are_counted_and_its_failures_are_not),
		TEST(addresses_are_counted_by_what_one_host_has),
		TEST(a_name_that_fails_has_its_allowance_and_no_more),
		TEST(the_same_names_are_not_had_too_often),
		TEST(budgets_are_for_names_that_clients_bring),
		TEST(a_token_promised_does_not_come_back_by_waiting),
		TEST(a_budget_is_held_from_the_queue_on),
		TEST(renewals_have_the_last_half_of_the_account),
		TEST(another_order_of_the_same_job_needs_another_grant),
		TEST(what_is_left_is_told_with_the_time_of_the_next),
		TEST(a_busy_ca_is_left_alone_after_a_restart_too),
		TEST(an_order_at_another_ca_is_charged_to_the_tenant_as_well),
		TEST(a_refusal_closes_its_scope_and_nothing_else),
		TEST(no_refusal_lasts_longer_than_two_days),
		TEST(unknown_words_about_several_names_are_about_the_account),
		TEST(a_restart_forgets_nothing),
		TEST(orders_until_the_next_writing_are_counted_in_advance),
		TEST(a_clock_that_was_ahead_closes_nothing_for_ever),
		TEST(a_damaged_state_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
