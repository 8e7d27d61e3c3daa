/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "acme/contact.h"

#include "unit.h"

static void it_is_due_when_the_ca_was_told_something_else(void **state)
{
	struct account_record r = { 0 };
	(void)state;
	assert_false(contact_is_due(&r, ""));       /* not known, and nothing to tell */
	assert_true(contact_is_due(&r, "a@b"));
	r.has_contact = true;
	assert_true(contact_is_due(&r, "a@b"));
	assert_false(contact_is_due(&r, ""));
	strcpy(r.contact, "a@b");
	assert_false(contact_is_due(&r, "a@b"));
	assert_true(contact_is_due(&r, ""));
	assert_true(contact_is_due(&r, "c@d"));
	strcpy(r.refused_contact, "c@d");
	assert_false(contact_is_due(&r, "c@d"));
}

static void a_new_account_has_what_was_sent(void **state)
{
	struct account_record r = { 0 };
	(void)state;
	contact_registered(&r, 201, STR("{}"), "a@b", false);
	assert_true(r.has_contact);
	assert_string_equal(r.contact, "a@b");
	contact_registered(&r, 201, STR("{}"), "", false);
	contact_registered(&r, 201, STR("{}"), "bad@b", true);
	assert_true(r.has_contact);
	assert_string_equal(r.contact, "");
	assert_string_equal(r.refused_contact, "bad@b");
	assert_string_equal(r.contact, "");
}

static void one_that_was_there_has_what_it_says(void **state)
{
	struct account_record r = { 0 };
	(void)state;
	contact_registered(&r, 200, STR("{\"contact\":[\"mailto:a@b\"]}"), "a@b", false);
	assert_true(r.has_contact);
	contact_registered(&r, 200, STR("{\"contact\":[\"mailto:old@b\"]}"), "a@b", false);
	assert_false(r.has_contact);
	assert_true(contact_is_due(&r, "a@b"));
}

static void what_is_refused_is_remembered_and_not_repeated(void **state)
{
	struct account_record r = { .has_contact = true, .contact = "old@b" };
	struct account_answer answer = { .is_contact_refused = true, .is_contact_kept = true };
	(void)state;
	contact_updated(&r, "ca", "bad@b", &answer);
	assert_string_equal(r.contact, "old@b");
	assert_string_equal(r.refused_contact, "bad@b");
	assert_false(contact_is_due(&r, "bad@b"));
	answer.is_contact_kept = false;
	contact_updated(&r, "ca", "bad@b", &answer);
	assert_string_equal(r.contact, "");
	answer.is_contact_refused = false;
	contact_updated(&r, "ca", "good@b", &answer);
	assert_string_equal(r.contact, "good@b");
	assert_string_equal(r.refused_contact, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_due_when_the_ca_was_told_something_else),
		cmocka_unit_test(a_new_account_has_what_was_sent),
		cmocka_unit_test(one_that_was_there_has_what_it_says),
		cmocka_unit_test(what_is_refused_is_remembered_and_not_repeated),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
