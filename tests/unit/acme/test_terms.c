/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "acme/terms.h"

#include "acme/account.h"
#include "script.h"

static struct script script;
static struct ca ca;
static struct conf_ca conf;
static char kid[] = "https://ca.test/account/1";

const char *account_kid(const struct account *a)
{
	(void)a;
	return kid;
}

bool account_is_ready(const struct account *a)
{
	return a != NULL;
}

/* What an account was told. */
static int lost, doubted, must_agree, suspected;
static bool is_in_doubt;

void account_lost(struct account *a, const char *its)
{
	(void)a;
	assert_string_equal(its, kid);
	lost++;
}

bool account_doubt(struct account *a, const char *its)
{
	(void)a;
	assert_string_equal(its, kid);
	doubted++;
	return is_in_doubt;
}

void account_suspect(struct account *a)
{
	(void)a;
	suspected++;
}

void account_must_agree(struct account *a, const char *its)
{
	(void)a;
	assert_string_equal(its, kid);
	must_agree++;
}

static const struct script_line lines[] = { { "GET", "/dir", 200, NULL,
	"{\"newNonce\":\"https://ca.test/nonce\",\"newAccount\":\"https://ca.test/account\","
	"\"newOrder\":\"https://ca.test/order\",\"renewalInfo\":\"https://ca.test/ari\","
	"\"meta\":{\"profiles\":{\"classic\":\"x\",\"tlsserver\":\"y\",\"shortlived\":\"z\"}}}", ANSWERED, true } };

static int open_ca(void **state)
{
	(void)state;
	log_setup(2, LOG_ERROR, LOG_TEXT);
	script_open(&script, &ca, lines, 1);
	script_fetch_directory(&script, &ca);
	conf = script_conf;
	ca.conf = &conf;
	return 0;
}

static int close_ca(void **state)
{
	(void)state;
	script_close(&script, &ca);
	return 0;
}

static void only_ours_of_this_ca_and_account_is_replaced(void **state)
{
	struct entry e = { .ca = "https://ca.test/dir", .account = "https://ca.test/account/1",
		.ari_id = "aki.serial", .not_after_ms = 1000 }, other = e;
	(void)state;
	assert_string_equal(terms_replaces(&ca, &e, 999), "aki.serial");
	assert_null(terms_replaces(&ca, &e, 1000));
	strcpy(other.ca, "https://other.test/dir");
	assert_null(terms_replaces(&ca, &other, 0));
	other = e;
	strcpy(other.account, "https://ca.test/account/2");
	assert_null(terms_replaces(&ca, &other, 0));
	other = e;
	other.ari_id[0] = '\0';
	assert_null(terms_replaces(&ca, &other, 0));
}

static void the_account_is_told_what_is_its_own_trouble(void **state)
{
	struct fault gone = { .code = E_ACCOUNT, .type = "accountDoesNotExist", .status = 400 };
	struct fault terms = { .code = E_ACCOUNT, .type = "userActionRequired", .status = 403 };
	struct fault refused = { .code = E_ISSUE, .type = "unauthorized", .status = 403 };
	struct fault caa = { .code = E_ISSUE, .type = "caa", .status = 403 };
	(void)state;
	lost = doubted = must_agree = 0;
	assert_true(terms_is_account_trouble(&ca, &gone, -1));
	assert_int_equal(lost, 1);
	assert_true(terms_is_account_trouble(&ca, &terms, -1));
	assert_int_equal(must_agree, 1);
	is_in_doubt = true;
	assert_true(terms_is_account_trouble(&ca, &refused, -1));
	is_in_doubt = false;
	assert_false(terms_is_account_trouble(&ca, &refused, -1));
	assert_int_equal(doubted, 2);
	/* another process changed the key */
	struct fault signature = { .code = E_ACME, .type = "malformed", .status = 400,
		.detail = "JWS verification error" }, name = signature;
	assert_true(terms_is_account_trouble(&ca, &signature, -1));
	assert_int_equal(suspected, 1);
	strcpy(name.detail, "no such host");
	assert_false(terms_is_account_trouble(&ca, &name, -1));
	/* a challenge that failed is the name's */
	assert_false(terms_is_account_trouble(&ca, &refused, CONF_HTTP_01));
	assert_false(terms_is_account_trouble(&ca, &caa, -1));
	assert_int_equal(doubted, 2);
}

