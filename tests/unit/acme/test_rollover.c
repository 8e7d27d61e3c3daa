/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "acme/rollover.h"

#include "script.h"

#define KID "https://ca.test/account/1"
#define PROBLEM(type) "{\"type\":\"urn:ietf:params:acme:error:" type "\"}"
#define CHANGE(status, body) { "POST", "/change", status, NULL, body, ANSWERED, false }
#define LOOK(status, body) { "POST", "/account/1", status, NULL, body, ANSWERED, false }
#define BAD_SIGNATURE LOOK(400, PROBLEM("malformed"))

static struct script script;
static struct ca ca;
static struct store *store;
static struct account_record record;
static struct key *old_key, *new_key;
static struct rollover *rollover;
static int done;
static enum err done_err;
static struct fault done_fault;

static int make_keys(void **state)
{
	(void)state;
	log_setup(2, LOG_ERROR, LOG_TEXT);
	return key_generate(CONF_KEY_P256, &old_key) || key_generate(CONF_KEY_P256, &new_key) || tls_setup();
}

static int drop_keys(void **state)
{
	(void)state;
	key_unref(&old_key);
	key_unref(&new_key);
	return 0;
}

static void on_done(void *owner, enum err err, const struct fault *fault)
{
	(void)owner;
	rollover = NULL;
	done = 1;
	done_err = err;
	done_fault = fault ? *fault : (struct fault){ 0 };
}

static void open_script(const struct script_line *lines, unsigned n)
{
	script_open(&script, &ca, lines, n);
	store = store_memory_new(script.loop);
	account_record_init(&record);
	record.key = key_ref(old_key);
	strcpy(record.kid, KID);
	signer_set_key(&ca.signer, old_key);
	script_fetch_directory(&script, &ca);
	done = 0;
}

static void close_script(void)
{
	assert_true(signer_is_open(&ca.signer));
	account_record_fini(&record);
	script_settle(script.loop);
	store->ops->free(store);
	script_close(&script, &ca);
}

static struct rollover_args args(void)
{
	return (struct rollover_args){ .ca = &ca, .store = store, .name = "a", .record = &record };
}

static void begin(struct key *to)
{
	struct rollover_args a = args();
	rollover = rollover_start(&a, to, on_done, NULL);
	assert_false(done);
}

static void roll(struct key *to)
{
	begin(to);
	script_run_until(&script, &done);
}

static void settle(void)
{
	struct rollover_args a = args();
	record.next_key = key_ref(new_key);
	rollover = rollover_settle(&a, on_done, NULL);
	script_run_until(&script, &done);
}

static bool has(const struct key *key)
{
	return !record.next_key && str_equal(key_public(record.key), key_public(key))
		&& ca.signer.key && str_equal(key_public(ca.signer.key), key_public(key));
}

static struct account_record *stored;
static int loaded;

static enum err parse(struct str bytes, const char *name, void **object, struct fault *fault)
{
	(void)name;
	return account_record_parse(bytes, (struct account_record **)object, fault);
}

static void on_loaded(void *owner, enum err err, void *object, const struct fault *fault)
{
	(void)owner;
	(void)fault;
	assert_int_equal(err, E_OK);
	stored = object;
	loaded = 1;
}

static void read_store(void)
{
	loaded = 0;
	store_load(store, STORE_ACCOUNTS, "a", parse, on_loaded, NULL);
	script_run_until(&script, &loaded);
}

static void the_new_key_is_tried_before_the_old_one_goes(void **state)
{
	static const struct script_line lines[] = { DIRECTORY_LINE, NONCE_LINE, CHANGE(200, "{}"),
		LOOK(200, "{}") };
	(void)state;
	open_script(lines, 4);
	roll(new_key);
	assert_int_equal(done_err, E_OK);
	assert_true(has(new_key));
	read_store();
	assert_null(stored->next_key);
	assert_true(str_equal(key_public(stored->key), key_public(new_key)));
	account_record_free(&stored);
	close_script();
}

static void a_key_is_made_where_none_is_given(void **state)
{
	static const struct script_line lines[] = { DIRECTORY_LINE, NONCE_LINE, CHANGE(200, ""),
		LOOK(200, "{}") };
	(void)state;
	open_script(lines, 4);
	roll(NULL);
	assert_int_equal(done_err, E_OK);
	assert_false(str_equal(key_public(record.key), key_public(old_key)));
	assert_null(record.next_key);
	close_script();
}

