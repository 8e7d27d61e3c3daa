/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proxy/ask.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

enum { HUGE_BODY = 4 * 1024 * 1024, TIMEOUT_MS = 400 };

/* ---- an endpoint that answers by the name asked for ---- */

static const struct reply {
	const char *name, *text;
} replies[] = {
	{ "domain=ok.", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok" },
	{ "domain=created.", "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n" },
	{ "domain=tenant.", "HTTP/1.1 200 OK\r\nContent-Length: 31\r\n\r\n{\"tenant\":\"acme-corp\",\"ttl\": 5}" },
	{ "domain=no.", "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n" },
	{ "domain=missing.", "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n" },
	{ "domain=gone.", "HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n" },
	{ "domain=broken.", "HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n" },
	{ "domain=moved.", "HTTP/1.1 302 Found\r\nLocation: /ok\r\nContent-Length: 0\r\n\r\n" },
	{ "domain=garbage.", "\x16\x03\x01 what is this\r\n\r\n" },
	{ "domain=cut.", "HTTP/1.1 200 OK\r\nContent-Le" },
	{ "domain=huge.", "HTTP/1.1 200 OK\r\nContent-Length: 4194304\r\n\r\n" },
};

static struct endpoint {
	int fd;
	pthread_t thread;
	atomic_int n_requests;
	atomic_bool is_down;
	char last[2048];
} endpoint;

static void respond(int fd, const char *request)
{
	static const char body[65536];

	for (size_t i = 0; i < ARRAY_LEN(replies); i++) {
		if (!strstr(request, replies[i].name))
			continue;
		if (write(fd, replies[i].text, strlen(replies[i].text)) < 0)
			return;
		for (size_t sent = 0; strstr(request, "domain=huge.") && sent < HUGE_BODY; sent += sizeof(body))
			if (write(fd, body, sizeof(body)) < 0)
				return;
		return;
	}
	usleep(2 * TIMEOUT_MS * 1000);
}

static void *serve(void *arg)
{
	struct endpoint *e = arg;

	for (;;) {
		int fd = accept(e->fd, NULL, NULL);
		ssize_t n;

		if (fd < 0)
			return NULL;
		n = read(fd, e->last, sizeof(e->last) - 1);
		e->last[n > 0 ? n : 0] = 0;
		if (n > 0 && !atomic_load(&e->is_down)) {
			atomic_fetch_add(&e->n_requests, 1);
			respond(fd, e->last);
		}
		close(fd);
	}
}

static uint16_t start_endpoint(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(at);

	endpoint.fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(endpoint.fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(endpoint.fd, 64), 0);
	assert_int_equal(getsockname(endpoint.fd, (struct sockaddr *)&at, &len), 0);
	assert_int_equal(pthread_create(&endpoint.thread, NULL, serve, &endpoint), 0);
	return ntohs(at.sin_port);
}

/* ---- the asking side ---- */

struct world {
	struct loop *loop;
	struct conf_on_demand conf;
	struct ask *ask;
	char url[64];
	unsigned n_answers;
	enum ask_verdict verdict;
	struct fault fault;
};

static int make_world(void **state)
{
	struct world *w = mem_new(sizeof(*w));
	struct fault fault = { 0 };

	snprintf(w->url, sizeof(w->url), "http://127.0.0.1:%u/check?key=1", start_endpoint());
	atomic_store(&endpoint.is_down, false);
	atomic_store(&endpoint.n_requests, 0);
	w->loop = loop_new();
	w->conf = (struct conf_on_demand){ .ask = w->url, .ask_timeout_ms = TIMEOUT_MS, .allow_ms = 60000,
		.deny_ms = 30000, .if_ask_is_down_ms = 600000, .negative_names = 10 };
	assert_int_equal(ask_new(&(struct ask_args){ w->loop, &w->conf, "test", NULL }, &w->ask, &fault), E_OK);
	*state = w;
	return 0;
}

static int end_world(void **state)
{
	struct world *w = *state;

	ask_free(&w->ask);
	loop_stop(w->loop);
	loop_run(w->loop);
	loop_free(&w->loop);
	shutdown(endpoint.fd, SHUT_RDWR);
	pthread_join(endpoint.thread, NULL);
	close(endpoint.fd);
	clock_test_end();
	mem_release(w);
	return 0;
}

static void on_verdict(void *owner, enum ask_verdict verdict, const struct fault *fault)
{
	struct world *w = owner;

	w->n_answers++;
	w->verdict = verdict;
	w->fault = fault ? *fault : (struct fault){ 0 };
}

static enum ask_verdict verdict_of(struct world *w, const char *name)
{
	unsigned before = w->n_answers;

	ask_start(w->ask, name, "2001:db8::7", on_verdict, w);
	assert_int_equal(w->n_answers, before);
	for (int i = 0; i < 5000 && w->n_answers == before; i++) {
		loop_turn(w->loop);
		usleep(1000);
	}
	assert_int_equal(w->n_answers, before + 1);
	return w->verdict;
}

/* ---- claims ---- */

static void only_200_permits(void **state)
{
	static const struct { const char *name; enum ask_verdict verdict; } rows[] = {
		{ "ok.example", ASK_ALLOW }, { "created.example", ASK_UNKNOWN }, { "no.example", ASK_DENY },
		{ "missing.example", ASK_DENY }, { "gone.example", ASK_DENY },
		{ "broken.example", ASK_UNKNOWN }, { "moved.example", ASK_UNKNOWN },
		{ "garbage.example", ASK_UNKNOWN }, { "cut.example", ASK_UNKNOWN },
		{ "huge.example", ASK_UNKNOWN },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		enum ask_verdict got = verdict_of(*state, rows[i].name);

		if (got != rows[i].verdict)
			fail_msg("%s: %s", rows[i].name, ask_verdict_text(got));
	}
}

static void a_slow_endpoint_is_unknown_at_the_deadline(void **state)
{
	struct world *w = *state;
	int64_t begun = clock_mono_ms();

	assert_int_equal(verdict_of(w, "slow.example"), ASK_UNKNOWN);
	assert_true(clock_mono_ms() - begun >= TIMEOUT_MS - 20);
	assert_true(clock_mono_ms() - begun < 4 * TIMEOUT_MS);
	assert_int_equal(w->fault.code, E_ASK_UNKNOWN);
	assert_true(w->fault.detail[0] != 0);
}

static void verdicts_are_remembered_for_their_time(void **state)
{
	struct world *w = *state;

	assert_int_equal(verdict_of(w, "ok.example"), ASK_ALLOW);
	assert_int_equal(verdict_of(w, "ok.example"), ASK_ALLOW);
	assert_int_equal(verdict_of(w, "no.example"), ASK_DENY);
	assert_int_equal(verdict_of(w, "no.example"), ASK_DENY);
	assert_int_equal(atomic_load(&endpoint.n_requests), 2);
	assert_int_equal(ask_recall(w->ask, "ok.example"), ASK_ALLOW);
	clock_test_set(clock_wall_ms(), clock_mono_ms() + 30001);
	assert_int_equal(ask_recall(w->ask, "no.example"), ASK_UNKNOWN);
	assert_int_equal(ask_recall(w->ask, "ok.example"), ASK_ALLOW);
	clock_test_advance(30001);
	assert_int_equal(ask_recall(w->ask, "ok.example"), ASK_UNKNOWN);
}

static void what_was_allowed_stays_allowed_while_it_is_down(void **state)
{
	struct world *w = *state;

	assert_int_equal(verdict_of(w, "ok.example"), ASK_ALLOW);
	atomic_store(&endpoint.is_down, true);
	clock_test_set(clock_wall_ms(), clock_mono_ms() + 60001);
	assert_int_equal(verdict_of(w, "ok.example"), ASK_ALLOW);
	assert_int_equal(w->fault.code, E_ASK_UNKNOWN);
	assert_int_equal(verdict_of(w, "created.example"), ASK_UNKNOWN);
	w->conf.if_ask_is_down_ms = 0;
	assert_int_equal(verdict_of(w, "ok.example"), ASK_UNKNOWN);
}

static void the_query_of_the_url_is_kept_and_all_is_encoded(void **state)
{
	struct buf out;

	verdict_of(*state, "ok.example");
	assert_memory_equal(endpoint.last, "GET /check?key=1&domain=ok.example&ip=2001%3Adb8%3A%3A7 HTTP/1.1", 64);
	buf_init(&out, 100);
	assert_int_equal(ask_url(&out, "http://h/x", "a&b=c.example", "::1"), E_OK);
	assert_string_equal(buf_cstring(&out), "http://h/x?domain=a%26b%3Dc.example&ip=%3A%3A1");
	assert_int_equal(ask_url(&out, "http://h/x", "a.example", "::1"), E_OK);
	assert_int_equal(ask_url(&out, "http://h/x", "a.example", "::1"), E_LIMIT);
	buf_fini(&out);
}

static struct ask_permit read_permit(const char *body)
{
	struct ask_permit permit;

	ask_read(str_from(body), &permit);
	return permit;
}

static void a_yes_may_say_for_whom_and_how_long(void **state)
{
	static const char *const vague[] = { "", "yes", "[]", "{}", "{\"tenant\":5,\"ttl\":\"x\"}",
		"{\"tenant\":\"with space\"}", "{\"tenant\":\"\"}", "{\"ttl\":-5}",
		"{\"tenant\":\"0123456789012345678901234567890123456789012345678901234567890123\"}" };
	struct ask_permit p = read_permit("{\"tenant\":\"acme-corp\",\"ttl\":600,\"more\":[1]}");

	(void)state;
	assert_string_equal(p.tenant, "acme-corp");
	assert_int_equal(p.ttl_ms, 600000);
	assert_int_equal(read_permit("{\"ttl\":1e300}").ttl_ms, (int64_t)30 * 24 * 3600 * 1000);
	for (size_t i = 0; i < sizeof(vague) / sizeof(*vague); i++) {
		p = read_permit(vague[i]);
		assert_string_equal(p.tenant, "");
		assert_int_equal(p.ttl_ms, -1);
	}
}

static void what_a_yes_said_is_remembered_with_it(void **state)
{
	struct world *w = *state;

	assert_int_equal(verdict_of(w, "ok.example"), ASK_ALLOW);
	assert_string_equal(ask_tenant(w->ask, "ok.example"), "");
	assert_int_equal(verdict_of(w, "tenant.example"), ASK_ALLOW);
	assert_string_equal(ask_tenant(w->ask, "tenant.example"), "acme-corp");
	assert_string_equal(ask_tenant(w->ask, "unknown.example"), "");
	clock_test_set(clock_wall_ms(), clock_mono_ms() + 5001);
	assert_int_equal(ask_recall(w->ask, "tenant.example"), ASK_UNKNOWN);
	assert_int_equal(ask_recall(w->ask, "ok.example"), ASK_ALLOW);
}

static void freeing_it_ends_questions_silently(void **state)
{
	struct world *w = *state;

	ask_start(w->ask, "slow.example", "::1", on_verdict, w);
	ask_start(w->ask, "slow2.example", "::1", on_verdict, w);
	loop_turn(w->loop);
	ask_free(&w->ask);
	ask_free(&w->ask);
	loop_turn(w->loop);
	assert_int_equal(w->n_answers, 0);
}

#define CLAIM(name) cmocka_unit_test_setup_teardown(name, make_world, end_world)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLAIM(only_200_permits),
		CLAIM(a_slow_endpoint_is_unknown_at_the_deadline),
		CLAIM(verdicts_are_remembered_for_their_time),
		CLAIM(what_was_allowed_stays_allowed_while_it_is_down),
		CLAIM(the_query_of_the_url_is_kept_and_all_is_encoded),
		CLAIM(a_yes_may_say_for_whom_and_how_long),
		CLAIM(what_a_yes_said_is_remembered_with_it),
		CLAIM(freeing_it_ends_questions_silently),
	};

	signal(SIGPIPE, SIG_IGN);
	log_setup(2, LOG_ERROR, LOG_TEXT);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
