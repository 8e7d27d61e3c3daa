/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "acme/account_wish.h"

#include <fcntl.h>

#include "script.h"

#define REGISTERED(n) { "POST", "/account", 201, "Location: https://ca.test/account/" n, "{}", \
	ANSWERED, false }
#define SAID(n, status, body) { "POST", "/account/" n, status, NULL, body, ANSWERED, false }
#define PROBLEM(type) "{\"type\":\"urn:ietf:params:acme:error:" type "\"}"

static struct script script;
static struct ca ca;
static struct store *store;
static struct account_wish *wish;
static int done, told;
static enum err done_err;
static struct fault done_fault;
static char done_status[32];
static struct waiter waiter;

static void on_told(struct waiter *w, enum err err, const struct fault *fault)
{
	(void)w;
	(void)err;
	(void)fault;
	told = 1;
}

static void await(void)
{
	told = 0;
	waiter_init(&waiter, on_told);
	account_wait(ca.account, &waiter);
	script_run_until(&script, &told);
}

static void open_account(const struct script_line *lines, unsigned n)
{
	script_open(&script, &ca, lines, n);
	store = store_memory_new(script.loop);
	ca.account = account_new(&(struct account_args){ .ca = &ca, .store = store, .email = "ops@a.test" });
	if (n > 2)
		await();
}

static void close_account(void)
{
	account_free(&ca.account);
	script_settle(script.loop);
	store->ops->free(store);
	script_close(&script, &ca);
}

static void on_done(void *owner, enum err err, const struct account_answer *answer, const struct fault *fault)
{
	(void)owner;
	assert_true(!err == !!answer);
	assert_true(!err == !fault);
	wish = NULL;
	done = 1;
	done_err = err;
	done_fault = fault ? *fault : (struct fault){ 0 };
	strcpy(done_status, answer ? answer->view.status : "");
}

static void begin(enum account_wish_kind kind)
{
	done = 0;
	wish = account_wish_start(&(struct account_wish_args){ .ca = &ca, .kind = kind, .email = "ops@a.test" },
		on_done, NULL);
	assert_false(done);
}

static void want(enum account_wish_kind kind, enum err expected)
{
	begin(kind);
	script_run_until(&script, &done);
	assert_int_equal(done_err, expected);
}

static void words_name_wishes(void **state)
{
	enum account_wish_kind kind;
	(void)state;
	assert_true(account_wish_named(STR("rollover"), &kind));
	assert_int_equal(kind, ACCOUNT_WISH_ROLLOVER);
	assert_false(account_wish_named(STR("roll"), &kind));
	assert_false(account_wish_named(STR_NONE, &kind));
}

static void without_an_account_most_are_refused_and_the_ca_is_not_asked(void **state)
{
	static const struct script_line lines[] = { DIRECTORY_LINE };
	(void)state;
	open_account(lines, 0);
	for (int k = 0; k < ACCOUNT_WISH_REGISTER; k++) {
		want((enum account_wish_kind)k, E_NOT_FOUND);
		assert_non_null(strstr(done_fault.detail, "account register"));
	}
	assert_int_equal(script.next, 0);
	close_account();
}

static void it_is_registered_and_shown(void **state)
{
	static const struct script_line lines[] = { DIRECTORY_LINE, NONCE_LINE, REGISTERED("1"),
		SAID("1", 200, "{\"status\":\"valid\"}") };
	(void)state;
	script_open(&script, &ca, lines, 4);
	store = store_memory_new(script.loop);
	ca.account = account_new(&(struct account_args){ .ca = &ca, .store = store });
	want(ACCOUNT_WISH_REGISTER, E_OK);
	want(ACCOUNT_WISH_REGISTER, E_OK);
	want(ACCOUNT_WISH_SHOW, E_OK);
	assert_string_equal(done_status, "valid");
	assert_int_equal(script.next, 4);
	close_account();
}

static void a_wish_to_register_does_not_wait_out_a_refusal(void **state)
{
	static const struct script_line lines[] = { DIRECTORY_LINE, NONCE_LINE,
		{ "POST", "/account", 403, NULL, PROBLEM("externalAccountRequired"), ANSWERED, false },
		{ "POST", "/account", 403, NULL, PROBLEM("userActionRequired"), ANSWERED, false }, REGISTERED("1") };
	(void)state;
	open_account(lines, 5);
	assert_int_equal(script.next, 3);
	want(ACCOUNT_WISH_REGISTER, E_ACCOUNT);
	assert_string_equal(done_fault.type, "userActionRequired");
	want(ACCOUNT_WISH_AGREE, E_OK);
	assert_true(account_is_ready(ca.account));
	close_account();
}

