/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "acme/ari.h"

#include "unit.h"

#include "base/clock.h"

#define MINUTE ((int64_t)60 * 1000)
#define DAY (24 * 60 * MINUTE)

static const int64_t now = (int64_t)1795000000 * 1000;

static uint64_t next_dice(void)
{
	static uint64_t x = 88172645463325252u;
	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return x;
}

static struct ari_window window(int64_t from_ms, int64_t to_ms)
{
	return (struct ari_window){ now + from_ms, now + to_ms, "" };
}

static void a_window_and_its_explanation_are_read(void **state)
{
	struct ari_window w;
	struct fault f = { 0 };
	(void)state;
	assert_int_equal(ari_parse(STR("{\"suggestedWindow\":{\"start\":\"2025-01-02T04:00:00Z\","
		"\"end\":\"2025-01-03T04:00:00Z\"},\"explanationURL\":\"https://ca.test/why\"}"), &w, &f),
		E_OK);
	assert_int_equal(w.end_ms - w.start_ms, DAY);
	assert_string_equal(w.explanation, "https://ca.test/why");
}

static void hostile_answers_are_refused(void **state)
{
	static const char *const bodies[] = {
		"", "no", "null", "5", "[]", "{}", "{\"suggestedWindow\":5}", "{\"suggestedWindow\":{}}",
		"{\"suggestedWindow\":{\"start\":5,\"end\":6}}",
		"{\"suggestedWindow\":{\"start\":\"2025-01-02T04:00:00Z\"}}",
		"{\"suggestedWindow\":{\"start\":\"2025-01-02T04:00:00Z\",\"end\":\"2025-01-02T04:00:00Z\"}}",
		"{\"suggestedWindow\":{\"start\":\"2025-01-03T04:00:00Z\",\"end\":\"2025-01-02T04:00:00Z\"}}",
		"{\"suggestedWindow\":{\"start\":\"1969-01-02T04:00:00Z\",\"end\":\"2025-01-02T04:00:00Z\"}}",
		"{\"suggestedWindow\":{\"start\":\"soon\",\"end\":\"later\"}}",
		"{\"suggestedWindow\":{\"start\":\"2025-01-02T04:00:00Z\",\"end\":\"2025-99-99T04:00:00Z\"}}",
		"{\"suggestedWindow\":{\"start\":\"2025-01-02T04:00:00Z\",\"end\":\"2025-01-03T04:00:00Z\"}",
	};
	(void)state;
	for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
		struct ari_window w;
		struct fault f = { 0 };
		assert_int_equal(ari_parse(str_from(bodies[i]), &w, &f), E_ACME_PROTOCOL);
		assert_true(f.detail[0]);
	}
}

static void an_explanation_that_is_no_https_url_is_left_out(void **state)
{
	struct ari_window w;
	struct fault f = { 0 };
	(void)state;
	assert_int_equal(ari_parse(STR("{\"suggestedWindow\":{\"start\":\"2025-01-02T04:00:00Z\","
		"\"end\":\"2025-01-03T04:00:00Z\"},\"explanationURL\":\"javascript:alert(1)\"}"), &w, &f),
		E_OK);
	assert_string_equal(w.explanation, "");
}

static void the_url_has_one_slash_whatever_the_directory_has(void **state)
{
	char url[ACME_URL], longest[ACME_URL];
	(void)state;
	assert_true(ari_url(url, "https://ca.test/ari", "a.b"));
	assert_string_equal(url, "https://ca.test/ari/a.b");
	assert_true(ari_url(url, "https://ca.test/ari//", "a.b"));
	assert_string_equal(url, "https://ca.test/ari/a.b");
	memset(longest, 'x', sizeof longest);
	longest[sizeof longest - 1] = '\0';
	memcpy(longest, "https://ca.test/", 16);
	assert_false(ari_url(url, longest, "a.b"));
}

static void the_instant_is_in_the_window_and_spread_over_it(void **state)
{
	unsigned first_half = 0;
	(void)state;
	for (int i = 0; i < 10000; i++) {
		struct ari a = { 0 };
		struct ari_window w = window(-DAY, DAY);
		ari_take(&a, &w, 6 * 60 * MINUTE, now, next_dice());
		assert_in_range(a.chosen_ms, w.start_ms, w.end_ms - 1);
		first_half += a.chosen_ms < now;
	}
	assert_in_range(first_half, 4700, 5300);
}

static void the_instant_stays_while_the_window_does(void **state)
{
	struct ari a = { 0 };
	struct ari_window w = window(DAY, 3 * DAY), other = window(DAY, 2 * DAY);
	(void)state;
	ari_take(&a, &w, MINUTE, now, next_dice());
	int64_t chosen = a.chosen_ms;
	for (int i = 0; i < 100; i++) {
		ari_take(&a, &w, MINUTE, now + i * MINUTE, next_dice());
		assert_int_equal(a.chosen_ms, chosen);
	}
	ari_take(&a, &other, MINUTE, now, next_dice());
	assert_in_range(a.chosen_ms, other.start_ms, other.end_ms - 1);
}

static void we_ask_at_most_each_minute_and_at_least_each_day(void **state)
{
	static const int64_t told[] = { 0, 1, 59999, 6 * 60 * MINUTE, DAY, 400 * DAY,
		(int64_t)1000000000 * 1000 };
	struct ari_window w = window(DAY, 2 * DAY);
	(void)state;
	for (size_t i = 0; i < sizeof told / sizeof told[0]; i++) {
		for (int k = 0; k < 100; k++) {
			struct ari a = { 0 };
			ari_take(&a, &w, told[i], now, next_dice());
			assert_in_range(a.again_ms - now, MINUTE, DAY + DAY / 20);
			assert_in_range(a.fresh_until_ms - now, 2 * MINUTE, 2 * DAY);
		}
	}
}

