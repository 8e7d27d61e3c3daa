/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/http/h1_fields.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "base/check.h"

#define assert_str(s, text) assert_true(str_is((s), (text)))

/* A list from "Name", "value", … NULL. */
static struct headers list(struct arena *a, const char *const *texts)
{
	struct headers h = { 0 };

	for (; *texts; texts += 2)
		assert_int_equal(headers_add(&h, a, str_from(texts[0]), str_from(texts[1])), E_OK);
	return h;
}

static void owned_fields_are_known_whatever_their_case(void **state)
{
	(void)state;
	assert_int_equal(h1_field_of(STR("cONTENT-lENGTH")), H1_CONTENT_LENGTH);
	assert_int_equal(h1_field_of(STR("te")), H1_TE);
	assert_int_equal(h1_field_of(STR("TE ")), H1_OTHER);
	assert_int_equal(h1_field_of(STR("content_length")), H1_OTHER);
	assert_int_equal(h1_field_of(STR("")), H1_OTHER);
}

static void framing_is_read_by_version(void **state)
{
	static const char *const chunked[] = { "Transfer-Encoding", "CHUNKED", NULL };
	static const char *const counted[] = { "Content-Length", "007", NULL };
	struct h1_fields f;
	struct headers h;
	struct arena a;

	(void)state;
	arena_init(&a, 0);
	h = list(&a, chunked);
	assert_int_equal(h1_fields_read(&f, &h, 11), E_OK);
	assert_true(f.is_chunked);
	assert_int_equal(h1_fields_read(&f, &h, 10), E_HTTP);
	h = list(&a, counted);
	assert_int_equal(h1_fields_read(&f, &h, 10), E_OK);
	assert_true(f.has_length);
	assert_int_equal(f.length, 7);
	arena_reset(&a);
}

static void options_over_several_fields_count_together(void **state)
{
	static const char *const texts[] = { "Connection", "x-a", "A", "1", "connection", " close , ,X-B",
		"X-A", "2", "x-b", "3", "Via", "4", NULL };
	struct h1_fields f;
	struct headers h;
	struct arena a;

	(void)state;
	arena_init(&a, 0);
	h = list(&a, texts);
	assert_int_equal(h1_fields_read(&f, &h, 11), E_OK);
	assert_true(f.close);
	assert_int_equal(f.named, 2);
	assert_false(h1_fields_keep_alive(&f, 11));
	h1_fields_strip(&f, &h);
	assert_int_equal(h.n, 2);
	assert_str(h.at[0].name, "A");
	assert_str(h.at[1].name, "Via");
	arena_reset(&a);
}

static void what_others_rely_on_cannot_be_named_away(void **state)
{
	static const char *const kept[] = { "X-Forwarded-For", "x-forwarded-anything", "Forwarded", "Via",
		"X-Real-IP", "Authorization", "Cookie", "Content-Type" };
	struct arena a;

	(void)state;
	arena_init(&a, 0);
	for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
		const char *const texts[] = { "Connection", kept[i], kept[i], "v", NULL };
		struct headers h = list(&a, texts);
		struct h1_fields f;

		assert_int_equal(h1_fields_read(&f, &h, 11), E_OK);
		h1_fields_strip(&f, &h);
		assert_int_equal(h.n, 1);
		assert_str(h.at[0].name, kept[i]);
	}
	arena_reset(&a);
}

static void only_the_trailers_of_te_go_on(void **state)
{
	static const char *const both[] = { "TE", "gzip", "te", "deflate, trailers", NULL };
	static const char *const none[] = { "TE", "gzip", NULL };
	struct h1_fields f;
	struct headers h;
	struct arena a;

	(void)state;
	arena_init(&a, 0);
	h = list(&a, both);
	assert_int_equal(h1_fields_read(&f, &h, 11), E_OK);
	h1_fields_strip(&f, &h);
	assert_int_equal(h.n, 1);
	assert_str(h.at[0].value, "trailers");
	h = list(&a, none);
	assert_int_equal(h1_fields_read(&f, &h, 11), E_OK);
	h1_fields_strip(&f, &h);
	assert_int_equal(h.n, 0);
	arena_reset(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(owned_fields_are_known_whatever_their_case),
		cmocka_unit_test(framing_is_read_by_version),
		cmocka_unit_test(options_over_several_fields_count_together),
		cmocka_unit_test(what_others_rely_on_cannot_be_named_away),
		cmocka_unit_test(only_the_trailers_of_te_go_on),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
