/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "acme/advice.h"

#include "script.h"

#define ARI_DIRECTORY(url) { "GET", "/dir", 200, NULL, "{\"newNonce\":\"https://ca.test/nonce\"," \
	"\"newAccount\":\"https://ca.test/account\",\"newOrder\":\"https://ca.test/order\"" url "}", \
	ANSWERED, true }
#define WITH_ARI ARI_DIRECTORY(",\"renewalInfo\":\"https://ca.test/ari/\"")
#define ASKED(status, headers, body) { "GET", "/ari/aki.serial", status, headers, body, ANSWERED, true }
#define WINDOW "{\"suggestedWindow\":{\"start\":\"2026-01-02T04:00:00Z\"," \
	"\"end\":\"2026-01-03T04:00:00Z\"},\"explanationURL\":\"https://ca.test/why\"}"
#define HOURS(n) ((int64_t)(n) * 3600 * 1000)

static struct script script;
static struct ca ca;
static struct store *store;
static struct advice *advice;
static struct ari told;
static int done;

static int setup(void **state)
{
	(void)state;
	return log_setup(2, LOG_ERROR, LOG_TEXT), 0;
}

static void on_told(void *owner, const struct ari *ari)
{
	(void)owner;
	advice = NULL;
	told = *ari;
	done = 1;
}

static void ask(const struct ari *known)
{
	done = 0;
	advice = advice_start(&(struct advice_args){ .ca = &ca, .store = store, .name = "a.test",
		.id = "aki.serial", .known = known }, on_told, NULL);
	assert_int_equal(done, 0);
}

static void open_script(const struct script_line *lines, unsigned n)
{
	script_open(&script, &ca, lines, n);
	store = store_memory_new(script.loop);
}

static void close_script(void)
{
	assert_int_equal(script.next, script.n);
	script_turn(&script, 20);
	store->ops->free(store);
	script_close(&script, &ca);
}

#define RUN(...) \
	static const struct script_line lines[] = { __VA_ARGS__ }; \
	int64_t now = clock_wall_ms(); \
	(void)state; \
	open_script(lines, sizeof lines / sizeof lines[0]); \
	ask(NULL); \
	script_run_until(&script, &done); \
	close_script()

static void assert_again_in(int64_t now, int64_t wanted_ms)
{
	assert_in_range(told.again_ms - now, wanted_ms, wanted_ms + wanted_ms / 20 + 2000);
}

static void advice_is_got_by_a_plain_get(void **state)
{
	RUN(WITH_ARI, ASKED(200, "Retry-After: 21600", WINDOW));
	assert_true(ari_is_fresh(&told, now));
	assert_string_equal(told.explanation, "https://ca.test/why");
	assert_again_in(now, HOURS(6));
}

static void what_was_told_lately_is_not_asked_again(void **state)
{
	static const struct script_line lines[] = { WITH_ARI, ASKED(200, "Retry-After: 21600", WINDOW) };
	(void)state;
	open_script(lines, 2);
	ask(NULL);
	script_run_until(&script, &done);
	struct ari first = told;
	script_turn(&script, 20);
	ask(NULL);  /* as after a restart: the script has no more lines */
	script_run_until(&script, &done);
	assert_memory_equal(&first, &told, sizeof told);
	close_script();
}

static void a_ca_without_ari_is_left_alone_for_hours(void **state)
{
	RUN(ARI_DIRECTORY(""));
	assert_false(ari_is_fresh(&told, now));
	assert_again_in(now, HOURS(6));
}

static void a_passing_error_is_asked_again_soon(void **state)
{
	RUN(WITH_ARI, ASKED(500, NULL, NULL));
	assert_again_in(now, 60000);
}

static void a_busy_ca_says_when(void **state)
{
	RUN(WITH_ARI, ASKED(503, "Retry-After: 600", NULL));
	assert_again_in(now, 600000);
}

static void a_lasting_error_waits_hours(void **state)
{
	RUN(WITH_ARI, ASKED(404, NULL, NULL));
	assert_again_in(now, HOURS(6));
}

static void what_cannot_be_read_waits_hours(void **state)
{
	RUN(WITH_ARI, ASKED(200, "Retry-After: 60", "{\"suggestedWindow\":[]}"));
	assert_false(ari_is_fresh(&told, now));
	assert_again_in(now, HOURS(6));
}

static void an_answer_without_retry_after_is_none(void **state)
{
	RUN(WITH_ARI, ASKED(200, NULL, WINDOW));
	assert_false(ari_is_fresh(&told, now));
	assert_again_in(now, HOURS(6));
}

static void an_odd_retry_after_is_clamped(void **state)
{
	RUN(WITH_ARI, ASKED(200, "Retry-After: 0", WINDOW));
	assert_true(ari_is_fresh(&told, now));
	assert_again_in(now, 60000);
}

static void a_lost_answer_leaves_what_is_known(void **state)
{
	static const struct script_line lines[] = { WITH_ARI,
		{ "GET", "/ari/aki.serial", 0, NULL, NULL, LOST, false } };
	int64_t now = clock_wall_ms();
	struct ari known = { .start_ms = now, .end_ms = now + HOURS(9), .chosen_ms = now + HOURS(5),
		.fresh_until_ms = now + HOURS(1) };
	(void)state;
	open_script(lines, 2);
	ask(&known);
	script_run_until(&script, &done);
	assert_int_equal(told.chosen_ms, known.chosen_ms);
	assert_true(ari_is_fresh(&told, now));
	assert_again_in(now, 60000);
	close_script();
}

static void a_ca_that_is_down_is_not_asked(void **state)
{
	static const struct script_line lines[] = { WITH_ARI };
	int64_t now = clock_wall_ms();
	(void)state;
	open_script(lines, 1);
	script_fetch_directory(&script, &ca);
	breaker_failed(&ca.breaker, BREAKER_CERTAIN, 0, clock_mono_ms());
	ask(NULL);
	script_run_until(&script, &done);
	assert_again_in(now, 60000);
	close_script();
}

static void cancelled_in_any_state_it_says_nothing(void **state)
{
	static const struct script_line lines[] = { WITH_ARI,
		{ "GET", "/ari/aki.serial", 0, NULL, NULL, NEVER, false } };
	(void)state;
	for (int turns = 0; turns < 12; turns++) {
		open_script(lines, 2);
		ask(NULL);
		for (int i = 0; i < turns; i++)
			loop_turn(script.loop);
		advice_cancel(&advice);
		advice_cancel(&advice);
		assert_int_equal(done, 0);
		script_turn(&script, 20);
		script.next = script.n;
		close_script();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(advice_is_got_by_a_plain_get),
		cmocka_unit_test(what_was_told_lately_is_not_asked_again),
		cmocka_unit_test(a_ca_without_ari_is_left_alone_for_hours),
		cmocka_unit_test(a_passing_error_is_asked_again_soon),
		cmocka_unit_test(a_busy_ca_says_when),
		cmocka_unit_test(a_lasting_error_waits_hours),
		cmocka_unit_test(what_cannot_be_read_waits_hours),
		cmocka_unit_test(an_answer_without_retry_after_is_none),
		cmocka_unit_test(an_odd_retry_after_is_clamped),
		cmocka_unit_test(a_lost_answer_leaves_what_is_known),
		cmocka_unit_test(a_ca_that_is_down_is_not_asked),
		cmocka_unit_test(cancelled_in_any_state_it_says_nothing),
	};
	return cmocka_run_group_tests(tests, setup, NULL);
}
