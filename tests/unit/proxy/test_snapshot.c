/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proxy/snapshot.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "proxy/router.h"
#include "tests/support/blocking.h"
#include "tests/support/stand.h"

static struct stand stand;

static struct snapshot *load(const char *format)
{
	char config[1024];
	const char *dir = blocking_certificate();

	assert_int_equal(tls_setup(), E_OK);
	snprintf(config, sizeof(config), format, dir, dir, dir);
	return stand_snapshot(&stand, config);
}

static const char *const config = "{ \"store\": \"unused\", \"upstreams\": { "
	"\"plain\": { \"servers\": [\"127.0.0.1:1\", \"127.0.0.1:2\"] }, "
	"\"safe\": { \"servers\": [\"https://127.0.0.1:3\"], \"tls_trust\": \"%s/cert.pem\" } }, "
	"\"sites\": { \"a.example\": \"plain\", "
	"\"b.example\": { \"cert\": \"%s/cert.pem\", \"key\": \"%s/key.pem\", \"to\": \"safe\" } } }";

static void all_a_worker_needs_is_there(void **state)
{
	struct snapshot *s = load(config);

	(void)state;
	assert_non_null(s->tls_server);
	assert_non_null(s->tls_challenge);
	assert_int_equal(s->conf->n_upstreams, 2);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(!!s->tls_upstream[i], s->conf->upstreams[i].tls);
	for (unsigned i = 0; i < s->conf->n_sites; i++)
		assert_int_equal(!!s->operator_entries[i], s->conf->sites[i].tls == CONF_TLS_FILE);
	assert_non_null(router_site(s->router, STR("a.example")));
	assert_true(s->limits.head_bytes > 0);
	snapshot_unref(&s);
	assert_null(s);
}

static void every_server_has_a_place_for_its_health(void **state)
{
	struct snapshot *s = load(config);
	unsigned n = 0;

	(void)state;
	for (unsigned i = 0; i < s->conf->n_upstreams; i++) {
		assert_int_equal(s->server_at[i], n);
		n += s->conf->upstreams[i].n_servers;
	}
	for (unsigned i = 0; i < n; i++)
		assert_false(s->is_down[i]);
	snapshot_unref(&s);
}

static void the_last_reference_frees(void **state)
{
	struct snapshot *s = load(config), *other = snapshot_ref(s);

	(void)state;
	snapshot_unref(&s);
	assert_int_equal(other->conf->n_upstreams, 2);
	snapshot_unref(&other);
	snapshot_unref(&other);
}

static void a_missing_certificate_is_told_by_its_site(void **state)
{
	struct snapshot *good = load(config), *s = NULL;
	struct fault fault = { 0 };
	struct conf conf = *good->conf;
	struct conf_site site = conf.sites[0];

	(void)state;
	site.name = "c.example";
	site.tls = CONF_TLS_FILE;
	site.cert = site.key = "/nonexistent";
	conf.sites = &site;
	conf.n_sites = 1;
	atomic_init(&conf.refs, 2);
	assert_int_not_equal(snapshot_new(&conf, NULL, &s, &fault), E_OK);
	assert_null(s);
	assert_non_null(strstr(fault.activity, "c.example"));
	assert_int_equal(atomic_load(&conf.refs), 2);
	snapshot_unref(&good);
}

static struct snapshot *next_of(struct snapshot *old)
{
	struct snapshot *next = NULL;
	struct fault fault = { 0 };

	assert_int_equal(snapshot_next(old->conf, NULL, old, &next, &fault), E_OK);
	return next;
}

static void the_next_one_shares_what_is_the_same(void **state)
{
	struct snapshot *s = load(config), *next = next_of(s);

	(void)state;
	assert_ptr_equal(next->tls_server, s->tls_server);
	assert_ptr_equal(next->tls_challenge, s->tls_challenge);
	for (unsigned i = 0; i < 2; i++)
		assert_ptr_equal(next->tls_upstream[i], s->tls_upstream[i]);
	for (unsigned i = 0; i < s->conf->n_sites; i++)
		assert_ptr_equal(next->operator_entries[i], s->operator_entries[i]);
	snapshot_unref(&s);
	assert_non_null(next->tls_server);
	snapshot_unref(&next);
}

static void a_trust_file_that_was_written_to_is_read_again(void **state)
{
	struct snapshot *s, *next;
	char command[600];

	(void)state;
	s = load(config);
	snprintf(command, sizeof(command), "touch -d '2001-01-01' %s/cert.pem", blocking_certificate());
	assert_int_equal(system(command), 0);
	next = next_of(s);
	for (unsigned i = 0; i < 2; i++)
		if (s->tls_upstream[i])
			assert_ptr_not_equal(next->tls_upstream[i], s->tls_upstream[i]);
	snapshot_unref(&s);
	snapshot_unref(&next);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_a_worker_needs_is_there),
		cmocka_unit_test(every_server_has_a_place_for_its_health),
		cmocka_unit_test(the_last_reference_frees),
		cmocka_unit_test(a_missing_certificate_is_told_by_its_site),
		cmocka_unit_test(the_next_one_shares_what_is_the_same),
		cmocka_unit_test(a_trust_file_that_was_written_to_is_read_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
