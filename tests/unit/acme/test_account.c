/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "acme/account.h"

#include "acme/record.h"
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
	ca.account = account_new(&(struct account_args){ .ca = &ca, .store = store });
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
	key_thumbprint(account_key(ca.account), first);
	account_free(&ca.account);
	ca.account = account_new(&(struct account_args){ .ca = &ca, .store = store });
	await();
	assert_int_equal(told_err, E_OK);
	key_thumbprint(account_key(ca.account), second);
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

static int setup(void **state)
{
	(void)state;
	log_setup(2, LOG_ERROR, LOG_TEXT);
	return tls_setup();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_registers_once_and_is_read_from_the_store_afterwards),
		cmocka_unit_test(a_lost_reply_finds_the_same_key_again),
		cmocka_unit_test(a_refused_contact_is_left_out),
		cmocka_unit_test(a_lost_account_is_registered_again),
		cmocka_unit_test(damaged_records_are_refused),
	};
	return cmocka_run_group_tests(tests, setup, NULL);
}
