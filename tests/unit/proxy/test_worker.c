/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proxy/worker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <errno.h>
#include <string.h>
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/clock.h"
#include "net/client_hello.h"
#include "net/listener.h"
#include "proxy/ports.h"
#include "tests/support/blocking.h"
#include "tests/support/stand.h"

/* One worker, one backend, blocking clients. */
struct world {
	struct stand stand;
	struct blocking_backend backend;
	struct tls_context *trust;
	struct entry *entry;
};

static const char *const answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

static int begin(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	const char *dir = blocking_certificate();
	char config[2048], cert[128], key[128];
	struct fault fault;

	snprintf(cert, sizeof(cert), "%s/cert.pem", dir);
	snprintf(key, sizeof(key), "%s/key.pem", dir);
	blocking_backend_start(&w->backend, answer);
	snprintf(config, sizeof(config), "{ \"store\": \"unused\", \"on_demand\": { \"ask\": "
		"\"http://127.0.0.1:1/\", \"wait\": \"1s\", \"max_waiting\": 3, \"max_waiting_per_name\": 2 },"
		" \"sites\": { \"localhost\": { \"cert\": \"%s\", \"key\": \"%s\", "
		"\"to\": \"127.0.0.1:%u\" }, \"*.test.example\": { \"tls\": \"on_demand\", "
		"\"to\": \"127.0.0.1:%u\" } } }", cert, key, w->backend.port, w->backend.port);
	stand_start(&w->stand, config, 40);
	w->trust = blocking_trust(dir);
	assert_int_equal(entry_from_files("a.test.example", cert, key, &w->entry, &fault), E_OK);
	*state = w;
	return 0;
}

static int end(void **state)
{
	struct world *w = *state;

	stand_stop(&w->stand);
	blocking_backend_stop(&w->backend);
	tls_context_unref(&w->trust);
	entry_unref(&w->entry);
	free(w);
	return 0;
}

static enum err open_as(struct world *w, struct blocking_tls *t, const char *name)
{
	struct blocking_hello hello = { w->trust, name, "http/1.1" };

	return blocking_tls_open(t, w->stand.https_port, &hello);
}

static void hello_as(struct world *w, struct blocking_tls *t, const char *name)
{
	struct blocking_hello hello = { w->trust, name, "http/1.1" };

	blocking_tls_hello(t, w->stand.https_port, &hello);
}

static void reply(struct world *w, const char *name, enum err err, int64_t for_ms)
{
	struct worker_answer_args args = { name, err, err ? NULL : w->entry,
		err ? clock_wall_ms() + for_ms : 0 };

	worker_answer(w->stand.worker, &args);
}

static const char *const get = "GET /x HTTP/1.1\r\nHost: localhost\r\n\r\n";

static void a_request_is_forwarded_over_tls(void **state)
{
	struct world *w = *state;
	struct blocking_tls t;

	assert_int_equal(open_as(w, &t, "localhost"), E_OK);
	assert_non_null(strstr(blocking_tls_ask(&t, get, "\r\n\r\nok"), "HTTP/1.1 200 OK"));
	assert_non_null(strstr(blocking_tls_ask(&t, get, "\r\n\r\nok"), "HTTP/1.1 200 OK"));
	assert_int_equal(w->backend.n_connections, 1);
	assert_int_equal(w->backend.n_requests, 2);
	assert_non_null(strstr(w->backend.last, "X-Forwarded-Proto: https\r\n"));
	blocking_tls_close(&t);
}

static void a_name_is_asked_for_once_and_all_who_wait_are_served(void **state)
{
	struct world *w = *state;
	struct blocking_tls a, b;

	hello_as(w, &a, "a.test.example");
	hello_as(w, &b, "a.test.example");
	assert_true(stand_wait(&w->stand, &w->stand.n_wants, 1));
	assert_string_equal(w->stand.wanted[0], "a.test.example");
	assert_string_equal(w->stand.wanted_by, "127.0.0.1");
	reply(w, "a.test.example", E_OK, 0);
	assert_int_equal(blocking_tls_finish(&a), E_OK);
	assert_int_equal(blocking_tls_finish(&b), E_OK);
	blocking_tls_close(&a);
	blocking_tls_close(&b);
	assert_int_equal(open_as(w, &a, "a.test.example"), E_OK);
	blocking_tls_close(&a);
	stand_turn(&w->stand);
	assert_int_equal(w->stand.n_wants, 1);
}

