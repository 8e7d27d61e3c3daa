/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "acme/job.h"

#include "acme/account.h"
#include "acme/problem.h"
#include "script.h"

enum { CAS = 2 };
static struct script scripts[CAS];
static struct ca cas[CAS];
static struct job_env env;
static struct store *store;
static struct conf_acme acme = { .keys = { 1, { CONF_KEY_P256 } }, .retry_min_ms = 60000,
	.retry_max_ms = 86400000, .challenges = { CONF_TLS_ALPN_01, CONF_HTTP_01 }, .n_challenges = 2 };
static int ended, queued;
static enum err end_err;
static struct fault end_fault;
static int64_t end_retry_at_ms;

static const struct conf_keys *keys(void *issuer, const char *host)
{
	(void)issuer;
	assert_null(strchr(host, '+'));
	return &acme.keys;
}

static void on_wants_turn(void *issuer, struct job *j)
{
	(void)issuer;
	queued++;
	job_run(j, NULL);
}

static struct errand *save(void *issuer, struct job *j, const struct entry *e, struct str bundle, errand_fn *fn,
	void *owner)
{
	(void)issuer;
	return errand_save_bundle(store, job_name(j), bundle, e->renew_at_ms, fn, owner);
}

static void on_unsaved(void *issuer, const char *name, int64_t renew_at_ms, struct buf *bundle)
{
	assert_true(renew_at_ms > 0);
	(void)issuer;
	(void)name;
	buf_fini(bundle);
}

static void on_ended(void *issuer, struct job *j, enum err err, struct entry *e,
	const struct fault *fault, int64_t retry_at_ms)
{
	(void)issuer;
	(void)e;
	ended = 1;
	end_err = err;
	end_fault = *fault;
	end_retry_at_ms = retry_at_ms;
	job_free(&j);
}

/* CAs share the first one's loop. */
static void open_ca(int i, const struct script_line *lines, unsigned n)
{
	script_open(&scripts[i], &cas[i], lines, n);
	if (i) {
		loop_free(&scripts[i].loop);
		directory_free(&cas[i].directory);
		scripts[i].loop = cas[i].loop = scripts[0].loop;
		cas[i].directory = directory_new(cas[0].loop, cas[i].transport, script_conf.directory);
	}
}

static void open_env(unsigned n_cas)
{
	store = store_memory_new(scripts[0].loop);
	env = (struct job_env){ .loop = scripts[0].loop, .acme = &acme, .store = store, .cas = cas,
		.n_cas = n_cas, .can = { true, true }, .keys = keys, .on_wants_turn = on_wants_turn,
		.save = save, .on_unsaved = on_unsaved, .on_ended = on_ended };
	memory_init(&env.memory, store);
	for (unsigned i = 0; i < n_cas; i++)
		cas[i].account = account_new(&(struct account_args){ .ca = &cas[i], .store = store });
}

static void close_env(void)
{
	for (unsigned i = 0; i < env.n_cas; i++)
		account_free(&cas[i].account);
	script_settle(scripts[0].loop);
	memory_fini(&env.memory);
	store->ops->free(store);
	for (unsigned i = 1; i < env.n_cas; i++) {
		directory_free(&cas[i].directory);
		signer_fini(&cas[i].signer);
	}
	script_close(&scripts[0], &cas[0]);
}

static void run(const char *name)
{
	ended = queued = 0;
	job_new(&env, name);
	assert_false(ended);
	script_run_until(&scripts[0], &ended);
}

#define ACCOUNT { "POST", "/account", 201, "Location: https://ca.test/account/1", "{}", ANSWERED, false }
#define PROBLEM(status, type) { "POST", "/order", status, NULL, \
	"{\"type\":\"urn:ietf:params:acme:error:" type "\",\"detail\":\"words\"}", ANSWERED, false }

static void a_refused_name_backs_off_without_contact_to_the_ca(void **state)
{
	static const struct script_line lines[] = { DIRECTORY_LINE, NONCE_LINE, ACCOUNT,
		PROBLEM(400, "caa") };
	(void)state;
	open_ca(0, lines, 4);
	open_env(1);
	int64_t now = clock_wall_ms();
	run("a.test");
	assert_int_equal(end_err, E_ISSUE);
	assert_in_range(end_retry_at_ms - now, 48000, 73000);
	run("a.test");
	assert_int_equal(end_err, E_BACKOFF);
	assert_string_equal(end_fault.detail, "words");
	assert_int_equal(queued, 0);
	/* and after a restart, from the store alone */
	memory_fini(&env.memory);
	memory_init(&env.memory, store);
	run("a.test");
	assert_int_equal(end_err, E_BACKOFF);
	assert_string_equal(end_fault.type, "caa");
	assert_int_equal(scripts[0].next, 4);
	close_env();
}

