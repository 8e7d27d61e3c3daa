/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/json.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static enum err parse(const char *text, struct json **root)
{
	return json_parse(str_from(text), &json_limits_default, root, NULL);
}

static enum err relaxed(const char *text, struct json **root, size_t *at)
{
	char *copy = mem_strdup(text);
	enum err e = json_parse_relaxed(copy, strlen(copy), &json_limits_default, root, at);

	mem_free(&copy);
	return e;
}

static void getters_read_what_is_there(void **state)
{
	struct json *root;

	(void)state;
	assert_int_equal(parse("{\"s\":\"a\\u00e4\\ud83d\\ude00\",\"n\":-1.5e2,\"b\":true,"
		"\"a\":[1,[],{}],\"z\":null}", &root), E_OK);
	assert_true(str_is(json_get_str(root, "s"), "a\xc3\xa4\xf0\x9f\x98\x80"));
	assert_true(json_number(json_get(root, "n"), 0) == -150);
	assert_true(json_bool(json_get(root, "b"), false));
	assert_int_equal(json_count(json_get(root, "a")), 3);
	assert_int_equal(json_type(json_at(json_get(root, "a"), 2)), JSON_OBJECT);
	assert_int_equal(json_type(json_get(root, "z")), JSON_NULL);
	assert_string_equal(json_key(json_first(root)), "s");
	json_free(&root);
	assert_null(root);
	json_free(&root);
}

static void getters_survive_wrong_types(void **state)
{
	struct json *root;
	const struct json *n;

	(void)state;
	assert_int_equal(parse("{\"n\":1,\"S\":\"x\"}", &root), E_OK);
	n = json_get(root, "n");
	assert_null(json_get(n, "x"));
	assert_null(json_get(NULL, "x"));
	assert_null(json_get(root, "s"));
	assert_null(json_at(root, 0));
	assert_null(json_at(NULL, 0));
	assert_null(json_str(n).at);
	assert_null(json_first(n));
	assert_int_equal(json_count(n), 0);
	assert_true(json_bool(n, true));
	assert_true(json_number(NULL, 7) == 7);
	json_free(&root);
}

static void malformed_text_is_refused(void **state)
{
	static const char *const bad[] = { "", " ", "{", "}", "[", "{]", "[}", "{\"a\"}", "{\"a\":}",
		"{a:1}", "[1,]", "[,]", "[1 2]", "{\"a\":1,}", "01", "1.", ".5", "+1", "1e", "--1", "tru",
		"nul", "\"", "\"\\x\"", "\"\\u12\"", "\"\\ud800\"", "\"\\udc00\"", "\"\\ud800\\u0041\"",
		"\"\\u0000\"", "\"\t\"", "\"\xff\"", "\"\xed\xa0\x80\"", "1 1", "{} x", "// c", "1e999",
		"{\"a\":1,\"a\":2}", "{\"a\":1,\"\\u0061\":2}", "[{\"x\":{\"b\":1,\"c\":2,\"b\":3}}]",
		"'a'", "NaN", "\xef\xbb\xbf{}", "\v1", "TRUE",
		"1111111111111111111111111111111111111111111111111111111111111111111111111" };
	struct json *root;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_int_equal(parse(bad[i], &root), E_PARSE);
		assert_null(root);
	}
	assert_int_equal(json_parse(STR("\"a\0b\""), &json_limits_default, &root, NULL), E_PARSE);
	assert_int_equal(json_parse(STR("1\0"), &json_limits_default, &root, NULL), E_PARSE);
}

static void the_same_key_in_another_object_is_fine(void **state)
{
	struct json *root;

	(void)state;
	assert_int_equal(parse("{\"a\":{\"a\":1,\"A\":2},\"b\":[{\"a\":1},{\"a\":1}]}", &root), E_OK);
	json_free(&root);
}

static void limits_are_kept(void **state)
{
	const struct json_limits small = { 20, 3, 4 };
	struct json *root;

	(void)state;
	assert_int_equal(json_parse(STR("[[[1]]]"), &small, &root, NULL), E_OK);
	json_free(&root);
	assert_int_equal(json_parse(STR("[[[[]]]]"), &small, &root, NULL), E_LIMIT);
	assert_int_equal(json_parse(STR("[1,2,3,4]"), &small, &root, NULL), E_LIMIT);
	assert_int_equal(json_parse(STR("\"01234567890123456789\""), &small, &root, NULL), E_LIMIT);
}

static void a_million_brackets_cost_nothing(void **state)
{
	size_t n = 200000;
	char *text = mem_new(n);
	struct json *root;

	(void)state;
	memset(text, '[', n);
	assert_int_equal(json_parse(str_of(text, n), &json_limits_default, &root, NULL), E_LIMIT);
	memset(text, '{', n);
	assert_int_equal(json_parse(str_of(text, n), &json_limits_default, &root, NULL), E_PARSE);
	mem_free(&text);
}

static void many_keys_in_one_object_take_linear_time(void **state)
{
	struct buf b;
	struct json *root;

	(void)state;
	buf_init(&b, 0);
	buf_add(&b, STR("{"));
	for (int i = 0; i < 200000; i++)
		buf_addf(&b, "\"k%d\":1,", i);
	buf_add(&b, STR("\"k0\":1}"));
	assert_int_equal(json_parse(buf_str(&b), &json_limits_config, &root, NULL), E_PARSE);
	b.at[b.len - 5] = 'x';
	assert_int_equal(json_parse(buf_str(&b), &json_limits_config, &root, NULL), E_OK);
	json_free(&root);
	buf_fini(&b);
}

