/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "acme/account.h"

#include <fcntl.h>

#include "acme/account_store.h"
#include "script.h"

static struct script script;
static struct ca ca;
static struct store *store;
static int told;
static enum err told_err;
static struct waiter waiter;

static void on_told(struct waiter *w, enum err err, const struct fault *fault)
{
	(void)w;
	(void)fault;
	told = 1;
	told_err = err;
}

static void open_account(const struct script_line *lines, unsigned n)
{
	script_open(&script, &ca, lines, n);
	store = store_memory_new(script.loop);
	ca.account = account_new(&(struct account_args){ .ca = &ca, .store = store,
		.email = "ops@a.test" });
}

static void await(void)
{
	told = 0;
	waiter_init(&waiter, on_told);
	account_wait(ca.account, &waiter);
	assert_false(told);
	script_run_until(&script, &told);
}

static void close_account(void)
{
	account_free(&ca.account);
	script_settle(script.loop);
	store->ops->free(store);
	script_close(&script, &ca);
}

#define REGISTERED(n) { "POST", "/account", 201, "Location: https://ca.test/account/" n, "{}", \
	ANSWERED, false }

static void it_registers_once_and_is_read_from_the_store_afterwards(void **state)
{
	static const struct script_line lines[] = { DIRECTORY_LINE, NONCE_LINE, REGISTERED("1") };
	(void)state;
	open_account(lines, 3);
	await();
	assert_int_equal(told_err, E_OK);
	assert_true(account_is_ready(ca.account));
	assert_string_equal(account_kid(ca.account), "https://ca.test/account/1");
	assert_string_equal(script.sent_jwk, "jwk");
	assert_non_null(strstr(script.payload, "\"termsOfServiceAgreed\":true"));
	assert_non_null(strstr(script.payload, "mailto:ops@a.test"));
	/* a new process */
	account_free(&ca.account);
	ca.account = account_new(&(struct account_args){ .ca = &ca, .store = store,
		.email = "ops@a.test" });
	await();
	assert_string_equal(account_kid(ca.account), "https://ca.test/account/1");
	assert_int_equal(script.next, 3);
	close_account();
}

static void a_lost_reply_finds_the_same_key_again(void **state)
{
	static const struct script_line lines[] = { DIRECTORY_LINE, NONCE_LINE,
		{ "POST", "/account", 503, NULL, "", ANSWERED, false }, REGISTERED("7") };
	(void)state;
	char first[KEY_THUMBPRINT], second[KEY_THUMBPRINT];
	open_account(lines, 4);
	await();
	assert_int_equal(told_err, E_CA_DOWN);
	key_thumbprint(account_facts(ca.account)->key, first);
	account_free(&ca.account);
	ca.account = account_new(&(struct account_args){ .ca = &ca, .store = store });
	await();
	assert_int_equal(told_err, E_OK);
	key_thumbprint(account_facts(ca.account)->key, second);
	assert_string_equal(first, second);
	close_account();
}

static void a_refused_contact_is_left_out(void **state)
{
	static const struct script_line lines[] = { DIRECTORY_LINE, NONCE_LINE,
		{ "POST", "/account", 400, NULL, "{\"type\":\"urn:ietf:params:acme:error:invalidContact\"}",
			ANSWERED, false }, REGISTERED("1") };
	(void)state;
	open_account(lines, 4);
	await();
	assert_int_equal(told_err, E_OK);
	assert_null(strstr(script.payload, "contact"));
	close_account();
}

static void a_lost_account_is_registered_again(void **state)
{
	static const struct script_line lines[] = { DIRECTORY_LINE, NONCE_LINE, REGISTERED("1"),
		REGISTERED("2") };
	(void)state;
	open_account(lines, 4);
	await();
	account_lost(ca.account, "https://ca.test/account/other");
	assert_true(account_is_ready(ca.account));
	account_lost(ca.account, "https://ca.test/account/1");
	assert_false(account_is_ready(ca.account));
	await();
	assert_string_equal(account_kid(ca.account), "https://ca.test/account/2");
	close_account();
}

static void open_again(const char *email)
{
	account_free(&ca.account);
	script_settle(script.loop);
	ca.account = account_new(&(struct account_args){ .ca = &ca, .store = store, .email = email });
}

static void settle_store(void)
{
	for (int i = 0; i < 50; i++)
		script_turn(&script, 1);
}

#define PROBLEM(type) "{\"type\":\"urn:ietf:params:acme:error:" type "\"}"
#define REFUSED(status, type) { "POST", "/account", status, NULL, PROBLEM(type), ANSWERED, false }
#define SAID(n, status, body) { "POST", "/account/" n, status, NULL, body, ANSWERED, false }
#define FIRST "https://ca.test/account/1"

