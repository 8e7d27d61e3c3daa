/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "acme/order.h"

#include "script.h"

static struct key *key;
static struct script script;
static struct ca ca;
static struct challenge_table *table;
static struct challenge_set *live;
static struct loop_task published;
static uint64_t generation;
static int done, placed;
static enum err done_err;
static struct fault done_fault;
static char done_chain[64];
static int done_challenge;
static const char *wanted_profile, *wanted_replaces, *wanted_chain;
static bool must_have_profile, refused_replaces, refused_profile;
static char done_profile[ORDER_PROFILE_NAME];
static struct order *order;

static int setup(void **state)
{
	(void)state;
	log_setup(2, LOG_ERROR, LOG_TEXT);
	return tls_setup() || key_generate(CONF_KEY_P256, &key);
}

static int teardown(void **state)
{
	(void)state;
	key_unref(&key);
	return 0;
}

static void on_published(struct loop_task *t)
{
	(void)t;
	challenge_published(table, generation);
}

static void publish(void *owner, struct challenge_set *set, uint64_t g)
{
	(void)owner;
	challenge_set_unref(&live);
	live = set;
	generation = g;
	loop_defer(script.loop, &published);
}

static void on_placed(void *owner, struct order *o)
{
	(void)owner;
	placed++;
	order_allow_finalize(o);
}

static void on_done(void *owner, struct order *o, enum err err, struct str chain,
	const struct fault *fault)
{
	(void)owner;
	done++;
	done_err = err;
	done_fault = fault ? *fault : (struct fault){ 0 };
	done_challenge = order_challenge(o);
	refused_replaces = order_was_refused(o, ORDER_REPLACES);
	refused_profile = order_was_refused(o, ORDER_PROFILE);
	strcpy(done_profile, order_profile(o));
	str_copy(done_chain, sizeof done_chain, chain);
	order = NULL;
}

static const char *wanted_name = "a.test";

static void begin(const char *resume_url)
{
	struct order_args args = { .ca = &ca, .kid = "https://ca.test/account/1",
		.name = wanted_name, .csr = STR("csr"), .resume_url = resume_url, .table = table,
		.wanted = { CONF_HTTP_01, CONF_TLS_ALPN_01 }, .n_wanted = 2,
		.profile = wanted_profile, .must_have_profile = must_have_profile,
		.replaces = wanted_replaces, .preferred_chain = wanted_chain,
		.on_placed = on_placed, .on_done = on_done };
	done = placed = 0;
	done_chain[0] = '\0';
	order = order_start(&args);
}

static void open_script(const struct script_line *lines, unsigned n)
{
	script_open(&script, &ca, lines, n);
	signer_set_key(&ca.signer, key);
	loop_task_init(&published, on_published);
	table = challenge_table_new(script.loop, publish, NULL);
	script_fetch_directory(&script, &ca);
}

static void close_script(void)
{
	challenge_table_free(&table);
	challenge_set_unref(&live);
	loop_task_cancel(&published);
	script_close(&script, &ca);
}

#define RUN(resume, ...) \
	static const struct script_line lines[] = { DIRECTORY_LINE, NONCE_LINE, __VA_ARGS__ }; \
	(void)state; \
	open_script(lines, sizeof lines / sizeof lines[0]); \
	begin(resume); \
	script_run_until(&script, &done); \
	assert_int_equal(script.next, script.n); \
	close_script()

#define POST(path, body) { "POST", path, 200, NULL, body, ANSWERED, false }
#define PLACED(body) { "POST", "/order", 201, "Location: https://ca.test/o/1", body, ANSWERED, false }
#define ORDER(status) "{\"status\":\"" status "\",\"expires\":\"2027-01-01T00:00:00Z\"," \
	"\"finalize\":\"https://ca.test/f/1\",\"authorizations\":[\"https://ca.test/z/1\"]}"
#define VALID "{\"status\":\"valid\",\"certificate\":\"https://ca.test/c/1\"}"
#define AUTHZ(status, challenges) "{\"status\":\"" status "\",\"identifier\":{\"type\":\"dns\"," \
	"\"value\":\"a.test\"},\"challenges\":[" challenges "]}"
#define HTTP01 "{\"type\":\"http-01\",\"url\":\"https://ca.test/h/1\"," \
	"\"token\":\"0123456789abcdef0123\",\"status\":\"pending\"}"