static void its_end_stays_until_another_is_wished(void **state)
{
	static const struct script_line lines[] = { DIRECTORY_LINE, NONCE_LINE, REGISTERED("1"),
		SAID("1", 200, "{\"status\":\"deactivated\"}"), SAID("1", 403, PROBLEM("unauthorized")),
		REGISTERED("2") };
	(void)state;
	open_account(lines, 6);
	want(ACCOUNT_WISH_DEACTIVATE, E_OK);
	assert_string_equal(done_status, "deactivated");
	assert_false(account_is_ready(ca.account));
	want(ACCOUNT_WISH_ROLLOVER, E_ACCOUNT);
	want(ACCOUNT_WISH_SHOW, E_ISSUE);
	assert_int_equal(script.next, 5);
	want(ACCOUNT_WISH_REGISTER, E_OK);
	assert_string_equal(account_kid(ca.account), "https://ca.test/account/2");
	close_account();
}

static void agreement_lets_names_go_on(void **state)
{
	static const struct script_line lines[] = { DIRECTORY_LINE, NONCE_LINE, REGISTERED("1"),
		SAID("1", 403, PROBLEM("userActionRequired")), SAID("1", 200, "{}") };
	(void)state;
	open_account(lines, 5);
	account_must_agree(ca.account, "https://ca.test/account/1");
	want(ACCOUNT_WISH_REGISTER, E_ACCOUNT);
	want(ACCOUNT_WISH_AGREE, E_ACCOUNT);
	assert_false(account_is_ready(ca.account));
	want(ACCOUNT_WISH_AGREE, E_OK);
	assert_true(account_is_ready(ca.account));
	close_account();
}

static void the_contact_is_told_at_once(void **state)
{
	static const struct script_line lines[] = { DIRECTORY_LINE, NONCE_LINE, REGISTERED("1"),
		SAID("1", 200, "{}") };
	(void)state;
	open_account(lines, 4);
	want(ACCOUNT_WISH_CONTACT, E_OK);
	assert_string_equal(script.payload, "{\"contact\":[\"mailto:ops@a.test\"]}");
	close_account();
}

static void its_key_is_changed(void **state)
{
	static const struct script_line lines[] = { DIRECTORY_LINE, NONCE_LINE, REGISTERED("1"),
		{ "POST", "/change", 200, NULL, "{}", ANSWERED, false }, SAID("1", 200, "{}") };
	(void)state;
	open_account(lines, 5);
	want(ACCOUNT_WISH_ROLLOVER, E_OK);
	assert_int_equal(script.next, 5);
	close_account();
}

/* After each number of turns, so that every state is met. */
static void it_can_be_cancelled_in_each_state(void **state)
{
	static const struct script_line telling[] = { DIRECTORY_LINE, NONCE_LINE, REGISTERED("1"),
		{ "POST", "/account/1", 0, NULL, NULL, NEVER, false } };
	static const struct script_line rolling[] = { DIRECTORY_LINE, NONCE_LINE, REGISTERED("1"),
		{ "POST", "/change", 0, NULL, NULL, NEVER, false } };
	static const struct script_line making[] = { DIRECTORY_LINE, NONCE_LINE, REGISTERED("1"),
		{ "POST", "/account", 0, NULL, NULL, NEVER, false } };
	(void)state;
	for (int turns = 0; turns < 12; turns++) {
		for (int k = 0; k < 3; k++) {
			open_account(k == 0 ? telling : k == 1 ? rolling : making, 4);
			if (k == 2)
				account_closed(ca.account);
			begin(k == 0 ? ACCOUNT_WISH_CONTACT : k == 1 ? ACCOUNT_WISH_ROLLOVER
				: ACCOUNT_WISH_REGISTER);
			script_turn(&script, turns);
			account_wish_cancel(&wish);
			account_wish_cancel(&wish);
			script_turn(&script, 3);
			assert_false(done);
			close_account();
		}
	}
}

static int setup(void **state)
{
	(void)state;
	log_setup(open("/dev/null", O_WRONLY), LOG_ERROR, LOG_TEXT);
	return tls_setup();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_name_wishes),
		cmocka_unit_test(without_an_account_most_are_refused_and_the_ca_is_not_asked),
		cmocka_unit_test(it_is_registered_and_shown),
		cmocka_unit_test(a_wish_to_register_does_not_wait_out_a_refusal),
		cmocka_unit_test(its_end_stays_until_another_is_wished),
		cmocka_unit_test(agreement_lets_names_go_on),
		cmocka_unit_test(the_contact_is_told_at_once),
		cmocka_unit_test(its_key_is_changed),
		cmocka_unit_test(it_can_be_cancelled_in_each_state),
	};
	return cmocka_run_group_tests(tests, setup, NULL);
}
