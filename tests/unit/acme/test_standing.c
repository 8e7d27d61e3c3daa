/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "acme/standing.h"

#include <fcntl.h>

#include "unit.h"

#include "base/clock.h"
#include "base/log.h"

static struct account_record r;

static int begin(void **state)
{
	(void)state;
	account_record_init(&r);
	return key_generate(CONF_KEY_P256, &r.key);
}

static int end(void **state)
{
	(void)state;
	account_record_fini(&r);
	return 0;
}

static void a_good_one_refuses_nothing(void **state)
{
	struct fault fault = { 0 };
	(void)state;
	assert_int_equal(standing_refusal(&r, "ca", &fault), E_OK);
}

static void each_other_says_what_helps_and_when_names_look_again(void **state)
{
	static const struct { enum account_standing standing; const char *words, *type; } rows[] = {
		{ ACCOUNT_CLOSED, "account register my-ca", "" },
		{ ACCOUNT_DEAD, "deactivated by the CA", "" },
		{ ACCOUNT_MUST_AGREE, "https://ca.test/act", "userActionRequired" },
	};
	(void)state;
	strcpy(r.agreement.terms, "https://ca.test/terms");
	strcpy(r.agreement.instance, "https://ca.test/act");
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct fault fault = { 0 };
		standing_set(&r, rows[i].standing);
		assert_true(r.standing_at_ms > 0);
		assert_int_equal(standing_refusal(&r, "my-ca", &fault), E_ACCOUNT);
		assert_non_null(strstr(fault.detail, rows[i].words));
		assert_string_equal(fault.type, rows[i].type);
		assert_true(fault.retry_at_ms > clock_wall_ms());
		assert_non_null(account_standing_word(rows[i].standing));
		assert_non_null(account_standing_text(rows[i].standing));
		standing_shout(&r, "my-ca");
	}
	struct fault fault = { 0 };
	r.agreement.instance[0] = '\0';
	standing_refusal(&r, "my-ca", &fault);
	assert_non_null(strstr(fault.detail, "https://ca.test/terms"));
}

static void it_is_replaced_by_itself_once_a_week(void **state)
{
	(void)state;
	assert_true(standing_may_replace(&r, "ca"));
	assert_int_equal(r.standing, ACCOUNT_GOOD);
	assert_false(standing_may_replace(&r, "ca"));
	assert_int_equal(r.standing, ACCOUNT_DEAD);
	r.replaced_at_ms -= (int64_t)8 * 86400 * 1000;
	assert_true(standing_may_replace(&r, "ca"));
	/* a clock that was wrong then keeps nobody out */
	r.replaced_at_ms = clock_wall_ms() + 1000000;
	assert_true(standing_may_replace(&r, "ca"));
}

static void another_url_is_noted_and_the_same_is_not(void **state)
{
	(void)state;
	strcpy(r.kid, "https://ca.test/a/1");
	standing_note_url(&r, "ca");
	assert_int_equal(r.changed_at_ms, 0);
	strcpy(r.previous, "https://ca.test/a/1");
	standing_note_url(&r, "ca");
	assert_int_equal(r.changed_at_ms, 0);
	assert_string_equal(r.previous, "");
	strcpy(r.previous, "https://ca.test/a/0");
	standing_note_url(&r, "ca");
	assert_true(r.changed_at_ms > 0);
	assert_string_equal(r.previous, "https://ca.test/a/0");
}

static int quiet(void **state)
{
	(void)state;
	log_setup(open("/dev/null", 1), LOG_ERROR, LOG_TEXT);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_good_one_refuses_nothing, begin, end),
		cmocka_unit_test_setup_teardown(each_other_says_what_helps_and_when_names_look_again, begin, end),
		cmocka_unit_test_setup_teardown(it_is_replaced_by_itself_once_a_week, begin, end),
		cmocka_unit_test_setup_teardown(another_url_is_noted_and_the_same_is_not, begin, end),
	};
	return cmocka_run_group_tests(tests, quiet, NULL);
}