static enum err profile_for(const char *name, const char *wanted, bool was_refused, const char **profile,
	struct fault *f)
{
	return terms_profile(&ca, &(struct terms_wish){ name, wanted, was_refused }, profile, f);
}

static void a_profile_on_offer_is_asked_for(void **state)
{
	const char *profile;
	struct fault f = { 0 };
	(void)state;
	assert_int_equal(profile_for("a.test", "", false, &profile, &f), E_OK);
	assert_null(profile);
	conf.profile = "tlsserver";
	assert_int_equal(profile_for("a.test", "", false, &profile, &f), E_OK);
	assert_string_equal(profile, "tlsserver");
}

static void the_names_own_profile_comes_first_where_it_is_offered(void **state)
{
	const char *profile;
	struct fault f = { 0 };
	(void)state;
	assert_int_equal(profile_for("a.test", "tlsserver", false, &profile, &f), E_OK);
	assert_string_equal(profile, "tlsserver");
	assert_int_equal(profile_for("a.test", "tlsserver", true, &profile, &f), E_OK);
	assert_null(profile);
	conf.profile = "tlsserver";
	assert_int_equal(profile_for("a.test", "unheard-of", false, &profile, &f), E_OK);
	assert_string_equal(profile, "tlsserver");
}

static void a_preferred_one_is_left_out_where_it_is_not_offered(void **state)
{
	const char *profile;
	struct fault f = { 0 };
	(void)state;
	conf.profile = "longlived";
	assert_int_equal(profile_for("a.test", "", false, &profile, &f), E_OK);
	assert_null(profile);
	conf.profile = "classic";
	assert_int_equal(profile_for("a.test", "", true, &profile, &f), E_OK);
	assert_null(profile);
}

static void a_required_one_fails_naming_the_others(void **state)
{
	const char *profile;
	struct fault f = { 0 };
	(void)state;
	conf.profile = "longlived";
	conf.profile_required = true;
	assert_int_equal(profile_for("a.test", "", false, &profile, &f), E_ACME);
	assert_string_equal(f.detail, "test has no profile \"longlived\"; it offers classic, tlsserver, shortlived");
}

/* What is known of Let's Encrypt, of which a directory here stands in for its own. */
static void an_address_takes_the_profile_its_ca_has_for_them(void **state)
{
	const char *profile;
	struct fault f = { 0 };
	(void)state;
	conf.directory = "https://acme-v02.api.letsencrypt.org/directory";
	assert_int_equal(profile_for("203.0.113.7", "", false, &profile, &f), E_OK);
	assert_string_equal(profile, "shortlived");
	assert_int_equal(profile_for("2001:db8::1", "", false, &profile, &f), E_OK);
	assert_string_equal(profile, "shortlived");
	assert_int_equal(profile_for("a.test", "", false, &profile, &f), E_OK);
	assert_null(profile);
	assert_int_equal(profile_for("203.0.113.7", "", true, &profile, &f), E_OK);
	assert_null(profile);
	conf.profile = "tlsserver";
	assert_int_equal(profile_for("203.0.113.7", "", false, &profile, &f), E_OK);
	assert_string_equal(profile, "tlsserver");
}

static void an_address_at_a_ca_of_ones_own_takes_none(void **state)
{
	const char *profile;
	struct fault f = { 0 };
	(void)state;
	assert_int_equal(profile_for("203.0.113.7", "", false, &profile, &f), E_OK);
	assert_null(profile);
}

static enum conf_challenge wanted[CONF_CHALLENGES];

