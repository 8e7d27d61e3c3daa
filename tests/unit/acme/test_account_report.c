/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "acme/account_report.h"

#include "unit.h"

#include "acme/standing.h"
#include "base/clock.h"

static struct key *key, *other;

static int make_keys(void **state)
{
	(void)state;
	return key_generate(CONF_KEY_P256, &key) || key_generate(CONF_KEY_RSA2048, &other);
}

static int drop_keys(void **state)
{
	(void)state;
	key_unref(&key);
	key_unref(&other);
	return 0;
}

static struct json *report(const struct account_record *r)
{
	struct json *o = json_new_object();
	account_report(r, "my-ca", o);
	return o;
}

static void none_is_none(void **state)
{
	struct account_record r = { 0 };
	(void)state;
	struct json *o = report(NULL);
	assert_true(str_is(json_get_str(o, "state"), "none"));
	json_free(&o);
	o = report(&r);
	assert_true(str_is(json_get_str(o, "state"), "none"));
	assert_int_equal(json_count(o), 1);
	json_free(&o);
}

static void all_is_told_but_the_key(void **state)
{
	struct account_record r = { .key = other, .next_key = key, .kid = "https://ca.test/a/1",
		.contact = "ops@a.test", .registered_at_ms = 1800000000000, .standing = ACCOUNT_MUST_AGREE,
		.agreement = { "https://ca.test/terms", "" } };
	struct buf text;
	(void)state;
	struct json *o = report(&r);
	assert_true(str_is(json_get_str(o, "state"), "must-agree"));
	assert_true(str_is(json_get_str(o, "account"), "https://ca.test/a/1"));
	assert_true(str_is(json_get_str(o, "key"), "RSA-2048"));
	assert_int_equal(json_get_str(o, "thumbprint").len, KEY_THUMBPRINT - 1);
	assert_true(json_bool(json_get(o, "key_change_unsettled"), false));
	assert_true(str_is(json_get_str(o, "contact"), "ops@a.test"));
	assert_true(str_is(json_get_str(o, "terms"), "https://ca.test/terms"));
	assert_non_null(strstr(json_get_str(o, "why").at, "https://ca.test/terms"));
	buf_init(&text, 0);
	json_print(o, &text, false);
	assert_null(strstr(buf_cstring(&text), "PRIVATE"));
	buf_fini(&text);
	json_free(&o);
}

static void one_the_ca_has_not_answered_for_is_unregistered(void **state)
{
	struct account_record r = { .key = key };
	(void)state;
	struct json *o = report(&r);
	assert_true(str_is(json_get_str(o, "state"), "unregistered"));
	assert_null(json_get(o, "account"));
	json_free(&o);
}

static void trouble_is_a_standing_or_a_url_that_changed_lately(void **state)
{
	struct account_record r = { .key = key, .kid = "https://ca.test/a/2" };
	char text[1024];
	(void)state;
	assert_false(account_report_trouble(&r, "my-ca", text, sizeof text));
	strcpy(r.previous, "https://ca.test/a/1");
	r.changed_at_ms = clock_wall_ms();
	assert_true(account_report_trouble(&r, "my-ca", text, sizeof text));
	assert_non_null(strstr(text, "accounturi"));
	r.changed_at_ms -= (int64_t)8 * 86400 * 1000;
	assert_false(account_report_trouble(&r, "my-ca", text, sizeof text));
	standing_set(&r, ACCOUNT_CLOSED);
	assert_true(account_report_trouble(&r, "my-ca", text, sizeof text));
	assert_non_null(strstr(text, "account register my-ca"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(none_is_none),
		cmocka_unit_test(all_is_told_but_the_key),
		cmocka_unit_test(one_the_ca_has_not_answered_for_is_unregistered),
		cmocka_unit_test(trouble_is_a_standing_or_a_url_that_changed_lately),
	};
	return cmocka_run_group_tests(tests, make_keys, drop_keys);
}
