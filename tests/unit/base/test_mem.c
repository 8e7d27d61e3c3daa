/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/mem.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

static void new_memory_is_zeroed(void **state)
{
	char *p = mem_new(64);

	(void)state;
	for (int i = 0; i < 64; i++)
		assert_int_equal(p[i], 0);
	mem_free(&p);
	assert_null(p);
	mem_free(&p);
}

static void copies_are_independent(void **state)
{
	char text[] = "abc";
	char *copy = mem_strdup(text), *bytes = mem_copy(text, 2);

	(void)state;
	text[0] = 'x';
	assert_string_equal(copy, "abc");
	assert_memory_equal(bytes, "ab", 2);
	mem_free(&copy);
	mem_free(&bytes);
}

static void nothing_can_be_allocated_and_resized(void **state)
{
	void *p = mem_try(0);

	(void)state;
	assert_non_null(p);
	p = mem_try_resize(p, 0);
	assert_non_null(p);
	mem_free(&p);
	p = mem_copy(NULL, 0);
	assert_non_null(p);
	mem_free(&p);
}

static void wiping_overwrites(void **state)
{
	char secret[8] = "secret!";

	(void)state;
	mem_wipe(secret, sizeof(secret));
	for (unsigned i = 0; i < sizeof(secret); i++)
		assert_int_equal(secret[i], 0);
	mem_release_secret(mem_strdup("secret"), 7);
	mem_release_secret(NULL, 7);
}

static void an_unused_arena_owns_nothing(void **state)
{
	struct arena a;

	(void)state;
	arena_init(&a, 0);
	assert_null(a.head);
	assert_int_equal(arena_bytes(&a), 0);
	arena_reset(&a);
}

static void arena_memory_is_aligned_and_does_not_overlap(void **state)
{
	struct arena a;
	char *p[200];

	(void)state;
	arena_init(&a, 0);
	for (size_t i = 0; i < 200; i++) {
		p[i] = arena_alloc(&a, i * 7);
		assert_int_equal((uintptr_t)p[i] % 8, 0);
		memset(p[i], (int)i, i * 7);
	}
	for (size_t i = 1; i < 200; i++) {
		assert_int_equal((unsigned char)p[i][0], i);
		assert_int_equal((unsigned char)p[i][i * 7 - 1], i);
	}
	arena_reset(&a);
	assert_int_equal(arena_bytes(&a), 0);
	assert_string_equal(arena_strndup(&a, "hello", 4), "hell");
	arena_reset(&a);
}

static void an_arena_respects_its_cap(void **state)
{
	struct arena a;

	(void)state;
	arena_init(&a, 100);
	assert_non_null(arena_alloc(&a, 96));
	assert_null(arena_alloc(&a, 8));
	assert_null(arena_alloc(&a, SIZE_MAX));
	assert_null(arena_strndup(&a, "x", SIZE_MAX));
	arena_reset(&a);
	assert_non_null(arena_alloc(&a, 96));
	arena_reset(&a);
}

static void a_large_request_does_not_waste_the_open_chunk(void **state)
{
	struct arena a;
	char *small, *after;

	(void)state;
	arena_init(&a, 0);
	small = arena_alloc(&a, 8);
	assert_non_null(arena_alloc(&a, ARENA_CHUNK * 3));
	after = arena_alloc(&a, 8);
	assert_ptr_equal(after, small + 8);
	arena_reset(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(new_memory_is_zeroed),
		cmocka_unit_test(copies_are_independent),
		cmocka_unit_test(nothing_can_be_allocated_and_resized),
		cmocka_unit_test(wiping_overwrites),
		cmocka_unit_test(an_unused_arena_owns_nothing),
		cmocka_unit_test(arena_memory_is_aligned_and_does_not_overlap),
		cmocka_unit_test(an_arena_respects_its_cap),
		cmocka_unit_test(a_large_request_does_not_waste_the_open_chunk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