static unsigned choose(const bool *can, const struct entry *held, int avoid)
{
	static const struct conf_acme acme = { .challenges = { CONF_TLS_ALPN_01, CONF_HTTP_01 },
		.n_challenges = 2 };
	return terms_challenges(&(struct terms_args){ .ca = &ca, .name = "a.test", .acme = &acme,
		.can = can, .held = held, .avoid = avoid }, wanted);
}

static void what_worked_comes_first_and_what_failed_last(void **state)
{
	static const bool both[CONF_CHALLENGES] = { [CONF_TLS_ALPN_01] = true, [CONF_HTTP_01] = true };
	static const bool plain[CONF_CHALLENGES] = { [CONF_HTTP_01] = true };
	struct entry held = { .challenge = "http-01" };
	(void)state;
	assert_int_equal(choose(both, NULL, -1), 2);
	assert_int_equal(wanted[0], CONF_TLS_ALPN_01);
	choose(both, &held, -1);
	assert_int_equal(wanted[0], CONF_HTTP_01);
	choose(both, &held, CONF_HTTP_01);
	assert_int_equal(wanted[0], CONF_TLS_ALPN_01);
	ca.worked = CONF_HTTP_01;
	choose(both, NULL, -1);
	assert_int_equal(wanted[0], CONF_HTTP_01);
	assert_int_equal(choose(plain, NULL, CONF_HTTP_01), 1);
	strcpy(held.challenge, "no such");
	assert_int_equal(terms_worked(&held), -1);
	assert_int_equal(terms_worked(NULL), -1);
}

static void an_address_is_proved_here_alone(void **state)
{
	static const bool all[CONF_CHALLENGES] = { true, true, true, true };
	static const struct conf_acme acme = { .n_challenges = 4, .challenges = { CONF_DNS_01,
		CONF_DNS_PERSIST_01, CONF_HTTP_01, CONF_TLS_ALPN_01 } };
	struct entry held = { .challenge = "dns-01" };
	(void)state;
	ca.worked = CONF_DNS_01;
	assert_int_equal(terms_challenges(&(struct terms_args){ .ca = &ca, .name = "203.0.113.7", .acme = &acme,
		.can = all, .held = &held, .avoid = -1 }, wanted), 2);
	assert_int_equal(wanted[0], CONF_HTTP_01);
	assert_int_equal(wanted[1], CONF_TLS_ALPN_01);
}

static void a_certificate_with_life_left_waits_for_its_ca(void **state)
{
	int64_t now = clock_wall_ms();
	struct entry e = { .not_before_ms = now - 1000, .not_after_ms = now + 600000 };
	(void)state;
	assert_int_equal(terms_life_left_ms(&e, now), 600000);
	assert_int_equal(terms_life_left_ms(&e, now + 600000), 0);
	assert_int_equal(terms_life_left_ms(NULL, now), 0);
	assert_true(terms_may_leave(&ca, NULL));
	assert_false(terms_may_leave(&ca, &e));
	e.not_after_ms = now;
	assert_true(terms_may_leave(&ca, &e));
}

static void each_series_has_its_type_of_key(void **state)
{
	static const struct conf_keys one = { 1, { CONF_KEY_RSA3072 } };
	static const struct conf_keys both = { 2, { CONF_KEY_P384, CONF_KEY_RSA4096 } };
	(void)state;
	assert_int_equal(terms_key(&one, "a.test"), CONF_KEY_RSA3072);
	assert_int_equal(terms_key(&both, "a.test"), CONF_KEY_P384);
	assert_int_equal(terms_key(&both, "a.test+rsa"), CONF_KEY_RSA4096);
	/* not wanted any more, but the operator insists */
	assert_int_equal(terms_key(&one, "a.test+rsa"), CONF_KEY_RSA2048);
	assert_int_equal(terms_key(&both, "a.test+ecdsa"), CONF_KEY_P256);
}