#define ALPN01 "{\"type\":\"tls-alpn-01\",\"url\":\"https://ca.test/t/1\"," \
	"\"token\":\"0123456789abcdef0123\",\"status\":\"pending\"}"
#define ODD "{\"type\":\"dns-persist-01\",\"url\":\"https://ca.test/p/1\"," \
	"\"issuer-domain-names\":[\"x\"]},{\"type\":\"http-01\",\"url\":\"https://ca.test/bad\"},5,{}," \
	"{\"type\":\"tls-alpn-01\",\"token\":\"../../../../etc/passwd\",\"url\":\"https://ca.test/bad\"},"
#define LOST_POST(path) { "POST", path, 0, NULL, NULL, LOST, false }
#define NONCE_ { "HEAD", "/nonce", 200, NULL, NULL, ANSWERED, false }

static void a_valid_authorization_needs_no_challenge(void **state)
{
	RUN(NULL, PLACED(ORDER("pending")), POST("/z/1", AUTHZ("valid", "")), POST("/f/1", VALID),
		POST("/c/1", "CHAIN"));
	assert_int_equal(done_err, E_OK);
	assert_int_equal(placed, 1);
	assert_string_equal(done_chain, "CHAIN");
	assert_int_equal(done_challenge, -1);
}

static void an_order_may_be_ready_at_once(void **state)
{
	RUN(NULL, PLACED(ORDER("ready")), POST("/f/1", VALID), POST("/c/1", "CHAIN"));
	assert_int_equal(done_err, E_OK);
}

static void exactly_one_challenge_is_answered_and_odd_ones_ignored(void **state)
{
	RUN(NULL, PLACED(ORDER("pending")), POST("/z/1", AUTHZ("pending", ODD ALPN01 "," HTTP01)),
		POST("/h/1", "{\"status\":\"valid\"}"), POST("/z/1", AUTHZ("valid", HTTP01)),
		POST("/f/1", VALID), POST("/c/1", "CHAIN"));
	assert_int_equal(done_err, E_OK);
	assert_int_equal(done_challenge, CONF_HTTP_01);
}

static void what_is_offered_counts_not_what_is_preferred(void **state)
{
	RUN(NULL, PLACED(ORDER("pending")), POST("/z/1", AUTHZ("pending", ALPN01)),
		POST("/t/1", "{\"status\":\"valid\"}"), POST("/z/1", AUTHZ("valid", "")),
		POST("/f/1", VALID), POST("/c/1", "CHAIN"));
	assert_int_equal(done_challenge, CONF_TLS_ALPN_01);
}

static void without_a_usable_challenge_it_says_so(void **state)
{
	RUN(NULL, PLACED(ORDER("pending")), POST("/z/1", AUTHZ("pending", ODD "{}")));
	assert_int_equal(done_err, E_CHALLENGE);
}

static void pending_with_an_error_is_not_final(void **state)
{
#define SHAKY "{\"type\":\"http-01\",\"url\":\"https://ca.test/h/1\",\"token\":" \
	"\"0123456789abcdef0123\",\"status\":\"pending\",\"error\":{\"type\":\"x\",\"detail\":\"d\"}}"
	RUN(NULL, PLACED(ORDER("pending")), POST("/z/1", AUTHZ("pending", HTTP01)),
		POST("/h/1", "{\"status\":\"invalid\"}"), POST("/z/1", AUTHZ("pending", SHAKY)),
		POST("/z/1", AUTHZ("valid", "")), POST("/f/1", VALID), POST("/c/1", "CHAIN"));
	assert_int_equal(done_err, E_OK);
}

static void an_invalid_authorization_tells_the_cas_words(void **state)
{
	RUN(NULL, PLACED(ORDER("pending")), POST("/z/1", AUTHZ("pending", HTTP01)),
		POST("/h/1", "{\"status\":\"invalid\"}"),
		POST("/z/1", AUTHZ("invalid", "{\"type\":\"http-01\",\"status\":\"invalid\",\"error\":"
			"{\"type\":\"urn:ietf:params:acme:error:connection\",\"detail\":\"refused\"}}")));
	assert_int_equal(done_err, E_ISSUE);
	assert_string_equal(done_fault.type, "connection");
	assert_string_equal(done_fault.detail, "refused");
	assert_int_equal(done_challenge, CONF_HTTP_01);
}

static void a_lost_finalize_reply_is_read_again(void **state)
{
	RUN(NULL, PLACED(ORDER("ready")), LOST_POST("/f/1"), NONCE_, POST("/o/1", VALID),
		POST("/c/1", "CHAIN"));
	assert_int_equal(done_err, E_OK);
	assert_string_equal(done_chain, "CHAIN");
}

