/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "conf/address.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>

static struct arena arena;

static int start(void **state)
{
	(void)state;
	arena_init(&arena, 0);
	return 0;
}

static int finish(void **state)
{
	(void)state;
	arena_reset(&arena);
	return 0;
}

static void servers_are_read(void **state)
{
	static const struct {
		const char *text, *host;
		uint16_t port;
		enum conf_addr_kind kind;
		bool tls;
	} good[] = { { "3000", "127.0.0.1", 3000, CONF_ADDR_IP, false },
		{ ":3000", "127.0.0.1", 3000, CONF_ADDR_IP, false },
		{ "web:3000", "web", 3000, CONF_ADDR_NAME, false },
		{ "my_app.local:80", "my_app.local", 80, CONF_ADDR_NAME, false },
		{ "127.0.0.1:1", "127.0.0.1", 1, CONF_ADDR_IP, false },
		{ "[::1]:65535", "::1", 65535, CONF_ADDR_IP, false },
		{ "unix:/run/a.sock", "/run/a.sock", 0, CONF_ADDR_UNIX, false },
		{ "http://Web", "web", 80, CONF_ADDR_NAME, false },
		{ "http://web:81/", "web", 81, CONF_ADDR_NAME, false },
		{ "https://host.example", "host.example", 443, CONF_ADDR_NAME, true },
		{ "https://[::1]:8443", "::1", 8443, CONF_ADDR_IP, true },
		{ "https://[::1]", "::1", 443, CONF_ADDR_IP, true } };
	struct conf_addr a;
	const char *why;
	bool tls;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		assert_int_equal(address_server(&arena, str_from(good[i].text), &a, &tls, &why), E_OK);
		assert_string_equal(a.host, good[i].host);
		assert_string_equal(a.text, good[i].text);
		assert_int_equal(a.port, good[i].port);
		assert_int_equal(a.kind, good[i].kind);
		assert_int_equal(tls, good[i].tls);
	}
}

static void bad_servers_are_refused_with_a_reason(void **state)
{
	static const char *const bad[] = { "", "web", "web:", "web:0", "web:65536", "web:x", ":",
		"::1:80", "[::1]", "[::1", "[web]:80", "[::1]x:80", "unix:", "unix:relative", "ftp://a",
		"http://", "http://:80", "http://a/b", "http://a?b", "https://a:b", "-a:80", "1.2.3:80",
		"300.1.1.1:80", "a b:80", "a@b:80", "web:80:90", "\xff:80", "web:+80", "tcp://web:80" };
	struct conf_addr a;
	bool tls;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		const char *why = NULL;

		assert_int_equal(address_server(&arena, str_from(bad[i]), &a, &tls, &why), E_CONFIG);
		assert_non_null(why);
	}
}

static void listen_addresses_are_read(void **state)
{
	static const char *const bad[] = { "", ":", ":00", "web:80", "127.0.0.1", "1.2.3.4:x", "::1:80" };
	struct conf_addr a;
	const char *why;

	(void)state;
	assert_int_equal(address_listen(&arena, STR(":443"), &a, &why), E_OK);
	assert_int_equal(a.kind, CONF_ADDR_ANY);
	assert_int_equal(a.port, 443);
	assert_int_equal(address_listen(&arena, STR("8443"), &a, &why), E_OK);
	assert_int_equal(a.kind, CONF_ADDR_ANY);
	assert_int_equal(address_listen(&arena, STR("127.0.0.1:0"), &a, &why), E_OK);
	assert_int_equal(a.port, 0);
	assert_int_equal(address_listen(&arena, STR("127.0.0.1:8443"), &a, &why), E_OK);
	assert_int_equal(a.kind, CONF_ADDR_IP);
	assert_int_equal(address_listen(&arena, STR("[::1]:8443"), &a, &why), E_OK);
	assert_string_equal(a.host, "::1");
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(address_listen(&arena, str_from(bad[i]), &a, &why), E_CONFIG);
}

static void resolvers_get_a_port(void **state)
{
	const char *out, *why;

	(void)state;
	assert_int_equal(address_resolver(&arena, STR("9.9.9.9"), &out, &why), E_OK);
	assert_string_equal(out, "9.9.9.9:53");
	assert_int_equal(address_resolver(&arena, STR("127.0.0.1:8053"), &out, &why), E_OK);
	assert_string_equal(out, "127.0.0.1:8053");
	assert_int_equal(address_resolver(&arena, STR("::1"), &out, &why), E_OK);
	assert_string_equal(out, "[::1]:53");
	assert_int_equal(address_resolver(&arena, STR("dns.example"), &out, &why), E_CONFIG);
	assert_int_equal(address_resolver(&arena, STR("127.0.0.1:0"), &out, &why), E_CONFIG);
}