static void the_inner_signature_names_account_and_old_key(void **state)
{
	struct json *jws = NULL, *header = NULL, *payload = NULL;
	unsigned char text[4096];
	char thumbprint[KEY_THUMBPRINT];
	size_t len = 0;
	struct buf out, jwk;
	(void)state;
	struct account_record r = { .key = old_key, .kid = KID };
	buf_init(&out, 0);
	buf_init(&jwk, 0);
	assert_int_equal(rollover_payload(&r, new_key, "https://ca.test/change", &out), E_OK);
	assert_int_equal(json_parse(buf_str(&out), &json_limits_default, &jws, NULL), E_OK);
	encode_base64_decode(text, sizeof text, &len, json_get_str(jws, "protected"));
	assert_int_equal(json_parse(str_of(text, len), &json_limits_default, &header, NULL), E_OK);
	assert_true(str_is(json_get_str(header, "url"), "https://ca.test/change"));
	assert_null(json_get(header, "nonce"));
	assert_null(json_get(header, "kid"));
	key_jwk(new_key, &jwk);
	char x[64];
	str_copy(x, sizeof x, json_get_str(json_get(header, "jwk"), "x"));
	assert_non_null(strstr(buf_cstring(&jwk), x));
	encode_base64_decode(text, sizeof text, &len, json_get_str(jws, "payload"));
	assert_int_equal(json_parse(str_of(text, len), &json_limits_default, &payload, NULL), E_OK);
	assert_true(str_is(json_get_str(payload, "account"), KID));
	buf_clear(&jwk);
	key_jwk(old_key, &jwk);
	str_copy(x, sizeof x, json_get_str(json_get(payload, "oldKey"), "x"));
	assert_non_null(strstr(buf_cstring(&jwk), x));
	assert_int_equal(key_thumbprint(new_key, thumbprint), E_OK);
	json_free(&jws);
	json_free(&header);
	json_free(&payload);
	buf_fini(&out);
	buf_fini(&jwk);
}

static void a_yes_that_changed_nothing_is_found_out(void **state)
{
	static const struct script_line lines[] = { DIRECTORY_LINE, NONCE_LINE, CHANGE(200, ""),
		BAD_SIGNATURE, LOOK(200, "{}") };
	(void)state;
	open_script(lines, 5);
	roll(new_key);
	assert_int_equal(done_err, E_ACCOUNT);
	assert_non_null(strstr(done_fault.detail, "changed nothing"));
	assert_true(has(old_key));
	close_script();
}