static void a_refusal_is_an_alert_and_is_remembered(void **state)
{
	struct world *w = *state;
	struct blocking_tls t;

	hello_as(w, &t, "b.test.example");
	assert_true(stand_wait(&w->stand, &w->stand.n_wants, 1));
	reply(w, "b.test.example", E_DENIED, 60000);
	assert_int_not_equal(blocking_tls_finish(&t), E_OK);
	assert_int_equal(t.alert, ALERT_UNRECOGNIZED_NAME);
	blocking_tls_close(&t);
	assert_int_not_equal(open_as(w, &t, "b.test.example"), E_OK);
	assert_int_equal(t.alert, ALERT_UNRECOGNIZED_NAME);
	blocking_tls_close(&t);
	stand_turn(&w->stand);
	assert_int_equal(w->stand.n_wants, 1);
	worker_forget(w->stand.worker, "b.test.example");
	hello_as(w, &t, "b.test.example");
	assert_true(stand_wait(&w->stand, &w->stand.n_wants, 2));
	blocking_tls_close(&t);
}

static void a_failure_is_another_alert(void **state)
{
	struct world *w = *state;
	struct blocking_tls t;

	hello_as(w, &t, "b.test.example");
	assert_true(stand_wait(&w->stand, &w->stand.n_wants, 1));
	reply(w, "b.test.example", E_ISSUE, 0);
	assert_int_not_equal(blocking_tls_finish(&t), E_OK);
	assert_int_equal(t.alert, ALERT_INTERNAL_ERROR);
	blocking_tls_close(&t);
}

static void waiting_has_an_end(void **state)
{
	struct world *w = *state;
	struct blocking_tls t;

	assert_int_not_equal(open_as(w, &t, "slow.test.example"), E_OK);
	assert_int_equal(t.alert, ALERT_INTERNAL_ERROR);
	blocking_tls_close(&t);
	assert_true(stand_wait(&w->stand, &w->stand.n_unwants, 1));
	assert_int_equal(atomic_load(&w->stand.waiting), 0);
}

static void a_client_that_leaves_waits_no_more(void **state)
{
	struct world *w = *state;
	struct blocking_tls t;

	hello_as(w, &t, "gone.test.example");
	assert_true(stand_wait(&w->stand, &w->stand.n_wants, 1));
	blocking_tls_close(&t);
	assert_true(stand_wait(&w->stand, &w->stand.n_unwants, 1));
	assert_int_equal(atomic_load(&w->stand.waiting), 0);
}

static void too_many_waiters_are_refused_at_once(void **state)
{
	struct world *w = *state;
	struct blocking_tls t[3], extra;

	hello_as(w, &t[0], "a.test.example");
	hello_as(w, &t[1], "a.test.example");
	assert_true(stand_wait(&w->stand, &w->stand.n_wants, 1));
	while (atomic_load(&w->stand.waiting) < 2)
		stand_turn(&w->stand);
	assert_int_not_equal(open_as(w, &extra, "a.test.example"), E_OK);
	assert_int_equal(extra.alert, ALERT_INTERNAL_ERROR);
	blocking_tls_close(&extra);
	for (int i = 0; i < 2; i++)
		blocking_tls_close(&t[i]);
}

static void what_a_parked_client_sends_is_bounded(void **state)
{
	struct world *w = *state;
	static char flood[64 * 1024];
	struct blocking_tls t;
	char byte;

	hello_as(w, &t, "flood.test.example");
	assert_true(stand_wait(&w->stand, &w->stand.n_wants, 1));
	blocking_send(t.fd, str_of(flood, sizeof(flood)));
	assert_true(recv(t.fd, &byte, 1, 0) <= 0);
	assert_true(stand_wait(&w->stand, &w->stand.n_unwants, 1));
	blocking_tls_close(&t);
}

static void an_installed_certificate_serves_who_waits(void **state)
{
	struct world *w = *state;
	struct blocking_tls t;

	hello_as(w, &t, "a.test.example");
	assert_true(stand_wait(&w->stand, &w->stand.n_wants, 1));
	worker_install(w->stand.worker, w->entry, true);
	assert_int_equal(blocking_tls_finish(&t), E_OK);
	blocking_tls_close(&t);
	worker_forget(w->stand.worker, "a.test.example");
	hello_as(w, &t, "a.test.example");
	assert_true(stand_wait(&w->stand, &w->stand.n_wants, 2));
	blocking_tls_close(&t);
}

static void only_keeping_puts_a_certificate_where_none_was(void **state)
{
	struct world *w = *state;
	struct blocking_tls t;

	worker_install(w->stand.worker, w->entry, false);
	hello_as(w, &t, "a.test.example");
	assert_true(stand_wait(&w->stand, &w->stand.n_wants, 1));
	blocking_tls_close(&t);
}