static struct key *first_key(void)
{
	return key_ref(account_facts(ca.account)->key);
}

static bool has_key(const struct key *k)
{
	return str_equal(key_public(account_facts(ca.account)->key), key_public(k));
}

static void a_doubted_account_that_is_good_stays(void **state)
{
	static const struct script_line lines[] = { DIRECTORY_LINE, NONCE_LINE, REGISTERED("1"),
		{ "POST", "/account", 200, "Location: " FIRST, "{\"status\":\"valid\"}", ANSWERED, false } };
	(void)state;
	open_account(lines, 4);
	await();
	assert_true(account_doubt(ca.account, FIRST));
	assert_false(account_is_ready(ca.account));
	assert_true(account_doubt(ca.account, FIRST));
	await();
	assert_int_equal(told_err, E_OK);
	assert_string_equal(script.payload, "{\"onlyReturnExisting\":true}");
	assert_string_equal(account_kid(ca.account), FIRST);
	/* found good a moment ago: not asked again */
	assert_false(account_doubt(ca.account, FIRST));
	assert_true(account_is_ready(ca.account));
	close_account();
}

static void a_deactivated_account_is_replaced_once(void **state)
{
	static const struct script_line lines[] = { DIRECTORY_LINE, NONCE_LINE, REGISTERED("1"),
		REFUSED(403, "unauthorized"), REGISTERED("2"), REFUSED(403, "unauthorized") };
	(void)state;
	open_account(lines, 6);
	await();
	struct key *old = first_key();
	account_doubt(ca.account, FIRST);
	await();
	assert_int_equal(told_err, E_OK);
	assert_false(has_key(old));
	assert_string_equal(account_facts(ca.account)->previous, FIRST);
	assert_true(account_facts(ca.account)->changed_at_ms > 0);
	/* and no loop */
	account_doubt(ca.account, "https://ca.test/account/2");
	await();
	assert_int_equal(told_err, E_ACCOUNT);
	assert_int_equal(account_facts(ca.account)->standing, ACCOUNT_DEAD);
	await();
	assert_int_equal(told_err, E_ACCOUNT);
	assert_int_equal(script.next, 6);
	key_unref(&old);
	close_account();
}

static void a_doubted_account_that_is_unknown_is_registered_with_its_key(void **state)
{
	static const struct script_line lines[] = { DIRECTORY_LINE, NONCE_LINE, REGISTERED("1"),
		REFUSED(400, "accountDoesNotExist"), REGISTERED("2") };
	(void)state;
	open_account(lines, 5);
	await();
	struct key *old = first_key();
	account_doubt(ca.account, FIRST);
	await();
	assert_int_equal(told_err, E_OK);
	assert_true(has_key(old));
	assert_string_equal(account_kid(ca.account), "https://ca.test/account/2");
	key_unref(&old);
	close_account();
}

static void new_terms_stop_everything_until_somebody_agrees(void **state)
{
	static const struct script_line lines[] = { DIRECTORY_LINE, NONCE_LINE, REGISTERED("1") };
	(void)state;
	open_account(lines, 3);
	await();
	strcpy(ca.agreement.instance, "https://ca.test/act");
	account_must_agree(ca.account, "https://ca.test/account/other");
	assert_true(account_is_ready(ca.account));
	account_must_agree(ca.account, FIRST);
	assert_false(account_is_ready(ca.account));
	await();
	assert_int_equal(told_err, E_ACCOUNT);
	/* nor in another life; the CA is not asked */
	settle_store();
	open_again("ops@a.test");
	settle_store();
	assert_int_equal(account_facts(ca.account)->standing, ACCOUNT_MUST_AGREE);
	await();
	assert_int_equal(told_err, E_ACCOUNT);
	assert_int_equal(script.next, 3);
	account_agreed(ca.account);
	await();
	assert_int_equal(told_err, E_OK);
	close_account();
}

static void a_registration_that_wants_a_person_waits_for_one(void **state)
{
	static const struct script_line lines[] = { DIRECTORY_LINE, NONCE_LINE,
		{ "POST", "/account", 403, "Link: <https://ca.test/terms>;rel=\"terms-of-service\"",
			PROBLEM("userActionRequired"), ANSWERED, false }, REGISTERED("1") };
	(void)state;
	open_account(lines, 4);
	await();
	assert_int_equal(told_err, E_ACCOUNT);
	assert_string_equal(account_facts(ca.account)->agreement.terms, "https://ca.test/terms");
	await();
	assert_int_equal(told_err, E_ACCOUNT);
	assert_int_equal(script.next, 3);
	account_agreed(ca.account);
	await();
	assert_int_equal(told_err, E_OK);
	close_account();
}

