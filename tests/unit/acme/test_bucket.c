/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "acme/bucket.h"

#include "unit.h"

static const struct rate rate = { 3, 100 };

static void a_burst_then_one_at_a_time(void **state)
{
	struct bucket b = { 0 };
	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_true(bucket_wait_ms(&b, &rate, 0, 1000) <= 0);
		bucket_take(&b, &rate, 1000);
	}
	assert_int_equal(bucket_wait_ms(&b, &rate, 0, 1000), 100);
	assert_int_equal(bucket_wait_ms(&b, &rate, 0, 1040), 60);
	assert_true(bucket_wait_ms(&b, &rate, 0, 1100) <= 0);
	bucket_take(&b, &rate, 1100);
	assert_int_equal(bucket_wait_ms(&b, &rate, 0, 1100), 100);
	assert_false(bucket_is_idle(&b, 1399));
	assert_true(bucket_is_idle(&b, 1400));
}

static void a_reserve_is_left_for_others(void **state)
{
	struct bucket b = { 0 };
	(void)state;
	assert_true(bucket_wait_ms(&b, &rate, 2, 0) <= 0);
	bucket_take(&b, &rate, 0);
	assert_int_equal(bucket_wait_ms(&b, &rate, 2, 0), 100);
	assert_true(bucket_wait_ms(&b, &rate, 0, 0) <= 0);
	/* more than there is: all but one */
	assert_true(bucket_wait_ms(&(struct bucket){ 0 }, &rate, 99, 0) <= 0);
}

static void held_tokens_do_not_come_back_by_waiting(void **state)
{
	struct bucket b = { .held = 3 };
	(void)state;
	assert_int_equal(bucket_wait_ms(&b, &rate, 0, 0), 100);
	assert_int_equal(bucket_wait_ms(&b, &rate, 0, 1000000), 100);
	assert_int_equal(bucket_tokens(&b, &rate, 0), 0);
	b.held = 2;
	assert_true(bucket_wait_ms(&b, &rate, 0, 0) <= 0);
	assert_int_equal(bucket_tokens(&b, &rate, 0), 1);
}

static void closed_is_closed(void **state)
{
	static const struct rate unlimited = { 0, 0 };
	struct bucket b = { .closed_until_ms = 500 };
	(void)state;
	assert_int_equal(bucket_wait_ms(&b, &rate, 0, 100), 400);
	assert_int_equal(bucket_wait_ms(&b, &unlimited, 0, 100), 400);
	assert_int_equal(bucket_wait_ms(&b, &unlimited, 0, 600), 0);
	bucket_take(&b, &unlimited, 600);
	assert_int_equal(b.full_at_ms, 0);
}

static void a_clock_that_went_back_empties_at_most(void **state)
{
	struct bucket b = { .full_at_ms = INT64_MAX / 2 };
	(void)state;
	assert_int_equal(bucket_wait_ms(&b, &rate, 0, 1000), 100);
	bucket_take(&b, &rate, 1000);
	assert_int_equal(b.full_at_ms, 1400);
	bucket_empty(&b, &rate, 2000);
	assert_int_equal(bucket_tokens(&b, &rate, 2000), 0);
	assert_int_equal(bucket_tokens(&b, &rate, 2100), 1);
	assert_int_equal(bucket_tokens(&b, &rate, 9000), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_burst_then_one_at_a_time),
		cmocka_unit_test(a_reserve_is_left_for_others),
		cmocka_unit_test(held_tokens_do_not_come_back_by_waiting),
		cmocka_unit_test(closed_is_closed),
		cmocka_unit_test(a_clock_that_went_back_empties_at_most),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