static void a_new_snapshot_serves_new_sites_on_old_connections(void **state)
{
	struct world *w = *state;
	struct snapshot *next;
	struct blocking_tls t;
	char config[512];

	assert_int_equal(open_as(w, &t, "localhost"), E_OK);
	assert_non_null(strstr(blocking_tls_ask(&t, get, "\r\n\r\nok"), "200 OK"));
	snprintf(config, sizeof(config), "{ \"store\": \"unused\", \"sites\": { \"localhost\": { \"cert\": "
		"\"%s/cert.pem\", \"key\": \"%s/key.pem\", \"redirect\": \"https://new.example\" } } }",
		blocking_certificate(), blocking_certificate());
	next = stand_snapshot(&w->stand, config);
	stand_reload(&w->stand, next);
	snapshot_unref(&next);
	assert_int_equal(w->stand.settled_generation, 1);
	assert_non_null(strstr(blocking_tls_ask(&t, get, "\r\n\r\n"), "https://new.example/x"));
	blocking_tls_close(&t);
}

static struct snapshot *next_snapshot(struct world *w, const char *site)
{
	char config[512];

	snprintf(config, sizeof(config), "{ \"store\": \"unused\", \"sites\": { \"%s\": { \"cert\": "
		"\"%s/cert.pem\", \"key\": \"%s/key.pem\", \"redirect\": \"https://new.example\" } } }",
		site, blocking_certificate(), blocking_certificate());
	return stand_snapshot(&w->stand, config);
}

static void idle_connections_of_a_removed_site_are_closed(void **state)
{
	struct world *w = *state;
	struct snapshot *next = next_snapshot(w, "other.example");
	struct blocking_tls t;

	assert_int_equal(open_as(w, &t, "localhost"), E_OK);
	assert_non_null(strstr(blocking_tls_ask(&t, get, "\r\n\r\nok"), "200 OK"));
	stand_reload(&w->stand, next);
	snapshot_unref(&next);
	assert_string_equal(blocking_tls_ask(&t, "", NULL), "");
	blocking_tls_close(&t);
}

static bool takes_connections(uint16_t port)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	bool is_open = connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0;

	close(fd);
	return is_open;
}

static void ports_come_and_go_and_connections_stay(void **state)
{
	struct world *w = *state;
	struct snapshot *next = next_snapshot(w, "localhost");
	int http[PORTS_MAX], https[PORTS_MAX];
	struct fault fault;
	struct blocking_tls t;
	struct addr at;

	assert_int_equal(open_as(w, &t, "localhost"), E_OK);
	assert_non_null(strstr(blocking_tls_ask(&t, get, "\r\n\r\nok"), "200 OK"));
	for (unsigned i = 0; i < PORTS_MAX; i++)
		http[i] = https[i] = PORT_ENDS;
	assert_int_equal(addr_parse_ip(&at, STR("127.0.0.1"), 0), E_OK);
	assert_int_equal(listener_bind(&at, &https[1], &fault), E_OK);
	uint16_t port = listener_port(https[1]);
	worker_reload(w->stand.worker, &(struct worker_reload_args){ .snapshot = next, .https = https,
		.http = http, .https_port = port, .connections_max = 1000, .generation = 7 });
	snapshot_unref(&next);
	assert_true(stand_wait(&w->stand, &w->stand.n_settled, 1));
	assert_int_equal(w->stand.settled_generation, 7);
	assert_true(takes_connections(port));
	assert_false(takes_connections(w->stand.https_port));
	assert_false(takes_connections(w->stand.http_port));
	assert_non_null(strstr(blocking_tls_ask(&t, get, "\r\n\r\n"), "https://new.example/x"));
	blocking_tls_close(&t);
}

static void a_connection_keeps_no_snapshot(void **state)
{
	struct world *w = *state;
	struct snapshot *first = snapshot_ref(w->stand.snapshot), *next = next_snapshot(w, "localhost");
	struct blocking_tls t;

	assert_int_equal(open_as(w, &t, "localhost"), E_OK);
	assert_non_null(strstr(blocking_tls_ask(&t, get, "\r\n\r\nok"), "200 OK"));
	stand_reload(&w->stand, next);
	assert_int_equal(atomic_load(&first->refs), 2);   /* the stand's and ours */
	snapshot_unref(&first);
	snapshot_unref(&next);
	blocking_tls_close(&t);
}

static void a_reload_of_a_worker_that_is_gone_leaks_nothing(void **state)
{
	struct world *w = *state;
	struct snapshot *next = next_snapshot(w, "localhost");
	int slots[PORTS_MAX];

	for (unsigned i = 0; i < PORTS_MAX; i++)
		slots[i] = PORT_STAYS;
	worker_stop(w->stand.worker);
	worker_reload(w->stand.worker, &(struct worker_reload_args){ .snapshot = next, .https = slots,
		.http = slots, .connections_max = 1, .generation = 1 });
	snapshot_unref(&next);
	while (!w->stand.is_drained)
		stand_turn(&w->stand);
}