static void comments_and_trailing_commas_are_blanked(void **state)
{
	struct json *root;

	(void)state;
	assert_int_equal(relaxed("\xef\xbb\xbf// start\n{ /* \" */ \"a//b\": \"/* no */\", // c\n"
		"\"l\": [1, 2, /**/ ], \"o\": {},\n}\n// end", &root, NULL), E_OK);
	assert_true(str_is(json_get_str(root, "a//b"), "/* no */"));
	assert_int_equal(json_count(json_get(root, "l")), 2);
	json_free(&root);
}

static void blanking_repairs_nothing_else(void **state)
{
	static const struct {
		const char *text;
		size_t at;
	} bad[] = { { "[,]", 1 }, { "[1,,]", 3 }, { "{,}", 1 }, { "[1, /* ]", 4 }, { "{\"a\":,}", 5 },
		{ "/", 0 }, { "[1]/", 3 }, { ",", 0 }, { "[1],", 3 }, { "\"a", 2 }, { "/*/", 0 } };
	struct json *root;
	size_t at;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_int_equal(relaxed(bad[i].text, &root, &at), E_PARSE);
		assert_int_equal(at, bad[i].at);
	}
}

static void offsets_point_into_the_text(void **state)
{
	const char *text = "{ /* c */ \"key\": [ true, {\"in\\u006eer\": 5} ],\n \"last\": \"v\", }";
	struct json *root;
	const struct json *list, *inner, *last;

	(void)state;
	assert_int_equal(relaxed(text, &root, NULL), E_OK);
	list = json_get(root, "key");
	inner = json_get(json_at(list, 1), "inner");
	last = json_get(root, "last");
	assert_int_equal(json_offset(root, root), 0);
	assert_int_equal(json_key_offset(root, list), strstr(text, "\"key\"") - text);
	assert_int_equal(json_offset(root, list), strchr(text, '[') - text);
	assert_int_equal(json_offset(root, inner), strchr(text, '5') - text);
	assert_int_equal(json_key_offset(root, inner), strstr(text, "\"in") - text);
	assert_int_equal(json_offset(root, last), strstr(text, "\"v\"") - text);
	json_free(&root);
}

static void what_is_built_prints_and_reads_back(void **state)
{
	struct json *o = json_new_object(), *back;
	struct json *list = json_put(o, "list", json_new_array());
	struct buf b;

	(void)state;
	json_put_str(o, "bad", STR("a\xff\0\"\\\n\x01"));
	json_put_number(o, "n", 9007199254740991);
	json_put_number(o, "f", 0.1);
	json_put_bool(o, "b", false);
	json_append_str(list, STR("x"));
	json_append(list, json_new_object());
	json_put_cstr(o, "c", "text");
	buf_init(&b, 0);
	assert_int_equal(json_print(o, &b, false), E_OK);
	assert_string_equal(buf_cstring(&b), "{\"list\":[\"x\",{}],\"bad\":\"a\xef\xbf\xbd\xef\xbf\xbd"
		"\\\"\\\\\\n\\u0001\",\"n\":9007199254740991,\"f\":0.10000000000000001,\"b\":false,"
		"\"c\":\"text\"}");
	assert_int_equal(json_parse(buf_str(&b), &json_limits_default, &back, NULL), E_OK);
	assert_int_equal(json_offset(o, list), 0);
	json_free(&back);
	buf_clear(&b);
	assert_int_equal(json_print(list, &b, true), E_OK);
	assert_string_equal(buf_cstring(&b), "[\n  \"x\",\n  {}\n]");
	buf_fini(&b);
	json_free(&o);
}

static void printing_respects_the_buffer(void **state)
{
	struct json *o = json_new_array();
	struct buf b;

	(void)state;
	json_append_str(o, STR("0123456789"));
	for (size_t cap = 1; cap < 14; cap++) {
		buf_init(&b, cap);
		assert_int_equal(json_print(o, &b, false), E_LIMIT);
		buf_fini(&b);
	}
	json_free(&o);
}

/* Whatever is cut off or overwritten: an error or a tree, never a crash. */
static void damaged_text_never_crashes(void **state)
{
	static const char text[] = "{ \"a\": [1, -2.5e3, \"x\\u00e4\\n\xc3\xa4\", null], // c\n"
		"\"b\": {\"c\": true, \"d\": {},}, /* e */ \"f\": \"\\ud83d\\ude00\" }";
	char copy[sizeof(text)];
	struct json *root;

	(void)state;
	for (size_t n = 0; n < sizeof(text) - 1; n++) {
		memcpy(copy, text, n);
		assert_int_not_equal(json_parse_relaxed(copy, n, &json_limits_default, &root, NULL),
			E_OK);
	}
	srand(4);
	for (int i = 0; i < 50000; i++) {
		memcpy(copy, text, sizeof(text));
		for (int j = rand() % 4; j >= 0; j--)
			copy[(size_t)rand() % (sizeof(text) - 1)] =
				rand() % 2 ? "{}[],:\"\\/*0-eu"[rand() % 14] : (char)rand();
		json_parse_relaxed(copy, sizeof(text) - 1, &json_limits_default, &root, NULL);
		json_free(&root);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(getters_read_what_is_there),
		cmocka_unit_test(getters_survive_wrong_types),
		cmocka_unit_test(malformed_text_is_refused),
		cmocka_unit_test(the_same_key_in_another_object_is_fine),
		cmocka_unit_test(limits_are_kept),
		cmocka_unit_test(a_million_brackets_cost_nothing),
		cmocka_unit_test(many_keys_in_one_object_take_linear_time),
		cmocka_unit_test(comments_and_trailing_commas_are_blanked),
		cmocka_unit_test(blanking_repairs_nothing_else),
		cmocka_unit_test(offsets_point_into_the_text),
		cmocka_unit_test(what_is_built_prints_and_reads_back),
		cmocka_unit_test(printing_respects_the_buffer),
		cmocka_unit_test(damaged_text_never_crashes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
