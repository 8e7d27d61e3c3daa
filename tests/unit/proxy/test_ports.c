/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proxy/ports.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "net/listener.h"

static struct conf_addr loopback = { CONF_ADDR_IP, "127.0.0.1:0", "127.0.0.1", 0 };
static struct conf_addr anywhere = { CONF_ADDR_ANY, ":0", NULL, 0 };

static enum err open_one(struct ports *p, struct conf_addr *at, unsigned n_workers, struct fault *fault)
{
	struct conf_listen listen = { .https = { at, 1 } };

	return ports_open(p, &listen, n_workers, fault);
}

static void every_worker_gets_the_same_chosen_port(void **state)
{
	struct ports p;
	struct fault fault = { 0 };
	struct buf text;
	int first, second;

	(void)state;
	assert_int_equal(open_one(&p, &loopback, 2, &fault), E_OK);
	assert_int_equal(p.https.n, 1);
	assert_int_equal(p.http.n, 0);
	assert_true(addr_port(&p.https.at[0]) > 0);
	first = ports_give(&p.https, 0)[0];
	second = ports_give(&p.https, 1)[0];
	assert_int_not_equal(first, second);
	assert_int_equal(listener_port(first), addr_port(&p.https.at[0]));
	assert_int_equal(listener_port(second), addr_port(&p.https.at[0]));
	buf_init(&text, 0);
	assert_int_equal(ports_text(&p.https, &text), E_OK);
	assert_memory_equal(buf_cstring(&text), "127.0.0.1:", 10);
	buf_fini(&text);
	close(first);
	close(second);
	ports_close(&p);
	ports_close(&p);
}

static void all_addresses_share_one_port(void **state)
{
	struct ports p;
	struct fault fault = { 0 };

	(void)state;
	assert_int_equal(open_one(&p, &anywhere, 2, &fault), E_OK);
	assert_true(p.https.n >= 1);
	if (p.https.n == 2)
		assert_int_equal(addr_port(&p.https.at[0]), addr_port(&p.https.at[1]));
	ports_close(&p);
}

static void an_address_in_use_is_named(void **state)
{
	struct ports p, q;
	struct fault fault = { 0 };
	struct conf_addr same = loopback;

	(void)state;
	assert_int_equal(open_one(&p, &loopback, 1, &fault), E_OK);
	same.port = addr_port(&p.https.at[0]);
	assert_int_equal(listen(p.https.fds[0], 1), 0);
	assert_int_equal(open_one(&q, &same, 1, &fault), E_BIND);
	assert_non_null(strstr(fault.detail, "in use"));
	ports_close(&p);
	assert_int_equal(open_one(&q, &same, 1, &fault), E_OK);
	ports_close(&q);
}

static void only_ip_addresses_are_listened_on(void **state)
{
	struct conf_addr name = { CONF_ADDR_NAME, "web:443", "web", 443 };
	struct fault fault = { 0 };
	struct ports p;

	(void)state;
	assert_int_equal(open_one(&p, &name, 1, &fault), E_BIND);
	assert_non_null(strstr(fault.detail, "web:443"));
}

static void what_both_ask_for_stays_and_the_rest_is_bound(void **state)
{
	struct conf_addr asked[2] = { loopback, { CONF_ADDR_IP, "127.0.0.2:0", "127.0.0.2", 0 } };
	struct conf_listen listen = { .https = { asked, 2 } };
	struct fault fault = { 0 };
	struct ports p, next, last;
	int change[PORTS_MAX];

	(void)state;
	assert_int_equal(open_one(&p, &loopback, 2, &fault), E_OK);
	assert_int_equal(ports_reopen(&next, &p, &listen, &fault), E_OK);
	assert_int_equal(next.https.n, 2);
	assert_int_equal(addr_port(&next.https.at[0]), addr_port(&p.https.at[0]));
	ports_change(&next.https, 1, change);
	assert_int_equal(change[p.https.slot[0]], PORT_STAYS);
	assert_true(change[next.https.slot[1]] >= 0);
	assert_int_equal(change[5], PORT_ENDS);
	close(change[next.https.slot[1]]);
	/* the first leaves, the second keeps its slot */
	listen.https.at = &asked[1];
	listen.https.n = 1;
	assert_int_equal(ports_reopen(&last, &next, &listen, &fault), E_OK);
	assert_int_equal(last.https.slot[0], next.https.slot[1]);
	ports_change(&last.https, 0, change);
	assert_int_equal(change[next.https.slot[0]], PORT_ENDS);
	assert_int_equal(change[next.https.slot[1]], PORT_STAYS);
	ports_close(&last);
	ports_close(&next);
	ports_close(&p);
}

static void our_own_port_may_change_its_address(void **state)
{
	struct conf_addr all = { CONF_ADDR_ANY, "", NULL, 0 };
	struct conf_listen asked = { .https = { &all, 1 } };
	struct fault fault = { 0 };
	struct ports p, next;

	(void)state;
	assert_int_equal(open_one(&p, &loopback, 1, &fault), E_OK);
	all.port = addr_port(&p.https.at[0]);
	assert_int_equal(listen(p.https.fds[0], 1), 0);
	assert_int_equal(ports_reopen(&next, &p, &asked, &fault), E_OK);
	ports_close(&next);
	ports_close(&p);
}

static void what_cannot_be_bound_leaves_all_as_it_is(void **state)
{
	struct conf_addr asked[2] = { loopback, { CONF_ADDR_IP, "192.0.2.1:80", "192.0.2.1", 80 } };
	struct conf_listen listen = { .https = { asked, 2 } };
	struct fault fault = { 0 };
	struct ports p, next;

	(void)state;
	assert_int_equal(open_one(&p, &loopback, 1, &fault), E_OK);
	assert_int_equal(ports_reopen(&next, &p, &listen, &fault), E_BIND);
	assert_non_null(strstr(fault.detail, "192.0.2.1"));
	assert_true(p.https.fds[0] >= 0);
	assert_int_equal(p.https.n, 1);
	ports_close(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_worker_gets_the_same_chosen_port),
		cmocka_unit_test(all_addresses_share_one_port),
		cmocka_unit_test(an_address_in_use_is_named),
		cmocka_unit_test(only_ip_addresses_are_listened_on),
		cmocka_unit_test(what_both_ask_for_stays_and_the_rest_is_bound),
		cmocka_unit_test(our_own_port_may_change_its_address),
		cmocka_unit_test(what_cannot_be_bound_leaves_all_as_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
