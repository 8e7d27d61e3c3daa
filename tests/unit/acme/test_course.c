/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "acme/course.h"

#include "base/clock.h"
#include "base/log.h"
#include "unit.h"

static const struct conf_ca confs[] = { { .name = "a", .directory = "https://a.test/dir" },
	{ .name = "b", .directory = "https://b.test/dir" }, { .name = "s", .directory = "https://s.test/dir" } };
static struct ca cas[3];
static struct course course;
static const struct failure failed = { .count = 1, .is_validation = true };

/* Two CAs; the first has a staging. */
static int open_all(void **state)
{
	(void)state;
	log_setup(2, LOG_ERROR, LOG_TEXT);
	memset(cas, 0, sizeof cas);
	for (int i = 0; i < 3; i++)
		cas[i].conf = &confs[i];
	cas[0].staging = &cas[2];
	course_init(&course, cas, 2, 1, "x.example.com");
	return 0;
}

static void it_begins_at_the_first_and_goes_through_all(void **state)
{
	(void)state;
	assert_ptr_equal(course_ca(&course), &cas[0]);
	course.orders = 2;
	course.avoid = CONF_HTTP_01;
	course.was_reregistered = true;
	assert_true(course_next(&course, NULL));
	assert_ptr_equal(course_ca(&course), &cas[1]);
	assert_int_equal(course.orders, 0);
	assert_int_equal(course.avoid, -1);
	assert_false(course.was_reregistered);
	assert_false(course_next(&course, NULL));   /* never to a staging */
	assert_ptr_equal(course_ca(&course), &cas[1]);
}

static void a_staging_leads_back_to_its_ca(void **state)
{
	(void)state;
	assert_true(course_rehearse(&course, &failed, NULL));
	assert_true(course_is_rehearsing(&course));
	assert_ptr_equal(course_ca(&course), &cas[2]);
	course.orders = 1;
	course.avoid = CONF_TLS_ALPN_01;
	assert_true(course_next(&course, NULL));
	assert_false(course_is_rehearsing(&course));
	assert_ptr_equal(course_ca(&course), &cas[0]);
	assert_int_equal(course.orders, 0);
	assert_int_equal(course.avoid, CONF_TLS_ALPN_01);
}

static void without_a_staging_or_a_reason_it_stays(void **state)
{
	(void)state;
	assert_false(course_rehearse(&course, &(struct failure){ 0 }, NULL));
	assert_ptr_equal(course_ca(&course), &cas[0]);
	cas[0].staging = NULL;
	assert_false(course_rehearse(&course, &failed, NULL));
	assert_ptr_equal(course_ca(&course), &cas[0]);
}

static void an_order_is_resumed_where_it_was(void **state)
{
	(void)state;
	assert_true(course_resume(&course, "https://b.test/dir"));
	assert_ptr_equal(course_ca(&course), &cas[1]);
	assert_true(course_resume(&course, "https://s.test/dir"));
	assert_true(course_is_rehearsing(&course));
	assert_true(course_next(&course, NULL));
	assert_ptr_equal(course_ca(&course), &cas[0]);
	assert_false(course_resume(&course, "https://gone.test/dir"));
	assert_ptr_equal(course_ca(&course), &cas[0]);
}

static void what_is_valid_waits_for_its_ca_until_that_is_down_for_long(void **state)
{
	int64_t wall = 1800000000000, mono = 1000;
	struct entry held = { .not_before_ms = wall - 4000, .not_after_ms = wall + 2000 };
	(void)state;
	clock_test_set(wall, mono);
	assert_false(course_next(&course, &held));
	for (int i = 0; i < 3; i++)
		breaker_failed(&cas[0].breaker, BREAKER_CERTAIN, 0, mono + i * 3600000);
	clock_test_set(wall, 8000000);
	assert_false(course_next(&course, &held));
	held.not_after_ms = wall + 500;
	assert_true(course_next(&course, &held));
	assert_ptr_equal(course_ca(&course), &cas[1]);
	clock_test_end();
}

int main(void)
{
#define T(name) cmocka_unit_test_setup(name, open_all)
	const struct CMUnitTest tests[] = {
		T(it_begins_at_the_first_and_goes_through_all),
		T(a_staging_leads_back_to_its_ca),
		T(without_a_staging_or_a_reason_it_stays),
		T(an_order_is_resumed_where_it_was),
		T(what_is_valid_waits_for_its_ca_until_that_is_down_for_long),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
