/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proxy/frontend.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "net/client_hello.h"
#include "tests/support/blocking.h"
#include "tests/support/stand.h"

struct world {
	struct stand stand;
	struct tls_context *trust;
	struct entry *entry;
	struct challenge_table *challenges;
};

static void on_publish(void *owner, struct challenge_set *set, uint64_t generation)
{
	struct world *w = owner;

	worker_set_challenges(w->stand.worker, set, generation);
	challenge_set_unref(&set);
}

static bool seeks;

static int begin_with(void **state, const char *sites)
{
	struct world *w = calloc(1, sizeof(*w));
	const char *dir = blocking_certificate();
	char config[2048], cert[128], key[128];
	struct fault fault;

	snprintf(cert, sizeof(cert), "%s/cert.pem", dir);
	snprintf(key, sizeof(key), "%s/key.pem", dir);
	snprintf(config, sizeof(config), "{ \"store\": \"unused\", \"log\": { \"access\": false }, "
		"\"timeouts\": { \"client_hello\": \"300ms\" }, \"sites\": { %s \"localhost\": { "
		"\"cert\": \"%s\", \"key\": \"%s\", \"redirect\": \"https://there.example\" } } }",
		sites, cert, key);
	w->stand.seeks = seeks;
	stand_start(&w->stand, config, 0);
	w->trust = blocking_trust(dir);
	assert_int_equal(entry_from_files("localhost", cert, key, &w->entry, &fault), E_OK);
	w->challenges = challenge_table_new(w->stand.loop, on_publish, w);
	*state = w;
	return 0;
}

static int begin(void **state)
{
	return begin_with(state, "");
}

static int end(void **state)
{
	struct world *w = *state;

	challenge_table_free(&w->challenges);
	stand_stop(&w->stand);
	tls_context_unref(&w->trust);
	entry_unref(&w->entry);
	free(w);
	return 0;
}

/* The alert a hello gets; 0 when the handshake succeeds. */
static int alert_for(struct world *w, const char *name, const char *alpn)
{
	struct blocking_hello hello = { w->trust, name, alpn };
	struct blocking_tls t;
	enum err err = blocking_tls_open(&t, w->stand.https_port, &hello);
	int alert = err ? t.alert : 0;

	blocking_tls_close(&t);
	return alert;
}

static void known_names_are_served_with_and_without_alpn(void **state)
{
	struct world *w = *state;

	assert_int_equal(alert_for(w, "localhost", "http/1.1"), 0);
	assert_int_equal(alert_for(w, "localhost", "http/1.0"), 0);
	assert_int_equal(alert_for(w, "localhost", NULL), 0);
}

static void unknown_names_get_no_certificate(void **state)
{
	struct world *w = *state;

	assert_int_equal(alert_for(w, "other.example", "http/1.1"), ALERT_UNRECOGNIZED_NAME);
	assert_int_equal(alert_for(w, "under_score.example", "http/1.1"), ALERT_UNRECOGNIZED_NAME);
	stand_turn(&w->stand);
	assert_int_equal(w->stand.n_wants, 0);
}

static void protocols_we_do_not_speak_are_refused(void **state)
{
	struct world *w = *state;

	assert_int_equal(alert_for(w, "localhost", "h2"), ALERT_NO_APPLICATION_PROTOCOL);
	assert_int_equal(alert_for(w, "localhost", "acme-tls/1"), ALERT_NO_APPLICATION_PROTOCOL);
}

static void without_sni_nobody_is_served_by_default(void **state)
{
	struct world *w = *state;

	assert_int_equal(alert_for(w, "127.0.0.1", "http/1.1"), ALERT_UNRECOGNIZED_NAME);
}

static const char *ask_raw(struct world *w, struct str bytes)
{
	static struct buf out;
	int fd = blocking_dial(w->stand.https_port);

	buf_fini(&out);
	buf_init(&out, 0);
	blocking_send(fd, bytes);
	blocking_read(fd, &out, NULL);
	close(fd);
	return buf_cstring(&out);
}

static void plain_http_is_told_so(void **state)
{
	struct world *w = *state;

	assert_memory_equal(ask_raw(w, STR("GET / HTTP/1.1\r\nHost: a\r\n\r\n")), "HTTP/1.1 400 ", 13);
	assert_memory_equal(ask_raw(w, STR("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")), "HTTP/1.1 400 ", 13);
}

static void garbage_gets_an_alert(void **state)
{
	struct world *w = *state;

	assert_int_equal(ask_raw(w, STR("\x80\x2e\x01\x03\x01\x00\x15\x00\x00\x00\x10"))[0], 21);
	assert_int_equal(ask_raw(w, STR("\x16\x03\x01\x00\x04\x02\x00\x00\x00"))[0], 21);
}

