/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proxy/dispatch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(routes_lead_upstream, begin, end),
		cmocka_unit_test_setup_teardown(no_route_is_404, begin, end),
		cmocka_unit_test_setup_teardown(another_site_than_the_connections_is_421, begin, end),
		cmocka_unit_test_setup_teardown(one_wildcard_is_one_site, begin, end),
		cmocka_unit_test_setup_teardown(without_host_the_connection_decides, begin, end),
		cmocka_unit_test_setup_teardown(without_sni_the_site_is_the_one_that_answered, begin, end),
		cmocka_unit_test_setup_teardown(redirects_keep_the_path_unless_they_have_one, begin, end),
		cmocka_unit_test_setup_teardown(bodies_announced_too_large_are_413, begin, end),
		cmocka_unit_test_setup_teardown(plain_requests_go_to_https, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
