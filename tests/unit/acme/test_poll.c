/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "acme/poll.h"

#include "unit.h"

/* Looks until_ms long at something that never ends. */
static unsigned looks_in(int64_t until_ms, int64_t retry_ms, int64_t hint_every_ms)
{
	struct poll p;
	int64_t now = 0, hint = hint_every_ms ? hint_every_ms : INT64_MAX;
	int64_t at = poll_start(&p, retry_ms, now);
	while (now < until_ms) {
		if (hint < at) {
			now = hint;
			hint += hint_every_ms;
			at = now + poll_hint(&p, now);
		} else {
			now = at;
			at = now + poll_again(&p, retry_ms, now);
			assert_true(at > now);
		}
	}
	return poll_count(&p);
}

static void one_blind_look_then_without_hints_retry_after_is_kept(void **state)
{
	(void)state;
	assert_in_range(looks_in(60000, 3000, 0), 20, 22);
	assert_in_range(looks_in(60000, 0, 0), 60, 62);
}

static void without_retry_after_looks_become_rare(void **state)
{
	(void)state;
	assert_in_range(looks_in(120000, -1, 0), 13, 17);
}

static void retry_after_of_a_day_is_a_minute(void **state)
{
	(void)state;
	struct poll p;
	assert_int_equal(poll_start(&p, (int64_t)86400 * 1000, 0), POLL_BLIND_MS);
	assert_int_equal(poll_again(&p, (int64_t)86400 * 1000, 300), POLL_MAX_MS - 300);
}

static void a_hint_brings_a_look_soon_and_then_geometrically(void **state)
{
	(void)state;
	struct poll p;
	assert_int_equal(poll_start(&p, 3000, 1000), POLL_BLIND_MS);
	assert_int_equal(poll_hint(&p, 1010), POLL_QUICK_MS);
	assert_int_equal(poll_hint(&p, 1020), POLL_QUICK_MS);  /* a second validator: after it */
	assert_int_equal(poll_again(&p, 3000, 1060), 2 * POLL_QUICK_MS);
	assert_int_equal(poll_again(&p, 3000, 1140), 4 * POLL_QUICK_MS);
	assert_int_equal(poll_again(&p, 3000, 1300), 8 * POLL_QUICK_MS);
	assert_int_equal(poll_again(&p, 3000, 1620), 4000 - 1620);
}

static void any_number_of_hints_costs_few_looks(void **state)
{
	(void)state;
	for (int64_t every = 1; every < 5000; every = every * 3 / 2 + 1)
		assert_in_range(looks_in(60000, 3000, every), 15, 21 + POLL_QUICK_MAX);
}

static void endless_hints_cannot_put_off_the_regular_look(void **state)
{
	(void)state;
	struct poll p;
	int64_t now = 0, at = poll_start(&p, 1000, 0);
	while (at > now && now < 5000) {
		now += 5;
		at = now + poll_hint(&p, now);
	}
	assert_in_range(now, 900, 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_blind_look_then_without_hints_retry_after_is_kept),
		cmocka_unit_test(without_retry_after_looks_become_rare),
		cmocka_unit_test(retry_after_of_a_day_is_a_minute),
		cmocka_unit_test(a_hint_brings_a_look_soon_and_then_geometrically),
		cmocka_unit_test(any_number_of_hints_costs_few_looks),
		cmocka_unit_test(endless_hints_cannot_put_off_the_regular_look),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