static void draining_ends_idle_connections_and_then_the_worker(void **state)
{
	struct world *w = *state;
	struct blocking_tls t;
	int64_t start = clock_mono_ms();

	assert_int_equal(open_as(w, &t, "localhost"), E_OK);
	assert_non_null(strstr(blocking_tls_ask(&t, get, "\r\n\r\nok"), "200 OK"));
	worker_drain(w->stand.worker, 4000);
	assert_string_equal(blocking_tls_ask(&t, "", NULL), "");
	while (!w->stand.is_drained)
		stand_turn(&w->stand);
	assert_true(clock_mono_ms() - start < 3000);
	blocking_tls_close(&t);
}

static void what_is_left_at_the_deadline_is_cut(void **state)
{
	struct world *w = *state;
	int fd = blocking_dial(w->stand.https_port);
	char byte;

	for (int i = 0; i < 20; i++)
		stand_turn(&w->stand);
	worker_drain(w->stand.worker, 100);
	assert_true(recv(fd, &byte, 1, 0) <= 0);
	while (!w->stand.is_drained)
		stand_turn(&w->stand);
	close(fd);
}

static void stopping_in_the_middle_of_everything_is_clean(void **state)
{
	struct world *w = *state;
	struct blocking_tls a, b;
	int fd = blocking_dial(w->stand.https_port);

	w->backend.answer = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this";
	assert_int_equal(open_as(w, &a, "localhost"), E_OK);
	blocking_tls_ask(&a, get, "only this");
	hello_as(w, &b, "never.test.example");
	assert_true(stand_wait(&w->stand, &w->stand.n_wants, 1));
	worker_stop(w->stand.worker);
	while (!w->stand.is_drained)
		stand_turn(&w->stand);
	assert_int_equal(atomic_load(&w->stand.connections), 0);
	assert_int_equal(atomic_load(&w->stand.waiting), 0);
	blocking_tls_close(&a);
	blocking_tls_close(&b);
	close(fd);
}

static void connections_above_the_cap_are_shed(void **state)
{
	struct world *w = *state;
	int fds[45], n_shed = 0;

	for (int i = 0; i < 45; i++)
		fds[i] = blocking_dial(w->stand.https_port);
	for (int i = 0; i < 40; i++)
		stand_turn(&w->stand);
	for (int i = 0; i < 45; i++) {
		char byte;

		n_shed += recv(fds[i], &byte, 1, MSG_DONTWAIT) == 0 || errno == ECONNRESET;
		errno = 0;
		close(fds[i]);
	}
	assert_int_equal(n_shed, 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_request_is_forwarded_over_tls, begin, end),
		cmocka_unit_test_setup_teardown(a_name_is_asked_for_once_and_all_who_wait_are_served, begin, end),
		cmocka_unit_test_setup_teardown(a_refusal_is_an_alert_and_is_remembered, begin, end),
		cmocka_unit_test_setup_teardown(a_failure_is_another_alert, begin, end),
		cmocka_unit_test_setup_teardown(waiting_has_an_end, begin, end),
		cmocka_unit_test_setup_teardown(a_client_that_leaves_waits_no_more, begin, end),
		cmocka_unit_test_setup_teardown(too_many_waiters_are_refused_at_once, begin, end),
		cmocka_unit_test_setup_teardown(what_a_parked_client_sends_is_bounded, begin, end),
		cmocka_unit_test_setup_teardown(an_installed_certificate_serves_who_waits, begin, end),
		cmocka_unit_test_setup_teardown(only_keeping_puts_a_certificate_where_none_was, begin, end),
		cmocka_unit_test_setup_teardown(a_new_snapshot_serves_new_sites_on_old_connections, begin, end),
		cmocka_unit_test_setup_teardown(idle_connections_of_a_removed_site_are_closed, begin, end),
		cmocka_unit_test_setup_teardown(ports_come_and_go_and_connections_stay, begin, end),
		cmocka_unit_test_setup_teardown(a_connection_keeps_no_snapshot, begin, end),
		cmocka_unit_test_setup_teardown(a_reload_of_a_worker_that_is_gone_leaks_nothing, begin, end),
		cmocka_unit_test_setup_teardown(draining_ends_idle_connections_and_then_the_worker, begin, end),
		cmocka_unit_test_setup_teardown(what_is_left_at_the_deadline_is_cut, begin, end),
		cmocka_unit_test_setup_teardown(stopping_in_the_middle_of_everything_is_clean, begin, end),
		cmocka_unit_test_setup_teardown(connections_above_the_cap_are_shed, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
