/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "acme/directory.h"

#include "script.h"

#define URLS "\"newNonce\":\"https://a.test/n\",\"newAccount\":\"https://b.test/a\"," \
	"\"newOrder\":\"https://c.test\""

static struct directory_body body;

static enum err parse(const char *text)
{
	struct fault fault = { 0 };
	return directory_parse(str_from(text), &body, &fault);
}

static void urls_are_opaque_and_may_lack_a_path(void **state)
{
	(void)state;
	assert_int_equal(parse("{" URLS "}"), E_OK);
	assert_string_equal(body.new_order, "https://c.test");
	assert_string_equal(body.renewal_info, "");
}

static void meta_is_read_if_it_makes_sense(void **state)
{
	(void)state;
	assert_int_equal(parse("{" URLS ",\"meta\":{\"termsOfService\":\"https://t.test\","
		"\"externalAccountRequired\":true,\"profiles\":{\"a\":\"x\",\"b\":5}}}"), E_OK);
	assert_true(body.needs_eab);
	assert_int_equal(body.n_profiles, 2);
	assert_int_equal(parse("{" URLS ",\"meta\":[1],\"renewalInfo\":\"https://r.test/ari\"}"), E_OK);
	assert_false(body.needs_eab);
	assert_string_equal(body.renewal_info, "https://r.test/ari");
	assert_int_equal(parse("{" URLS ",\"meta\":{\"profiles\":\"x\",\"externalAccountRequired\":9}}"),
		E_OK);
}

static void only_https_is_a_url(void **state)
{
	(void)state;
	static const char *const bad[] = { "http://a.test/", "file:///etc/passwd", "https://u:p@a.test/",
		"https://a.test/\\r\\nX: y", "//a.test/", "", "https://", "javascript:1" };
	char text[512];
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		snprintf(text, sizeof text, "{\"newNonce\":\"%s\",\"newAccount\":\"https://b.test/a\","
			"\"newOrder\":\"https://c.test/o\"}", bad[i]);
		assert_int_equal(parse(text), E_ACME_PROTOCOL);
	}
}

static void other_documents_are_refused(void **state)
{
	(void)state;
	static const char *const bad[] = { "", "[]", "null", "{}", "<html>", "{\"newNonce\":5}",
		"{\"newNonce\":\"https://a.test/n\"}", "{" URLS, "{" URLS ",\"newNonce\":\"https://x.test\"}" };
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(parse(bad[i]), E_ACME_PROTOCOL);
}

static struct script script;
static struct ca ca;

static void one_fetch_serves_all_who_wait(void **state)
{
	(void)state;
	static const struct script_line lines[] = { DIRECTORY_LINE };
	struct waiter a, b, left;
	script_open(&script, &ca, lines, 1);
	waiter_init(&a, script_on_directory);
	waiter_init(&b, script_on_directory);
	waiter_init(&left, script_on_directory);
	directory_wait(ca.directory, &left);
	directory_wait(ca.directory, &a);
	directory_wait(ca.directory, &b);
	list_remove(&left.node);
	script_waited = 0;
	script_run_until(&script, &script_waited);
	assert_int_equal(script_wait_err, E_OK);
	assert_true(list_is_empty(&a.node) && list_is_empty(&b.node));
	assert_non_null(directory_get(ca.directory));
	directory_forget(ca.directory);
	assert_null(directory_get(ca.directory));
	script_close(&script, &ca);
}

static void a_hiccup_is_overcome_and_a_page_is_not(void **state)
{
	(void)state;
	static const struct script_line lines[] = { { "GET", "/dir", 0, NULL, NULL, LOST, true },
		DIRECTORY_LINE, { "GET", "/dir", 200, "content-type: text/html", "<html>", ANSWERED, true } };
	script_open(&script, &ca, lines, 3);
	script_fetch_directory(&script, &ca);
	assert_int_equal(script_wait_err, E_OK);
	directory_forget(ca.directory);
	script_fetch_directory(&script, &ca);
	assert_int_equal(script_wait_err, E_ACME_PROTOCOL);
	script_close(&script, &ca);
}

static void closing_while_fetching_is_safe(void **state)
{
	(void)state;
	static const struct script_line lines[] = { { "GET", "/dir", 0, NULL, NULL, LOST, true } };
	struct waiter w;
	for (int turns = 0; turns < 3; turns++) {
		script_open(&script, &ca, lines, 1);
		waiter_init(&w, script_on_directory);
		directory_wait(ca.directory, &w);
		script_turn(&script, turns);
		list_remove(&w.node);
		directory_free(&ca.directory);
		script_close(&script, &ca);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(urls_are_opaque_and_may_lack_a_path),
		cmocka_unit_test(meta_is_read_if_it_makes_sense),
		cmocka_unit_test(only_https_is_a_url),
		cmocka_unit_test(other_documents_are_refused),
		cmocka_unit_test(one_fetch_serves_all_who_wait),
		cmocka_unit_test(a_hiccup_is_overcome_and_a_page_is_not),
		cmocka_unit_test(closing_while_fetching_is_safe),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
