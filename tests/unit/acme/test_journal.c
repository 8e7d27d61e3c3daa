/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "acme/journal.h"

#include "unit.h"

#include "base/mem.h"

static struct journal sample(void)
{
	struct journal j = { .ca = "https://ca.test/dir", .url = "https://ca.test/o/1",
		.begun_at_ms = 1000, .expires_ms = 9000, .resumed = 1 };
	assert_int_equal(key_generate(CONF_KEY_P256, &j.key), E_OK);
	return j;
}

static void what_is_written_reads_back_with_its_key(void **state)
{
	(void)state;
	struct journal j = sample(), again;
	struct fault fault = { 0 };
	struct buf b;
	buf_init(&b, JOURNAL_MAX);
	assert_int_equal(journal_write(&j, &b), E_OK);
	assert_int_equal(journal_parse(buf_str(&b), &again, &fault), E_OK);
	assert_string_equal(again.ca, j.ca);
	assert_string_equal(again.url, j.url);
	assert_int_equal(again.expires_ms, 9000);
	assert_int_equal(again.resumed, 1);
	assert_true(str_equal(key_der(again.key), key_der(j.key)));
	journal_fini(&j);
	journal_fini(&again);
	buf_fini(&b);
}

static void a_cut_or_changed_record_is_damaged_never_a_crash(void **state)
{
	(void)state;
	struct journal j = sample(), again;
	struct fault fault = { 0 };
	struct buf b;
	buf_init(&b, JOURNAL_MAX);
	assert_int_equal(journal_write(&j, &b), E_OK);
	size_t whole = b.len;
	for (size_t len = 0; len < whole; len++) {
		char *cut = mem_copy(b.at, len ? len : 1);
		enum err err = journal_parse(str_of(cut, len), &again, &fault);
		assert_true(err == E_STORE_CORRUPT || len > whole - 3);
		journal_fini(&again);
		mem_free(&cut);
	}
	for (size_t at = 0; at < whole; at++) {
		b.at[at] ^= 0x21;
		journal_parse(buf_str(&b), &again, &fault);
		journal_fini(&again);
		b.at[at] ^= 0x21;
	}
	journal_fini(&j);
	buf_fini(&b);
}

static void it_dies_of_age_expiry_and_too_many_attempts(void **state)
{
	(void)state;
	struct journal j = sample();
	assert_true(journal_is_alive(&j, 2000));
	assert_false(journal_is_alive(&j, 9000));
	j.expires_ms = 0;
	assert_true(journal_is_alive(&j, 9000));
	assert_false(journal_is_alive(&j, (int64_t)9 * 86400 * 1000));
	j.resumed = JOURNAL_RESUMED_MAX;
	assert_false(journal_is_alive(&j, 2000));
	journal_fini(&j);
	assert_false(journal_is_alive(&j, 2000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_reads_back_with_its_key),
		cmocka_unit_test(a_cut_or_changed_record_is_damaged_never_a_crash),
		cmocka_unit_test(it_dies_of_age_expiry_and_too_many_attempts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
