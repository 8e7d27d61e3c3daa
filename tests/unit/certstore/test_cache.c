/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "certstore/cache.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "certstore/x509.h"

enum { NOW = 1000, LATER = 2000, EVER = 1000000 };

static struct tls_certificate *tls;

/* One real certificate shared by all entries. */
static int make(void **state)
{
	struct key *key;
	struct buf der;

	(void)state;
	if (tls_setup() || key_generate(CONF_KEY_P256, &key))
		return -1;
	buf_init(&der, 0);
	if (x509_make_challenge(key, STR("a.example"), STR("x.y"), &der) ||
		tls_certificate_new(buf_str(&der), key_der(key), &tls))
		return -1;
	buf_fini(&der);
	key_unref(&key);
	return 0;
}

static int drop(void **state)
{
	(void)state;
	tls_certificate_unref(&tls);
	return 0;
}

static struct entry *new_entry(const char *name)
{
	struct entry *e = mem_new(sizeof(*e));

	atomic_init(&e->refs, 1);
	snprintf(e->name, sizeof(e->name), "%s", name);
	e->tls = tls_certificate_ref(tls);
	e->not_after_ms = EVER;
	return e;
}

static void put(struct cache *c, const char *name, enum cache_pin pin)
{
	struct entry *e = new_entry(name);

	cache_put(c, e, pin);
	entry_unref(&e);
}

static bool has(struct cache *c, const char *name)
{
	return cache_get(c, str_from(name), NOW) != NULL;
}

static size_t one_bytes(void)
{
	struct cache *c = cache_new(SIZE_MAX, 0);
	size_t bytes;

	put(c, "n00.example", CACHE_EVICTABLE);
	bytes = cache_bytes(c);
	cache_free(&c);
	return bytes;
}

static void exact_comes_before_wildcard(void **state)
{
	struct cache *c = cache_new(SIZE_MAX, 0);

	(void)state;
	put(c, "*.example.com", CACHE_EVICTABLE);
	assert_string_equal(cache_get(c, STR("a.example.com"), NOW)->name, "*.example.com");
	put(c, "a.example.com", CACHE_EVICTABLE);
	assert_string_equal(cache_get(c, STR("a.example.com"), NOW)->name, "a.example.com");
	assert_false(has(c, "x.a.example.com"));
	assert_false(has(c, "example.com"));
	assert_false(has(c, ".example.com"));
	assert_false(has(c, ""));
	cache_free(&c);
	assert_null(c);
}

static void expired_and_future_ones_are_not_returned(void **state)
{
	struct cache *c = cache_new(SIZE_MAX, 0);
	struct entry *e = new_entry("a.example");

	(void)state;
	e->not_before_ms = NOW;
	e->not_after_ms = LATER;
	cache_put(c, e, CACHE_EVICTABLE);
	entry_unref(&e);
	assert_null(cache_get(c, STR("a.example"), NOW - ENTRY_SKEW_MS - 1));
	assert_non_null(cache_get(c, STR("a.example"), LATER - 1));
	assert_null(cache_get(c, STR("a.example"), LATER));
	cache_free(&c);
}

static void an_expired_exact_one_leaves_the_wildcard(void **state)
{
	struct cache *c = cache_new(SIZE_MAX, 0);
	struct entry *e = new_entry("a.example.com");

	(void)state;
	e->not_after_ms = NOW;
	cache_put(c, e, CACHE_EVICTABLE);
	entry_unref(&e);
	put(c, "*.example.com", CACHE_EVICTABLE);
	assert_string_equal(cache_get(c, STR("a.example.com"), NOW)->name, "*.example.com");
	cache_free(&c);
}

static void the_least_recently_used_leave_first(void **state)
{
	struct cache *c = cache_new(3 * one_bytes(), 0);

	(void)state;
	put(c, "n01.example", CACHE_EVICTABLE);
	put(c, "n02.example", CACHE_EVICTABLE);
	put(c, "n03.example", CACHE_EVICTABLE);
	assert_true(has(c, "n01.example"));
	put(c, "n04.example", CACHE_EVICTABLE);
	assert_int_equal(cache_count(c), 3);
	assert_true(has(c, "n01.example"));
	assert_false(has(c, "n02.example"));
	assert_true(cache_bytes(c) <= 3 * one_bytes());
	cache_free(&c);
}

static void pinned_ones_stay_whatever_comes(void **state)
{
	struct cache *c = cache_new(3 * one_bytes() + 64, 0);

	(void)state;
	put(c, "pin.example", CACHE_PINNED);
	for (int i = 0; i < 1000; i++) {
		char name[32];

		snprintf(name, sizeof(name), "n%03d.example", i);
		put(c, name, CACHE_EVICTABLE);
	}
	assert_true(has(c, "pin.example"));
	assert_true(has(c, "n999.example"));
	assert_int_equal(cache_count(c), 3);
	cache_free(&c);
}

static void a_borrowed_entry_survives_with_a_reference(void **state)
{
	struct cache *c = cache_new(SIZE_MAX, 0);
	struct entry *kept;

	(void)state;
	put(c, "a.example", CACHE_EVICTABLE);
	kept = entry_ref(cache_get(c, STR("a.example"), NOW));
	put(c, "a.example", CACHE_EVICTABLE);
	assert_int_equal(cache_count(c), 1);
	assert_ptr_not_equal(cache_get(c, STR("a.example"), NOW), kept);
	cache_remove(c, STR("a.example"));
	cache_remove(c, STR("a.example"));
	cache_clear(c);
	assert_int_equal(cache_bytes(c), 0);
	assert_string_equal(kept->name, "a.example");
	entry_unref(&kept);
	cache_free(&c);
}

