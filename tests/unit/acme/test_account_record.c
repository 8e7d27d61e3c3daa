/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "acme/account_record.h"

#include "unit.h"

#define DIRECTORY "https://ca.test/dir"

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

static struct account_record *round_trip(const struct account_record *r)
{
	struct account_record *back = NULL;
	struct fault fault = { 0 };
	struct buf text;
	buf_init(&text, 0);
	assert_int_equal(account_record_write(r, DIRECTORY, &text), E_OK);
	assert_int_equal(account_record_parse(buf_str(&text), &back, &fault), E_OK);
	buf_fini(&text);
	return back;
}

static void all_of_it_survives(void **state)
{
	struct account_record r = { .key = key, .next_key = other, .kid = "https://ca.test/a/1",
		.has_contact = true, .contact = "ops@a.test", .refused_contact = "x@b.test",
		.standing = ACCOUNT_MUST_AGREE, .agreement = { "https://ca.test/terms", "https://ca.test/act" },
		.previous = "https://ca.test/a/0", .registered_at_ms = 1000, .standing_at_ms = 2000,
		.changed_at_ms = 3000, .replaced_at_ms = 4000 };
	(void)state;
	struct account_record *back = round_trip(&r);
	assert_true(str_equal(key_public(back->key), key_public(key)));
	assert_true(str_equal(key_public(back->next_key), key_public(other)));
	assert_string_equal(back->kid, r.kid);
	assert_true(back->has_contact);
	assert_string_equal(back->contact, r.contact);
	assert_string_equal(back->refused_contact, r.refused_contact);
	assert_int_equal(back->standing, ACCOUNT_MUST_AGREE);
	assert_string_equal(back->agreement.terms, r.agreement.terms);
	assert_string_equal(back->agreement.instance, r.agreement.instance);
	assert_string_equal(back->previous, r.previous);
	assert_int_equal(back->registered_at_ms, 1000);
	assert_int_equal(back->standing_at_ms, 2000);
	assert_int_equal(back->changed_at_ms, 3000);
	assert_int_equal(back->replaced_at_ms, 4000);
	account_record_free(&back);
	account_record_free(&back);
}

static void no_contact_and_an_unknown_one_are_two_things(void **state)
{
	struct account_record r = { .key = key, .has_contact = true };
	(void)state;
	struct account_record *back = round_trip(&r);
	assert_true(back->has_contact);
	assert_string_equal(back->contact, "");
	account_record_free(&back);
	r.has_contact = false;
	back = round_trip(&r);
	assert_false(back->has_contact);
	assert_null(back->next_key);
	account_record_free(&back);
}

static void a_record_of_an_earlier_version_is_read(void **state)
{
	struct account_record *back = NULL;
	struct fault fault = { 0 };
	struct buf text;
	(void)state;
	buf_init(&text, 0);
	buf_add(&text, STR("sallyport-account: 1\ndirectory: " DIRECTORY "\nkid: https://ca.test/a/1\n\n"));
	assert_int_equal(key_to_pem(key, &text), E_OK);
	assert_int_equal(account_record_parse(buf_str(&text), &back, &fault), E_OK);
	assert_string_equal(back->kid, "https://ca.test/a/1");
	assert_int_equal(back->standing, ACCOUNT_GOOD);
	assert_false(back->has_contact);
	account_record_free(&back);
	buf_fini(&text);
}

static void damaged_records_are_refused(void **state)
{
	(void)state;
	static const char *const texts[] = { "", "sallyport-account: 2\n\n", "sallyport-account: 1\n",
		"sallyport-account: 1\n\n-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n" };
	struct account_record *r = NULL;
	struct fault fault = { 0 };
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		assert_int_equal(account_record_parse(str_from(texts[i]), &r, &fault), E_STORE_CORRUPT);
		assert_null(r);
	}
}

static void urls_that_are_none_are_left_out(void **state)
{
	struct account_record r = { .key = key, .kid = "http://ca.test/a/1", .previous = "x",
		.standing = ACCOUNT_MUST_AGREE, .agreement = { "javascript:x", "" } };
	(void)state;
	struct account_record *back = round_trip(&r);
	assert_string_equal(back->kid, "");
	assert_string_equal(back->previous, "");
	assert_string_equal(back->agreement.terms, "");
	account_record_free(&back);
}

static void names_are_readable_and_distinct(void **state)
{
	char a[ACCOUNT_NAME], b[ACCOUNT_NAME];
	(void)state;
	account_record_name(a, "https://ca.test/dir");
	account_record_name(b, "https://ca.test/dir2");
	assert_true(str_has_prefix(str_from(a), STR("ca.test-")));
	assert_string_not_equal(a, b);
	account_record_name(a, "::");
	assert_true(str_has_prefix(str_from(a), STR("ca-")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_of_it_survives),
		cmocka_unit_test(no_contact_and_an_unknown_one_are_two_things),
		cmocka_unit_test(a_record_of_an_earlier_version_is_read),
		cmocka_unit_test(damaged_records_are_refused),
		cmocka_unit_test(urls_that_are_none_are_left_out),
		cmocka_unit_test(names_are_readable_and_distinct),
	};
	return cmocka_run_group_tests(tests, make_keys, drop_keys);
}
