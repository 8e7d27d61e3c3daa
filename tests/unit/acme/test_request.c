/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "acme/request.h"

#include "script.h"

static struct key *key;
static struct script script;
static struct ca ca;
static int done;
static enum err done_err;
static struct fault done_fault;

static int make_key(void **state)
{
	(void)state;
	log_setup(2, LOG_ERROR, LOG_TEXT);
	return key_generate(CONF_KEY_P256, &key);
}

static int drop_key(void **state)
{
	(void)state;
	key_unref(&key);
	return 0;
}

static void on_done(void *owner, enum err err, const struct request_answer *a, const struct fault *f)
{
	(void)owner;
	assert_true(!err == !!a);
	done = 1;
	done_err = err;
	done_fault = f ? *f : (struct fault){ 0 };
}

static struct request *begin(enum request_repeat repeat)
{
	done = 0;
	return request_start(&(struct request_args){ .ca = &ca, .key = key,
		.kid = "https://ca.test/account/1", .url = "https://ca.test/x", .payload = STR("{}"),
		.repeat = repeat }, on_done, NULL);
}

#define OPEN(...) \
	static const struct script_line lines[] = { DIRECTORY_LINE, __VA_ARGS__ }; \
	(void)state; \
	script_open(&script, &ca, lines, sizeof lines / sizeof lines[0]); \
	script_fetch_directory(&script, &ca)

#define BAD_NONCE "{\"type\":\"urn:ietf:params:acme:error:badNonce\"}"

static void close_script(void)
{
	assert_int_equal(script.next, script.n);
	script_close(&script, &ca);
}

static void the_nonce_of_an_answer_serves_the_next_request(void **state)
{
	OPEN(NONCE_LINE, { "POST", "/x", 200, NULL, "{}", ANSWERED, false },
		{ "POST", "/x", 200, NULL, "{}", ANSWERED, false });
	begin(REQUEST_REPEATABLE);
	script_run_until(&script, &done);
	assert_string_equal(script.used_nonce, "nonce-1");
	assert_string_equal(script.sent_jwk, "kid");
	begin(REQUEST_REPEATABLE);
	script_run_until(&script, &done);
	assert_string_equal(script.used_nonce, "nonce-2");
	assert_int_equal(done_err, E_OK);
	close_script();
}

static void a_bad_nonce_is_replaced_by_that_of_the_refusal(void **state)
{
	OPEN(NONCE_LINE, { "POST", "/x", 400, NULL, BAD_NONCE, ANSWERED, false },
		{ "POST", "/x", 200, NULL, "{}", ANSWERED, false });
	begin(REQUEST_NO_REPEAT);
	script_run_until(&script, &done);
	assert_int_equal(done_err, E_OK);
	assert_string_equal(script.used_nonce, "nonce-2");
	close_script();
}

static void a_refusal_without_nonce_makes_us_ask_for_one(void **state)
{
	OPEN(NONCE_LINE, { "POST", "/x", 400, NULL, BAD_NONCE, ANSWERED, true }, NONCE_LINE,
		{ "POST", "/x", 200, NULL, "{}", ANSWERED, false });
	begin(REQUEST_NO_REPEAT);
	script_run_until(&script, &done);
	assert_int_equal(done_err, E_OK);
	close_script();
}

static void nonces_refused_for_ever_end_after_ten_tries(void **state)
{
#define REFUSED { "POST", "/x", 400, NULL, BAD_NONCE, ANSWERED, false }
	OPEN(NONCE_LINE, REFUSED, REFUSED, REFUSED, REFUSED, REFUSED, REFUSED, REFUSED, REFUSED, REFUSED,
		REFUSED, REFUSED);
	begin(REQUEST_REPEATABLE);
	script_run_until(&script, &done);
	assert_int_equal(done_err, E_ACME);
	assert_string_equal(done_fault.type, "badNonce");
	close_script();
}

static void a_busy_ca_is_left_alone_and_its_time_kept(void **state)
{
	OPEN(NONCE_LINE, { "POST", "/x", 503, "Retry-After: 50", "busy", ANSWERED, false });
	int64_t now = clock_wall_ms();
	begin(REQUEST_REPEATABLE);
	script_run_until(&script, &done);
	assert_int_equal(done_err, E_CA_DOWN);
	assert_in_range(done_fault.retry_at_ms - now, 49000, 52000);
	assert_false(breaker_may_start(&ca.breaker, clock_mono_ms() + 40000));
	close_script();
}