static void a_refusal_ends_at_its_time_or_with_a_certificate(void **state)
{
	struct cache *c = cache_new(SIZE_MAX, 8);
	int64_t until_ms = 0;

	(void)state;
	assert_int_equal(cache_refused(c, STR("a.example"), NOW, &until_ms), E_OK);
	cache_refuse(c, STR("a.example"), E_DENIED, LATER);
	assert_int_equal(cache_refused(c, STR("a.example"), NOW, &until_ms), E_DENIED);
	assert_int_equal(until_ms, LATER);
	assert_int_equal(cache_refused(c, STR("a.example"), LATER, NULL), E_OK);
	cache_refuse(c, STR("a.example"), E_DENIED, LATER);
	cache_refuse(c, STR("a.example"), E_BACKOFF, EVER);
	assert_int_equal(cache_refused(c, STR("a.example"), LATER, NULL), E_BACKOFF);
	put(c, "a.example", CACHE_EVICTABLE);
	assert_int_equal(cache_refused(c, STR("a.example"), NOW, NULL), E_OK);
	cache_refuse(c, STR("b.example"), E_DENIED, EVER);
	cache_forget_refusals(c);
	assert_int_equal(cache_refused(c, STR("b.example"), NOW, NULL), E_OK);
	cache_free(&c);
}

static void refusals_are_bounded_and_the_oldest_go(void **state)
{
	struct cache *c = cache_new(SIZE_MAX, 100);
	char name[32];
	int kept = 0;

	(void)state;
	for (int i = 0; i < 100000; i++) {
		snprintf(name, sizeof(name), "n%d.example", i);
		cache_refuse(c, str_from(name), E_DENIED, EVER);
		/* asked for again and again */
		assert_int_equal(cache_refused(c, STR("n0.example"), NOW, NULL), E_DENIED);
	}
	for (int i = 0; i < 100000; i++) {
		snprintf(name, sizeof(name), "n%d.example", i);
		kept += cache_refused(c, str_from(name), NOW, NULL) == E_DENIED;
	}
	assert_int_equal(kept, 100);
	cache_free(&c);
}

static void no_room_for_refusals_is_allowed(void **state)
{
	struct cache *c = cache_new(SIZE_MAX, 0);

	(void)state;
	cache_refuse(c, STR("a.example"), E_DENIED, EVER);
	assert_int_equal(cache_refused(c, STR("a.example"), NOW, NULL), E_OK);
	cache_forget_refusals(c);
	cache_free(&c);
}

static void names_too_long_to_be_names_are_not_kept(void **state)
{
	struct cache *c = cache_new(SIZE_MAX, 4);
	char name[300];

	(void)state;
	memset(name, 'a', sizeof(name));
	cache_refuse(c, str_of(name, sizeof(name)), E_DENIED, EVER);
	assert_int_equal(cache_refused(c, str_of(name, sizeof(name)), NOW, NULL), E_OK);
	cache_refuse(c, str_of(name, 255), E_DENIED, EVER);
	assert_int_equal(cache_refused(c, str_of(name, 255), NOW, NULL), E_DENIED);
	cache_free(&c);
}

static void other_bounds_hold_at_once(void **state)
{
	struct cache *c = cache_new(SIZE_MAX, 4);

	(void)state;
	cache_refuse(c, STR("a.example"), E_DENIED, EVER);
	cache_resize(c, SIZE_MAX, 4);
	assert_int_equal(cache_refused(c, STR("a.example"), NOW, NULL), E_DENIED);
	cache_resize(c, SIZE_MAX, 1);
	assert_int_equal(cache_refused(c, STR("a.example"), NOW, NULL), E_OK);
	cache_refuse(c, STR("a.example"), E_DENIED, EVER);
	cache_refuse(c, STR("b.example"), E_DENIED, EVER);
	assert_int_equal(cache_refused(c, STR("a.example"), NOW, NULL), E_OK);
	cache_resize(c, SIZE_MAX, 0);
	cache_refuse(c, STR("a.example"), E_DENIED, EVER);
	assert_int_equal(cache_refused(c, STR("a.example"), NOW, NULL), E_OK);
	cache_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exact_comes_before_wildcard),
		cmocka_unit_test(expired_and_future_ones_are_not_returned),
		cmocka_unit_test(an_expired_exact_one_leaves_the_wildcard),
		cmocka_unit_test(the_least_recently_used_leave_first),
		cmocka_unit_test(pinned_ones_stay_whatever_comes),
		cmocka_unit_test(a_borrowed_entry_survives_with_a_reference),
		cmocka_unit_test(a_refusal_ends_at_its_time_or_with_a_certificate),
		cmocka_unit_test(refusals_are_bounded_and_the_oldest_go),
		cmocka_unit_test(no_room_for_refusals_is_allowed),
		cmocka_unit_test(names_too_long_to_be_names_are_not_kept),
		cmocka_unit_test(other_bounds_hold_at_once),
	};

	return cmocka_run_group_tests(tests, make, drop);
}