static void a_finalize_that_came_twice_is_read_again(void **state)
{
	RUN(NULL, PLACED(ORDER("ready")),
		{ "POST", "/f/1", 403, NULL, "{\"type\":\"urn:ietf:params:acme:error:orderNotReady\"}",
			ANSWERED, false },
		POST("/o/1", VALID), POST("/c/1", "CHAIN"));
	assert_int_equal(done_err, E_OK);
}

static void processing_is_looked_at_again_by_the_remembered_location(void **state)
{
	RUN(NULL, PLACED(ORDER("ready")), POST("/f/1", "{\"status\":\"processing\"}"),
		POST("/o/1", "{\"status\":\"processing\"}"), POST("/o/1", VALID), POST("/c/1", "CHAIN"));
	assert_int_equal(done_err, E_OK);
}

static void a_resumed_order_goes_where_its_status_says(void **state)
{
	RUN("https://ca.test/o/9", POST("/o/9", VALID), POST("/c/1", "CHAIN"));
	assert_int_equal(done_err, E_OK);
	assert_int_equal(placed, 1);
}

static void a_resumed_order_that_is_gone_fails_as_such(void **state)
{
	RUN("https://ca.test/o/9", { "POST", "/o/9", 404, NULL, "", ANSWERED, false });
	assert_int_equal(problem_class(&done_fault), PROBLEM_ORDER_GONE);
	assert_int_equal(placed, 0);
}

static void invalid_without_error_is_a_failure_not_a_crash(void **state)
{
	RUN(NULL, PLACED(ORDER("ready")), POST("/f/1", "{\"status\":\"invalid\"}"));
	assert_int_equal(done_err, E_ISSUE);
}

static void an_order_that_stays_pending_ends(void **state)
{
	RUN("https://ca.test/o/9", POST("/o/9", ORDER("pending")), POST("/z/1", AUTHZ("valid", "")),
		POST("/f/1", ORDER("pending")), POST("/o/9", ORDER("pending")),
		POST("/z/1", AUTHZ("valid", "")), POST("/f/1", ORDER("pending")),
		POST("/o/9", ORDER("pending")));
	assert_int_equal(done_err, E_ACME_PROTOCOL);
}

static void an_authorization_about_another_name_is_refused(void **state)
{
	RUN(NULL, PLACED(ORDER("pending")), POST("/z/1", "{\"status\":\"pending\",\"identifier\":"
		"{\"type\":\"dns\",\"value\":\"evil.test\"},\"challenges\":[" HTTP01 "]}"));
	assert_int_equal(done_err, E_ACME_PROTOCOL);
}

#define REFUSED(status, type) { "POST", "/order", status, NULL, \
	"{\"type\":\"urn:ietf:params:acme:error:" type "\",\"detail\":\"words\"}", ANSWERED, false }

#define AUTHZ_OF(type, value, status, challenges) "{\"status\":\"" status "\",\"identifier\":{\"type\":\"" type \
	"\",\"value\":\"" value "\"},\"challenges\":[" challenges "]}"

static void an_address_is_ordered_as_such(void **state)
{
	wanted_name = "2001:db8::1";
	RUN(NULL, REFUSED(400, "unsupportedIdentifier"));
	assert_non_null(strstr(script.payload, "\"identifiers\":[{\"type\":\"ip\",\"value\":\"2001:db8::1\"}]"));
}

static void an_address_the_ca_spells_differently_is_the_same(void **state)
{
	wanted_name = "2001:db8::1";
	RUN(NULL, PLACED(ORDER("pending")), POST("/z/1", AUTHZ_OF("ip", "2001:DB8:0:0::1", "pending", HTTP01)),
		POST("/h/1", "{\"status\":\"valid\"}"),
		POST("/z/1", AUTHZ_OF("ip", "2001:DB8:0:0::1", "valid", HTTP01)), POST("/f/1", VALID),
		POST("/c/1", "CHAIN"));
	assert_int_equal(done_err, E_OK);
	assert_int_equal(done_challenge, CONF_HTTP_01);
}

static void an_address_is_no_name_of_that_spelling(void **state)
{
	wanted_name = "203.0.113.7";
	RUN(NULL, PLACED(ORDER("pending")), POST("/z/1", AUTHZ_OF("dns", "203.0.113.7", "pending", HTTP01)));
	assert_int_equal(done_err, E_ACME_PROTOCOL);
}

