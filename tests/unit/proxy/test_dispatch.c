/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proxy/dispatch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/clock.h"
#include "tests/support/memory_side.h"
#include "tests/support/stand.h"

struct world {
	struct loop *loop;
	struct snapshot *snapshot;
	struct context context;
	struct memory_side client;
	struct request_head head;
	struct peer peer;
	struct attempt *attempt;     /* what was opened last */
	unsigned n_seen;
};

static struct world *the_world;
static struct stand stand;

static void open_origin(struct attempt *a)
{
	the_world->attempt = a;
}

static void cancel_origin(struct attempt *a)
{
	(void)a;
}

static void ignore_origin(struct origin *o)
{
	(void)o;
}

static const struct origin_ops origin_ops = {
	open_origin, cancel_origin, ignore_origin, ignore_origin,
};

static const char *const config = "{ \"store\": \"unused\", \"log\": { \"access\": false }, "
	"\"limits\": { \"body\": \"1KiB\" }, \"on_demand\": { \"ask\": \"http://127.0.0.1:1/\" }, "
	"\"sites\": { \"a.example\": { \"routes\": { \"/api/*\": \"127.0.0.1:1\", "
	"\"/old\": { \"redirect\": \"https://b.example\" }, "
	"\"/fixed\": { \"redirect\": \"https://b.example/new\" } } }, "
	"\"b.example\": { \"to\": \"127.0.0.1:2\" }, "
	"\"*.c.example\": { \"tls\": \"on_demand\", \"to\": \"127.0.0.1:3\" } } }";

static int begin(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_int_equal(tls_setup(), E_OK);
	the_world = w;
	w->loop = loop_new();
	w->snapshot = stand_snapshot(&stand, config);
	w->context = (struct context){ .loop = w->loop, .https_port = 443,
		.upstreams = upstream_set_new(w->loop, w->snapshot, &origin_ops, NULL),
		.forwards = forward_home_new(w->loop), .owner = w };
	memory_side_init(&w->client);
	w->peer = (struct peer){ .is_tls = true, .has_sni = true, .site = (char []){ "a.example" } };
	w->head = (struct request_head){ .method = STR("GET"), .scheme = STR("https"),
		.authority = STR("a.example"), .host = STR("a.example"), .path = STR("/api/x"),
		.version = 11 };
	*state = w;
	return 0;
}

static int end(void **state)
{
	struct world *w = *state;

	forward_home_cut(w->context.forwards);
	loop_turn(w->loop);
	forward_home_free(&w->context.forwards);
	upstream_set_unref(&w->context.upstreams);
	snapshot_unref(&w->snapshot);
	loop_free(&w->loop);
	memory_side_fini(&w->client);
	free(w);
	return 0;
}

/* The status of our own answer; 0 when the request goes to an upstream. */
static unsigned status_for(struct world *w, char *sni, const char *host, const char *path)
{
	static char site[64];

	snprintf(site, sizeof(site), "%s", sni);
	w->peer.site = site;
	w->head.authority = w->head.host = str_from(host);
	w->head.path = str_from(path);
	w->head.headers = (struct headers){ 0 };
	memory_side_fini(&w->client);
	memory_side_init(&w->client);
	w->attempt = NULL;
	dispatch_request(&w->context, &w->peer, &w->client.side, &w->head);
	assert_int_equal(w->client.n_releases, w->attempt ? 0 : 1);
	if (!w->attempt)
		return w->client.statuses[0];
	forward_home_cut(w->context.forwards);
	return 0;
}

static void routes_lead_upstream(void **state)
{
	struct world *w = *state;

	assert_int_equal(status_for(w, "a.example", "a.example", "/api/x"), 0);
	assert_int_equal(status_for(w, "b.example", "b.example", "/"), 0);
	assert_int_equal(headers_count(&w->head.headers, "x-forwarded-for"), 1);
}

static void no_route_is_404(void **state)
{
	assert_int_equal(status_for(*state, "a.example", "a.example", "/other"), 404);
	assert_int_equal(status_for(*state, "a.example", "unknown.example", "/"), 404);
}

static void another_site_than_the_connections_is_421(void **state)
{
	assert_int_equal(status_for(*state, "a.example", "b.example", "/"), 421);
	assert_int_equal(status_for(*state, "x.c.example", "b.example", "/"), 421);
}

static void one_wildcard_is_one_site(void **state)
{
	assert_int_equal(status_for(*state, "x.c.example", "y.c.example", "/"), 0);
}

