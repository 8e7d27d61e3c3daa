/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "acme/desk.h"

#include "base/clock.h"
#include "base/mem.h"
#include "unit.h"

static struct loop *loop;
static struct store *store;
static struct desk *desk;
static struct conf_ca conf_cas[2];
static struct conf conf;
static struct ca cas[2];
static struct turn turns[16];
static unsigned n_turns, n_on_turn, n_refused;
static struct turn *last;
static struct fault last_fault;

static void on_turn(void *owner, struct turn *turn)
{
	(void)owner;
	n_on_turn++;
	last = turn;
}

static void on_refused(void *owner, struct turn *turn, const struct fault *fault)
{
	(void)owner;
	n_refused++;
	last = turn;
	last_fault = *fault;
}

static void open_desk(void)
{
	for (int i = 0; i < 2; i++)
		cas[i] = (struct ca){ .loop = loop, .conf = &conf_cas[i] };
	desk = desk_new(&(struct desk_args){ .loop = loop, .store = store, .conf = &conf, .cas = cas,
		.n_cas = 2, .on_turn = on_turn, .on_refused = on_refused });
	n_turns = n_on_turn = n_refused = 0;
}

static void turn_loop(void)
{
	for (int i = 0; i < 300; i++) {
		struct timespec ms = { 0, 200000 };
		loop_turn(loop);
		nanosleep(&ms, NULL);
	}
}

static void close_desk(void)
{
	desk_stop(desk);
	for (unsigned i = 0; i < n_turns; i++)
		desk_leave(desk, &turns[i], turns[i].grant.is_placed ? GRANT_UNKNOWN : GRANT_UNUSED);
	desk_free(&desk);
	desk_free(&desk);
	turn_loop();
}

static int begin(void **state)
{
	(void)state;
	loop = loop_new();
	store = store_memory_new(loop);
	conf_cas[0] = (struct conf_ca){ .name = "one", .directory = "https://one.test/dir",
		.limits = { .orders = { 4, 4 * 3600000, true }, .failures = { 1, 3600000, true } } };
	conf_cas[1] = (struct conf_ca){ .name = "two", .directory = "https://two.test/dir" };
	conf = (struct conf){ .acme = { .max_orders = 4 },
		.on_demand = { .per_tenant = { 1, 3600000, true } } };
	open_desk();
	return 0;
}

static int end(void **state)
{
	(void)state;
	close_desk();
	store->ops->free(store);
	loop_free(&loop);
	return 0;
}

static struct turn *join(const char *name, enum turn_class class, bool may_leave)
{
	struct turn *t = &turns[n_turns++];
	*t = (struct turn){ .class = class, .grant = { .name = name, .tenant = "t",
		.kind = class <= TURN_EXPIRING ? GRANT_RENEWAL : GRANT_NAMED } };
	list_init(&t->node);
	desk_join(desk, t, may_leave, 0);
	return t;
}

static void nobody_has_a_turn_before_the_state_was_read(void **state)
{
	(void)state;
	join("a.test", TURN_BULK, true);
	struct turn *b = join("b.test", TURN_BULK, true);
	assert_int_equal(n_on_turn, 0);
	desk_leave(desk, b, GRANT_UNUSED);
	turn_loop();
	assert_int_equal(n_on_turn, 1);
	assert_string_equal(last->grant.name, "a.test");
	join("c.test", TURN_BULK, true);
	assert_int_equal(n_on_turn, 2);
}

static void a_place_given_back_goes_to_the_next(void **state)
{
	char names[6][24];
	(void)state;
	turn_loop();
	for (int i = 0; i < 5; i++) {
		snprintf(names[i], sizeof names[i], "n%d.test", i);
		join(names[i], TURN_EXPIRING, false);
	}
	assert_int_equal(n_on_turn, 4);
	assert_int_equal(desk_waiting(desk, TURN_EXPIRING), 1);
	desk_leave(desk, &turns[0], GRANT_UNUSED);
	assert_int_equal(n_on_turn, 5);
	assert_string_equal(last->grant.name, "n4.test");
}

