/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "conf/diff.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/unit/conf/loading.h"

#define SITE "\"sites\": {\"a.example\": \"127.0.0.1:1\"}"

static struct diff *diff_of(const char *before, const char *after)
{
	struct conf *a = loaded(before), *b = loaded(after);
	struct diff *d = diff_new(a, b);

	conf_unref(&a);
	conf_unref(&b);
	return d;
}

static const struct diff_change *find(const struct diff *d, const char *path)
{
	for (unsigned i = 0; i < d->n; i++)
		if (strcmp(d->at[i].path, path) == 0)
			return &d->at[i];
	fail_msg("nothing about %s", path);
	return NULL;
}

static void equal_ones_have_no_differences(void **state)
{
	struct diff *d = diff_of("{" SITE "}", "// the same\n{ \"workers\": 0, " SITE "}");

	(void)state;
	assert_int_equal(d->n, 0);
	assert_false(diff_touches(d, "sites"));
	diff_free(&d);
	assert_null(d);
	diff_free(&d);
}

static void a_value_that_differs_is_told_with_both_values(void **state)
{
	struct diff *d = diff_of("{" SITE "}", "{\"timeouts\": {\"idle\": \"5s\"}, " SITE "}");
	const struct diff_change *c = find(d, "timeouts.idle");

	(void)state;
	assert_string_equal(c->before, "\"75s\"");
	assert_string_equal(c->after, "\"5s\"");
	assert_int_equal(c->reload, RELOAD_LIVE);
	assert_true(diff_touches(d, "timeouts"));
	assert_true(diff_touches(d, "timeouts.idle"));
	assert_false(diff_touches(d, "timeouts.id"));
	assert_false(diff_touches(d, "time"));
	diff_free(&d);
}

static void what_upstreams_inherit_is_told_once(void **state)
{
	struct diff *d = diff_of("{" SITE "}", "{\"timeouts\": {\"response\": \"5s\"}, " SITE "}");

	(void)state;
	assert_int_equal(d->n, 1);
	assert_string_equal(d->at[0].path, "timeouts.response");
	diff_free(&d);
	d = diff_of("{\"upstreams\": {\"u\": {\"servers\": [\"127.0.0.1:1\"]}}, " SITE "}",
		"{\"upstreams\": {\"u\": {\"servers\": [\"127.0.0.1:1\"], \"timeouts\": {\"response\": \"5s\"}}}, "
		SITE "}");
	assert_int_equal(d->n, 1);
	assert_string_equal(d->at[0].path, "upstreams[\"u\"].timeouts.response");
	diff_free(&d);
}

static void sites_come_go_and_change_by_name(void **state)
{
	struct diff *d = diff_of("{\"sites\": {\"a.example\": \"127.0.0.1:1\", \"b.example\": \"127.0.0.1:1\"}}",
		"{\"sites\": {\"a.example\": \"127.0.0.1:2\", \"c.example\": \"127.0.0.1:1\"}}");

	(void)state;
	assert_string_equal(find(d, "sites[\"a.example\"].routes[\"/*\"].to")->after, "\"127.0.0.1:2\"");
	assert_null(find(d, "sites[\"b.example\"]")->after);
	assert_null(find(d, "sites[\"c.example\"]")->before);
	assert_true(diff_touches(d, "sites[\"b.example\"]"));
	assert_false(diff_touches(d, "sites[\"z.example\"]"));
	diff_free(&d);
}

#define CA(hmac) "{\"acme\": {\"ca\": {\"directory\": \"https://ca.example/d\", \"eab\": {\"kid\": \"k\", " \
	"\"hmac\": \"" hmac "\"}}}, " SITE "}"