static void another_contact_is_told_once_in_the_background(void **state)
{
	static const struct script_line lines[] = { DIRECTORY_LINE, NONCE_LINE, REGISTERED("1"),
		SAID("1", 200, "{}") };
	(void)state;
	open_account(lines, 4);
	await();
	open_again("new@a.test");
	settle_store();
	assert_true(account_is_ready(ca.account));
	assert_int_equal(script.next, 4);
	assert_string_equal(script.payload, "{\"contact\":[\"mailto:new@a.test\"]}");
	assert_string_equal(account_facts(ca.account)->contact, "new@a.test");
	settle_store();
	open_again("new@a.test");
	settle_store();
	await();
	assert_int_equal(script.next, 4);
	close_account();
}

static void a_contact_the_ca_refuses_is_not_told_again(void **state)
{
	static const struct script_line lines[] = { DIRECTORY_LINE, NONCE_LINE, REGISTERED("1"),
		SAID("1", 400, PROBLEM("invalidContact")), SAID("1", 200, "{}") };
	(void)state;
	open_account(lines, 5);
	await();
	open_again("bad@a.test");
	settle_store();
	assert_int_equal(script.next, 5);
	assert_string_equal(account_facts(ca.account)->refused_contact, "bad@a.test");
	open_again("bad@a.test");
	await();
	settle_store();
	assert_int_equal(script.next, 5);
	close_account();
}

static void roll(struct key *to, enum err expected)
{
	struct fault fault = { 0 };
	told = 0;
	waiter_init(&waiter, on_told);
	assert_int_equal(account_roll(ca.account, to, &waiter, &fault), expected);
	if (!expected)
		script_run_until(&script, &told);
}

static void its_key_is_changed_and_names_go_on(void **state)
{
	static const struct script_line lines[] = { DIRECTORY_LINE, NONCE_LINE, REGISTERED("1"),
		{ "POST", "/change", 200, NULL, "{}", ANSWERED, false }, SAID("1", 200, "{}") };
	(void)state;
	open_account(lines, 5);
	await();
	struct key *old = first_key();
	roll(old, E_USAGE);
	roll(NULL, E_OK);
	assert_int_equal(told_err, E_OK);
	settle_store();
	assert_true(account_is_ready(ca.account));
	assert_false(has_key(old));
	assert_string_equal(account_kid(ca.account), FIRST);
	key_unref(&old);
	close_account();
}

static void only_one_change_at_a_time(void **state)
{
	static const struct script_line lines[] = { DIRECTORY_LINE, NONCE_LINE, REGISTERED("1"),
		{ "POST", "/change", 200, NULL, "{}", ANSWERED, false }, SAID("1", 200, "{}") };
	struct waiter second;
	struct fault fault = { 0 };
	(void)state;
	open_account(lines, 5);
	await();
	told = 0;
	waiter_init(&waiter, on_told);
	waiter_init(&second, on_told);
	assert_int_equal(account_roll(ca.account, NULL, &waiter, &fault), E_OK);
	assert_int_equal(account_roll(ca.account, NULL, &second, &fault), E_LOCKED);
	script_run_until(&script, &told);
	close_account();
}

/* Killed between the CA's yes and the record of it. */
static void two_keys_are_settled_before_anything_is_asked(void **state)
{
	static const struct script_line lines[] = { DIRECTORY_LINE, NONCE_LINE, REGISTERED("1"),
		{ "POST", "/change", 200, NULL, "{}", ANSWERED, false },
		{ "POST", "/account/1", 503, NULL, "", ANSWERED, false }, SAID("1", 200, "{}") };
	(void)state;
	open_account(lines, 6);
	await();
	struct key *old = first_key();
	roll(NULL, E_OK);
	assert_int_not_equal(told_err, E_OK);
	ca.breaker = (struct breaker){ 0 };
	open_again("ops@a.test");
	await();
	assert_int_equal(told_err, E_OK);
	assert_false(has_key(old));
	assert_null(account_facts(ca.account)->next_key);
	assert_int_equal(script.next, 6);
	key_unref(&old);
	close_account();
}

static void a_closed_account_stays_closed_until_it_is_renewed(void **state)
{
	static const struct script_line lines[] = { DIRECTORY_LINE, NONCE_LINE, REGISTERED("1"),
		REGISTERED("2") };
	(void)state;
	open_account(lines, 4);
	await();
	struct key *old = first_key();
	account_closed(ca.account);
	await();
	assert_int_equal(told_err, E_ACCOUNT);
	settle_store();
	open_again("ops@a.test");
	await();
	assert_int_equal(told_err, E_ACCOUNT);
	told = 0;
	waiter_init(&waiter, on_told);
	account_wait_up(ca.account, &waiter);
	script_run_until(&script, &told);
	assert_int_equal(told_err, E_OK);
	assert_int_equal(script.next, 3);
	account_renew(ca.account);
	await();
	assert_int_equal(told_err, E_OK);
	assert_false(has_key(old));
	assert_string_equal(account_facts(ca.account)->previous, FIRST);
	key_unref(&old);
	close_account();
}