static void only_of_two_certificates_one_can_be_of_the_wrong_family(void **state)
{
	static const struct conf_keys one = { 1, { CONF_KEY_RSA3072 } };
	static const struct conf_keys both = { 2, { CONF_KEY_P384, CONF_KEY_RSA4096 } };
	(void)state;
	assert_false(terms_is_misfit(&one, "a.test", CONF_KEY_P256));
	assert_false(terms_is_misfit(&both, "a.test", CONF_KEY_P256));
	assert_true(terms_is_misfit(&both, "a.test", CONF_KEY_RSA2048));
	assert_false(terms_is_misfit(&both, "a.test+rsa", CONF_KEY_RSA2048));
}

static void what_the_ca_lacks_comes_last_and_is_no_other(void **state)
{
	static const bool both[CONF_CHALLENGES] = { [CONF_TLS_ALPN_01] = true, [CONF_HTTP_01] = true };
	static const struct conf_acme acme = { .challenges = { CONF_TLS_ALPN_01, CONF_HTTP_01 },
		.n_challenges = 2 };
	struct entry held = { .challenge = "tls-alpn-01" };
	struct terms_args args = { .ca = &ca, .name = "a.test", .acme = &acme, .can = both, .avoid = -1 };
	(void)state;
	assert_true(terms_has_other(&args, CONF_TLS_ALPN_01));
	conf.directory = "https://acme.zerossl.com/v2/DV90";
	assert_int_equal(choose(both, &held, -1), 2);
	assert_int_equal(wanted[0], CONF_HTTP_01);
	assert_int_equal(wanted[1], CONF_TLS_ALPN_01);
	choose(both, NULL, CONF_HTTP_01);
	assert_int_equal(wanted[0], CONF_HTTP_01);
	assert_false(terms_has_other(&args, CONF_HTTP_01));
}

static void a_ca_is_ready_with_its_account(void **state)
{
	(void)state;
	assert_false(terms_is_ready(&ca));
	ca.account = (struct account *)&ca;
	assert_true(terms_is_ready(&ca));
	ca.account = NULL;
}

static void an_outcome_is_what_the_ca_will_have_counted(void **state)
{
	(void)state;
	assert_int_equal(terms_outcome(E_OK, PROBLEM_NAME, -1), GRANT_ISSUED);
	assert_int_equal(terms_outcome(E_ISSUE, PROBLEM_NAME, CONF_HTTP_01), GRANT_FAILED);
	assert_int_equal(terms_outcome(E_ACME, PROBLEM_PERMANENT, -1), GRANT_REFUSED);
	assert_int_equal(terms_outcome(E_CA_DOWN, PROBLEM_CA, CONF_HTTP_01), GRANT_UNKNOWN);
	assert_int_equal(terms_outcome(E_TIMEOUT, PROBLEM_NAME, CONF_HTTP_01), GRANT_UNKNOWN);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, open_ca, close_ca)
	const struct CMUnitTest tests[] = {
		T(only_ours_of_this_ca_and_account_is_replaced),
		T(the_account_is_told_what_is_its_own_trouble),
		T(a_profile_on_offer_is_asked_for),
		T(the_names_own_profile_comes_first_where_it_is_offered),
		T(a_preferred_one_is_left_out_where_it_is_not_offered),
		T(a_required_one_fails_naming_the_others),
		T(an_address_takes_the_profile_its_ca_has_for_them),
		T(an_address_at_a_ca_of_ones_own_takes_none),
		T(an_address_is_proved_here_alone),
		T(what_worked_comes_first_and_what_failed_last),
		T(a_certificate_with_life_left_waits_for_its_ca),
		cmocka_unit_test(each_series_has_its_type_of_key),
		cmocka_unit_test(only_of_two_certificates_one_can_be_of_the_wrong_family),
		T(a_ca_is_ready_with_its_account),
		T(an_outcome_is_what_the_ca_will_have_counted),
		T(what_the_ca_lacks_comes_last_and_is_no_other),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