static void a_hello_that_does_not_come_is_not_waited_for(void **state)
{
	struct world *w = *state;

	assert_string_equal(ask_raw(w, STR("")), "");
	assert_string_equal(ask_raw(w, STR("\x16\x03\x01\x01")), "");
	for (int i = 0; i < 2000 && atomic_load(&w->stand.connections); i++)
		stand_turn(&w->stand);
	assert_int_equal(atomic_load(&w->stand.connections), 0);
}

static void put_challenge(struct world *w, const char *identifier)
{
	struct challenge_args args = {
		.kind = CONF_TLS_ALPN_01, .identifier = identifier, .token = "0123456789abcdef",
		.key_authorization = "0123456789abcdef.x", .certificate = w->entry->tls,
	};
	struct challenge *c;

	assert_int_equal(challenge_put(w->challenges, &args, &c), E_OK);
	for (int i = 0; i < 2000 && !w->stand.live_generation; i++)
		stand_turn(&w->stand);
	assert_true(w->stand.live_generation);
}

static void a_validator_gets_the_challenge_certificate_and_nothing_else(void **state)
{
	struct world *w = *state;
	struct blocking_hello hello = { w->trust, "localhost", "acme-tls/1" };
	struct blocking_tls t;

	put_challenge(w, "localhost");
	assert_int_equal(blocking_tls_open(&t, w->stand.https_port, &hello), E_OK);
	assert_string_equal(blocking_tls_ask(&t, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", NULL), "");
	blocking_tls_close(&t);
	assert_true(stand_wait(&w->stand, &w->stand.n_seen, 1));
	assert_string_equal(w->stand.seen, "localhost");
	assert_int_equal(alert_for(w, "other.example", "acme-tls/1"), ALERT_NO_APPLICATION_PROTOCOL);
	assert_int_equal(alert_for(w, "localhost", "http/1.1"), 0);
}

/* ---- with a control loop that can look further ---- */

static int begin_seeking(void **state)
{
	int rc;

	seeks = true;
	rc = begin(state);
	seeks = false;
	return rc;
}

static void hello_of_a_validator(struct world *w, struct blocking_tls *t, const char *name)
{
	struct blocking_hello hello = { w->trust, name, "acme-tls/1" };

	blocking_tls_hello(t, w->stand.https_port, &hello);
}

static void what_control_finds_is_answered(void **state)
{
	struct world *w = *state;
	struct blocking_tls a, b;

	hello_of_a_validator(w, &a, "localhost");
	assert_true(stand_wait(&w->stand, &w->stand.n_seeks, 1));
	assert_string_equal(w->stand.sought, "localhost");
	hello_of_a_validator(w, &b, "localhost");
	put_challenge(w, "localhost");
	worker_sought(w->stand.worker, "localhost");
	assert_int_equal(blocking_tls_finish(&a), E_OK);
	assert_int_equal(blocking_tls_finish(&b), E_OK);
	blocking_tls_close(&a);
	blocking_tls_close(&b);
	assert_true(stand_wait(&w->stand, &w->stand.n_seen, 2));
	assert_int_equal(w->stand.n_seeks, 1);
}

static void what_control_does_not_find_is_an_alert(void **state)
{
	struct world *w = *state;
	struct blocking_tls t;

	hello_of_a_validator(w, &t, "other.example");
	assert_true(stand_wait(&w->stand, &w->stand.n_seeks, 1));
	worker_sought(w->stand.worker, "another.example");
	worker_sought(w->stand.worker, "other.example");
	assert_int_not_equal(blocking_tls_finish(&t), E_OK);
	assert_int_equal(t.alert, ALERT_NO_APPLICATION_PROTOCOL);
	blocking_tls_close(&t);
}

static void seeking_has_an_end(void **state)
{
	struct world *w = *state;
	struct blocking_tls gone, t;

	hello_of_a_validator(w, &gone, "gone.example");
	assert_true(stand_wait(&w->stand, &w->stand.n_seeks, 1));
	blocking_tls_close(&gone);
	hello_of_a_validator(w, &t, "other.example");
	assert_true(stand_wait(&w->stand, &w->stand.n_seeks, 2));
	for (int i = 0; i < 20000 && atomic_load(&w->stand.connections); i++)
		stand_turn(&w->stand);
	assert_int_equal(atomic_load(&w->stand.connections), 0);
	assert_int_not_equal(blocking_tls_finish(&t), E_OK);
	assert_int_equal(t.alert, ALERT_NO_APPLICATION_PROTOCOL);
	blocking_tls_close(&t);
	/* an answer after that finds nobody */
	worker_sought(w->stand.worker, "other.example");
}

static void seekers_are_bounded_and_cut_at_the_end(void **state)
{
	struct world *w = *state;
	struct blocking_tls t[16], extra;

	for (int i = 0; i < 16; i++)
		hello_of_a_validator(w, &t[i], "same.example");
	assert_true(stand_wait(&w->stand, &w->stand.n_seeks, 1));
	hello_of_a_validator(w, &extra, "same.example");
	/* they come in any order: one of the seventeen is refused at once */
	for (int i = 0; i < 20000 && atomic_load(&w->stand.connections) != 16; i++)
		stand_turn(&w->stand);
	assert_int_equal(atomic_load(&w->stand.connections), 16);
	assert_int_equal(w->stand.n_seeks, 1);
	for (int i = 0; i < 16; i++)
		blocking_tls_close(&t[i]);
	blocking_tls_close(&extra);
	hello_of_a_validator(w, &t[0], "last.example");
	assert_true(stand_wait(&w->stand, &w->stand.n_seeks, 2));
	worker_stop(w->stand.worker);
	assert_int_not_equal(blocking_tls_finish(&t[0]), E_OK);
	blocking_tls_close(&t[0]);
}

static void alerts_follow_the_reason(void **state)
{
	(void)state;
	assert_int_equal(frontend_alert(E_DENIED), ALERT_UNRECOGNIZED_NAME);
	assert_int_equal(frontend_alert(E_NAME), ALERT_UNRECOGNIZED_NAME);
	assert_int_equal(frontend_alert(E_NO_SNI), ALERT_UNRECOGNIZED_NAME);
	assert_int_equal(frontend_alert(E_BACKOFF), ALERT_INTERNAL_ERROR);
	assert_int_equal(frontend_alert(E_LIMIT), ALERT_INTERNAL_ERROR);
}

/* The worlds of these have sites of their own. */
static void a_site_may_be_the_default(void **state)
{
	char site[512];
	const char *dir = blocking_certificate();

	end(state);
	snprintf(site, sizeof(site), "\"a.test.example\": { \"default\": true, \"cert\": \"%s/cert.pem\", "
		"\"key\": \"%s/key.pem\", \"redirect\": \"https://x.example\" },", dir, dir);
	begin_with(state, site);
	assert_int_equal(alert_for(*state, "127.0.0.1", "http/1.1"), 0);
}

static void a_site_may_be_named_by_our_address(void **state)
{
	char site[512];
	const char *dir = blocking_certificate();

	end(state);
	snprintf(site, sizeof(site), "\"127.0.0.1\": { \"cert\": \"%s/cert.pem\", "
		"\"key\": \"%s/key.pem\", \"redirect\": \"https://x.example\" },", dir, dir);
	begin_with(state, site);
	assert_int_equal(alert_for(*state, "127.0.0.1", "http/1.1"), 0);
}

static void a_star_with_files_serves_everybody(void **state)
{
	char site[512];
	const char *dir = blocking_certificate();

	end(state);
	snprintf(site, sizeof(site), "\"*\": { \"cert\": \"%s/cert.pem\", "
		"\"key\": \"%s/key.pem\", \"redirect\": \"https://x.example\" },", dir, dir);
	begin_with(state, site);
	assert_int_equal(alert_for(*state, "127.0.0.1", "http/1.1"), 0);
	assert_int_equal(alert_for(*state, "b.test.example", "http/1.1"), 0);
}

#define T(claim) cmocka_unit_test_setup_teardown(claim, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(known_names_are_served_with_and_without_alpn),
		T(unknown_names_get_no_certificate),
		T(protocols_we_do_not_speak_are_refused),
		T(without_sni_nobody_is_served_by_default),
		T(plain_http_is_told_so),
		T(garbage_gets_an_alert),
		T(a_hello_that_does_not_come_is_not_waited_for),
		T(a_validator_gets_the_challenge_certificate_and_nothing_else),
		cmocka_unit_test_setup_teardown(what_control_finds_is_answered, begin_seeking, end),
		cmocka_unit_test_setup_teardown(what_control_does_not_find_is_an_alert, begin_seeking, end),
		cmocka_unit_test_setup_teardown(seeking_has_an_end, begin_seeking, end),
		cmocka_unit_test_setup_teardown(seekers_are_bounded_and_cut_at_the_end, begin_seeking, end),
		T(alerts_follow_the_reason),
		T(a_site_may_be_the_default),
		T(a_site_may_be_named_by_our_address),
		T(a_star_with_files_serves_everybody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