static void without_host_the_connection_decides(void **state)
{
	assert_int_equal(status_for(*state, "b.example", "", "/"), 0);
}

static void without_sni_the_site_is_the_one_that_answered(void **state)
{
	struct world *w = *state;

	w->peer.has_sni = false;
	assert_int_equal(status_for(w, "b.example", "192.0.2.1", "/"), 0);
	assert_int_equal(status_for(w, "b.example", "a.example", "/api/"), 421);
	assert_int_equal(status_for(w, "*.c.example", "x.c.example", "/"), 0);
}

static const char *const placing = "{ \"store\": \"unused\", \"log\": { \"access\": false }, "
	"\"on_demand\": { \"ask\": \"http://127.0.0.1:1/\", \"allow_to\": [\"blue\", \"10.0.0.0/8\"] }, "
	"\"upstreams\": { \"blue\": \"127.0.0.1:4\", \"green\": \"127.0.0.1:5\" }, "
	"\"sites\": { \"*.c.example\": { \"tls\": \"on_demand\", \"to\": \"127.0.0.1:3\", "
	"\"routes\": { \"/api/*\": \"127.0.0.1:6\" } } } }";

static int begin_placing(void **state)
{
	struct world *w;

	begin(state);
	w = *state;
	upstream_set_unref(&w->context.upstreams);
	snapshot_unref(&w->snapshot);
	w->snapshot = stand_snapshot(&stand, placing);
	w->context.upstreams = upstream_set_new(w->loop, w->snapshot, &origin_ops, NULL);
	return 0;
}

/* The name of the upstream that a request to x.c.example reaches. */
static const char *upstream_for(struct world *w, const char *to, const char *path)
{
	static char text[64];

	snprintf(text, sizeof(text), "%s", to);
	w->peer.to = to[0] ? text : NULL;
	if (status_for(w, "x.c.example", "x.c.example", path))
		return "none";
	return container_of(w->attempt->origin, struct upstream, origin)->conf->name;
}

static void a_name_goes_where_its_reply_said(void **state)
{
	struct world *w = *state;

	assert_string_equal(upstream_for(w, "", "/x"), "127.0.0.1:3");
	assert_string_equal(upstream_for(w, "blue", "/x"), "blue");
	assert_string_equal(upstream_for(w, "10.1.2.3:80", "/x"), "10.1.2.3:80");
	assert_string_equal(upstream_for(w, "10.1.2.3:80", "/api/x"), "127.0.0.1:6");
}

static void where_it_may_not_go_it_goes_nowhere(void **state)
{
	static const char *const forbidden[] = { "green", "127.0.0.1:4", "192.0.2.1:80", "?", "gone" };

	for (size_t i = 0; i < sizeof(forbidden) / sizeof(*forbidden); i++)
		assert_string_equal(upstream_for(*state, forbidden[i], "/x"), "none");
	assert_int_equal(((struct world *)*state)->client.statuses[0], 502);
}

static void another_name_of_the_site_is_another_tenant(void **state)
{
	assert_int_equal(status_for(*state, "x.c.example", "y.c.example", "/"), 421);
	assert_int_equal(status_for(*state, "x.c.example", "x.c.example", "/"), 0);
}

static void redirects_keep_the_path_unless_they_have_one(void **state)
{
	assert_int_equal(status_for(*state, "a.example", "a.example", "/old"), 308);
	assert_int_equal(status_for(*state, "a.example", "a.example", "/fixed"), 308);
}

static void bodies_announced_too_large_are_413(void **state)
{
	struct world *w = *state;

	w->head.method = STR("POST");
	w->head.body = BODY_LENGTH;
	w->head.length = 1025;
	assert_int_equal(status_for(w, "b.example", "b.example", "/"), 413);
	w->head.length = 1024;
	assert_int_equal(status_for(w, "b.example", "b.example", "/"), 0);
}

static void plain_requests_go_to_https(void **state)
{
	struct world *w = *state;

	w->peer.is_tls = false;
	assert_int_equal(status_for(w, "", "a.example", "/api/x"), 308);
	assert_int_equal(status_for(w, "", "", "/"), 404);
	w->context.https_port = 0;
	assert_int_equal(status_for(w, "", "a.example", "/api/x"), 0);
}

/* ---- tokens that control may find in the store ---- */

#define TOKEN "0123456789abcdefgh"
#define TOKEN_PATH "/.well-known/acme-challenge/" TOKEN

