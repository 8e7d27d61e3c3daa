/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "certstore/der.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

static bool reads(struct str bytes)
{
	struct der_item item;

	return der_next(&bytes, &item);
}

static void lengths_round_trip_around_every_form(void **state)
{
	static const size_t lens[] = {0, 1, 127, 128, 129, 255, 256, 257, 65535, 65536, 70000};
	char *bytes = calloc(1, 70000);

	(void)state;
	for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		struct buf out;
		struct der_writer w = {&out, E_OK};
		struct str rest, content;

		buf_init(&out, 0);
		der_add(&w, DER_OCTET_STRING, str_of(bytes, lens[i]));
		assert_int_equal(w.err, E_OK);
		rest = buf_str(&out);
		assert_true(der_take(&rest, DER_OCTET_STRING, &content));
		assert_int_equal(content.len, lens[i]);
		assert_int_equal(rest.len, 0);
		buf_fini(&out);
	}
	free(bytes);
}

static void nested_elements_get_their_lengths(void **state)
{
	struct buf out;
	struct der_writer w = {&out, E_OK};
	size_t outer, inner;

	(void)state;
	buf_init(&out, 0);
	outer = der_open(&w, DER_SEQUENCE);
	inner = der_open(&w, DER_SET);
	der_add(&w, DER_INTEGER, STR("\5"));
	der_close(&w, inner);
	der_add_bits(&w, STR("\xff"));
	der_close(&w, outer);
	assert_true(str_equal(buf_str(&out), STR("\x30\x09\x31\x03\x02\x01\x05\x03\x02\x00\xff")));
	buf_fini(&out);
}

static void non_canonical_lengths_are_refused(void **state)
{
	(void)state;
	assert_true(reads(STR("\x04\x01x")));
	assert_false(reads(STR("\x04")));
	assert_false(reads(STR("\x04\x02x")));
	assert_false(reads(STR("\x04\x80x\0\0")));     /* indefinite */
	assert_false(reads(STR("\x04\x81\x01x")));     /* long form of a short length */
	assert_false(reads(STR("\x04\x82\x00\x81x"))); /* leading zero */
	assert_false(reads(STR("\x04\x85\1\1\1\1\1x")));
	assert_false(reads(STR("\x04\x84\xff\xff\xff\xff")));
	assert_false(reads(STR("\x1f\x01x"))); /* long tag */
}

static void taking_the_wrong_tag_takes_nothing(void **state)
{
	struct str in = STR("\x02\x01\x07"), content;

	(void)state;
	assert_false(der_take(&in, DER_SEQUENCE, &content));
	assert_int_equal(in.len, 3);
	assert_true(der_take_optional(&in, DER_SEQUENCE, &content));
	assert_null(content.at);
	assert_true(der_take_optional(&in, DER_INTEGER, &content));
	assert_int_equal(content.len, 1);
}

static int64_t time_of(struct str der)
{
	int64_t ms;

	return der_take_time(&der, &ms) ? ms : -1;
}

static void times_are_read_in_both_forms(void **state)
{
	(void)state;
	assert_int_equal(time_of(STR("\x17\x0d"
				     "700101000000Z")),
		0);
	assert_int_equal(time_of(STR("\x17\x0d"
				     "261122055821Z")),
		1795327101000);
	assert_int_equal(time_of(STR("\x18\x0f"
				     "20261122055821Z")),
		1795327101000);
	assert_int_equal(time_of(STR("\x17\x0d"
				     "500101000000Z")),
		-631152000000);
	assert_int_equal(time_of(STR("\x18\x0f"
				     "20261322055821Z")),
		-1);
	assert_int_equal(time_of(STR("\x18\x0f"
				     "2026112205582 Z")),
		-1);
	assert_int_equal(time_of(STR("\x17\x0d"
				     "261122055821+")),
		-1);
	assert_int_equal(time_of(STR("\x17\x0b"
				     "2611220558Z")),
		-1);
}

static void times_are_written_as_rfc_5280_says(void **state)
{
	static const int64_t times[] = {
		0, 1795327101000, 2524607999000, 2524608000000, 253402300799000};

	(void)state;
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		struct buf out;
		struct der_writer w = {&out, E_OK};

		buf_init(&out, 0);
		der_add_time(&w, times[i]);
		assert_int_equal(
			out.at[0], times[i] < 2524608000000 ? DER_UTC_TIME : DER_GENERALIZED_TIME);
		assert_int_equal(time_of(buf_str(&out)), times[i]);
		buf_fini(&out);
	}
}

static void random_bytes_never_leave_the_input(void **state)
{
	unsigned char bytes[64];
	unsigned seed = 1;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		struct str in = str_of(bytes, sizeof(bytes));
		struct der_item item;

		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = (unsigned char)((seed = seed * 1103515245 + 12345) >> 16);
		while (der_next(&in, &item)) {
			assert_true(item.whole.at >= (char *)bytes);
			assert_true(
				item.whole.at + item.whole.len <= (char *)bytes + sizeof(bytes));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lengths_round_trip_around_every_form),
		cmocka_unit_test(nested_elements_get_their_lengths),
		cmocka_unit_test(non_canonical_lengths_are_refused),
		cmocka_unit_test(taking_the_wrong_tag_takes_nothing),
		cmocka_unit_test(times_are_read_in_both_forms),
		cmocka_unit_test(times_are_written_as_rfc_5280_says),
		cmocka_unit_test(random_bytes_never_leave_the_input),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
