/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "certstore/x509.h"

#include "authority.h"

#include "base/clock.h"
#include "base/encode.h"

static struct buf chain; /* app.chain as DER */
static struct key *app_key;

static void read_chain(const char *file, struct buf *der)
{
	struct buf pem;

	buf_init(&pem, 0);
	buf_init(der, 0);
	shell_read(file, &pem);
	assert_int_equal(x509_chain_from_pem(buf_str(&pem), der, NULL), E_OK);
	buf_fini(&pem);
}

static struct key *read_key(const char *file)
{
	struct buf pem;
	struct key *k;

	buf_init(&pem, 0);
	shell_read(file, &pem);
	assert_int_equal(key_from_pem(buf_str(&pem), &k), E_OK);
	buf_fini(&pem);
	return k;
}

static int make(void **state)
{
	if (shell_enter(state))
		return -1;
	authority_make();
	authority_issue("app", "DNS:App.Example.com,DNS:*.example.com,IP:192.0.2.1,IP:2001:db8::1",
		"0x8765432100");
	authority_issue("other", "DNS:other.example.com", "0x01");
	read_chain("app.chain", &chain);
	app_key = read_key("app.key");
	return 0;
}

static int drop(void **state)
{
	buf_fini(&chain);
	key_unref(&app_key);
	return shell_leave(state);
}

static void the_facts_of_a_leaf_are_read(void **state)
{
	struct str all = buf_str(&chain);
	struct x509_facts f;
	int64_t now_ms = clock_wall_ms();

	(void)state;
	assert_int_equal(x509_parse(x509_chain_next(&all), &f, NULL), E_OK);
	assert_string_equal(f.issuer, "Test Intermediate");
	assert_string_equal(f.serial, "008765432100");
	assert_int_equal(strlen(f.aki), 40);
	assert_int_equal(f.n_names, 4);
	assert_string_equal(f.names[0], "app.example.com");
	assert_string_equal(f.names[1], "*.example.com");
	assert_string_equal(f.names[2], "192.0.2.1");
	assert_string_equal(f.names[3], "2001:db8::1");
	assert_true(f.not_before_ms <= now_ms && f.not_before_ms > now_ms - 60000);
	assert_int_equal(f.not_after_ms - f.not_before_ms, (int64_t)10 * 24 * 3600 * 1000);
	x509_facts_fini(&f);
}

/* The certificate of RFC 9773 appendix A. */
static void the_ari_id_is_that_of_rfc_9773(void **state)
{
	static const char pem[] =
		"-----BEGIN CERTIFICATE-----\n"
		"MIIBQzCB66ADAgECAgUAh2VDITAKBggqhkjOPQQDAjAVMRMwEQYDVQQDEwpFeGFt\n"
		"cGxlIENBMCIYDzAwMDEwMTAxMDAwMDAwWhgPMDAwMTAxMDEwMDAwMDBaMBYxFDAS\n"
		"BgNVBAMTC2V4YW1wbGUuY29tMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEeBZu\n"
		"7cbpAYNXZLbbh8rNIzuOoqOOtmxA1v7cRm//AwyMwWxyHz4zfwmBhcSrf47NUAFf\n"
		"qzLQ2PPQxdTXREYEnKMjMCEwHwYDVR0jBBgwFoAUaYhba4dGQEHhs3uEe6CuLN4B\n"
		"yNQwCgYIKoZIzj0EAwIDRwAwRAIge09+S5TZAlw5tgtiVvuERV6cT4mfutXIlwTb\n"
		"+FYN/8oCIClDsqBklhB9KAelFiYt9+6FDj3z4KGVelYM5MdsO3pK\n"
		"-----END CERTIFICATE-----\n";
	struct x509_facts f;
	struct buf der;

	(void)state;
	buf_init(&der, 0);
	assert_int_equal(x509_chain_from_pem(str_from(pem), &der, NULL), E_OK);
	assert_int_equal(x509_parse(buf_str(&der), &f, NULL), E_OK);
	assert_string_equal(f.ari_id, "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE");
	assert_string_equal(f.serial, "0087654321");
	assert_string_equal(f.issuer, "Example CA");
	x509_facts_fini(&f);
	buf_fini(&der);
}

static void a_chain_is_cut_into_its_certificates(void **state)
{
	struct str all = buf_str(&chain), first = x509_chain_next(&all);

	(void)state;
	assert_ptr_equal(first.at, chain.at);
	assert_true(x509_chain_next(&all).len > 0);
	assert_null(x509_chain_next(&all).at);
	assert_int_equal(all.len, 0);
}

static enum err check(struct str der, const struct x509_check *want, const char *reason)
{
	struct fault fault = {0};
	enum err err = x509_check_chain(der, want, &fault);

	if (reason)
		assert_non_null(strstr(fault.detail, reason));
	return err;
}

static void the_right_chain_passes(void **state)
{
	static const char *const names[] = {
		"2001:db8::1", "*.example.com", "192.0.2.1", "app.example.com"};
	struct x509_check want = {app_key, names, 4, clock_wall_ms(), 0};

	(void)state;
	assert_int_equal(check(buf_str(&chain), &want, NULL), E_OK);
	assert_int_equal(check(buf_str(&chain), &(struct x509_check){0}, NULL), E_OK);
}

