/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/send_batch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct send_batch *batch;
static struct send_slot *sent[8];
static unsigned n_sent;

static void on_send(struct send_slot *slot)
{
	sent[n_sent++] = slot;
	send_batch_drop(batch, slot);
}

static void init(struct send_slot *slot)
{
	send_slot_init(slot, on_send);
}

static bool add(struct send_batch *b, struct send_slot *slot, struct str bytes)
{
	return send_batch_add(b, slot, &bytes, 1);
}

static void assert_waits(const struct send_batch *b, const struct send_slot *slot, const char *text)
{
	assert_true(str_is(send_batch_bytes(b, slot), text));
}

static void slots_keep_their_bytes_apart(void **state)
{
	struct send_batch *b = send_batch_new();
	struct send_slot one, two;
	const struct str parts[] = { STR("a"), STR_NONE, STR("bc") };

	(void)state;
	init(&one);
	init(&two);
	assert_waits(b, &one, "");
	assert_true(send_batch_add(b, &one, parts, 3));
	assert_true(add(b, &two, STR("second")));
	assert_waits(b, &one, "abc");
	assert_waits(b, &two, "second");
	send_batch_drop(b, &one);
	assert_waits(b, &two, "second");
	send_batch_drop(b, &two);
	send_batch_drop(b, &two);
	send_batch_free(&b);
	assert_null(b);
	send_batch_free(&b);
}

static void a_slot_grows_only_at_the_end(void **state)
{
	struct send_batch *b = send_batch_new();
	struct send_slot one, two;

	(void)state;
	init(&one);
	init(&two);
	assert_true(add(b, &one, STR("ab")));
	assert_true(add(b, &one, STR("cd")));
	assert_waits(b, &one, "abcd");
	assert_true(add(b, &two, STR("x")));
	assert_false(add(b, &one, STR("e")));
	assert_waits(b, &one, "abcd");
	send_batch_drop(b, &one);
	send_batch_drop(b, &two);
	send_batch_free(&b);
}

static void nothing_is_no_slot(void **state)
{
	struct send_batch *b = send_batch_new();
	struct send_slot slot;

	(void)state;
	init(&slot);
	assert_true(add(b, &slot, STR_NONE));
	assert_int_equal(slot.len, 0);
	send_batch_free(&b);
}

static void what_is_not_small_is_refused(void **state)
{
	struct send_batch *b = send_batch_new();
	struct send_slot slot;
	static char large[SEND_BATCH_SMALL + 1];

	(void)state;
	init(&slot);
	assert_false(add(b, &slot, str_of(large, sizeof(large))));
	assert_int_equal(slot.len, 0);
	assert_true(add(b, &slot, str_of(large, SEND_BATCH_SMALL)));
	assert_false(add(b, &slot, STR("x")));
	assert_int_equal(slot.len, SEND_BATCH_SMALL);
	send_batch_drop(b, &slot);
	send_batch_free(&b);
}

static void a_full_batch_refuses_and_begins_anew(void **state)
{
	struct send_batch *b = send_batch_new();
	enum { FIT = SEND_BATCH_BYTES / SEND_BATCH_SMALL };
	struct send_slot slots[FIT + 1];
	static char bytes[SEND_BATCH_SMALL];

	(void)state;
	for (int i = 0; i <= FIT; i++)
		init(&slots[i]);
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < FIT; i++) {
			memset(bytes, 'a' + i % 26, sizeof(bytes));
			assert_true(add(b, &slots[i], str_of(bytes, sizeof(bytes))));
		}
		assert_false(add(b, &slots[FIT], STR("x")));
		for (int i = 0; i < FIT; i++) {
			struct str got = send_batch_bytes(b, &slots[i]);

			assert_int_equal(got.len, sizeof(bytes));
			assert_int_equal(got.at[0], 'a' + i % 26);
			assert_int_equal(got.at[got.len - 1], 'a' + i % 26);
			send_batch_drop(b, &slots[i]);
		}
	}
	send_batch_free(&b);
}

static void a_flush_calls_all_that_wait_in_their_order(void **state)
{
	struct send_slot one, two, three;

	(void)state;
	init(&one);
	init(&two);
	init(&three);
	batch = send_batch_new();
	n_sent = 0;
	send_batch_flush(batch);
	assert_int_equal(n_sent, 0);
	assert_true(add(batch, &two, STR("2")));
	assert_true(add(batch, &three, STR("3")));
	assert_true(add(batch, &one, STR("1")));
	send_batch_drop(batch, &three);
	send_batch_flush(batch);
	assert_int_equal(n_sent, 2);
	assert_ptr_equal(sent[0], &two);
	assert_ptr_equal(sent[1], &one);
	send_batch_free(&batch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slots_keep_their_bytes_apart),
		cmocka_unit_test(a_slot_grows_only_at_the_end),
		cmocka_unit_test(nothing_is_no_slot),
		cmocka_unit_test(what_is_not_small_is_refused),
		cmocka_unit_test(a_full_batch_refuses_and_begins_anew),
		cmocka_unit_test(a_flush_calls_all_that_wait_in_their_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