static void refusals_keep_the_old_key_and_say_why(void **state)
{
	static const struct { unsigned status; const char *words; } rows[] = {
		{ 409, "another account" }, { 501, "changes no account keys" }, { 403, "HTTP status 403" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct script_line lines[] = { DIRECTORY_LINE, NONCE_LINE, CHANGE(rows[i].status, ""),
			BAD_SIGNATURE, LOOK(200, "{}") };
		open_script(lines, 5);
		roll(new_key);
		assert_int_not_equal(done_err, E_OK);
		assert_non_null(strstr(done_fault.detail, rows[i].words));
		assert_true(has(old_key));
		assert_true(breaker_is_closed(&ca.breaker));
		close_script();
	}
}

static void a_lost_answer_is_no_answer(void **state)
{
	static const struct script_line lines[] = { DIRECTORY_LINE, NONCE_LINE,
		{ "POST", "/change", 0, NULL, NULL, LOST, false }, NONCE_LINE,
		CHANGE(403, PROBLEM("unauthorized")), LOOK(200, "{}") };
	(void)state;
	open_script(lines, 6);
	roll(new_key);
	assert_int_equal(done_err, E_OK);
	assert_true(has(new_key));
	close_script();
}

static void while_the_ca_is_away_both_keys_stay(void **state)
{
	static const struct script_line lines[] = { DIRECTORY_LINE, NONCE_LINE, CHANGE(200, ""),
		LOOK(503, "") };
	(void)state;
	open_script(lines, 4);
	roll(new_key);
	assert_int_not_equal(done_err, E_OK);
	assert_non_null(record.next_key);
	read_store();
	assert_non_null(stored->next_key);
	account_record_free(&stored);
	close_script();
}

static void settling_finds_the_key_that_works(void **state)
{
	static const struct script_line is_new[] = { DIRECTORY_LINE, NONCE_LINE, LOOK(200, "{}") };
	static const struct script_line is_old[] = { DIRECTORY_LINE, NONCE_LINE, BAD_SIGNATURE, LOOK(200, "{}") };
	static const struct script_line is_none[] = { DIRECTORY_LINE, NONCE_LINE, BAD_SIGNATURE,
		LOOK(403, PROBLEM("unauthorized")) };
	(void)state;
	open_script(is_new, 3);
	settle();
	assert_int_equal(done_err, E_OK);
	assert_true(has(new_key));
	close_script();
	open_script(is_old, 4);
	settle();
	assert_int_equal(done_err, E_OK);
	assert_true(has(old_key));
	close_script();
	open_script(is_none, 4);
	settle();
	assert_int_equal(done_err, E_ACCOUNT);
	assert_true(has(old_key));
	close_script();
}

static void a_ca_without_key_change_is_not_asked(void **state)
{
	static const struct script_line lines[] = { { "GET", "/dir", 200, NULL,
		"{\"newNonce\":\"https://ca.test/nonce\",\"newAccount\":\"https://ca.test/account\","
		"\"newOrder\":\"https://ca.test/order\"}", ANSWERED, true } };
	(void)state;
	open_script(lines, 1);
	roll(NULL);
	assert_int_equal(done_err, E_ACME);
	assert_true(has(old_key));
	close_script();
}

static void on_admitted(struct waiter *w, enum err err, const struct fault *fault)
{
	(void)w;
	(void)err;
	(void)fault;
}

static void it_waits_for_challenges_being_answered(void **state)
{
	static const struct script_line lines[] = { DIRECTORY_LINE, NONCE_LINE, CHANGE(200, "{}"),
		LOOK(200, "{}") };
	struct signer_use proof, late;
	(void)state;
	open_script(lines, 4);
	signer_use_init(&proof, SIGNER_PROOF, on_admitted);
	signer_use_init(&late, SIGNER_PROOF, on_admitted);
	assert_true(signer_enter(&ca.signer, &proof));
	begin(new_key);
	script_turn(&script, 10);
	assert_int_equal(script.next, 1);
	assert_false(signer_enter(&ca.signer, &late));
	signer_leave(&proof);
	script_run_until(&script, &done);
	assert_int_equal(done_err, E_OK);
	assert_non_null(late.in);
	signer_leave(&late);
	close_script();
}

static void on_never(void *owner, enum err err, const struct fault *fault)
{
	(void)owner;
	(void)err;
	(void)fault;
	fail_msg("called back after it was cancelled");
}

/* After each number of turns, so that every state is met. */
static void it_can_be_cancelled_in_each_state(void **state)
{
	static const struct script_line lines[] = { DIRECTORY_LINE, NONCE_LINE, CHANGE(200, "{}"),
		BAD_SIGNATURE, { "POST", "/account/1", 0, NULL, NULL, NEVER, false } };
	(void)state;
	for (int turns = 0; turns < 24; turns++) {
		open_script(lines, 5);
		struct rollover_args a = args();
		rollover = rollover_start(&a, turns % 2 ? new_key : NULL, on_never, NULL);
		script_turn(&script, turns);
		rollover_cancel(&rollover);
		rollover_cancel(&rollover);
		close_script();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_new_key_is_tried_before_the_old_one_goes),
		cmocka_unit_test(a_key_is_made_where_none_is_given),
		cmocka_unit_test(the_inner_signature_names_account_and_old_key),
		cmocka_unit_test(a_yes_that_changed_nothing_is_found_out),
		cmocka_unit_test(refusals_keep_the_old_key_and_say_why),
		cmocka_unit_test(a_lost_answer_is_no_answer),
		cmocka_unit_test(while_the_ca_is_away_both_keys_stay),
		cmocka_unit_test(settling_finds_the_key_that_works),
		cmocka_unit_test(a_ca_without_key_change_is_not_asked),
		cmocka_unit_test(it_waits_for_challenges_being_answered),
		cmocka_unit_test(it_can_be_cancelled_in_each_state),
	};
	return cmocka_run_group_tests(tests, make_keys, drop_keys);
}
