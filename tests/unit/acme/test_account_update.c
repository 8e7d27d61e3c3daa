/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "acme/account_update.h"

#include "script.h"

#define KID "https://ca.test/account/1"
#define PROBLEM(type) "{\"type\":\"urn:ietf:params:acme:error:" type "\"}"
#define SAID(status, body) { "POST", "/account/1", status, NULL, body, ANSWERED, false }

static struct key *key;
static struct script script;
static struct ca ca;
static struct account_update *update;
static int done;
static enum err done_err;
static struct account_answer got;

static int make_key(void **state)
{
	(void)state;
	log_setup(2, LOG_ERROR, LOG_TEXT);
	return key_generate(CONF_KEY_P256, &key);
}

static int drop_key(void **state)
{
	(void)state;
	key_unref(&key);
	return 0;
}

static void on_done(void *owner, enum err err, const struct account_answer *answer, const struct fault *fault)
{
	(void)owner;
	assert_true(!err == !!answer);
	assert_true(!err || fault->activity[0]);
	update = NULL;
	done = 1;
	done_err = err;
	got = answer ? *answer : (struct account_answer){ 0 };
}

static void begin(const struct script_line *lines, unsigned n, enum account_update_kind kind, const char *email)
{
	script_open(&script, &ca, lines, n);
	signer_set_key(&ca.signer, key);
	script_fetch_directory(&script, &ca);
	done = 0;
	update = account_update_start(&(struct account_update_args){ .ca = &ca, .kid = KID, .kind = kind,
		.email = email }, on_done, NULL);
}

static void run(const struct script_line *lines, unsigned n, enum account_update_kind kind, const char *email)
{
	begin(lines, n, kind, email);
	script_run_until(&script, &done);
	assert_int_equal(script.next, n);
	script_close(&script, &ca);
}

static void a_question_is_a_post_as_get(void **state)
{
	static const struct script_line lines[] = { DIRECTORY_LINE, NONCE_LINE,
		SAID(200, "{\"status\":\"valid\",\"contact\":[\"mailto:a@b\"]}") };
	(void)state;
	run(lines, 3, ACCOUNT_UPDATE_LOOK, NULL);
	assert_int_equal(done_err, E_OK);
	assert_string_equal(script.payload, "");
	assert_string_equal(script.sent_jwk, "kid");
	assert_string_equal(got.view.status, "valid");
	assert_string_equal(got.view.contact, "mailto:a@b");
}

static void a_contact_that_is_not_liked_is_left_out(void **state)
{
	static const struct script_line lines[] = { DIRECTORY_LINE, NONCE_LINE,
		SAID(400, PROBLEM("invalidContact")), SAID(200, "{}") };
	(void)state;
	run(lines, 4, ACCOUNT_UPDATE_CONTACT, "bad@b");
	assert_int_equal(done_err, E_OK);
	assert_true(got.is_contact_refused);
	assert_false(got.is_contact_kept);
	assert_string_equal(script.payload, "{\"contact\":[]}");
}

static void a_ca_that_wants_one_keeps_what_it_has(void **state)
{
	static const struct script_line lines[] = { DIRECTORY_LINE, NONCE_LINE,
		SAID(400, PROBLEM("unsupportedContact")), SAID(400, PROBLEM("malformed")) };
	(void)state;
	run(lines, 4, ACCOUNT_UPDATE_CONTACT, "bad@b");
	assert_int_equal(done_err, E_OK);
	assert_true(got.is_contact_refused && got.is_contact_kept);
}

static void agreement_is_posted_or_found_out(void **state)
{
	static const struct script_line takes[] = { DIRECTORY_LINE, NONCE_LINE, SAID(200, "{}") };
	static const struct script_line refuses[] = { DIRECTORY_LINE, NONCE_LINE,
		SAID(400, PROBLEM("malformed")), SAID(200, "{\"status\":\"valid\"}") };
	static const struct script_line insists[] = { DIRECTORY_LINE, NONCE_LINE,
		SAID(403, PROBLEM("userActionRequired")) };
	(void)state;
	run(takes, 3, ACCOUNT_UPDATE_AGREE, NULL);
	assert_int_equal(done_err, E_OK);
	assert_string_equal(script.payload, "{\"termsOfServiceAgreed\":true}");
	run(refuses, 4, ACCOUNT_UPDATE_AGREE, NULL);
	assert_int_equal(done_err, E_OK);
	assert_string_equal(got.view.status, "valid");
	run(insists, 3, ACCOUNT_UPDATE_AGREE, NULL);
	assert_int_equal(done_err, E_ACCOUNT);
}

static void the_end_is_told_and_a_refusal_of_it_too(void **state)
{
	static const struct script_line takes[] = { DIRECTORY_LINE, NONCE_LINE,
		SAID(200, "{\"status\":\"deactivated\"}") };
	static const struct script_line refuses[] = { DIRECTORY_LINE, NONCE_LINE,
		SAID(403, PROBLEM("unauthorized")) };
	(void)state;
	run(takes, 3, ACCOUNT_UPDATE_DEACTIVATE, NULL);
	assert_int_equal(done_err, E_OK);
	assert_string_equal(script.payload, "{\"status\":\"deactivated\"}");
	assert_string_equal(got.view.status, "deactivated");
	run(refuses, 3, ACCOUNT_UPDATE_DEACTIVATE, NULL);
	assert_int_not_equal(done_err, E_OK);
}

static void it_can_be_cancelled_in_each_state(void **state)
{
	static const struct script_line first[] = { DIRECTORY_LINE, NONCE_LINE,
		{ "POST", "/account/1", 0, NULL, NULL, NEVER, false } };
	static const struct script_line second[] = { DIRECTORY_LINE, NONCE_LINE,
		SAID(400, PROBLEM("invalidContact")), { "POST", "/account/1", 0, NULL, NULL, NEVER, false } };
	(void)state;
	begin(first, 3, ACCOUNT_UPDATE_LOOK, NULL);
	script_turn(&script, 5);
	account_update_cancel(&update);
	account_update_cancel(&update);
	script_close(&script, &ca);
	begin(first, 3, ACCOUNT_UPDATE_AGREE, NULL);
	script_turn(&script, 5);
	account_update_cancel(&update);
	script_close(&script, &ca);
	begin(second, 4, ACCOUNT_UPDATE_CONTACT, "x@y");
	script_turn(&script, 8);
	account_update_cancel(&update);
	script_close(&script, &ca);
	assert_false(done);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_question_is_a_post_as_get),
		cmocka_unit_test(a_contact_that_is_not_liked_is_left_out),
		cmocka_unit_test(a_ca_that_wants_one_keeps_what_it_has),
		cmocka_unit_test(agreement_is_posted_or_found_out),
		cmocka_unit_test(the_end_is_told_and_a_refusal_of_it_too),
		cmocka_unit_test(it_can_be_cancelled_in_each_state),
	};
	return cmocka_run_group_tests(tests, make_key, drop_key);
}
