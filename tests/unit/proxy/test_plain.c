/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proxy/plain.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "certstore/challenge.h"
#include "tests/support/blocking.h"
#include "tests/support/stand.h"

struct world {
	struct stand stand;
	struct blocking_backend backend;
	struct challenge_table *challenges;
};

static void on_publish(void *owner, struct challenge_set *set, uint64_t generation)
{
	struct world *w = owner;

	worker_set_challenges(w->stand.worker, set, generation);
	challenge_set_unref(&set);
}

static int begin(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	char config[1024];

	blocking_backend_start(&w->backend, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
	snprintf(config, sizeof(config), "{ \"store\": \"unused\", \"log\": { \"access\": false }, "
		"\"on_demand\": { \"ask\": \"http://127.0.0.1:1/\" }, "
		"\"sites\": { \"a.example\": \"127.0.0.1:%u\", "
		"\"*.b.example\": { \"tls\": \"on_demand\", \"to\": \"127.0.0.1:%u\" }, "
		"\"plain.example\": { \"http\": \"serve\", \"to\": \"127.0.0.1:%u\" }, "
		"\"shut.example\": { \"http\": \"refuse\", \"to\": \"127.0.0.1:%u\" } } }",
		w->backend.port, w->backend.port, w->backend.port, w->backend.port);
	stand_start(&w->stand, config, 0);
	w->challenges = challenge_table_new(w->stand.loop, on_publish, w);
	*state = w;
	return 0;
}

static int end(void **state)
{
	struct world *w = *state;

	challenge_table_free(&w->challenges);
	stand_stop(&w->stand);
	blocking_backend_stop(&w->backend);
	free(w);
	return 0;
}

static const char *ask(struct world *w, const char *method, const char *host, const char *path)
{
	char request[512];

	snprintf(request, sizeof(request), "%s %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n",
		method, path, host);
	return blocking_ask(w->stand.http_port, request);
}

static void assert_redirects(struct world *w, const char *answer, const char *to)
{
	char line[256];

	snprintf(line, sizeof(line), to, w->stand.https_port);
	assert_memory_equal(answer, "HTTP/1.1 308 ", 13);
	assert_non_null(strstr(answer, line));
}

static void hosts_with_a_site_are_sent_to_https(void **state)
{
	struct world *w = *state;

	assert_redirects(w, ask(w, "GET", "a.example", "/x?y=1"),
		"Location: https://a.example:%u/x?y=1\r\n");
	assert_redirects(w, ask(w, "POST", "A.Example.:8080", "/"),
		"Location: https://a.example:%u/\r\n");
	assert_redirects(w, ask(w, "GET", "x.b.example", "/"), "Location: https://x.b.example:%u/\r\n");
	assert_redirects(w, ask(w, "OPTIONS", "a.example", "*"), "Location: https://a.example:%u/\r\n");
}

static void hosts_without_a_site_are_not_found(void **state)
{
	struct world *w = *state;

	assert_memory_equal(ask(w, "GET", "c.example", "/"), "HTTP/1.1 404 ", 13);
	assert_memory_equal(ask(w, "GET", "shut.example", "/"), "HTTP/1.1 404 ", 13);
	assert_memory_equal(blocking_ask(w->stand.http_port, "GET / HTTP/1.0\r\n\r\n"),
		"HTTP/1.1 404 ", 13);
}

static void a_site_may_be_served_without_tls(void **state)
{
	struct world *w = *state;

	assert_memory_equal(ask(w, "GET", "plain.example", "/"), "HTTP/1.1 200 ", 13);
	assert_non_null(strstr(w->backend.last, "X-Forwarded-Proto: http\r\n"));
}

#define TOKEN "0123456789abcdefgh"
#define TOKEN_PATH "/.well-known/acme-challenge/" TOKEN

static void live_tokens_are_answered_exactly(void **state)
{
	struct world *w = *state;
	struct challenge_args args = { .kind = CONF_HTTP_01, .identifier = "new.example",
		.token = TOKEN, .key_authorization = TOKEN ".thumb" };
	struct challenge *c;

	assert_int_equal(challenge_put(w->challenges, &args, &c), E_OK);
	for (int i = 0; i < 2000 && !w->stand.live_generation; i++)
		stand_turn(&w->stand);
	assert_non_null(strstr(ask(w, "GET", "new.example", TOKEN_PATH), "\r\n\r\n" TOKEN ".thumb"));
	assert_true(stand_wait(&w->stand, &w->stand.n_seen, 1));
	assert_string_equal(w->stand.seen, "new.example");
	assert_memory_equal(ask(w, "HEAD", "new.example", TOKEN_PATH), "HTTP/1.1 200 ", 13);
	assert_null(strstr(ask(w, "POST", "new.example", TOKEN_PATH), "thumb"));
	assert_null(strstr(ask(w, "GET", "new.example", TOKEN_PATH "x"), "thumb"));
	assert_null(strstr(ask(w, "GET", "new.example", TOKEN_PATH "?x"), "thumb"));
	assert_null(strstr(ask(w, "GET", "new.example", "/a/.." TOKEN_PATH), "thumb"));
	assert_redirects(w, ask(w, "GET", "a.example", TOKEN_PATH),
		"Location: https://a.example:%u" TOKEN_PATH "\r\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(hosts_with_a_site_are_sent_to_https, begin, end),
		cmocka_unit_test_setup_teardown(hosts_without_a_site_are_not_found, begin, end),
		cmocka_unit_test_setup_teardown(a_site_may_be_served_without_tls, begin, end),
		cmocka_unit_test_setup_teardown(live_tokens_are_answered_exactly, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