static void a_forgotten_account_is_registered_once_with_the_same_key(void **state)
{
	static const struct script_line lines[] = { DIRECTORY_LINE, NONCE_LINE, ACCOUNT,
		PROBLEM(400, "accountDoesNotExist"), ACCOUNT, PROBLEM(400, "accountDoesNotExist") };
	(void)state;
	open_ca(0, lines, 6);
	open_env(1);
	run("a.test");
	assert_int_equal(end_err, E_ACCOUNT);
	assert_int_equal(scripts[0].next, 6);
	close_env();
}

static void a_dead_ca_is_no_failure_of_the_name(void **state)
{
	static const struct script_line lines[] = { { "GET", "/dir", 503, NULL, "", ANSWERED, true } };
	(void)state;
	open_ca(0, lines, 1);
	open_env(1);
	run("a.test");
	assert_int_equal(end_err, E_CA_DOWN);
	assert_null(memory_newest(&env.memory, "a.test"));
	run("b.test");   /* the breaker is open: no request */
	assert_int_equal(end_err, E_CA_DOWN);
	assert_true(end_retry_at_ms > clock_wall_ms());
	assert_int_equal(scripts[0].next, 1);
	close_env();
}

static void the_next_ca_is_asked_when_the_first_is_down(void **state)
{
	static const struct script_line dead[] = { { "GET", "/dir", 503, NULL, "", ANSWERED, true } };
	static const struct script_line lines[] = { DIRECTORY_LINE, NONCE_LINE, ACCOUNT,
		PROBLEM(400, "rejectedIdentifier") };
	(void)state;
	open_ca(0, dead, 1);
	open_ca(1, lines, 4);
	open_env(2);
	run("a.test");
	assert_string_equal(end_fault.type, "rejectedIdentifier");
	assert_int_equal(scripts[1].next, 4);
	close_env();
}

static void a_refused_registration_is_remembered_for_all_names(void **state)
{
	static const struct script_line lines[] = { DIRECTORY_LINE, NONCE_LINE, { "POST", "/account", 403,
		NULL, "{\"type\":\"urn:ietf:params:acme:error:externalAccountRequired\"}", ANSWERED, false } };
	(void)state;
	open_ca(0, lines, 3);
	open_env(1);
	run("a.test");
	assert_int_equal(end_err, E_ACCOUNT);
	run("b.test");
	assert_int_equal(end_err, E_ACCOUNT);
	assert_true(end_retry_at_ms - clock_wall_ms() > 3500000);
	assert_null(memory_newest(&env.memory, "b.test"));
	assert_int_equal(scripts[0].next, 3);
	close_env();
}

static void a_required_profile_that_is_not_offered_names_those_that_are(void **state)
{
	static const struct script_line lines[] = { { "GET", "/dir", 200, NULL,
		"{\"newNonce\":\"https://ca.test/nonce\",\"newAccount\":\"https://ca.test/account\","
		"\"newOrder\":\"https://ca.test/order\",\"meta\":{\"profiles\":{\"classic\":\"x\","
		"\"tlsserver\":\"y\"}}}", ANSWERED, true }, NONCE_LINE, ACCOUNT };
	struct conf_ca picky = script_conf;
	(void)state;
	picky.profile = "shortlived";
	picky.profile_required = true;
	open_ca(0, lines, 3);
	open_env(1);
	cas[0].conf = &picky;
	run("a.test");
	assert_int_equal(problem_class(&end_fault), PROBLEM_PERMANENT);
	assert_non_null(strstr(end_fault.detail, "classic, tlsserver"));
	assert_int_equal(scripts[0].next, 3);  /* and no order was placed */
	close_env();
}

/* ---- rehearsals: the second script is the staging of the first ---- */

#define DONE(path, body) { "POST", path, 200, NULL, body, ANSWERED, false }
#define PLACED(body) { "POST", "/order", 201, "Location: https://ca.test/o/1", body, ANSWERED, false }
#define AUTHZ(status, error) "{\"status\":\"" status "\",\"identifier\":{\"type\":\"dns\"," \
	"\"value\":\"a.test\"},\"challenges\":[{\"type\":\"http-01\",\"url\":\"https://ca.test/h/1\"," \
	"\"token\":\"0123456789abcdef0123\",\"status\":\"" status "\"" error "}]}"
#define REFUSED_CONNECTION ",\"error\":{\"type\":\"urn:ietf:params:acme:error:connection\"," \
	"\"detail\":\"refused\"}"

static struct challenge_set *live;
static uint64_t generation;
static struct loop_task published;

static void on_published(struct loop_task *t)
{
	(void)t;
	challenge_published(env.challenges, generation);
}

static void publish(void *owner, struct challenge_set *set, uint64_t g)
{
	(void)owner;
	challenge_set_unref(&live);
	live = set;
	generation = g;
	loop_defer(scripts[0].loop, &published);
}

