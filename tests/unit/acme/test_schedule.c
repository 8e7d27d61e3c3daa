/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "acme/schedule.h"

#include "unit.h"

#include "base/clock.h"
#include "base/encode.h"
#include "base/log.h"
#include "certstore/digest.h"
#include "certstore/mark.h"

#define HOUR ((int64_t)MARK_HOUR_MS)
#define DAY (24 * HOUR)

static struct loop *loop;
static struct store *store;
static struct schedule *schedule;
static char taken[16384], known[64];
static int64_t last_mark;
static unsigned room, answers, listed;

static bool is_known(void *owner, const char *name)
{
	(void)owner;
	return strcmp(name, known) == 0;
}

static bool take(void *owner, const struct entry_summary *e, int64_t mark_ms)
{
	(void)owner;
	if (!room)
		return false;
	room--;
	strcat(strcat(taken, e->name), mark_ms == SCHEDULE_SWEPT ? "(swept) " : " ");
	last_mark = mark_ms;
	return true;
}

static int open_all(void **state)
{
	(void)state;
	log_setup(2, LOG_ERROR, LOG_TEXT);
	loop = loop_new();
	store = store_memory_new(loop);
	taken[0] = known[0] = '\0';
	room = 100;
	answers = 0;
	schedule = schedule_new(&(struct schedule_args){
		.loop = loop, .store = store, .is_known = is_known, .take = take });
	return 0;
}

static void turn(int ms)
{
	int64_t until = clock_mono_ms() + ms;
	do
		loop_turn(loop);
	while (clock_mono_ms() < until);
}

static int close_all(void **state)
{
	(void)state;
	schedule_free(&schedule);
	turn(20);
	store->ops->free(store);
	loop_free(&loop);
	return 0;
}

static void on_done(void *owner, enum err err, const struct fault *fault)
{
	(void)owner;
	(void)fault;
	assert_int_equal(err, E_OK);
	answers++;
}

static void mark(const char *name, int64_t at_ms)
{
	mark_move(store, name, -1, at_ms);
	turn(5);
}

/* A bundle as far as its header goes. */
static void save_as(const char *place, const char *name)
{
	char covered[600], text[800], hex[ENCODE_HEX_SIZE(DIGEST_SHA256)];
	unsigned char digest[DIGEST_SHA256];
	snprintf(covered, sizeof covered, "name: %s\nissuer: x\nca: x\naccount: x\nprofile: \n"
		"not-before: 2026-01-01T00:00:00Z\nnot-after: 2026-04-01T00:00:00Z\nserial: 01\nari-id: \n"
		"issued-at: 2026-01-01T00:00:00Z\nchallenge: \n\nx", name);
	digest_sha256(digest, str_from(covered));
	encode_hex(hex, str_of(digest, sizeof digest));
	snprintf(text, sizeof text, "sallyport-bundle: 1\nchecksum: sha256:%s\n%s", hex, covered);
	store_save(store, STORE_CERTS, place, str_from(text), on_done, NULL);
	for (unsigned was = answers; answers == was;)
		turn(1);
}

static void save(const char *name)
{
	save_as(name, name);
}

static void on_list(void *owner, enum err err, const char *const *names, unsigned n, const char *cursor)
{
	(void)owner;
	(void)err;
	(void)names;
	(void)cursor;
	listed = n;
}

static unsigned marks(void)
{
	struct store_list_args all = { .group = STORE_SCHEDULE, .cursor = "", .max = 1000 };
	store->ops->list(store, &all, on_list, NULL);
	turn(20);
	return listed;
}

/* The sweep is kept out by what it does with a full house: these are only read by their marks. */
static void read_marks(void)
{
	schedule_start(schedule);
	turn(300);
}

static void near_is_this_hour_and_the_next_and_all_before(void **state)
{
	int64_t now = clock_wall_ms();
	(void)state;
	assert_true(schedule_is_near(INT64_MIN));
	assert_true(schedule_is_near(now + HOUR - 1000));
	assert_false(schedule_is_near(now + 2 * HOUR));
	assert_false(schedule_is_near(INT64_MAX));
}

