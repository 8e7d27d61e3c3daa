/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proxy/placement.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/check.h"
#include "conf/address.h"

static struct conf_upstream upstreams[] = { { .name = "blue" }, { .name = "green" }, { .name = "127.0.0.1:80" } };
static const char *named[] = { "blue", "127.0.0.1:80" };
static struct conf_cidr networks[3];
static struct conf conf = {
	.upstreams = upstreams, .n_upstreams = ARRAY_LEN(upstreams),
	.on_demand = { .to_networks = networks, .n_to_networks = 3, .to_upstreams = named, .n_to_upstreams = 2 },
};

static int begin(void **state)
{
	const char *why;

	(void)state;
	assert_int_equal(address_cidr(STR("10.1.0.0/20"), &networks[0], &why), E_OK);
	assert_int_equal(address_cidr(STR("192.0.2.7"), &networks[1], &why), E_OK);
	assert_int_equal(address_cidr(STR("2001:db8::/33"), &networks[2], &why), E_OK);
	return 0;
}

static enum err read_to(const char *to, struct placement *out)
{
	struct fault fault = { 0 };
	enum err err = placement_read(&conf, str_from(to), out, &fault);

	assert_int_equal(err != E_OK, fault.detail[0] != 0);
	return err;
}

static void named_upstreams_and_addresses_in_networks_are_permitted(void **state)
{
	static const struct { const char *to, *text; } rows[] = {
		{ "10.1.0.0:1", "10.1.0.0:1" }, { "10.1.15.255:65535", "10.1.15.255:65535" },
		{ "192.0.2.7:80", "192.0.2.7:80" }, { "[2001:db8::1]:443", "[2001:db8::1]:443" },
		{ "[2001:DB8:0:0::1]:443", "[2001:db8::1]:443" },
	};
	struct placement p;

	(void)state;
	assert_true(placement_is_on(&conf));
	assert_int_equal(read_to("blue", &p), E_OK);
	assert_ptr_equal(p.upstream, &upstreams[0]);
	assert_int_equal(read_to("127.0.0.1:80", &p), E_OK);
	assert_ptr_equal(p.upstream, &upstreams[2]);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(read_to(rows[i].to, &p), E_OK);
		assert_null(p.upstream);
		assert_string_equal(p.text, rows[i].text);
	}
}

static void everything_else_is_refused(void **state)
{
	static const char *const refused[] = { "green", "red", "", "?", "10.1.16.0:80", "10.0.255.255:80",
		"192.0.2.8:80", "192.0.2.6:80", "[2001:db8:8000::1]:80", "127.0.0.1:81", "169.254.169.254:80",
		"10.1.0.1", "10.1.0.1:", "10.1.0.1:0", "10.1.0.1:65536", "10.1.0.1:80x", "10.1.0.1:-1",
		"2001:db8::1:80", "[2001:db8::1]", "[]:80", "[10.1.0.1]:80x", "http://10.1.0.1:80", "10.1.1:80",
		"0x0a010001:80", "unix:/run/x", "web:80", "[::ffff:127.0.0.1]:80", ":80", "80",
		"10.1.0.1:80:80" };
	struct placement p;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(refused); i++)
		if (read_to(refused[i], &p) != E_PLACEMENT)
			fail_msg("%s is permitted", refused[i]);
}

static void an_ipv4_address_is_the_same_in_ipv6_clothes(void **state)
{
	struct placement p;

	(void)state;
	/* inside the network, so the same destination as the plain form: no way around the list */
	assert_int_equal(read_to("[::ffff:10.1.0.1]:80", &p), E_OK);
	assert_int_equal(read_to("[::ffff:10.2.0.1]:80", &p), E_PLACEMENT);
}

static void without_a_permission_it_is_off(void **state)
{
	struct conf none = { 0 };
	struct placement p;
	struct fault fault = { 0 };

	(void)state;
	assert_false(placement_is_on(&none));
	assert_int_equal(placement_read(&none, STR("10.1.0.1:80"), &p, &fault), E_PLACEMENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(named_upstreams_and_addresses_in_networks_are_permitted),
		cmocka_unit_test(everything_else_is_refused),
		cmocka_unit_test(an_ipv4_address_is_the_same_in_ipv6_clothes),
		cmocka_unit_test(without_a_permission_it_is_off),
	};

	return cmocka_run_group_tests(tests, begin, NULL);
}
