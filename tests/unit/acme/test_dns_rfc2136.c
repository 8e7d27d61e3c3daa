/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The server here knows no TSIG: real BIND speaks that in the scenarios. What is seen is which bytes arrive,
 * and what becomes of odd answers.
 */
#include "acme/dns_update.h"

#include "base/check.h"
#include "base/clock.h"
#include "tests/support/dns_server.h"
#include "unit.h"

static struct dns_server server;
/* Read by the server's thread. */
static _Atomic unsigned rcode;
enum mood { SPEAKS, IS_SILENT, HANGS_UP, BABBLES };
static _Atomic enum mood mood;
static char got_zone[DNS_NAME], got_name[DNS_NAME];
static unsigned got_class, got_tsig, updates;

static enum dns_server_fate serve(struct dns_server *s, const struct dns_reader *r, struct str query,
	bool is_tcp, struct buf *answer)
{
	struct dns_reader copy;
	struct dns_record record;
	(void)s;
	if ((r->header.flags & DNS_OPCODE_MASK) != DNS_UPDATE) {
		bool is_top = !strcmp(r->question, "example.com");
		dns_server_head(r, DNS_AUTHORITATIVE, is_top, 0, answer);
		if (is_top)
			dns_server_add(answer, "example.com", DNS_SOA, "ns1.example.com");
		return DNS_SERVER_ANSWER;
	}
	ASSERT(is_tcp);
	updates++;
	got_tsig = 0;
	strcpy(got_zone, r->question);
	ASSERT(!dns_read(&copy, query));
	while (!dns_next(&copy, &record)) {
		got_tsig += record.type == DNS_TSIG;
		if (record.type == DNS_TXT) {
			strcpy(got_name, record.name);
			got_class = record.class;
		}
	}
	if (mood == IS_SILENT)
		return DNS_SERVER_SILENCE;
	if (mood == HANGS_UP)
		return DNS_SERVER_CLOSE;
	dns_server_head(r, rcode, 0, 0, answer);
	if (mood == BABBLES)
		answer->len -= 3;
	return DNS_SERVER_ANSWER;
}

static const struct dns_txt txt = { .name = "_acme-challenge.a.example.com", .value = "v" };

static enum err run(const struct dns_provider *p, bool is_removal, const char *key, const char *zone,
	struct fault *f)
{
	struct conf_dns conf = { .server = { CONF_ADDR_IP, server.text, "127.0.0.1", server.port },
		.zone = zone, .tsig_name = key, .tsig_secret = "c2VjcmV0c2VjcmV0c2VjcmV0", .ttl_ms = 60000 };
	dns_until until = clock_mono_ms() + 700;
	memset(f, 0, sizeof *f);
	assert_ptr_equal(dns_provider_of(&conf), p);
	return is_removal ? p->cleanup(&conf, &txt, &until, f) : p->present(&conf, &txt, &until, f);
}

static void the_record_is_added_and_removed_in_its_zone(void **state)
{
	struct fault f;
	(void)state;
	assert_int_equal(run(&dns_rfc2136, false, NULL, NULL, &f), E_OK);
	assert_string_equal(got_zone, "example.com");
	assert_string_equal(got_name, "_acme-challenge.a.example.com");
	assert_int_equal(got_class, DNS_IN);
	assert_int_equal(got_tsig, 0);
	assert_int_equal(run(&dns_rfc2136, true, NULL, NULL, &f), E_OK);
	assert_int_equal(got_class, DNS_NONE);
}

static void a_configured_zone_is_believed(void **state)
{
	struct fault f;
	(void)state;
	assert_int_equal(run(&dns_rfc2136, false, NULL, "A.example.com.", &f), E_OK);
	assert_string_equal(got_zone, "a.example.com");
}

static void a_refusal_is_told(void **state)
{
	struct fault f;
	(void)state;
	rcode = 5;
	assert_int_equal(run(&dns_rfc2136, false, NULL, NULL, &f), E_DNS);
	assert_non_null(strstr(f.detail, "REFUSED"));
	rcode = 0;
}

static void with_a_key_only_signed_answers_count(void **state)
{
	struct fault f;
	(void)state;
	assert_int_equal(run(&dns_rfc2136, false, "key.example.com", NULL, &f), E_DNS);
	assert_int_equal(got_tsig, 1);
	assert_non_null(strstr(f.detail, "not signed"));
	assert_null(strstr(f.detail, "c2VjcmV0"));
	rcode = 9;
	assert_int_equal(run(&dns_rfc2136, false, "key.example.com", NULL, &f), E_DNS);
	assert_non_null(strstr(f.detail, "NOTAUTH"));
	rcode = 0;
}

static void trouble_on_the_way_ends_in_time(void **state)
{
	int64_t start = clock_mono_ms();
	struct fault f;
	(void)state;
	for (mood = IS_SILENT; mood <= BABBLES; mood++)
		assert_int_equal(run(&dns_rfc2136, false, NULL, NULL, &f), E_DNS);
	mood = SPEAKS;
	assert_true(clock_mono_ms() - start < 6000);
}

static int open_server(void **state)
{
	(void)state;
	server.fn = serve;
	return !dns_server_start(&server);
}

static int close_server(void **state)
{
	(void)state;
	dns_server_stop(&server);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_record_is_added_and_removed_in_its_zone),
		cmocka_unit_test(a_configured_zone_is_believed),
		cmocka_unit_test(a_refusal_is_told),
		cmocka_unit_test(with_a_key_only_signed_answers_count),
		cmocka_unit_test(trouble_on_the_way_ends_in_time),
	};
	return cmocka_run_group_tests(tests, open_server, close_server);
}