static void secrets_are_compared_and_never_shown(void **state)
{
	struct diff *d = diff_of(CA("c2VjcmV0LW9uZS1vbmUtb25l"), CA("c2VjcmV0LXR3by10d28tdHdv"));
	const struct diff_change *c = find(d, "acme.ca");

	(void)state;
	assert_int_equal(d->n, 1);
	assert_non_null(strstr(c->before, "\"(set)\""));
	assert_string_equal(c->before, c->after);
	diff_free(&d);
	d = diff_of(CA("c2VjcmV0LW9uZS1vbmUtb25l"), CA("c2VjcmV0LW9uZS1vbmUtb25l"));
	assert_int_equal(d->n, 0);
	diff_free(&d);
}

static void long_values_are_cut_and_long_lists_capped(void **state)
{
	static char text[200 * 1024];
	size_t len = 0;
	struct diff *d;

	(void)state;
	len += (size_t)snprintf(text, sizeof(text), "{\"sites\": {");
	for (int i = 0; i < 1500; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s\"h%d.example\": \"127.0.0.1:1\"",
			i ? "," : "", i);
	snprintf(text + len, sizeof(text) - len, "}}");
	d = diff_of("{" SITE "}", text);
	assert_int_equal(d->n, 1000);
	assert_int_equal(d->n + d->n_more, 1500 + 1);
	assert_true(diff_touches(d, "workers"));
	for (unsigned i = 0; i < d->n; i++)
		assert_true(!d->at[i].after || strlen(d->at[i].after) <= 204);
	diff_free(&d);
}

static void what_needs_a_restart_says_so_and_is_held(void **state)
{
	struct conf *a = loaded("{\"store\": \"/one\", \"workers\": 2, \"resolver\": \"127.0.0.1:53\", " SITE "}");
	struct conf *b = loaded("{\"store\": \"/two\", \"workers\": 3, \"admin\": {\"socket\": \"/x\"}, "
		"\"email\": \"a@example.com\", " SITE "}");
	struct diff *d = diff_new(a, b);

	(void)state;
	assert_int_equal(find(d, "store")->reload, RELOAD_RESTART);
	assert_int_equal(find(d, "workers")->reload, RELOAD_RESTART);
	assert_int_equal(find(d, "admin.socket")->reload, RELOAD_RESTART);
	assert_int_equal(find(d, "resolver")->reload, RELOAD_RESTART);
	assert_int_equal(find(d, "email")->reload, RELOAD_LIVE);
	assert_int_equal(d->n_restart, 4);
	diff_free(&d);
	diff_hold(a, b);
	d = diff_new(a, b);
	assert_int_equal(d->n_restart, 0);
	conf_unref(&a);
	assert_string_equal(b->store, "/one");
	assert_string_equal(b->resolver, "127.0.0.1:53");
	assert_string_equal(b->email, "a@example.com");
	diff_free(&d);
	conf_unref(&b);
}

/* A row that says nothing is as its section, so that somebody must have said something above it. */
static void check_rows(const struct field *rows, enum field_reload word)
{
	for (const struct field *f = rows; f->key; f++) {
		enum field_reload mine = f->reload ? f->reload : word;

		if (mine == RELOAD_INHERITED)
			fail_msg("the row \"%s\" does not say what a reload does: .reload", f->key);
		if (f->type == CONF_OBJECT)
			check_rows(f->rows, mine);
		if (f->type == CONF_SPECIAL && mine == RELOAD_RESTART && !f->special->hold)
			fail_msg("\"%s\" needs a restart, so its special row needs a hold", f->key);
	}
}

static void every_row_says_what_a_reload_does(void **state)
{
	(void)state;
	check_rows(fields_top, RELOAD_INHERITED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equal_ones_have_no_differences),
		cmocka_unit_test(a_value_that_differs_is_told_with_both_values),
		cmocka_unit_test(what_upstreams_inherit_is_told_once),
		cmocka_unit_test(sites_come_go_and_change_by_name),
		cmocka_unit_test(secrets_are_compared_and_never_shown),
		cmocka_unit_test(long_values_are_cut_and_long_lists_capped),
		cmocka_unit_test(what_needs_a_restart_says_so_and_is_held),
		cmocka_unit_test(every_row_says_what_a_reload_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