static void trouble_that_passes_is_asked_again_later_and_later(void **state)
{
	struct ari a = { 0 };
	int64_t last = 0;
	(void)state;
	for (int i = 0; i < 1000; i++) {
		ari_failed(&a, true, -1, now);
		assert_in_range(a.again_ms - now, MINUTE, 6 * 60 * MINUTE);
		assert_true(a.again_ms >= last);
		last = a.again_ms;
	}
	assert_int_equal(a.again_ms - now, 6 * 60 * MINUTE);
	ari_failed(&a, false, -1, now);
	assert_int_equal(a.again_ms - now, 6 * 60 * MINUTE);
	ari_failed(&a, true, 400 * DAY, now);
	assert_int_equal(a.again_ms - now, DAY);
}

static void fresh_advice_decides_between_now_and_the_backstop(void **state)
{
	(void)state;
	for (int i = 0; i < 20000; i++) {
		int64_t life = MINUTE + (int64_t)(next_dice() % (uint64_t)(200 * DAY));
		int64_t begin = now - (int64_t)(next_dice() % (uint64_t)life), end = begin + life;
		int64_t own = begin + life * 2 / 3;
		int64_t backstop = end - life / (life < 10 * DAY ? 4 : 6);
		int64_t from = (int64_t)(next_dice() % (uint64_t)(400 * DAY)) - 200 * DAY;
		struct ari a = { 0 };
		struct ari_window w = window(from, from + 1 + (int64_t)(next_dice() % (uint64_t)DAY));
		ari_take(&a, &w, MINUTE, now, next_dice());
		int64_t due = ari_due(&a, begin, end, own, now);
		assert_true(due == (a.chosen_ms < backstop ? a.chosen_ms : backstop));
		assert_int_equal(ari_due(&a, begin, end, own, now + 2 * MINUTE), own);
	}
}

static void without_advice_the_certificates_own_time_counts(void **state)
{
	struct ari a = { .again_ms = now + DAY };
	(void)state;
	assert_int_equal(ari_due(&a, now, now + 90 * DAY, now + 60 * DAY, now), now + 60 * DAY);
}

/* A CA that finds all it signs overdue at once would have us order without end. */
static void early_advice_is_not_followed_again_and_again(void **state)
{
	struct ari a = { .urged_ms = now };
	struct ari_window w = window(-2 * DAY, -DAY);
	(void)state;
	ari_take(&a, &w, MINUTE, now, next_dice());
	assert_int_equal(ari_due(&a, now, now + 6 * DAY, now + 3 * DAY, now), now + 6 * DAY / 20);
	assert_int_equal(ari_due(&a, now, now + 90 * DAY, now + 60 * DAY, now), now + DAY);
	assert_int_equal(ari_due(&a, now, now + 40000, now + 20000, now), now + 20000);
}

static void what_is_kept_is_read_back(void **state)
{
	struct ari a = { .urged_ms = now }, b;
	struct ari_window w = window(DAY, 2 * DAY);
	char id[ARI_ID];
	struct buf text;
	struct fault f = { 0 };
	(void)state;
	strcpy(w.explanation, "https://ca.test/why");
	ari_take(&a, &w, MINUTE, now, next_dice());
	buf_init(&text, ARI_RECORD_MAX);
	assert_int_equal(ari_write(&a, "aki.serial", &text), E_OK);
	assert_int_equal(ari_read(buf_str(&text), &b, id, &f), E_OK);
	assert_memory_equal(&a, &b, sizeof a);
	assert_string_equal(id, "aki.serial");
	buf_fini(&text);
}

static void damaged_records_are_refused(void **state)
{
	static const char *const texts[] = {
		"", "sallyport-ari: 2\ncertificate: a.b\n", "sallyport-ari: 1\n",
		"sallyport-ari: 1\ncertificate: a.b\nstart: 5\nend: 4\nchosen: 5\n",
		"sallyport-ari: 1\ncertificate: a.b\nstart: 5\nend: 9\nchosen: 100\n",
		"sallyport-ari: 1\ncertificate: a.b\nstart: 5\n",
	};
	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		struct ari a;
		char id[ARI_ID];
		struct fault f = { 0 };
		assert_int_equal(ari_read(str_from(texts[i]), &a, id, &f), E_STORE_CORRUPT);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_window_and_its_explanation_are_read),
		cmocka_unit_test(hostile_answers_are_refused),
		cmocka_unit_test(an_explanation_that_is_no_https_url_is_left_out),
		cmocka_unit_test(the_url_has_one_slash_whatever_the_directory_has),
		cmocka_unit_test(the_instant_is_in_the_window_and_spread_over_it),
		cmocka_unit_test(the_instant_stays_while_the_window_does),
		cmocka_unit_test(we_ask_at_most_each_minute_and_at_least_each_day),
		cmocka_unit_test(trouble_that_passes_is_asked_again_later_and_later),
		cmocka_unit_test(fresh_advice_decides_between_now_and_the_backstop),
		cmocka_unit_test(without_advice_the_certificates_own_time_counts),
		cmocka_unit_test(early_advice_is_not_followed_again_and_again),
		cmocka_unit_test(what_is_kept_is_read_back),
		cmocka_unit_test(damaged_records_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
