/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proxy/pump.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "tests/support/memory_side.h"

static struct memory_side a, b;
static struct pump p;

static void begin(void)
{
	memory_side_init(&a);
	memory_side_init(&b);
	b.n_requests = 1;  /* its head has been sent */
	a.wants = true;
	p = (struct pump){ .from = &a.side, .to = &b.side, .mark_bytes = 10 };
}

static void end(void)
{
	memory_side_fini(&a);
	memory_side_fini(&b);
}

static void bytes_are_moved_and_counted(void **state)
{
	(void)state;
	begin();
	assert_int_equal(pump_body(&p, STR("abc")), E_OK);
	assert_int_equal(pump_body(&p, STR("de")), E_OK);
	assert_int_equal(pump_end(&p, NULL), E_OK);
	assert_string_equal(memory_side_text(&b), "abcde");
	assert_int_equal(p.bytes, 5);
	assert_true(p.has_ended);
	end();
}

static void the_source_pauses_above_the_mark_only(void **state)
{
	(void)state;
	begin();
	b.queued = 10;
	assert_int_equal(pump_body(&p, STR("abc")), E_OK);
	assert_true(a.wants);
	b.queued = 11;
	assert_int_equal(pump_body(&p, STR("abc")), E_OK);
	assert_false(a.wants);
	pump_writable(&p);
	assert_true(a.wants);
	end();
}

static void writable_does_not_resume_what_was_not_paused(void **state)
{
	(void)state;
	begin();
	a.wants = false;
	pump_writable(&p);
	assert_false(a.wants);
	end();
}

static void nothing_is_resumed_after_the_end(void **state)
{
	(void)state;
	begin();
	b.queued = 11;
	assert_int_equal(pump_body(&p, STR("abc")), E_OK);
	assert_int_equal(pump_end(&p, NULL), E_OK);
	pump_writable(&p);
	assert_false(a.wants);
	end();
}

static void failures_are_handed_on(void **state)
{
	(void)state;
	begin();
	b.fails = E_LIMIT;
	assert_int_equal(pump_body(&p, STR("abc")), E_LIMIT);
	assert_int_equal(pump_end(&p, NULL), E_LIMIT);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_are_moved_and_counted),
		cmocka_unit_test(the_source_pauses_above_the_mark_only),
		cmocka_unit_test(writable_does_not_resume_what_was_not_paused),
		cmocka_unit_test(nothing_is_resumed_after_the_end),
		cmocka_unit_test(failures_are_handed_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