static void spend(struct turn *t)
{
	struct fault why;
	assert_int_equal(governor_place(desk_governor(desk), &t->grant, t->grant.ca, &why), E_OK);
	desk_leave(desk, t, GRANT_FAILED);
}

static void a_name_that_spent_its_failures_goes_to_the_other_ca_if_it_may(void **state)
{
	(void)state;
	turn_loop();
	spend(join("bad.test", TURN_VISITED, true));
	assert_int_equal(turns[0].grant.ca, 0);
	struct turn *held = join("bad.test", TURN_EXPIRING, false);
	assert_int_equal(n_refused, 1);
	assert_ptr_equal(last, held);
	assert_int_equal(last_fault.code, E_RATE_LIMITED);
	assert_true(last_fault.retry_at_ms > clock_wall_ms());
	struct turn *other = join("bad.test", TURN_VISITED, true);
	assert_int_equal(n_on_turn, 2);
	assert_int_equal(other->grant.ca, 1);
}

static void a_ca_that_is_down_is_passed_over(void **state)
{
	(void)state;
	turn_loop();
	breaker_failed(&cas[0].breaker, BREAKER_CERTAIN, 0, clock_mono_ms());
	assert_int_equal(join("a.test", TURN_VISITED, true)->grant.ca, 1);
	assert_int_equal(join("b.test", TURN_EXPIRING, false)->grant.ca, 0);
}

static void another_life_knows_what_was_spent(void **state)
{
	(void)state;
	turn_loop();
	spend(join("bad.test", TURN_VISITED, false));
	close_desk();
	open_desk();
	join("bad.test", TURN_VISITED, false);
	turn_loop();
	assert_int_equal(n_refused, 1);
	assert_non_null(strstr(last_fault.detail, "failed validations"));
}

static void on_saved(void *owner, enum err err, const struct fault *fault)
{
	(void)owner;
	(void)fault;
	assert_int_equal(err, E_OK);
}

static void a_damaged_state_does_not_stop_anybody(void **state)
{
	(void)state;
	turn_loop();
	close_desk();
	store_save(store, STORE_GOVERNOR, "state", STR("rubbish"), on_saved, NULL);
	turn_loop();
	open_desk();
	join("a.test", TURN_VISITED, false);
	turn_loop();
	assert_int_equal(n_on_turn, 1);
}

static void one_that_a_client_waits_for_moves_up(void **state)
{
	(void)state;
	struct turn *t = join("a.test", TURN_BULK, false);
	desk_hurry(desk, t);
	assert_int_equal(t->class, TURN_VISITED);
	turn_loop();
	assert_int_equal(n_on_turn, 1);
}

/* A configuration that has changed since the certificate was ordered. */
static void what_no_ca_certifies_has_no_turn_and_no_hurry(void **state)
{
	(void)state;
	turn_loop();
	conf_cas[0].directory = "https://acme-v02.api.letsencrypt.org/directory";
	conf_cas[1].directory = "https://acme.zerossl.com/v2/DV90";
	join("10.0.0.7", TURN_EXPIRING, false);
	assert_int_equal(n_refused, 1);
	assert_int_equal(last_fault.code, E_CONFIG);
	assert_true(last_fault.retry_at_ms > clock_wall_ms() + 3600000);
	join("8.8.8.8", TURN_EXPIRING, false);
	assert_int_equal(n_refused, 1);
	assert_int_equal(last->grant.ca, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(nobody_has_a_turn_before_the_state_was_read),
		TEST(a_place_given_back_goes_to_the_next),
		TEST(a_name_that_spent_its_failures_goes_to_the_other_ca_if_it_may),
		TEST(a_ca_that_is_down_is_passed_over),
		TEST(another_life_knows_what_was_spent),
		TEST(a_damaged_state_does_not_stop_anybody),
		TEST(one_that_a_client_waits_for_moves_up),
		TEST(what_no_ca_certifies_has_no_turn_and_no_hurry),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