/* A client that came to an address accepts nothing else. */
static void an_address_wants_an_address_in_the_certificate(void **state)
{
	static const char *const address[] = {"203.0.113.7"}, *const other[] = {"203.0.113.8"};
	struct buf der;

	(void)state;
	authority_issue("address", "IP:203.0.113.7", "77");
	read_chain("address.chain", &der);
	assert_int_equal(check(buf_str(&der), &(struct x509_check){.names = address, .n_names = 1}, NULL),
		E_OK);
	assert_int_equal(check(buf_str(&der), &(struct x509_check){.names = other, .n_names = 1},
				 "not for 203.0.113.8"),
		E_CHAIN);
	buf_fini(&der);
	authority_issue("alike", "DNS:203.0.113.7", "78");
	read_chain("alike.chain", &der);
	assert_int_equal(check(buf_str(&der), &(struct x509_check){.names = address, .n_names = 1},
				 "not for 203.0.113.7"),
		E_CHAIN);
	buf_fini(&der);
}

static void wrong_key_name_and_time_are_refused(void **state)
{
	static const char *const names[] = {
		"app.example.com", "*.example.com", "192.0.2.1", "2001:db8::1", "more.example.com"};
	const int64_t now_ms = clock_wall_ms(), day_ms = 24 * 3600 * 1000;
	struct key *other = read_key("other.key");
	struct str der = buf_str(&chain);

	(void)state;
	assert_int_equal(check(der, &(struct x509_check){.key = other}, "key"), E_KEY);
	assert_int_equal(check(der, &(struct x509_check){.names = names, .n_names = 5},
				 "not for more.example.com"),
		E_CHAIN);
	assert_int_equal(check(der, &(struct x509_check){.names = names, .n_names = 3},
				 "also for 2001:db8::1"),
		E_CHAIN);
	assert_int_equal(
		check(der, &(struct x509_check){.now_ms = now_ms + 11 * day_ms}, "expired"),
		E_CHAIN);
	assert_int_equal(
		check(der, &(struct x509_check){.now_ms = now_ms - day_ms}, "not valid before"),
		E_CHAIN);
	assert_int_equal(
		check(der, &(struct x509_check){.now_ms = now_ms - day_ms, .skew_ms = 2 * day_ms},
			NULL),
		E_OK);
	key_unref(&other);
}

/* root over middle over app, in any other order or with a piece missing */
static void broken_links_are_refused(void **state)
{
	static const struct {
		const char *command, *reason;
	} rows[] = {
		{"cat app.chain root.pem > c", NULL},
		{"openssl x509 -in app.chain > c", NULL},
		{"(openssl x509 -in app.chain; cat root.pem) > c", "not issued by the next"},
		{"cat app.chain app.chain > c", "not issued by the next"},
		{"(openssl x509 -in app.chain; openssl x509 -in other.chain) > c", "not issued"},
		/* the same name, another key */
		{"(openssl x509 -in app.chain; openssl req -x509 -newkey rsa:2048 -nodes -keyout x "
		 "-subj '/CN=Test Intermediate') > c",
			"not signed by the next"},
	};
	struct x509_check want = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf der;

		shell_must(rows[i].command);
		read_chain("c", &der);
		assert_int_equal(check(buf_str(&der), &want, rows[i].reason),
			rows[i].reason ? E_CHAIN : E_OK);
		buf_fini(&der);
	}
}

static void every_changed_byte_of_the_leaf_is_noticed(void **state)
{
	struct str all = buf_str(&chain), leaf = x509_chain_next(&all);
	struct x509_check want = {.key = app_key};

	(void)state;
	for (size_t i = 0; i < leaf.len; i += 7) {
		chain.at[i] ^= 0x10;
		assert_int_not_equal(x509_check_chain(buf_str(&chain), &want, NULL), E_OK);
		chain.at[i] ^= 0x10;
	}
	assert_int_equal(x509_check_chain(buf_str(&chain), &want, NULL), E_OK);
}

static void truncated_and_random_certificates_are_refused(void **state)
{
	struct str all = buf_str(&chain), leaf = x509_chain_next(&all);
	struct x509_facts f;

	(void)state;
	for (size_t n = 0; n < leaf.len; n++) {
		assert_int_equal(x509_parse(str_of(leaf.at, n), &f, NULL), E_CHAIN);
		x509_facts_fini(&f);
	}
	for (size_t i = 0; i < leaf.len; i++) {
		for (int bit = 0; bit < 8; bit++) {
			chain.at[i] ^= (char)(1 << bit);
			(void)x509_parse(leaf, &f, NULL);
			x509_facts_fini(&f);
			chain.at[i] ^= (char)(1 << bit);
		}
	}
}

static void bad_pem_chains_are_refused(void **state)
{
	static const char *const commands[] = {": > c", "cat app.key > c",
		"for i in 1 2 3 4 5 6; do cat app.chain; done > c", "head -n 5 app.chain > c",
		"printf -- '-----BEGIN CERTIFICATE-----\\nAAAA\\n-----END CERTIFICATE-----\\n' > c"};

	(void)state;
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		struct buf pem, der;

		shell_must(commands[i]);
		buf_init(&pem, 0);
		buf_init(&der, 0);
		shell_read("c", &pem);
		assert_int_equal(x509_chain_from_pem(buf_str(&pem), &der, NULL), E_CHAIN);
		buf_fini(&pem);
		buf_fini(&der);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_facts_of_a_leaf_are_read),
		cmocka_unit_test(the_ari_id_is_that_of_rfc_9773),
		cmocka_unit_test(a_chain_is_cut_into_its_certificates),
		cmocka_unit_test(the_right_chain_passes),
		cmocka_unit_test(an_address_wants_an_address_in_the_certificate),
		cmocka_unit_test(wrong_key_name_and_time_are_refused),
		cmocka_unit_test(broken_links_are_refused),
		cmocka_unit_test(every_changed_byte_of_the_leaf_is_noticed),
		cmocka_unit_test(truncated_and_random_certificates_are_refused),
		cmocka_unit_test(bad_pem_chains_are_refused),
	};

	return cmocka_run_group_tests(tests, make, drop);
}
