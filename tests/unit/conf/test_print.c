/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "conf/print.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "base/json.h"
#include "tests/unit/conf/loading.h"

static const char *printed(struct buf *b, const char *text, bool with_origin, char *const *environment)
{
	struct conf *c = loaded_with(text, environment);

	buf_init(b, 0);
	assert_int_equal(print_conf(c, with_origin, b), E_OK);
	conf_unref(&c);
	return buf_cstring(b);
}

/* The line with this value ends in this comment. */
static void line_says(const char *text, const char *value, const char *comment)
{
	const char *at = strstr(text, value);

	assert_non_null(at);
	at += strlen(value);
	while (*at == ' ')
		at++;
	assert_memory_equal(at, comment, strlen(comment));
}

static void every_value_says_where_it_came_from(void **state)
{
	char *environment[] = { "SALLYPORT_EMAIL=a@b", NULL };
	struct buf b;
	const char *text = printed(&b, "{\n\"store\": \"d\",\n\"sites\": {\"a.example\":\n\"1\"}}", true, environment);

	(void)state;
	line_says(text, "\"email\": \"a@b\",", "// environment SALLYPORT_EMAIL\n");
	line_says(text, "\"store\": \"d\",", "// t.json:2\n");
	line_says(text, "\"a.example\": {", "// t.json:4\n");
	line_says(text, "\"wait\": \"30s\",", "// default\n");
	buf_fini(&b);
}

static void secrets_are_not_printed(void **state)
{
	struct buf b;
	const char *text = printed(&b, "{\"acme\": {\"ca\": {\"name\": \"google\", \"eab\": {\"kid\": \"k\", "
		"\"hmac\": \"c2VjcmV0c2VjcmV0c2VjcmV0\"}}}}", true, NULL);

	(void)state;
	assert_non_null(strstr(text, "\"hmac\": \"(set)\""));
	assert_null(strstr(text, "c2Vjc"));
	buf_fini(&b);
}

static void without_origins_it_is_plain_json(void **state)
{
	struct json *root;
	struct buf b;

	(void)state;
	printed(&b, "{\"store\": \"a\\\"b\"}", false, NULL);
	assert_int_equal(json_parse(buf_str(&b), &json_limits_config, &root, NULL), E_OK);
	assert_true(str_is(json_get_str(root, "store"), "a\"b"));
	json_free(&root);
	buf_fini(&b);
}

static void a_full_buffer_is_an_error(void **state)
{
	struct conf *c = loaded("{}");
	struct buf b;

	(void)state;
	for (size_t cap = 1; cap < 1200; cap += 97) {
		buf_init(&b, cap);
		assert_int_equal(print_conf(c, cap % 2, &b), E_LIMIT);
		buf_fini(&b);
	}
	conf_unref(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_value_says_where_it_came_from),
		cmocka_unit_test(secrets_are_not_printed),
		cmocka_unit_test(without_origins_it_is_plain_json),
		cmocka_unit_test(a_full_buffer_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