static char wanted[512];
static unsigned n_wanted, n_unwanted, n_seen;
static struct challenge_table *challenges;

static void on_want(void *owner, const char *key, const char *client_ip)
{
	(void)owner;
	(void)client_ip;
	snprintf(wanted, sizeof(wanted), "%s", key);
	n_wanted++;
}

static void on_unwant(void *owner, const char *key)
{
	(void)owner;
	(void)key;
	n_unwanted++;
}

static void on_publish(void *owner, struct challenge_set *set, uint64_t generation)
{
	(void)owner;
	(void)generation;
	challenge_set_unref(&the_world->context.challenges);
	the_world->context.challenges = set;
}

static void on_seen(void *owner, enum conf_challenge kind, struct str identifier)
{
	(void)owner;
	(void)kind;
	(void)identifier;
	n_seen++;
}

static int begin_seeking(void **state)
{
	static char site[] = "a.example";
	int rc = begin(state);
	struct world *w = *state;
	struct context *x = &w->context;
	struct waiting_args args = { on_want, on_unwant, w, &x->n_seeking };

	n_wanted = n_unwanted = n_seen = 0;
	list_init(&x->held);
	x->seeking = waiting_new(&args);
	x->on_challenge_seen = on_seen;
	challenges = challenge_table_new(w->loop, on_publish, NULL);
	w->peer.is_tls = false;
	w->peer.site = site;
	return rc;
}

static int end_seeking(void **state)
{
	struct world *w = *state;

	assert_true(list_is_empty(&w->context.held));
	assert_int_equal(waiting_count(w->context.seeking), 0);
	waiting_free(&w->context.seeking);
	challenge_table_free(&challenges);
	challenge_set_unref(&w->context.challenges);
	clock_test_end();
	return end(state);
}

static void ask_for(struct world *w, const char *host, const char *path)
{
	w->head.authority = w->head.host = str_from(host);
	w->head.path = str_from(path);
	w->head.headers = (struct headers){ 0 };
	memory_side_fini(&w->client);
	memory_side_init(&w->client);
	dispatch_request(&w->context, &w->peer, &w->client.side, &w->head);
}

static void put_token(struct world *w, const char *host)
{
	struct challenge_args args = { .kind = CONF_HTTP_01, .identifier = host, .token = TOKEN,
		.key_authorization = TOKEN ".thumb", .is_foreign = true };
	struct challenge *c;

	assert_int_equal(challenge_put(challenges, &args, &c), E_OK);
	loop_turn(w->loop);
}

static void a_token_found_in_the_store_is_answered(void **state)
{
	struct world *w = *state;

	ask_for(w, "New.example", TOKEN_PATH);
	assert_int_equal(w->client.n_responses, 0);
	assert_int_equal(w->client.n_releases, 0);
	assert_string_equal(wanted, "new.example/" TOKEN);
	put_token(w, "new.example");
	waiting_answer(w->context.seeking, STR("new.example/" TOKEN), E_OK, NULL);
	assert_int_equal(w->client.statuses[0], 200);
	assert_non_null(strstr(memory_side_text(&w->client), TOKEN ".thumb"));
	assert_int_equal(w->client.n_releases, 1);
	assert_int_equal(n_seen, 1);
	/* known by now */
	ask_for(w, "new.example", TOKEN_PATH);
	assert_int_equal(w->client.statuses[0], 200);
	assert_int_equal(n_wanted, 1);
}

static void a_token_found_nowhere_goes_its_way(void **state)
{
	struct world *w = *state;

	ask_for(w, "a.example", TOKEN_PATH);
	waiting_answer(w->context.seeking, STR("a.example/" TOKEN), E_OK, NULL);
	assert_int_equal(w->client.statuses[0], 308);
	ask_for(w, "unknown.example", TOKEN_PATH);
	assert_int_equal(n_wanted, 2);
	waiting_answer(w->context.seeking, STR("unknown.example/" TOKEN), E_OK, NULL);
	assert_int_equal(w->client.statuses[0], 404);
}

