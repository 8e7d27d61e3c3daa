/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proxy/rewrite.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static struct conf conf;
static struct peer peer;
static struct arena arena;
static struct request_head head;
static struct str id;

static void begin(const char *ip)
{
	struct addr a;

	assert_int_equal(addr_parse_ip(&a, str_from(ip), 5), E_OK);
	addr_to_small(&peer.addr, &a);
	arena_init(&arena, 0);
	head = (struct request_head){ .method = STR("GET"), .scheme = STR("https"),
		.authority = STR("a.example:8443"), .host = STR("a.example"), .path = STR("/"),
		.version = 11 };
}

static void field(const char *name, const char *value)
{
	assert_int_equal(headers_add(&head.headers, &arena, str_from(name), str_from(value)), E_OK);
}

static void rewrite(const char *host)
{
	struct rewrite_args args = { &arena, &conf, &peer, host };

	assert_int_equal(rewrite_request(&head, &args, &id), E_OK);
}

static void assert_field(const char *name, const char *value)
{
	char text[256];

	assert_int_equal(headers_count(&head.headers, name), 1);
	assert_true(str_copy(text, sizeof(text), headers_get(&head.headers, name)));
	assert_string_equal(text, value);
}

static void trust(const char *ip, unsigned bits)
{
	static struct conf_cidr cidr;
	struct addr_small small;
	struct addr a;

	assert_int_equal(addr_parse_ip(&a, str_from(ip), 0), E_OK);
	addr_to_small(&small, &a);
	memcpy(cidr.addr, small.ip, 16);
	cidr.bits = (uint8_t)bits;
	conf = (struct conf){ .trusted_proxies = &cidr, .n_trusted_proxies = 1 };
}

static void the_upstream_learns_who_came_and_how(void **state)
{
	(void)state;
	conf = (struct conf){ 0 };
	begin("192.0.2.7");
	rewrite(NULL);
	assert_field("x-forwarded-for", "192.0.2.7");
	assert_field("x-forwarded-proto", "https");
	assert_field("x-forwarded-host", "a.example:8443");
	assert_field("forwarded", "for=192.0.2.7;host=\"a.example:8443\";proto=https");
	assert_field("via", "1.1 sallyport");
	assert_int_equal(id.len, 32);
	assert_true(str_equal(headers_get(&head.headers, "x-request-id"), id));
	assert_true(str_is(head.authority, "a.example:8443"));
	arena_reset(&arena);
}

static void what_strangers_claim_is_replaced(void **state)
{
	(void)state;
	conf = (struct conf){ 0 };
	begin("192.0.2.7");
	field("x-forwarded-for", "10.0.0.1");
	field("X-FORWARDED-FOR", "10.0.0.2");
	field("Forwarded", "for=10.0.0.1");
	field("x-forwarded-proto", "http");
	field("x-forwarded-host", "evil.example");
	field("via", "1.0 fred");
	field("x-request-id", "mine");
	field("accept", "*/*");
	rewrite(NULL);
	assert_field("x-forwarded-for", "192.0.2.7");
	assert_field("forwarded", "for=192.0.2.7;host=\"a.example:8443\";proto=https");
	assert_field("x-forwarded-proto", "https");
	assert_field("x-forwarded-host", "a.example:8443");
	assert_field("via", "1.1 sallyport");
	assert_field("accept", "*/*");
	assert_int_equal(id.len, 32);
	arena_reset(&arena);
}

static void what_trusted_proxies_say_is_kept_and_added_to(void **state)
{
	(void)state;
	trust("10.1.0.0", 96 + 16);
	begin("10.1.2.3");
	field("x-forwarded-for", "198.51.100.1");
	field("x-forwarded-for", "198.51.100.2");
	field("forwarded", "for=198.51.100.1");
	field("x-forwarded-proto", "http");
	field("x-forwarded-host", "outer.example");
	field("via", "2 edge");
	field("x-request-id", "abc-1");
	rewrite(NULL);
	assert_field("x-forwarded-for", "198.51.100.1, 198.51.100.2, 10.1.2.3");
	assert_field("forwarded",
		"for=198.51.100.1, for=10.1.2.3;host=\"a.example:8443\";proto=https");
	assert_field("x-forwarded-proto", "http");
	assert_field("x-forwarded-host", "outer.example");
	assert_field("via", "2 edge, 1.1 sallyport");
	assert_field("x-request-id", "abc-1");
	arena_reset(&arena);
}

static void an_id_too_long_is_not_kept(void **state)
{
	char id_text[200];

	(void)state;
	trust("10.1.2.3", 128);
	begin("10.1.2.3");
	memset(id_text, 'x', sizeof(id_text) - 1);
	id_text[sizeof(id_text) - 1] = '\0';
	field("x-request-id", id_text);
	rewrite(NULL);
	assert_int_equal(id.len, 32);
	arena_reset(&arena);
}

static void ipv6_clients_are_quoted(void **state)
{
	(void)state;
	conf = (struct conf){ 0 };
	begin("2001:db8::7");
	rewrite(NULL);
	assert_field("x-forwarded-for", "2001:db8::7");
	assert_field("forwarded", "for=\"[2001:db8::7]\";host=\"a.example:8443\";proto=https");
	arena_reset(&arena);
}

static void the_configured_host_is_sent(void **state)
{
	(void)state;
	conf = (struct conf){ 0 };
	begin("192.0.2.7");
	rewrite("inner.example");
	assert_true(str_is(head.authority, "inner.example"));
	assert_field("x-forwarded-host", "a.example:8443");
	arena_reset(&arena);
}

static void trust_ends_at_the_prefix(void **state)
{
	(void)state;
	trust("10.1.2.0", 96 + 23);
	begin("10.1.3.255");
	assert_true(rewrite_is_trusted(&conf, &peer.addr));
	begin("10.1.4.0");
	assert_false(rewrite_is_trusted(&conf, &peer.addr));
	begin("2001:db8::1");
	assert_false(rewrite_is_trusted(&conf, &peer.addr));
}

static void answers_say_who_passed_them_on(void **state)
{
	struct response_head response = { .status = 200, .version = 11 };

	(void)state;
	arena_init(&arena, 0);
	assert_int_equal(headers_add(&response.headers, &arena, STR("Via"), STR("1.1 inner")), E_OK);
	assert_int_equal(rewrite_response(&response, &arena), E_OK);
	assert_true(str_is(headers_get(&response.headers, "via"), "1.1 inner, 1.1 sallyport"));
	assert_int_equal(headers_count(&response.headers, "via"), 1);
	arena_reset(&arena);
}

static void a_full_arena_is_an_error(void **state)
{
	struct rewrite_args args = { &arena, &conf, &peer, NULL };

	(void)state;
	conf = (struct conf){ 0 };
	begin("192.0.2.7");
	arena_init(&arena, 1);
	assert_int_equal(rewrite_request(&head, &args, &id), E_NOMEM);
	arena_reset(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_upstream_learns_who_came_and_how),
		cmocka_unit_test(what_strangers_claim_is_replaced),
		cmocka_unit_test(what_trusted_proxies_say_is_kept_and_added_to),
		cmocka_unit_test(an_id_too_long_is_not_kept),
		cmocka_unit_test(ipv6_clients_are_quoted),
		cmocka_unit_test(the_configured_host_is_sent),
		cmocka_unit_test(trust_ends_at_the_prefix),
		cmocka_unit_test(answers_say_who_passed_them_on),
		cmocka_unit_test(a_full_arena_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