static void hours_are_read_when_they_are_near_the_oldest_first(void **state)
{
	int64_t now = clock_wall_ms();
	(void)state;
	save("far.test");
	save("late.test");
	save("now.test");
	mark("far.test", now + 3 * HOUR);
	mark("now.test", now);
	mark("late.test", now - 30 * DAY);
	snprintf(known, sizeof known, "far.test");
	read_marks();
	char *first = strstr(taken, "late.test "), *second = strstr(taken, "now.test ");
	assert_true(first && second && first < second);
	assert_null(strstr(taken, "far.test "));
}

static void a_mark_without_a_certificate_is_dropped(void **state)
{
	(void)state;
	save("there.test");
	mark("gone.test", clock_wall_ms() - DAY);
	mark("there.test", clock_wall_ms() - DAY);
	read_marks();
	assert_int_equal(marks(), 1);
	assert_null(strstr(taken, "gone.test"));
	assert_non_null(strstr(taken, "there.test "));
}

static void who_has_no_room_is_asked_again_and_nothing_is_lost(void **state)
{
	(void)state;
	char name[32];
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof name, "n%d.test", i);
		save(name);
		mark(name, clock_wall_ms() - DAY);
	}
	room = 10;
	read_marks();
	assert_int_equal(marks(), 100);
	assert_int_equal(room, 0);
	room = 500;
	turn(10500);      /* ten seconds until it is offered again */
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof name, "n%d.test ", i);
		assert_non_null(strstr(taken, name));
	}
}

static void what_has_no_mark_is_swept(void **state)
{
	(void)state;
	save("a.test");
	save("b.test");
	snprintf(known, sizeof known, "b.test");
	read_marks();
	assert_string_equal(taken, "a.test(swept) ");
	assert_true(last_mark == SCHEDULE_SWEPT);
}

/* A file in the wrong place: it must not decide about the name that it speaks of. */
static void a_bundle_of_another_name_is_nobodys(void **state)
{
	(void)state;
	save_as("marked.test", "victim.test");
	save_as("swept.test", "victim.test");
	mark("marked.test", clock_wall_ms() - DAY);
	read_marks();
	assert_string_equal(taken, "");
}

static void the_next_renewal_is_the_soonest_that_is_not_near(void **state)
{
	int64_t now = clock_wall_ms();
	(void)state;
	assert_true(schedule_next_due_ms(schedule) == INT64_MAX);
	schedule_note_due(schedule, now + 9 * DAY);
	schedule_note_due(schedule, now + 7 * DAY);
	schedule_note_due(schedule, now + 8 * DAY);
	assert_true(schedule_next_due_ms(schedule) == now + 7 * DAY);
	schedule_note_due(schedule, now);   /* that one is in somebody's memory */
	assert_true(schedule_next_due_ms(schedule) == INT64_MAX);
}

static void freeing_in_the_middle_is_safe(void **state)
{
	(void)state;
	save("a.test");
	mark("a.test", clock_wall_ms());
	for (int turns = 0; turns < 6; turns++) {
		schedule_start(schedule);
		schedule_start(schedule);
		for (int i = 0; i < turns; i++)
			loop_turn(loop);
		schedule_free(&schedule);
		taken[0] = '\0';
		turn(50);
		assert_string_equal(taken, "");   /* nothing comes after it */
		schedule = schedule_new(&(struct schedule_args){
			.loop = loop, .store = store, .is_known = is_known, .take = take });
	}
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, open_all, close_all)
	const struct CMUnitTest tests[] = {
		T(near_is_this_hour_and_the_next_and_all_before),
		T(hours_are_read_when_they_are_near_the_oldest_first),
		T(a_mark_without_a_certificate_is_dropped),
		T(who_has_no_room_is_asked_again_and_nothing_is_lost),
		T(what_has_no_mark_is_swept),
		T(a_bundle_of_another_name_is_nobodys),
		T(the_next_renewal_is_the_soonest_that_is_not_near),
		T(freeing_in_the_middle_is_safe),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