static void a_missing_location_is_refused(void **state)
{
	RUN(NULL, { "POST", "/order", 201, NULL, ORDER("pending"), ANSWERED, false });
	assert_int_equal(done_err, E_ACME_PROTOCOL);
}

#define CERTIFIED(headers) { "POST", "/c/1", 200, headers, "CHAIN", ANSWERED, false }

static int plain(void **state)
{
	(void)state;
	wanted_profile = wanted_replaces = wanted_chain = NULL;
	wanted_name = "a.test";
	must_have_profile = false;
	return 0;
}

static void a_renewal_names_what_it_replaces(void **state)
{
	wanted_replaces = "aki.serial";
	RUN(NULL, REFUSED(429, "rateLimited"));
	assert_non_null(strstr(script.payload, "\"replaces\":\"aki.serial\""));
	assert_int_equal(done_err, E_RATE_LIMITED);
	assert_false(refused_replaces);
}

#define WITHOUT_REPLACES(refusal) \
	wanted_replaces = "aki.serial"; \
	RUN(NULL, refusal, PLACED(ORDER("ready")), POST("/f/1", VALID), POST("/c/1", "CHAIN")); \
	assert_int_equal(done_err, E_OK); \
	assert_true(refused_replaces)

static void one_already_replaced_is_ordered_without(void **state)
{
	WITHOUT_REPLACES(REFUSED(409, "alreadyReplaced"));
}

static void one_the_ca_does_not_know_is_ordered_without(void **state)
{
	WITHOUT_REPLACES(REFUSED(404, "malformed"));
}

static void one_of_another_account_is_ordered_without(void **state)
{
	WITHOUT_REPLACES(REFUSED(403, "unauthorized"));
}

static void one_the_ca_stumbles_over_is_ordered_without(void **state)
{
	WITHOUT_REPLACES(REFUSED(500, "serverInternal"));
}

static void a_second_refusal_is_final(void **state)
{
	wanted_replaces = "aki.serial";
	RUN(NULL, REFUSED(403, "unauthorized"), REFUSED(403, "unauthorized"));
	assert_null(strstr(script.payload, "replaces"));
	assert_int_equal(done_err, E_ISSUE);
}

static void a_preferred_profile_the_ca_refuses_is_left_out(void **state)
{
	wanted_profile = "short";
	RUN(NULL, REFUSED(400, "invalidProfile"), PLACED(ORDER("ready")), POST("/f/1", VALID),
		POST("/c/1", "CHAIN"));
	assert_int_equal(done_err, E_OK);
	assert_true(refused_profile);
	assert_string_equal(done_profile, "");
}

static void a_required_profile_the_ca_refuses_is_the_end(void **state)
{
	wanted_profile = "short";
	must_have_profile = true;
	RUN(NULL, REFUSED(400, "invalidProfile"));
	assert_non_null(strstr(script.payload, "\"profile\":\"short\""));
	assert_int_equal(problem_class(&done_fault), PROBLEM_PERMANENT);
}

static void the_profile_is_what_the_ca_says_it_is(void **state)
{
	RUN(NULL, PLACED("{\"status\":\"ready\",\"profile\":\"own\",\"finalize\":\"https://ca.test/f/1\"}"),
		POST("/f/1", VALID), POST("/c/1", "CHAIN"));
	assert_string_equal(done_profile, "own");
}

static void a_preferred_chain_is_looked_for_among_the_alternates(void **state)
{
	wanted_chain = "Root Y";
	RUN(NULL, PLACED(ORDER("ready")), POST("/f/1", VALID),
		CERTIFIED("Link: <https://ca.test/c/2>;rel=\"alternate\"\n"
			"Link: <https://ca.test/c/3>;rel=\"alternate\""),
		POST("/c/2", "OTHER"), POST("/c/3", "THIRD"));
	assert_int_equal(done_err, E_OK);
	assert_string_equal(done_chain, "CHAIN");
}

static void trouble_with_an_alternate_costs_no_certificate(void **state)
{
	wanted_chain = "Root Y";
	RUN(NULL, PLACED(ORDER("ready")), POST("/f/1", VALID),
		CERTIFIED("Link: <https://ca.test/c/2>;rel=\"alternate\""),
		{ "POST", "/c/2", 404, NULL, NULL, ANSWERED, false });
	assert_int_equal(done_err, E_OK);
	assert_string_equal(done_chain, "CHAIN");
}

