/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proxy/upstream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/clock.h"
#include "tests/support/stand.h"

static struct stand stand;

struct world {
	struct loop *loop;
	struct snapshot *snapshot;
	struct upstream_set *set;
	struct upstream *u;
};

static void load(struct world *w, const char *upstream)
{
	char config[1024];

	snprintf(config, sizeof(config), "{ \"store\": \"unused\", \"upstreams\": { \"u\": %s }, "
		"\"sites\": { \"a.example\": \"u\" } }", upstream);
	w->snapshot = stand_snapshot(&stand, config);
	w->set = upstream_set_new(w->loop, w->snapshot, NULL, NULL);
	w->u = &w->set->at[0];
}

static int begin(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_int_equal(tls_setup(), E_OK);
	clock_test_set(1000000, 1000);
	w->loop = loop_new();
	*state = w;
	return 0;
}

static int end(void **state)
{
	struct world *w = *state;

	upstream_set_unref(&w->set);
	snapshot_unref(&w->snapshot);
	loop_free(&w->loop);
	clock_test_end();
	free(w);
	return 0;
}

static const char *const two = "{ \"servers\": [\"127.0.0.1:1\", \"127.0.0.1:2\"], "
	"\"balance\": \"first\", \"eject\": { \"after\": 2, \"for\": \"10s\" } }";

static int pick(struct world *w, uint64_t tried)
{
	struct server *s = upstream_pick(w->u, tried);

	return s ? (int)s->index : -1;
}

static void pass(struct world *w, int64_t ms)
{
	clock_test_advance(ms);
	loop_turn(w->loop);
}

static void what_was_tried_is_not_picked_again(void **state)
{
	struct world *w = *state;

	load(w, two);
	assert_int_equal(pick(w, 0), 0);
	assert_int_equal(pick(w, 1), 1);
	assert_int_equal(pick(w, 3), -1);
}

static void failing_servers_leave_the_rotation_for_a_while(void **state)
{
	struct world *w = *state;

	load(w, two);
	upstream_connect_failed(&w->u->servers[0], E_REFUSED);
	assert_int_equal(pick(w, 0), 0);
	upstream_connect_failed(&w->u->servers[0], E_REFUSED);
	assert_int_equal(pick(w, 0), 1);
	pass(w, 9000);
	assert_int_equal(pick(w, 0), 1);
	pass(w, 2000);
	assert_int_equal(pick(w, 0), 0);
	upstream_connected(&w->u->servers[0]);
	upstream_connect_failed(&w->u->servers[0], E_REFUSED);
	assert_int_equal(pick(w, 0), 0);
}

static void when_all_are_out_they_are_tried_anyway(void **state)
{
	struct world *w = *state;

	load(w, two);
	for (int i = 0; i < 2; i++)
		for (int k = 0; k < 2; k++)
			upstream_connect_failed(&w->u->servers[i], E_REFUSED);
	assert_int_equal(pick(w, 0), 0);
	assert_int_equal(pick(w, 1), 1);
}

static void servers_found_down_are_avoided(void **state)
{
	struct world *w = *state;

	load(w, two);
	upstream_set_down(&w->u->servers[0], true);
	assert_int_equal(pick(w, 0), 1);
	upstream_set_down(&w->u->servers[0], false);
	assert_int_equal(pick(w, 0), 0);
}

static void backups_serve_only_when_no_other_can(void **state)
{
	struct world *w = *state;

	load(w, "{ \"servers\": [{ \"at\": \"127.0.0.1:1\", \"backup\": true }, \"127.0.0.1:2\"] }");
	assert_int_equal(pick(w, 0), 1);
	assert_int_equal(pick(w, 2), 0);
	upstream_set_down(&w->u->servers[1], true);
	assert_int_equal(pick(w, 0), 0);
}

static void literal_addresses_need_no_lookup(void **state)
{
	struct world *w = *state;
	char text[ADDR_TEXT];

	load(w, "{ \"servers\": [\"[::1]:80\", \"unix:/run/app.sock\"] }");
	addr_text(text, upstream_address(&w->u->servers[0]));
	assert_string_equal(text, "[::1]:80");
	addr_text(text, upstream_address(&w->u->servers[1]));
	assert_string_equal(text, "unix:/run/app.sock");
}

static void names_are_looked_up_behind_the_requests_back(void **state)
{
	struct world *w = *state;
	struct server *s;
	const struct addr *at = NULL;
	unsigned n;

	clock_test_end();
	load(w, "{ \"servers\": [\"localhost:80\"] }");
	s = &w->u->servers[0];
	assert_null(upstream_address(s));
	for (int i = 0; i < 2000 && !at; i++) {
		usleep(1000);
		loop_turn(w->loop);
		at = upstream_address(s);
	}
	assert_non_null(at);
	assert_int_equal(addr_port(at), 80);
	n = s->places->n;
	assert_int_equal(upstream_connect_failed(s, E_REFUSED), n > 1);
	assert_non_null(upstream_address(s));
}

