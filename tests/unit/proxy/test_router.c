/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proxy/router.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static struct conf_route routes[] = {
	{ .path = "/api/v1" }, { .path = "/api/*" }, { .path = "/*" },
};
static struct conf_site sites[] = {
	{ .name = "a.example", .routes = routes, .n_routes = 3 },
	{ .name = "*.example", .routes = routes, .n_routes = 2 },
	{ .name = "*.a.example" },
	{ .name = "0:0::1", .is_ip = true },
	{ .name = "127.0.0.1", .is_ip = true, .is_default = true },
};
static struct conf conf = { .sites = sites, .n_sites = 5 };

static const char *site_name(const struct router *r, const char *host)
{
	const struct conf_site *s = router_site(r, str_from(host));

	return s ? s->name : "none";
}

static void exact_hosts_come_before_wildcards(void **state)
{
	struct router *r = router_new(&conf);

	(void)state;
	assert_string_equal(site_name(r, "a.example"), "a.example");
	assert_string_equal(site_name(r, "b.example"), "*.example");
	assert_string_equal(site_name(r, "x.a.example"), "*.a.example");
	router_free(&r);
}

static void a_wildcard_is_one_label(void **state)
{
	struct router *r = router_new(&conf);

	(void)state;
	assert_string_equal(site_name(r, "x.y.a.example"), "none");
	assert_string_equal(site_name(r, "example"), "none");
	assert_string_equal(site_name(r, ".example"), "none");
	assert_string_equal(site_name(r, ""), "none");
	router_free(&r);
}

static void a_star_takes_the_rest(void **state)
{
	struct conf_site all[] = { { .name = "*" } };
	struct conf c = { .sites = all, .n_sites = 1 };
	struct router *r = router_new(&c);

	(void)state;
	assert_string_equal(site_name(r, "anything.at.all"), "*");
	assert_ptr_equal(router_named(r, STR("*")), all);
	assert_false(router_has_ips(r));
	router_free(&r);
	router_free(&r);
}

static void addresses_are_found_however_they_are_written(void **state)
{
	struct router *r = router_new(&conf);

	(void)state;
	assert_ptr_equal(router_ip(r, STR("::1")), &sites[3]);
	assert_ptr_equal(router_ip(r, STR("0000::0001")), &sites[3]);
	assert_string_equal(site_name(r, "::1"), "0:0::1");
	assert_string_equal(site_name(r, "127.0.0.1"), "127.0.0.1");
	assert_null(router_ip(r, STR("127.0.0.2")));
	assert_null(router_ip(r, STR("a.example")));
	assert_true(router_has_ips(r));
	router_free(&r);
}

static void names_as_configured_find_their_site(void **state)
{
	struct router *r = router_new(&conf);

	(void)state;
	assert_ptr_equal(router_named(r, STR("*.example")), &sites[1]);
	assert_ptr_equal(router_named(r, STR("a.example")), &sites[0]);
	assert_null(router_named(r, STR("b.example")));
	assert_null(router_named(r, STR("*")));
	assert_ptr_equal(router_default(r), &sites[4]);
	assert_int_equal(router_site_index(r, &sites[2]), 2);
	router_free(&r);
}

static void routes_are_taken_in_order_without_the_query(void **state)
{
	(void)state;
	assert_ptr_equal(router_route(&sites[0], STR("/api/v1?x=/")), &routes[0]);
	assert_ptr_equal(router_route(&sites[0], STR("/api/v1/")), &routes[1]);
	assert_ptr_equal(router_route(&sites[0], STR("/api")), &routes[2]);
	assert_ptr_equal(router_route(&sites[0], STR("*")), &routes[2]);
	assert_null(router_route(&sites[1], STR("/other")));
	assert_null(router_route(&sites[2], STR("/")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exact_hosts_come_before_wildcards),
		cmocka_unit_test(a_wildcard_is_one_label),
		cmocka_unit_test(a_star_takes_the_rest),
		cmocka_unit_test(addresses_are_found_however_they_are_written),
		cmocka_unit_test(names_as_configured_find_their_site),
		cmocka_unit_test(routes_are_taken_in_order_without_the_query),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