static void what_may_have_been_acted_upon_is_not_sent_twice(void **state)
{
	OPEN(NONCE_LINE, { "POST", "/x", 0, NULL, NULL, LOST, false });
	begin(REQUEST_NO_REPEAT);
	script_run_until(&script, &done);
	assert_int_equal(done_err, E_CA_DOWN);
	close_script();
}

static void what_never_left_is_sent_again(void **state)
{
	OPEN(NONCE_LINE, { "POST", "/x", 0, NULL, NULL, NOT_SENT, false }, NONCE_LINE,
		{ "POST", "/x", 200, NULL, "{}", ANSWERED, false });
	begin(REQUEST_NO_REPEAT);
	script_run_until(&script, &done);
	assert_int_equal(done_err, E_OK);
	close_script();
}

static void redirects_and_pages_are_no_answers(void **state)
{
	OPEN(NONCE_LINE, { "POST", "/x", 301, "Location: https://ca.test/y", "", ANSWERED, false },
		{ "POST", "/x", 200, "Content-Type: Text/HTML; charset=utf-8", "<html>", ANSWERED, false },
		{ "POST", "/x", 200, "content-type: application/json;charset=utf-8", "{}", ANSWERED, false });
	for (int i = 0; i < 2; i++) {
		begin(REQUEST_REPEATABLE);
		script_run_until(&script, &done);
		assert_int_equal(done_err, E_ACME_PROTOCOL);
	}
	begin(REQUEST_REPEATABLE);
	script_run_until(&script, &done);
	assert_int_equal(done_err, E_OK);
	close_script();
}

static void cancel_is_safe_at_every_turn(void **state)
{
	(void)state;
	static const struct script_line lines[] = { DIRECTORY_LINE, NONCE_LINE,
		{ "POST", "/x", 400, NULL, BAD_NONCE, ANSWERED, true }, NONCE_LINE,
		{ "POST", "/x", 0, NULL, NULL, NOT_SENT, false } };
	for (int turns = 0; turns < 8; turns++) {
		script_open(&script, &ca, lines, 5);
		script_fetch_directory(&script, &ca);
		struct request *r = begin(REQUEST_REPEATABLE);
		script_turn(&script, turns);
		assert_false(done);
		request_cancel(&r);
		assert_null(r);
		request_cancel(&r);
		script_turn(&script, 5);
		assert_false(done);
		script_close(&script, &ca);
	}
}

static void retry_after_is_read_in_both_forms(void **state)
{
	(void)state;
	struct header at[1] = { { STR("retry-after"), STR("7") } };
	struct headers h = { .at = at, .n = 1 };
	char date[CLOCK_HTTP_DATE];
	assert_int_equal(request_retry_after_ms(&h, 0), 7000);
	clock_http_date(date, 1000000);
	at[0].value = str_from(date);
	assert_int_equal(request_retry_after_ms(&h, 400000), 600000);
	assert_int_equal(request_retry_after_ms(&h, 2000000), 0);
	at[0].value = STR("99999999999999999999");
	assert_true(request_retry_after_ms(&h, 0) <= 0 || request_retry_after_ms(&h, 0) > 0);
	at[0].value = STR("soon");
	assert_int_equal(request_retry_after_ms(&h, 0), -1);
	h.n = 0;
	assert_int_equal(request_retry_after_ms(&h, 0), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_nonce_of_an_answer_serves_the_next_request),
		cmocka_unit_test(a_bad_nonce_is_replaced_by_that_of_the_refusal),
		cmocka_unit_test(a_refusal_without_nonce_makes_us_ask_for_one),
		cmocka_unit_test(nonces_refused_for_ever_end_after_ten_tries),
		cmocka_unit_test(a_busy_ca_is_left_alone_and_its_time_kept),
		cmocka_unit_test(what_may_have_been_acted_upon_is_not_sent_twice),
		cmocka_unit_test(what_never_left_is_sent_again),
		cmocka_unit_test(redirects_and_pages_are_no_answers),
		cmocka_unit_test(cancel_is_safe_at_every_turn),
		cmocka_unit_test(retry_after_is_read_in_both_forms),
	};
	return cmocka_run_group_tests(tests, make_key, drop_key);
}