static void a_set_under_way_looking_up_may_be_dropped(void **state)
{
	struct world *w = *state;

	clock_test_end();
	load(w, "{ \"servers\": [\"localhost:80\"] }");
	assert_null(upstream_address(&w->u->servers[0]));
	upstream_set_unref(&w->set);
	for (int i = 0; i < 200 && loop_turn(w->loop); i++)
		usleep(1000);
}

static void a_reload_does_not_forget_who_is_down(void **state)
{
	struct world *w = *state;
	struct upstream_set *old;
	struct snapshot *before;

	load(w, two);
	for (int i = 0; i < 2; i++)
		upstream_connect_failed(&w->u->servers[0], E_REFUSED);
	upstream_set_down(&w->u->servers[1], true);
	old = w->set;
	before = w->snapshot;
	w->snapshot = stand_snapshot(&stand, "{ \"store\": \"unused\", \"upstreams\": { \"u\": { "
		"\"servers\": [\"127.0.0.1:3\", \"127.0.0.1:2\", \"127.0.0.1:1\"], "
		"\"balance\": \"first\" } }, \"sites\": { \"a.example\": \"u\" } }");
	w->set = upstream_set_new(w->loop, w->snapshot, NULL, old);
	w->u = &w->set->at[0];
	assert_int_equal(pick(w, 0), 0);
	assert_true(upstream_is_down(&w->u->servers[1]));
	assert_true(w->u->servers[2].ejected_until_ms > 1000);
	upstream_set_unref(&old);
	snapshot_unref(&before);
}

static void ignore_attempt(struct attempt *a)
{
	assert_non_null(a);
}

static void use(struct origin *o)
{
	container_of(o, struct upstream, origin)->n_users++;
}

static void leave(struct origin *o)
{
	container_of(o, struct upstream, origin)->n_users--;
}

static struct upstream *place(struct world *w, unsigned i)
{
	struct placement p = { 0 };

	assert_int_equal(addr_parse_ip(&p.addr, STR("10.0.0.1"), (uint16_t)(1000 + i)), E_OK);
	addr_text(p.text, &p.addr);
	return upstream_set_place(w->set, &p);
}

static void placed_ones_are_made_once_and_make_room_when_unused(void **state)
{
	static const struct origin_ops ops = { ignore_attempt, ignore_attempt, use, leave };
	struct world *w = *state;
	struct upstream *first, *second;
	struct placement named = { 0 };

	load(w, two);
	upstream_set_unref(&w->set);
	w->set = upstream_set_new(w->loop, w->snapshot, &ops, NULL);
	named.upstream = &w->snapshot->conf->upstreams[0];
	assert_ptr_equal(upstream_set_place(w->set, &named), &w->set->at[0]);
	first = place(w, 0);
	second = place(w, 1);
	assert_ptr_equal(place(w, 0), first);
	assert_string_equal(first->conf->name, "10.0.0.1:1000");
	assert_int_equal(addr_port(upstream_address(&first->servers[0])), 1000);
	assert_ptr_equal(upstream_pick(first, 0), &first->servers[0]);
	assert_int_equal(first->conf->timeouts.connect_ms, w->snapshot->conf->timeouts.connect_ms);
	use(&second->origin);
	for (unsigned i = 2; i < UPSTREAM_PLACED_MAX + 10; i++)
		assert_non_null(place(w, i));
	/* in use, so it stayed although it was used longest ago */
	assert_ptr_equal(place(w, 1), second);
	leave(&second->origin);
}

static void when_all_placed_are_in_use_there_is_no_other(void **state)
{
	static const struct origin_ops ops = { ignore_attempt, ignore_attempt, use, leave };
	struct world *w = *state;

	load(w, two);
	upstream_set_unref(&w->set);
	w->set = upstream_set_new(w->loop, w->snapshot, &ops, NULL);
	for (unsigned i = 0; i < UPSTREAM_PLACED_MAX; i++)
		use(&place(w, i)->origin);
	assert_null(place(w, UPSTREAM_PLACED_MAX));
	leave(&place(w, 7)->origin);
	assert_non_null(place(w, UPSTREAM_PLACED_MAX));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_was_tried_is_not_picked_again, begin, end),
		cmocka_unit_test_setup_teardown(failing_servers_leave_the_rotation_for_a_while, begin, end),
		cmocka_unit_test_setup_teardown(when_all_are_out_they_are_tried_anyway, begin, end),
		cmocka_unit_test_setup_teardown(servers_found_down_are_avoided, begin, end),
		cmocka_unit_test_setup_teardown(backups_serve_only_when_no_other_can, begin, end),
		cmocka_unit_test_setup_teardown(literal_addresses_need_no_lookup, begin, end),
		cmocka_unit_test_setup_teardown(names_are_looked_up_behind_the_requests_back, begin, end),
		cmocka_unit_test_setup_teardown(a_set_under_way_looking_up_may_be_dropped, begin, end),
		cmocka_unit_test_setup_teardown(a_reload_does_not_forget_who_is_down, begin, end),
		cmocka_unit_test_setup_teardown(placed_ones_are_made_once_and_make_room_when_unused, begin, end),
		cmocka_unit_test_setup_teardown(when_all_placed_are_in_use_there_is_no_other, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
