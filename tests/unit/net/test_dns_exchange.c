/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/dns_exchange.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/clock.h"
#include "tests/support/dns_server.h"

static enum { PLAIN, CUT, LOSES_FIRST, LIES_FIRST, SILENT, CLOSES, GARBAGE } mood;

static enum dns_server_fate serve(struct dns_server *s, const struct dns_reader *r, struct str query,
	bool is_tcp, struct buf *answer)
{
	(void)query;
	if (mood == SILENT || (mood == LOSES_FIRST && atomic_load(&s->n_udp) == 1))
		return DNS_SERVER_SILENCE;
	if (mood == CLOSES)
		return DNS_SERVER_CLOSE;
	if (mood == GARBAGE) {
		buf_add(answer, STR("nonsense"));
		return DNS_SERVER_ANSWER;
	}
	dns_server_head(r, mood == CUT && !is_tcp ? DNS_TRUNCATED : 0, 1, 0, answer);
	dns_server_add(answer, r->question, DNS_TXT, is_tcp ? "by tcp" : "by udp");
	if (mood == LIES_FIRST && atomic_load(&s->n_udp) == 1)
		answer->at[0] ^= 1;  /* of another question; the next one is asked after a second */
	return DNS_SERVER_ANSWER;
}

static enum err ask(enum dns_over over, int64_t timeout_ms, struct buf *answer, struct dns_server *s)
{
	struct buf query;
	enum err err;

	buf_init(&query, 0);
	buf_init(answer, 0);
	dns_put_query(&query, 7, "a.example", DNS_TXT, 0);
	*s = (struct dns_server){ .fn = serve };
	assert_true(dns_server_start(s));
	err = dns_exchange(&(struct dns_exchange){ .to = &s->addr, .message = buf_str(&query),
		.over = over, .timeout_ms = timeout_ms }, answer);
	dns_server_stop(s);
	buf_fini(&query);
	return err;
}

static void says(struct buf *answer, const char *text)
{
	assert_true(answer->len > strlen(text));
	assert_memory_equal(answer->at + answer->len - strlen(text), text, strlen(text));
	buf_fini(answer);
}

static void both_ways_bring_the_answer(void **state)
{
	struct dns_server s;
	struct buf answer;

	(void)state;
	mood = PLAIN;
	assert_int_equal(ask(DNS_OVER_UDP, 2000, &answer, &s), E_OK);
	says(&answer, "by udp");
	assert_int_equal(ask(DNS_OVER_TCP, 2000, &answer, &s), E_OK);
	says(&answer, "by tcp");
}

static void what_was_cut_is_asked_again_by_tcp(void **state)
{
	struct dns_server s;
	struct buf answer;

	(void)state;
	mood = CUT;
	assert_int_equal(ask(DNS_OVER_UDP, 2000, &answer, &s), E_OK);
	says(&answer, "by tcp");
	assert_int_equal(s.n_udp, 1);
}

static void what_was_lost_is_asked_again(void **state)
{
	struct dns_server s;
	struct buf answer;

	(void)state;
	mood = LOSES_FIRST;
	assert_int_equal(ask(DNS_OVER_UDP, 5000, &answer, &s), E_OK);
	says(&answer, "by udp");
	assert_int_equal(s.n_udp, 2);
}

static void an_answer_to_another_question_is_not_taken(void **state)
{
	struct dns_server s;
	struct buf answer;

	(void)state;
	mood = LIES_FIRST;
	assert_int_equal(ask(DNS_OVER_UDP, 5000, &answer, &s), E_OK);
	assert_int_equal(answer.at[0], 0);
	says(&answer, "by udp");
	assert_int_equal(s.n_udp, 2);
}

static void silence_ends_by_the_deadline(void **state)
{
	static const enum dns_over ways[] = { DNS_OVER_UDP, DNS_OVER_TCP };

	(void)state;
	mood = SILENT;
	for (int i = 0; i < 2; i++) {
		int64_t start = clock_mono_ms();
		struct dns_server s;
		struct buf answer;

		assert_int_equal(ask(ways[i], 300, &answer, &s), E_TIMEOUT);
		assert_true(clock_mono_ms() - start >= 290);
		buf_fini(&answer);
	}
}

static void an_end_without_answer_and_garbage_are_errors(void **state)
{
	struct dns_server s;
	struct buf answer;

	(void)state;
	mood = CLOSES;
	assert_int_equal(ask(DNS_OVER_TCP, 2000, &answer, &s), E_EOF);
	buf_fini(&answer);
	mood = GARBAGE;
	assert_int_equal(ask(DNS_OVER_TCP, 2000, &answer, &s), E_PARSE);
	buf_fini(&answer);
	assert_int_equal(ask(DNS_OVER_UDP, 300, &answer, &s), E_TIMEOUT);
	buf_fini(&answer);
}

static void a_closed_port_is_told(void **state)
{
	struct dns_server s = { .fn = serve };
	struct buf query, answer;

	(void)state;
	assert_true(dns_server_start(&s));
	dns_server_stop(&s);
	buf_init(&query, 0);
	buf_init(&answer, 0);
	dns_put_query(&query, 7, "a.example", DNS_TXT, 0);
	for (int over = DNS_OVER_UDP; over <= DNS_OVER_TCP; over++)
		assert_int_equal(dns_exchange(&(struct dns_exchange){ .to = &s.addr,
			.message = buf_str(&query), .over = over, .timeout_ms = 2000 }, &answer), E_REFUSED);
	buf_fini(&query);
	buf_fini(&answer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_ways_bring_the_answer),
		cmocka_unit_test(what_was_cut_is_asked_again_by_tcp),
		cmocka_unit_test(what_was_lost_is_asked_again),
		cmocka_unit_test(an_answer_to_another_question_is_not_taken),
		cmocka_unit_test(silence_ends_by_the_deadline),
		cmocka_unit_test(an_end_without_answer_and_garbage_are_errors),
		cmocka_unit_test(a_closed_port_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
