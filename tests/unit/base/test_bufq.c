/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/bufq.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>

static void bytes_come_out_as_they_went_in(void **state)
{
	static char in[300000];
	struct bufq q;
	size_t added = 0, taken = 0;

	(void)state;
	srand(1);
	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = (char)rand();
	bufq_init(&q, sizeof(in));
	while (taken < sizeof(in)) {
		size_t n = (size_t)rand() % 40000;
		struct str part[3];
		unsigned parts;

		if (n > sizeof(in) - added)
			n = sizeof(in) - added;
		assert_int_equal(bufq_add(&q, str_of(in + added, n)), E_OK);
		added += n;
		parts = bufq_peek(&q, part, 3);
		for (unsigned i = 0; i < parts; i++) {
			size_t some = (size_t)rand() % (part[i].len + 1);

			assert_memory_equal(part[i].at, in + taken, part[i].len);
			bufq_consume(&q, some);
			taken += some;
			if (some < part[i].len)
				break;
		}
		assert_int_equal(bufq_bytes(&q), added - taken);
	}
	assert_true(list_is_empty(&q.chunks));
	bufq_fini(&q);
}

static void the_cap_refuses_all_or_nothing(void **state)
{
	struct bufq q;
	struct str part;

	(void)state;
	bufq_init(&q, 4);
	assert_int_equal(bufq_add(&q, STR("abc")), E_OK);
	assert_int_equal(bufq_add(&q, STR("de")), E_LIMIT);
	assert_int_equal(bufq_add(&q, str_of("x", SIZE_MAX)), E_LIMIT);
	assert_int_equal(bufq_bytes(&q), 3);
	assert_int_equal(bufq_add(&q, STR("d")), E_OK);
	assert_int_equal(bufq_peek(&q, &part, 1), 1);
	assert_true(str_is(part, "abcd"));
	bufq_fini(&q);
}

static void an_emptied_queue_owns_nothing(void **state)
{
	struct bufq q;
	struct str part;

	(void)state;
	bufq_init(&q, 100);
	assert_int_equal(bufq_add(&q, STR_NONE), E_OK);
	assert_true(list_is_empty(&q.chunks));
	bufq_add(&q, STR("abc"));
	bufq_consume(&q, 3);
	assert_true(list_is_empty(&q.chunks));
	assert_int_equal(bufq_peek(&q, &part, 1), 0);
	bufq_fini(&q);
	bufq_fini(&q);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_come_out_as_they_went_in),
		cmocka_unit_test(the_cap_refuses_all_or_nothing),
		cmocka_unit_test(an_emptied_queue_owns_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