static void cancel_is_safe_at_every_turn(void **state)
{
	static const struct script_line lines[] = { DIRECTORY_LINE, NONCE_LINE,
		PLACED(ORDER("pending")), POST("/z/1", AUTHZ("pending", ALPN01)),
		POST("/t/1", "{\"status\":\"valid\"}"), POST("/z/1", AUTHZ("valid", "")),
		POST("/f/1", VALID), POST("/c/1", "CHAIN") };
	(void)state;
	for (int turns = 0; turns < 40; turns++) {
		open_script(lines, sizeof lines / sizeof lines[0]);
		begin(NULL);
		script_turn(&script, turns);
		bool was_done = done;
		order_cancel(&order);
		script_turn(&script, 10);
		assert_int_equal(done, was_done);
		/* what the pool still works on ends by itself */
		close_script();
	}
}

static void hostile_orders_are_refused(void **state)
{
	(void)state;
	static const char *const bodies[] = { "", "[]", "5", "{}", "{\"status\":5}",
		"{\"status\":\"unheard-of\"}", "{\"status\":\"pending\"}",
		"{\"status\":\"pending\",\"authorizations\":\"x\"}",
		"{\"status\":\"pending\",\"authorizations\":[]}",
		"{\"status\":\"pending\",\"authorizations\":[5]}",
		"{\"status\":\"pending\",\"authorizations\":[\"http://a.test\"]}",
		"{\"status\":\"pending\",\"authorizations\":[\"https://a.test\",\"https://a.test\","
			"\"https://a.test\",\"https://a.test\",\"https://a.test\"]}",
		"{\"status\":\"ready\",\"finalize\":\"file:///x\"}",
		"{\"status\":\"valid\",\"certificate\":{}}",
	};
	for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
		struct order_body *body = mem_new(sizeof *body);
		struct fault fault = { 0 };
		assert_int_equal(order_parse(str_from(bodies[i]), body, &fault), E_ACME_PROTOCOL);
		mem_free(&body);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_valid_authorization_needs_no_challenge),
		cmocka_unit_test(an_order_may_be_ready_at_once),
		cmocka_unit_test(exactly_one_challenge_is_answered_and_odd_ones_ignored),
		cmocka_unit_test(what_is_offered_counts_not_what_is_preferred),
		cmocka_unit_test(without_a_usable_challenge_it_says_so),
		cmocka_unit_test(pending_with_an_error_is_not_final),
		cmocka_unit_test(an_invalid_authorization_tells_the_cas_words),
		cmocka_unit_test(a_lost_finalize_reply_is_read_again),
		cmocka_unit_test(a_finalize_that_came_twice_is_read_again),
		cmocka_unit_test(processing_is_looked_at_again_by_the_remembered_location),
		cmocka_unit_test(a_resumed_order_goes_where_its_status_says),
		cmocka_unit_test(a_resumed_order_that_is_gone_fails_as_such),
		cmocka_unit_test(invalid_without_error_is_a_failure_not_a_crash),
		cmocka_unit_test(an_order_that_stays_pending_ends),
		cmocka_unit_test(an_authorization_about_another_name_is_refused),
		cmocka_unit_test_setup_teardown(an_address_is_ordered_as_such, plain, plain),
		cmocka_unit_test_setup_teardown(an_address_the_ca_spells_differently_is_the_same, plain, plain),
		cmocka_unit_test_setup_teardown(an_address_is_no_name_of_that_spelling, plain, plain),
		cmocka_unit_test(a_missing_location_is_refused),
#define T(name) cmocka_unit_test_setup(name, plain)
		T(a_renewal_names_what_it_replaces),
		T(one_already_replaced_is_ordered_without),
		T(one_the_ca_does_not_know_is_ordered_without),
		T(one_of_another_account_is_ordered_without),
		T(one_the_ca_stumbles_over_is_ordered_without),
		T(a_second_refusal_is_final),
		T(a_preferred_profile_the_ca_refuses_is_left_out),
		T(a_required_profile_the_ca_refuses_is_the_end),
		T(the_profile_is_what_the_ca_says_it_is),
		T(a_preferred_chain_is_looked_for_among_the_alternates),
		T(trouble_with_an_alternate_costs_no_certificate),
		cmocka_unit_test_setup(cancel_is_safe_at_every_turn, plain),
		cmocka_unit_test(hostile_orders_are_refused),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