static int saved;

static void on_saved(void *owner, enum err err, void *object, const struct fault *fault)
{
	(void)owner;
	(void)object;
	(void)fault;
	assert_int_equal(err, E_OK);
	saved = 1;
}

/* By another process on the same store, or by import. */
static void a_key_the_store_has_by_now_is_taken(void **state)
{
	static const struct script_line lines[] = { DIRECTORY_LINE, NONCE_LINE, REGISTERED("1") };
	struct account_record r;
	char name[ACCOUNT_NAME];
	(void)state;
	open_account(lines, 3);
	await();
	account_record_init(&r);
	assert_int_equal(key_generate(CONF_KEY_P256, &r.key), E_OK);
	strcpy(r.kid, "https://ca.test/account/7");
	r.has_contact = true;
	strcpy(r.contact, "ops@a.test");
	account_record_name(name, "https://ca.test/dir");
	saved = 0;
	account_store_save(store, name, &r, "https://ca.test/dir", on_saved, NULL);
	script_run_until(&script, &saved);
	account_suspect(ca.account);
	await();
	assert_int_equal(told_err, E_OK);
	assert_true(has_key(r.key));
	assert_true(str_equal(key_public(ca.signer.key), key_public(r.key)));
	assert_string_equal(account_kid(ca.account), "https://ca.test/account/7");
	account_record_fini(&r);
	close_account();
}

/* After each number of turns, so that every state is met. */
static void it_can_be_freed_in_each_state(void **state)
{
	static const struct script_line lines[] = { DIRECTORY_LINE, NONCE_LINE, REGISTERED("1"),
		REFUSED(403, "unauthorized"), { "POST", "/account", 0, NULL, NULL, NEVER, false } };
	static const struct script_line rolling[] = { DIRECTORY_LINE, NONCE_LINE, REGISTERED("1"),
		{ "POST", "/change", 200, NULL, "{}", ANSWERED, false },
		{ "POST", "/account/1", 0, NULL, NULL, NEVER, false } };
	(void)state;
	for (int turns = 0; turns < 30; turns++) {
		struct fault fault = { 0 };
		open_account(turns % 2 ? lines : rolling, 5);
		waiter_init(&waiter, on_told);
		account_wait(ca.account, &waiter);
		script_turn(&script, turns < 10 ? turns : 0);
		if (turns >= 10) {
			told = 0;
			script_run_until(&script, &told);
			waiter_init(&waiter, on_told);
			if (turns % 2) {
				account_doubt(ca.account, FIRST);
				account_wait(ca.account, &waiter);
			} else {
				assert_int_equal(account_roll(ca.account, NULL, &waiter, &fault), E_OK);
			}
			script_turn(&script, turns - 10);
		}
		told = 0;
		list_remove(&waiter.node);
		close_account();
		assert_false(told);
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
		cmocka_unit_test(it_registers_once_and_is_read_from_the_store_afterwards),
		cmocka_unit_test(a_lost_reply_finds_the_same_key_again),
		cmocka_unit_test(a_refused_contact_is_left_out),
		cmocka_unit_test(a_lost_account_is_registered_again),
		cmocka_unit_test(a_doubted_account_that_is_good_stays),
		cmocka_unit_test(a_deactivated_account_is_replaced_once),
		cmocka_unit_test(a_doubted_account_that_is_unknown_is_registered_with_its_key),
		cmocka_unit_test(new_terms_stop_everything_until_somebody_agrees),
		cmocka_unit_test(a_registration_that_wants_a_person_waits_for_one),
		cmocka_unit_test(another_contact_is_told_once_in_the_background),
		cmocka_unit_test(a_contact_the_ca_refuses_is_not_told_again),
		cmocka_unit_test(its_key_is_changed_and_names_go_on),
		cmocka_unit_test(only_one_change_at_a_time),
		cmocka_unit_test(two_keys_are_settled_before_anything_is_asked),
		cmocka_unit_test(a_closed_account_stays_closed_until_it_is_renewed),
		cmocka_unit_test(a_key_the_store_has_by_now_is_taken),
		cmocka_unit_test(it_can_be_freed_in_each_state),
	};
	return cmocka_run_group_tests(tests, setup, NULL);
}
