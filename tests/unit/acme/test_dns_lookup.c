/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "acme/dns_lookup.h"

#include "base/clock.h"
#include "net/resolve.h"
#include "tests/support/dns_server.h"
#include "unit.h"

/* A resolver and a name server in one, with these records. */
static const struct row { const char *name; unsigned type; const char *value; } rows[] = {
	{ "_acme-challenge.one.example.com", DNS_CNAME, "one.example.com.acme.example.net" },
	{ "_acme-challenge.two.example.com", DNS_CNAME, "hop.example.net" },
	{ "hop.example.net", DNS_CNAME, "end.example.net" },
	{ "round.example.com", DNS_CNAME, "about.example.com" },
	{ "about.example.com", DNS_CNAME, "round.example.com" },
	{ "example.net", DNS_SOA, "ns1.example.net" },
	{ "example.net", DNS_NS, "ns1.example.net" },
	{ "example.net", DNS_NS, "ns2.example.net" },
	{ "there.example.net", DNS_TXT, "other" },
	{ "there.example.net", DNS_TXT, "mine" },
};
static _Atomic unsigned rcode;   /* read by the server's thread */
static _Atomic bool names_zone_in_authority;
static struct dns_server server;

static enum dns_server_fate serve(struct dns_server *s, const struct dns_reader *r, struct str query,
	bool is_tcp, struct buf *answer)
{
	unsigned n = 0, authority = names_zone_in_authority;
	(void)s;
	(void)query;
	(void)is_tcp;
	for (int pass = 0; pass < 2; pass++) {
		if (pass)
			dns_server_head(r, rcode, n, n ? 0 : authority, answer);
		for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
			if (rows[i].type != r->type || strcmp(rows[i].name, r->question) || rcode)
				continue;
			n++;
			if (pass)
				dns_server_add(answer, rows[i].name, rows[i].type, rows[i].value);
		}
	}
	if (!n && authority)
		dns_server_add(answer, "example.com", DNS_SOA, "ns1.example.com");
	return DNS_SERVER_ANSWER;
}

static int open_server(void **state)
{
	(void)state;
	server.fn = serve;
	return !dns_server_start(&server) || resolve_set_server(server.text);
}

static int close_server(void **state)
{
	(void)state;
	dns_server_stop(&server);
	return 0;
}

static dns_until *in(int64_t ms)
{
	static dns_until until;
	atomic_store(&until, clock_mono_ms() + ms);
	return &until;
}

static void cnames_are_followed_to_their_end(void **state)
{
	char out[DNS_NAME];
	struct fault f = { 0 };
	(void)state;
	rcode = 0;
	assert_int_equal(dns_follow("_acme-challenge.one.example.com", out, in(5000), &f), E_OK);
	assert_string_equal(out, "one.example.com.acme.example.net");
	assert_int_equal(dns_follow("_acme-challenge.two.example.com", out, in(5000), &f), E_OK);
	assert_string_equal(out, "end.example.net");
	assert_int_equal(dns_follow("plain.example.com", out, in(5000), &f), E_OK);
	assert_string_equal(out, "plain.example.com");
	assert_int_equal(dns_follow("round.example.com", out, in(5000), &f), E_DNS);
	assert_non_null(strstr(f.detail, "more than"));
}

static void a_name_that_is_not_there_has_no_cname(void **state)
{
	char out[DNS_NAME];
	struct fault f = { 0 };
	(void)state;
	rcode = DNS_NXDOMAIN;
	assert_int_equal(dns_follow("new.example.com", out, in(5000), &f), E_OK);
	rcode = 2;
	assert_int_equal(dns_follow("new.example.com", out, in(5000), &f), E_DNS);
	assert_non_null(strstr(f.detail, "SERVFAIL"));
	rcode = 0;
}

static void the_zone_is_found_by_walking_up_or_by_the_authority(void **state)
{
	char out[DNS_NAME];
	struct fault f = { 0 };
	(void)state;
	rcode = 0;
	assert_int_equal(dns_find_zone("a.b.c.example.net", NULL, out, in(5000), &f), E_OK);
	assert_string_equal(out, "example.net");
	assert_int_equal(dns_find_zone("a.b.example.com", &server.addr, out, in(5000), &f), E_DNS);
	names_zone_in_authority = true;
	assert_int_equal(dns_find_zone("a.b.example.com", &server.addr, out, in(5000), &f), E_OK);
	assert_string_equal(out, "example.com");
	/* A stranger's zone is none of ours. */
	assert_int_equal(dns_find_zone("a.example.org", NULL, out, in(5000), &f), E_DNS);
	names_zone_in_authority = false;
}

static void the_zones_servers_are_named(void **state)
{
	const char *own[] = { "192.0.2.7:5353" };
	struct conf_dns conf = { 0 };
	struct dns_servers *s = calloc(1, sizeof *s);
	struct fault f = { 0 };
	(void)state;
	assert_int_equal(dns_find_servers(&conf, "example.net", s, in(500), &f), E_OK);
	assert_int_equal(s->n, 2);
	assert_string_equal(s->of[1].name, "ns2.example.net");
	assert_int_equal(dns_find_servers(&conf, "example.org", s, in(500), &f), E_DNS);
	conf.nameservers = own;
	conf.n_nameservers = 1;
	assert_int_equal(dns_find_servers(&conf, "", s, in(500), &f), E_OK);
	assert_int_equal(s->n, 1);
	assert_int_equal(addr_port(&s->of[0].at[0]), 5353);
	free(s);
}

static struct dns_look look(const char *name, const char *value, const char *second, struct fault *f)
{
	const char *own[] = { server.text, second };
	struct conf_dns conf = { .nameservers = own, .n_nameservers = second ? 2 : 1 };
	struct dns_servers *s = calloc(1, sizeof *s);
	struct dns_txt txt = { .match = DNS_EXACT };
	snprintf(txt.name, sizeof txt.name, "%s", name);
	snprintf(txt.value, sizeof txt.value, "%s", value);
	memset(f, 0, sizeof *f);
	assert_int_equal(dns_find_servers(&conf, "", s, in(500), f), E_OK);
	struct dns_look l = dns_look(s, &txt, in(2000), f);
	free(s);
	return l;
}

static void every_server_is_asked_for_the_value(void **state)
{
	struct fault f;
	struct dns_server dead = { .fn = serve };
	(void)state;
	struct dns_look l = look("there.example.net", "mine", NULL, &f);
	assert_true(l.has == 1 && !l.has_not && !l.silent);
	l = look("there.example.net", "not mine", NULL, &f);
	assert_true(!l.has && l.has_not == 1);
	assert_non_null(strstr(f.detail, "it has 2 others"));
	l = look("away.example.net", "mine", NULL, &f);
	assert_true(l.has_not == 1);
	assert_true(dns_server_start(&dead));
	dns_server_stop(&dead);
	l = look("there.example.net", "mine", dead.text, &f);
	assert_true(l.has == 1 && l.silent == 1);
	assert_non_null(strstr(f.detail, "refused"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cnames_are_followed_to_their_end),
		cmocka_unit_test(a_name_that_is_not_there_has_no_cname),
		cmocka_unit_test(the_zone_is_found_by_walking_up_or_by_the_authority),
		cmocka_unit_test(the_zones_servers_are_named),
		cmocka_unit_test(every_server_is_asked_for_the_value),
	};
	return cmocka_run_group_tests(tests, open_server, close_server);
}
