/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Certificates of our own authority, judged by openssl in its strict mode and by our own checks.
 */
#include "certstore/x509.h"

#include "shell.h"

#include "base/clock.h"
#include "certstore/pem.h"

enum { HOUR_MS = 3600 * 1000 };

struct family {
	struct key *root_key, *middle_key, *leaf_key;
	struct buf root, middle, leaf;
};

static void issue(const struct x509_issue *want, struct buf *der, const char *file)
{
	struct buf pem;

	buf_init(der, 0);
	assert_int_equal(x509_issue(want, der), E_OK);
	buf_init(&pem, 0);
	assert_int_equal(pem_add(&pem, "CERTIFICATE", buf_str(der)), E_OK);
	shell_write(file, buf_str(&pem));
	buf_fini(&pem);
}

static void make_family(struct family *f, const char *const *names, unsigned n)
{
	int64_t now = clock_wall_ms();
	struct x509_issue want = { .kind = X509_AUTHORITY, .path_length = 1, .subject = "Our Root",
		.not_before_ms = now - HOUR_MS, .not_after_ms = now + 100 * (int64_t)HOUR_MS };

	assert_int_equal(key_generate(CONF_KEY_P256, &f->root_key), E_OK);
	assert_int_equal(key_generate(CONF_KEY_P256, &f->middle_key), E_OK);
	assert_int_equal(key_generate(CONF_KEY_P256, &f->leaf_key), E_OK);
	want.issuer_key = f->root_key;
	want.public_der = key_public(f->root_key);
	issue(&want, &f->root, "root.pem");
	want.path_length = 0;
	want.subject = "Our Intermediate";
	want.public_der = key_public(f->middle_key);
	want.issuer_der = buf_str(&f->root);
	issue(&want, &f->middle, "middle.pem");
	want = (struct x509_issue){ .subject = "leaf", .public_der = key_public(f->leaf_key),
		.names = names, .n_names = n, .issuer_der = buf_str(&f->middle),
		.issuer_key = f->middle_key, .not_before_ms = now - HOUR_MS,
		.not_after_ms = now + HOUR_MS };
	issue(&want, &f->leaf, "leaf.pem");
}

static void free_family(struct family *f)
{
	key_unref(&f->root_key);
	key_unref(&f->middle_key);
	key_unref(&f->leaf_key);
	buf_fini(&f->root);
	buf_fini(&f->middle);
	buf_fini(&f->leaf);
}

static void openssl_verifies_a_leaf_strictly(void **state)
{
	static const char *const names[] = { "localhost", "127.0.0.1", "::1", "app.home.arpa" };
	struct family f;

	(void)state;
	make_family(&f, names, 4);
	assert_int_equal(system("openssl verify -x509_strict -purpose sslserver -CAfile root.pem "
		"-untrusted middle.pem -verify_hostname localhost leaf.pem >/dev/null"), 0);
	assert_int_equal(system("openssl verify -x509_strict -purpose sslserver -CAfile root.pem "
		"-untrusted middle.pem -verify_ip ::1 leaf.pem >/dev/null"), 0);
	assert_int_not_equal(system("openssl verify -CAfile root.pem -untrusted middle.pem "
		"-verify_hostname other.test leaf.pem >/dev/null 2>&1"), 0);
	assert_int_equal(system("openssl verify -x509_strict -CAfile root.pem root.pem >/dev/null"), 0);
	free_family(&f);
}

static void each_kind_says_what_it_may_do(void **state)
{
	static const char *const names[] = { "localhost" };
	struct family f;

	(void)state;
	make_family(&f, names, 1);
	assert_int_equal(system("openssl x509 -in root.pem -noout -text > t && grep -q 'CA:TRUE, pathlen:1' t"
		" && grep -q 'Certificate Sign, CRL Sign' t && grep -q 'Subject Key Identifier' t"), 0);
	assert_int_equal(system("openssl x509 -in middle.pem -noout -text | grep -q 'CA:TRUE, pathlen:0'"), 0);
	assert_int_equal(system("openssl x509 -in leaf.pem -noout -text > t && grep -q 'CA:FALSE' t && "
		"grep -q 'TLS Web Server Authentication' t && grep -q 'DNS:localhost' t && "
		"grep -q 'Digital Signature' t && ! grep -q 'Certificate Sign' t"), 0);
	free_family(&f);
}

static void our_own_check_accepts_the_chain(void **state)
{
	static const char *const names[] = { "localhost" };
	struct x509_check want = { .names = names, .n_names = 1, .now_ms = clock_wall_ms() };
	struct fault fault = { 0 };
	struct family f;
	struct buf chain;

	(void)state;
	make_family(&f, names, 1);
	buf_init(&chain, 0);
	buf_add(&chain, buf_str(&f.leaf));
	buf_add(&chain, buf_str(&f.middle));
	buf_add(&chain, buf_str(&f.root));
	want.key = f.leaf_key;
	assert_int_equal(x509_check_chain(buf_str(&chain), &want, &fault), E_OK);
	buf_fini(&chain);
	free_family(&f);
}

static void two_certificates_never_share_a_serial(void **state)
{
	static const char *const names[] = { "localhost" };
	struct x509_facts a, b;
	struct fault fault = { 0 };
	struct family one, two;

	(void)state;
	make_family(&one, names, 1);
	make_family(&two, names, 1);
	assert_int_equal(x509_parse(buf_str(&one.leaf), &a, &fault), E_OK);
	assert_int_equal(x509_parse(buf_str(&two.leaf), &b, &fault), E_OK);
	assert_string_not_equal(a.serial, b.serial);
	assert_int_not_equal(a.aki[0], '\0');
	x509_facts_fini(&a);
	x509_facts_fini(&b);
	free_family(&one);
	free_family(&two);
}

static void what_is_no_name_is_refused(void **state)
{
	static const char *const names[] = { "no name" };
	struct x509_issue want = { .subject = "leaf", .names = names, .n_names = 1,
		.not_after_ms = HOUR_MS };
	char longer[66];
	struct key *key = NULL;
	struct buf der;

	(void)state;
	assert_int_equal(key_generate(CONF_KEY_P256, &key), E_OK);
	want.issuer_key = key;
	want.public_der = key_public(key);
	buf_init(&der, 0);
	assert_int_equal(x509_issue(&want, &der), E_NAME);
	want.n_names = 0;
	memset(longer, 'a', 65);
	longer[65] = '\0';
	want.subject = longer;
	assert_int_equal(x509_issue(&want, &der), E_NAME);
	buf_fini(&der);
	key_unref(&key);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(openssl_verifies_a_leaf_strictly, shell_enter, shell_leave),
		cmocka_unit_test_setup_teardown(each_kind_says_what_it_may_do, shell_enter, shell_leave),
		cmocka_unit_test_setup_teardown(our_own_check_accepts_the_chain, shell_enter, shell_leave),
		cmocka_unit_test_setup_teardown(two_certificates_never_share_a_serial, shell_enter, shell_leave),
		cmocka_unit_test(what_is_no_name_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