static void only_a_validators_request_is_held(void **state)
{
	struct world *w = *state;

	ask_for(w, "a.example", "/.well-known/acme-challenge/short");
	assert_int_equal(w->client.statuses[0], 308);
	ask_for(w, "a.example", "/.well-known/acme-challenge/..%2f..%2f..%2fetc%2fpasswd");
	assert_int_equal(w->client.statuses[0], 308);
	ask_for(w, "a.example", TOKEN_PATH "?x");
	assert_int_equal(w->client.statuses[0], 308);
	ask_for(w, "", TOKEN_PATH);
	assert_int_equal(w->client.statuses[0], 404);
	w->head.method = STR("POST");
	ask_for(w, "a.example", TOKEN_PATH);
	assert_int_equal(w->client.statuses[0], 308);
	w->head.method = STR("GET");
	w->head.body = BODY_STREAM;
	ask_for(w, "a.example", TOKEN_PATH);
	assert_int_equal(w->client.statuses[0], 308);
	w->head.body = BODY_NONE;
	w->peer.is_tls = true;
	ask_for(w, "a.example", TOKEN_PATH);
	assert_int_equal(w->client.statuses[0], 404);
	assert_int_equal(n_wanted, 0);
}

static void a_held_request_waits_for_seconds_only(void **state)
{
	struct world *w = *state;

	clock_test_set(1795327101000, 1000);
	loop_turn(w->loop);
	ask_for(w, "a.example", TOKEN_PATH);
	clock_test_advance(4900);
	loop_turn(w->loop);
	assert_int_equal(w->client.n_responses, 0);
	clock_test_advance(200);
	loop_turn(w->loop);
	assert_int_equal(w->client.statuses[0], 308);
	assert_int_equal(n_unwanted, 1);
}

static void a_client_that_leaves_is_held_no_more(void **state)
{
	struct world *w = *state;

	ask_for(w, "a.example", TOKEN_PATH);
	memory_side_say_fail(&w->client, E_RESET);
	assert_int_equal(w->client.n_releases, 1);
	assert_int_equal(w->client.n_responses, 0);
	assert_int_equal(n_unwanted, 1);
	ask_for(w, "a.example", TOKEN_PATH);
	dispatch_cut_held(&w->context);
	assert_int_equal(w->client.n_releases, 1);
	assert_int_equal(n_unwanted, 2);
}

static void what_is_held_is_bounded(void **state)
{
	enum { MANY = 16 };
	struct world *w = *state;
	static struct memory_side sides[MANY];

	ask_for(w, "a.example", TOKEN_PATH);
	for (int i = 1; i < MANY; i++) {
		memory_side_init(&sides[i]);
		dispatch_request(&w->context, &w->peer, &sides[i].side, &w->head);
		assert_int_equal(sides[i].n_responses, 0);
	}
	memory_side_init(&sides[0]);
	dispatch_request(&w->context, &w->peer, &sides[0].side, &w->head);
	assert_int_equal(sides[0].statuses[0], 308);
	dispatch_cut_held(&w->context);
	for (int i = 0; i < MANY; i++) {
		assert_int_equal(sides[i].n_releases, 1);
		memory_side_fini(&sides[i]);
	}
}

int main(void)
{
#define SEEKING(claim) cmocka_unit_test_setup_teardown(claim, begin_seeking, end_seeking)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(routes_lead_upstream, begin, end),
		cmocka_unit_test_setup_teardown(no_route_is_404, begin, end),
		cmocka_unit_test_setup_teardown(another_site_than_the_connections_is_421, begin, end),
		cmocka_unit_test_setup_teardown(one_wildcard_is_one_site, begin, end),
		cmocka_unit_test_setup_teardown(without_host_the_connection_decides, begin, end),
		cmocka_unit_test_setup_teardown(without_sni_the_site_is_the_one_that_answered, begin, end),
		cmocka_unit_test_setup_teardown(a_name_goes_where_its_reply_said, begin_placing, end),
		cmocka_unit_test_setup_teardown(where_it_may_not_go_it_goes_nowhere, begin_placing, end),
		cmocka_unit_test_setup_teardown(another_name_of_the_site_is_another_tenant, begin_placing, end),
		cmocka_unit_test_setup_teardown(redirects_keep_the_path_unless_they_have_one, begin, end),
		cmocka_unit_test_setup_teardown(bodies_announced_too_large_are_413, begin, end),
		cmocka_unit_test_setup_teardown(plain_requests_go_to_https, begin, end),
		SEEKING(a_token_found_in_the_store_is_answered),
		SEEKING(a_token_found_nowhere_goes_its_way),
		SEEKING(only_a_validators_request_is_held),
		SEEKING(a_held_request_waits_for_seconds_only),
		SEEKING(a_client_that_leaves_is_held_no_more),
		SEEKING(what_is_held_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