static void open_stage(const struct script_line *production, unsigned n, const struct script_line *staging,
	unsigned n_staging)
{
	static const struct conf_ca staging_conf = { .name = "stage", .directory = "https://stage.test/dir" };
	static struct conf_acme plain;
	struct failure before = { .count = 1, .is_validation = true, .first_at_ms = 1, .retry_at_ms = 1 };
	plain = acme;
	plain.challenges[0] = CONF_HTTP_01;
	plain.n_challenges = 1;
	open_ca(0, production, n);
	open_ca(1, staging, n_staging);
	cas[1].conf = &staging_conf;
	open_env(2);
	env.acme = &plain;
	env.n_cas = env.n_stagings = 1;
	cas[0].staging = &cas[1];
	loop_task_init(&published, on_published);
	env.challenges = challenge_table_new(scripts[0].loop, publish, NULL);
	before.fault.code = E_ISSUE;
	memory_keep(&env.memory, "a.test", &before);
}

static void close_stage(void)
{
	assert_int_equal(scripts[0].next, scripts[0].n);
	assert_int_equal(scripts[1].next, scripts[1].n);
	challenge_table_free(&env.challenges);
	challenge_set_unref(&live);
	loop_task_cancel(&published);
	env.n_cas = 2;
	close_env();
}

static void a_name_that_failed_fails_at_the_staging(void **state)
{
	static const struct script_line staging[] = { DIRECTORY_LINE, NONCE_LINE, ACCOUNT,
		PLACED("{\"status\":\"pending\",\"finalize\":\"https://ca.test/f/1\","
			"\"authorizations\":[\"https://ca.test/z/1\"]}"),
		DONE("/z/1", AUTHZ("pending", "")), DONE("/h/1", "{}"),
		DONE("/z/1", AUTHZ("invalid", REFUSED_CONNECTION)) };
	(void)state;
	open_stage(NULL, 0, staging, 7);
	run("a.test");
	assert_string_equal(end_fault.type, "connection");
	assert_int_equal(strncmp(end_fault.activity, "rehearsing at stage: ", 21), 0);
	assert_int_equal(memory_newest(&env.memory, "a.test")->count, 2);
	assert_true(memory_newest(&env.memory, "a.test")->is_validation);
	close_stage();
}

static void production_is_asked_when_the_rehearsal_went_well(void **state)
{
	static const struct script_line staging[] = { DIRECTORY_LINE, NONCE_LINE, ACCOUNT,
		PLACED("{\"status\":\"valid\",\"certificate\":\"https://ca.test/c/1\"}"),
		DONE("/c/1", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n") };
	static const struct script_line production[] = { DIRECTORY_LINE, NONCE_LINE, ACCOUNT,
		PROBLEM(403, "caa") };
	(void)state;
	open_stage(production, 4, staging, 5);
	run("a.test");
	assert_string_equal(end_fault.type, "caa");
	assert_null(strstr(end_fault.activity, "rehearsing"));
	assert_false(memory_newest(&env.memory, "a.test")->is_validation);
	close_stage();
}

static void a_staging_s_own_troubles_are_no_verdict(void **state)
{
	static const struct script_line dead[] = { { "GET", "/dir", 503, NULL, "", ANSWERED, true } };
	static const struct script_line strict[] = { DIRECTORY_LINE, NONCE_LINE, ACCOUNT,
		PROBLEM(403, "rejectedIdentifier") };
	static const struct script_line production[] = { DIRECTORY_LINE, NONCE_LINE, ACCOUNT,
		PROBLEM(403, "caa") };
	(void)state;
	for (int i = 0; i < 2; i++) {
		open_stage(production, 4, i ? strict : dead, i ? 4 : 1);
		run("a.test");
		assert_string_equal(end_fault.type, "caa");
		close_stage();
	}
}

static void freeing_is_safe_at_every_turn(void **state)
{
	static const struct script_line lines[] = { DIRECTORY_LINE, NONCE_LINE, ACCOUNT,
		{ "POST", "/order", 0, NULL, NULL, NEVER, false } };
	(void)state;
	for (int turns = 0; turns < 40; turns += 3) {
		open_ca(0, lines, 4);
		open_env(1);
		ended = 0;
		struct job *j = job_new(&env, "a.test");
		for (int i = 0; i < turns; i++) {
			struct timespec ms = { 0, 100000 };
			script_turn(&scripts[0], 1);
			nanosleep(&ms, NULL);
		}
		job_free(&j);
		assert_false(ended);
		close_env();
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
		cmocka_unit_test(a_refused_name_backs_off_without_contact_to_the_ca),
		cmocka_unit_test(a_forgotten_account_is_registered_once_with_the_same_key),
		cmocka_unit_test(a_dead_ca_is_no_failure_of_the_name),
		cmocka_unit_test(the_next_ca_is_asked_when_the_first_is_down),
		cmocka_unit_test(a_refused_registration_is_remembered_for_all_names),
		cmocka_unit_test(a_required_profile_that_is_not_offered_names_those_that_are),
		cmocka_unit_test(a_name_that_failed_fails_at_the_staging),
		cmocka_unit_test(production_is_asked_when_the_rehearsal_went_well),
		cmocka_unit_test(a_staging_s_own_troubles_are_no_verdict),
		cmocka_unit_test(freeing_is_safe_at_every_turn),
	};
	return cmocka_run_group_tests(tests, setup, NULL);
}