static void networks_are_read_and_written(void **state)
{
	static const char *const good[][2] = { { "10.0.0.0/8", "10.0.0.0/8" }, { "::1", "::1/128" },
		{ "192.0.2.1", "192.0.2.1/32" }, { "fc00::/7", "fc00::/7" }, { "0.0.0.0/0", "0.0.0.0/0" },
		{ "::/0", "::/0" } };
	static const char *const bad[] = { "", "10.0.0.0/33", "10.0.0.1/8", "::/129", "10.0.0.0/",
		"10.0.0.0/-1", "host/8", "10.0.0.0/8/8" };
	struct conf_cidr c;
	const char *why;
	char text[64];

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		assert_int_equal(address_cidr(str_from(good[i][0]), &c, &why), E_OK);
		address_cidr_text(text, &c);
		assert_string_equal(text, good[i][1]);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(address_cidr(str_from(bad[i]), &c, &why), E_CONFIG);
}

static void a_network_has_its_addresses_alone(void **state)
{
	static const struct { const char *net; uint8_t last[4]; bool is_in; } rows[] = {
		{ "10.0.0.0/8", { 10, 255, 0, 1 }, true }, { "10.0.0.0/8", { 11, 0, 0, 1 }, false },
		{ "192.0.2.128/25", { 192, 0, 2, 200 }, true }, { "192.0.2.128/25", { 192, 0, 2, 127 }, false },
		{ "192.0.2.7", { 192, 0, 2, 7 }, true }, { "192.0.2.7", { 192, 0, 2, 6 }, false },
		{ "0.0.0.0/0", { 203, 0, 113, 9 }, true }, { "::/0", { 203, 0, 113, 9 }, true },
		{ "2001:db8::/32", { 32, 1, 13, 184 }, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		uint8_t ip[16] = { [10] = 0xff, [11] = 0xff };
		struct conf_cidr net;
		const char *why;

		memcpy(ip + 12, rows[i].last, 4);
		assert_int_equal(address_cidr(str_from(rows[i].net), &net, &why), E_OK);
		assert_int_equal(address_is_in(&net, ip), rows[i].is_in);
	}
}

static void urls_are_judged(void **state)
{
	static const char *const good[] = { "https://a", "https://a.example:14000/dir?x=%20",
		"https://[::1]:80/", "http://127.0.0.1:5555/check" };
	static const char *const bad[] = { "", "a", "ftp://a", "https://", "https:///x", "https://a b",
		"https://a#b", "https://u:p@a", "https://a:0", "https://a:x", "https://\xc3\xa4", "http://:80",
		"https://[::1", "https://?x" };

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		assert_null(address_url_complaint(str_from(good[i]), false));
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_non_null(address_url_complaint(str_from(bad[i]), false));
	assert_non_null(address_url_complaint(STR("http://a"), true));
}

static void email_addresses_are_judged(void **state)
{
	(void)state;
	assert_null(address_email_complaint(STR("ops@example.com")));
	assert_non_null(address_email_complaint(STR("ops")));
	assert_non_null(address_email_complaint(STR("@example.com")));
	assert_non_null(address_email_complaint(STR("a@")));
	assert_non_null(address_email_complaint(STR("a b@c")));
}

static void random_texts_do_no_harm(void **state)
{
	char text[40];

	(void)state;
	srand(6);
	for (int i = 0; i < 50000; i++) {
		size_t n = (size_t)rand() % sizeof(text);
		struct str s = str_of(text, n);
		struct conf_addr a;
		struct conf_cidr c;
		const char *why, *out;
		bool tls;

		for (size_t j = 0; j < n; j++)
			text[j] = rand() % 5 ? "a1.:/[]-?htps"[rand() % 13] : (char)rand();
		address_server(&arena, s, &a, &tls, &why);
		address_listen(&arena, s, &a, &why);
		address_resolver(&arena, s, &out, &why);
		address_cidr(s, &c, &why);
		address_url_complaint(s, false);
		address_email_complaint(s);
	}
}

#define WITH_ARENA(f) cmocka_unit_test_setup_teardown(f, start, finish)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_ARENA(servers_are_read),
		WITH_ARENA(bad_servers_are_refused_with_a_reason),
		WITH_ARENA(listen_addresses_are_read),
		WITH_ARENA(resolvers_get_a_port),
		WITH_ARENA(networks_are_read_and_written),
		cmocka_unit_test(a_network_has_its_addresses_alone),
		cmocka_unit_test(urls_are_judged),
		cmocka_unit_test(email_addresses_are_judged),
		WITH_ARENA(random_texts_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
