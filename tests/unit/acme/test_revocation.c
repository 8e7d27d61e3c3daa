/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "acme/revocation.h"

#include "acme/account.h"
#include "script.h"

static struct script script;
static struct ca ca;
static struct store *store;
static int told;
static enum err told_err;
static char told_detail[FAULT_TEXT];

static void on_revoked(void *owner, enum err err, const struct fault *fault)
{
	(void)owner;
	told++;
	told_err = err;
	snprintf(told_detail, sizeof told_detail, "%s", fault ? fault->detail : "");
}

#define REGISTERED { "POST", "/account", 201, "Location: https://ca.test/account/1", "{}", ANSWERED, false }

static const char directory[] = "{\"newNonce\":\"https://ca.test/nonce\","
	"\"newAccount\":\"https://ca.test/account\",\"newOrder\":\"https://ca.test/order\","
	"\"revokeCert\":\"https://ca.test/revoke\"}";
static const char poor_directory[] = "{\"newNonce\":\"https://ca.test/nonce\","
	"\"newAccount\":\"https://ca.test/account\",\"newOrder\":\"https://ca.test/order\"}";

static void revoke(const struct script_line *lines, unsigned n, enum revocation_reason reason)
{
	script_open(&script, &ca, lines, n);
	store = store_memory_new(script.loop);
	ca.account = account_new(&(struct account_args){ .ca = &ca, .store = store });
	told = 0;
	struct revocation *r = revocation_start(&ca, STR("\x30\x03\x02\x01\x05"), reason, on_revoked, NULL);
	assert_non_null(r);
	assert_false(told);
	script_run_until(&script, &told);
}

static void end(void)
{
	account_free(&ca.account);
	for (int i = 0; i < 100; i++) {
		struct timespec ms = { 0, 200000 };
		script_turn(&script, 1);
		nanosleep(&ms, NULL);
	}
	store->ops->free(store);
	script_close(&script, &ca);
}

#define DIRECTORY(text) { "GET", "/dir", 200, "Content-Type: application/json\n", text, ANSWERED, false }

static void the_account_signs_the_certificate_and_the_reason(void **state)
{
	const struct script_line lines[] = { DIRECTORY(directory), NONCE_LINE, REGISTERED,
		{ "POST", "/revoke", 200, NULL, "", ANSWERED, false } };
	(void)state;
	revoke(lines, 4, REVOCATION_SUPERSEDED);
	assert_int_equal(told_err, E_OK);
	assert_string_equal(script.payload, "{\"certificate\":\"MAMCAQU\",\"reason\":4}");
	assert_string_equal(script.sent_jwk, "kid");
	end();
}

static void unspecified_is_not_said(void **state)
{
	const struct script_line lines[] = { DIRECTORY(directory), NONCE_LINE, REGISTERED,
		{ "POST", "/revoke", 200, NULL, "", ANSWERED, false } };
	(void)state;
	revoke(lines, 4, REVOCATION_UNSPECIFIED);
	assert_string_equal(script.payload, "{\"certificate\":\"MAMCAQU\"}");
	end();
}

#define PROBLEM(name) "{\"type\":\"urn:ietf:params:acme:error:" name "\",\"detail\":\"in its words\"}"
#define PROBLEM_HEAD "Content-Type: application/problem+json\n"

static void revoked_already_is_a_success_and_other_refusals_are_told(void **state)
{
	const struct script_line already[] = { DIRECTORY(directory), NONCE_LINE, REGISTERED,
		{ "POST", "/revoke", 400, PROBLEM_HEAD, PROBLEM("alreadyRevoked"), ANSWERED, false } };
	const struct script_line refused[] = { DIRECTORY(directory), NONCE_LINE, REGISTERED,
		{ "POST", "/revoke", 403, PROBLEM_HEAD, PROBLEM("unauthorized"), ANSWERED, false } };
	(void)state;
	revoke(already, 4, REVOCATION_UNSPECIFIED);
	assert_int_equal(told_err, E_OK);
	end();
	revoke(refused, 4, REVOCATION_UNSPECIFIED);
	assert_int_not_equal(told_err, E_OK);
	assert_non_null(strstr(told_detail, "in its words"));
	end();
}

static void a_ca_that_revokes_nothing_is_told(void **state)
{
	const struct script_line lines[] = { DIRECTORY(poor_directory), NONCE_LINE, REGISTERED };
	(void)state;
	revoke(lines, 3, REVOCATION_UNSPECIFIED);
	assert_int_equal(told_err, E_ACME);
	assert_non_null(strstr(told_detail, "revokes no certificates"));
	end();
}

static void it_may_be_cancelled_in_every_state(void **state)
{
	const struct script_line lines[] = { DIRECTORY(directory), NONCE_LINE, REGISTERED,
		{ "POST", "/revoke", 200, NULL, "", NEVER, false } };
	(void)state;
	for (int turns = 0; turns < 60; turns += 4) {
		script_open(&script, &ca, lines, 4);
		store = store_memory_new(script.loop);
		ca.account = account_new(&(struct account_args){ .ca = &ca, .store = store });
		told = 0;
		struct revocation *r = revocation_start(&ca, STR("x"), REVOCATION_UNSPECIFIED, on_revoked,
			NULL);
		for (int i = 0; i < turns; i++) {
			struct timespec ms = { 0, 500000 };
			script_turn(&script, 1);
			nanosleep(&ms, NULL);
		}
		revocation_cancel(&r);
		revocation_cancel(&r);
		end();
		assert_int_equal(told, 0);
	}
}

static void reasons_are_found_by_name(void **state)
{
	enum revocation_reason reason;
	(void)state;
	assert_true(revocation_reason_named(STR("keycompromise"), &reason));
	assert_int_equal(reason, 1);
	assert_false(revocation_reason_named(STR("boredom"), &reason));
	assert_false(revocation_reason_named(STR_NONE, &reason));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_account_signs_the_certificate_and_the_reason),
		cmocka_unit_test(unspecified_is_not_said),
		cmocka_unit_test(revoked_already_is_a_success_and_other_refusals_are_told),
		cmocka_unit_test(a_ca_that_revokes_nothing_is_told),
		cmocka_unit_test(it_may_be_cancelled_in_every_state),
		cmocka_unit_test(reasons_are_found_by_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
