/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "certstore/entry.h"

#include "authority.h"

#include "base/clock.h"
#include "base/encode.h"
#include "certstore/digest.h"
#include "certstore/x509.h"

#define DAY_MS ((int64_t)24 * 3600 * 1000)

static struct key *key;
static struct buf chain;
static struct entry_args args = {
	.name = "app.example.com",
	.ca = "https://ca.example/directory",
	.account = "https://ca.example/account/1",
	.profile = "shortlived",
	.challenge = "tls-alpn-01",
	.issued_at_ms = 1795327101000,
};

static int make(void **state)
{
	struct buf pem;

	if (tls_setup() || shell_enter(state))
		return -1;
	authority_make();
	authority_issue("app", "DNS:app.example.com", "0x8765432100");
	authority_issue("other", "DNS:other.example.com", "0x01");
	buf_init(&pem, 0);
	buf_init(&chain, 0);
	shell_read("app.key", &pem);
	shell_read("app.chain", &chain);
	if (key_from_pem(buf_str(&pem), &key))
		return -1;
	buf_fini(&pem);
	args.key = key;
	args.chain_pem = buf_str(&chain);
	return 0;
}

static int drop(void **state)
{
	key_unref(&key);
	buf_fini(&chain);
	return shell_leave(state);
}

static void write_bundle(struct buf *text)
{
	buf_init(text, 0);
	assert_int_equal(entry_write(&args, text, NULL), E_OK);
}

static void a_bundle_reads_back_with_all_its_facts(void **state)
{
	struct entry *a, *b;
	struct buf text;

	(void)state;
	write_bundle(&text);
	assert_int_equal(entry_new(&args, &a, NULL), E_OK);
	assert_int_equal(entry_parse(buf_str(&text), "app.example.com", &b, NULL), E_OK);
	assert_string_equal(b->name, a->name);
	assert_string_equal(b->ca, args.ca);
	assert_string_equal(b->account, args.account);
	assert_string_equal(b->profile, args.profile);
	assert_string_equal(b->challenge, args.challenge);
	assert_string_equal(b->serial, "008765432100");
	assert_string_equal(b->ari_id, a->ari_id);
	assert_string_equal(b->issuer, "Test Intermediate");
	assert_int_equal(b->issued_at_ms, args.issued_at_ms);
	assert_int_equal(b->not_before_ms, a->not_before_ms);
	assert_int_equal(b->not_after_ms, a->not_after_ms);
	assert_int_equal(b->renew_at_ms, a->renew_at_ms);
	assert_false(b->is_operators);
	assert_true(entry_bytes(b) > sizeof(*b));
	entry_unref(&a);
	entry_unref(&b);
	assert_null(b);
	buf_fini(&text);
}

static void the_summary_agrees_with_the_entry(void **state)
{
	struct entry_summary summary;
	struct entry *e;
	struct buf text;

	(void)state;
	write_bundle(&text);
	assert_int_equal(entry_parse(buf_str(&text), NULL, &e, NULL), E_OK);
	assert_int_equal(entry_summarise(buf_str(&text), &summary), E_OK);
	assert_string_equal(summary.name, e->name);
	assert_int_equal(summary.not_before_ms, e->not_before_ms);
	assert_int_equal(summary.not_after_ms, e->not_after_ms);
	assert_int_equal(summary.renew_at_ms, e->renew_at_ms);
	entry_unref(&e);
	buf_fini(&text);
}

static void other_programs_read_the_bundle_as_it_is(void **state)
{
	struct buf text;

	(void)state;
	write_bundle(&text);
	shell_write("bundle.pem", buf_str(&text));
	shell_must("openssl x509 -in bundle.pem -noout -ext subjectAltName");
	assert_true(shell_printed("DNS:app.example.com"));
	shell_must("openssl pkey -in bundle.pem -noout -check");
	shell_must("openssl verify -CAfile root.pem -untrusted bundle.pem bundle.pem");
	/* one file for both, as nginx and HAProxy are told */
	shell_must(
		"(openssl s_server -accept 0 -cert bundle.pem -cert_chain bundle.pem -key bundle.pem "
		"</dev/null & p=$!; sleep 0.3; kill -0 $p && kill $p)");
	buf_fini(&text);
}

static void every_changed_byte_is_noticed(void **state)
{
	struct buf text;

	(void)state;
	write_bundle(&text);
	for (size_t i = 0; i < text.len; i++) {
		struct entry_summary summary;
		enum err err;

		text.at[i] ^= 1;
		err = entry_summarise(buf_str(&text), &summary);
		assert_true(err == E_STORE_CORRUPT || err == E_STORE);
		text.at[i] ^= 1;
	}
	buf_fini(&text);
}

static void every_truncation_is_noticed(void **state)
{
	struct buf text;

	(void)state;
	write_bundle(&text);
	for (size_t n = 0; n < text.len; n++) {
		struct fault fault = {0};
		struct entry *e;

		assert_int_equal(
			entry_parse(str_of(text.at, n), NULL, &e, &fault), E_STORE_CORRUPT);
		assert_int_equal(fault.code, E_STORE_CORRUPT);
		assert_true(fault.detail[0] != '\0');
		assert_null(e);
	}
	buf_fini(&text);
}

static void another_name_is_refused(void **state)
{
	struct entry_args wrong = args;
	struct fault fault = {0};
	struct entry *e;
	struct buf text;

	(void)state;
	write_bundle(&text);
	assert_int_equal(entry_parse(buf_str(&text), "b.example.com", &e, &fault), E_STORE_CORRUPT);
	assert_non_null(strstr(fault.detail, "app.example.com"));
	wrong.name = "b.example.com";
	assert_int_equal(entry_new(&wrong, &e, NULL), E_CHAIN);
	assert_int_equal(entry_write(&wrong, &text, NULL), E_CHAIN);
	buf_fini(&text);
}

static void a_second_certificate_says_what_it_is(void **state)
{
	struct entry_args second = args;
	struct entry_summary summary;
	struct entry *e;
	struct buf text;

	(void)state;
	second.name = "app.example.com+ecdsa";
	buf_init(&text, 0);
	assert_int_equal(entry_write(&second, &text, NULL), E_OK);
	assert_non_null(strstr(buf_cstring(&text), "\nname: app.example.com\n"));
	assert_non_null(strstr(buf_cstring(&text), "\nkey-type: p256\nseries: ecdsa\n"));
	assert_int_equal(entry_parse(buf_str(&text), second.name, &e, NULL), E_OK);
	assert_string_equal(e->name, second.name);
	assert_int_equal(e->key_type, CONF_KEY_P256);
	assert_true(entry_covers(e, STR("app.example.com")));
	entry_unref(&e);
	assert_int_equal(entry_summarise(buf_str(&text), &summary), E_OK);
	assert_string_equal(summary.name, second.name);
	assert_string_equal(summary.key_type, "p256");
	/* a file of the one in the place of the other */
	assert_int_equal(entry_parse(buf_str(&text), "app.example.com", &e, NULL), E_STORE_CORRUPT);
	buf_clear(&text);
	second.name = "app.example.com+rsa";
	assert_int_equal(entry_write(&second, &text, NULL), E_KEY);
	buf_fini(&text);
}

/* With the checksum it should have then. */
static void without_line(struct buf *text, const char *line)
{
	char *at = strstr(buf_cstring(text), line), *covered;
	unsigned char digest[DIGEST_SHA256];
	char hex[ENCODE_HEX_SIZE(DIGEST_SHA256)];
	size_t len = strlen(line);

	assert_non_null(at);
	memmove(at, at + len, text->len - (size_t)(at - text->at) - len);
	text->len -= len;
	covered = strchr(strchr(text->at, '\n') + 1, '\n') + 1;
	digest_sha256(digest, str_of(covered, text->len - (size_t)(covered - text->at)));
	encode_hex(hex, str_of(digest, sizeof(digest)));
	memcpy(covered - 1 - strlen(hex), hex, strlen(hex));
}

static void an_older_store_is_read_as_it_is(void **state)
{
	struct entry_summary summary;
	struct entry *e;
	struct buf text;

	(void)state;
	write_bundle(&text);
	without_line(&text, "key-type: p256\n");
	assert_int_equal(entry_parse(buf_str(&text), "app.example.com", &e, NULL), E_OK);
	assert_int_equal(e->key_type, CONF_KEY_P256);
	entry_unref(&e);
	assert_int_equal(entry_summarise(buf_str(&text), &summary), E_OK);
	assert_string_equal(summary.key_type, "");
	without_line(&text, "challenge: tls-alpn-01\n");
	assert_int_equal(entry_summarise(buf_str(&text), &summary), E_STORE_CORRUPT);
	buf_fini(&text);
}

static void a_version_we_do_not_know_is_not_called_damaged(void **state)
{
	struct entry *e;
	struct buf text;

	(void)state;
	write_bundle(&text);
	text.at[strlen("sallyport-bundle: ")] = '2';
	assert_int_equal(entry_parse(buf_str(&text), NULL, &e, NULL), E_STORE);
	buf_fini(&text);
}

static void a_foreign_text_cannot_add_a_header_line(void **state)
{
	struct entry_args hostile = args;
	struct entry *e;
	struct buf text;

	(void)state;
	hostile.account = "x\nname: evil.example.com\n\n-----BEGIN";
	buf_init(&text, 0);
	assert_int_equal(entry_write(&hostile, &text, NULL), E_OK);
	assert_int_equal(entry_parse(buf_str(&text), "app.example.com", &e, NULL), E_OK);
	assert_null(strchr(e->account, '\n'));
	entry_unref(&e);
	buf_fini(&text);
}

static void a_wrong_key_is_refused(void **state)
{
	struct entry_args wrong = args;
	struct key *other;
	struct entry *e;

	(void)state;
	assert_int_equal(key_generate(CONF_KEY_P256, &other), E_OK);
	wrong.key = other;
	assert_int_equal(entry_new(&wrong, &e, NULL), E_KEY);
	assert_null(e);
	key_unref(&other);
}

static struct entry *named(const char *name)
{
	static struct entry e;

	memset(&e, 0, sizeof(e));
	strcpy(e.name, name);
	return &e;
}

static void names_cover_as_rfc_6125_says(void **state)
{
	(void)state;
	assert_true(entry_covers(named("a.example.com"), STR("a.example.com")));
	assert_true(entry_covers(named("a.example.com"), STR("A.Example.COM")));
	assert_false(entry_covers(named("a.example.com"), STR("b.example.com")));
	assert_true(entry_covers(named("*.example.com"), STR("b.example.com")));
	assert_false(entry_covers(named("*.example.com"), STR("example.com")));
	assert_false(entry_covers(named("*.example.com"), STR("a.b.example.com")));
	assert_false(entry_covers(named("*.example.com"), STR(".example.com")));
	assert_true(entry_covers(named("*"), STR("anything.example")));
}

static void validity_ends_at_its_last_instant(void **state)
{
	struct entry *e = named("a");

	(void)state;
	e->not_before_ms = 10 * (int64_t)DAY_MS;
	e->not_after_ms = e->not_before_ms + 2000;
	e->issued_at_ms = 0;
	assert_false(entry_is_valid_at(e, e->not_before_ms - ENTRY_SKEW_MS - 1));
	assert_true(entry_is_valid_at(e, e->not_before_ms - ENTRY_SKEW_MS));
	assert_true(entry_is_valid_at(e, e->not_after_ms - 1));
	assert_false(entry_is_valid_at(e, e->not_after_ms));
}

static void a_clock_from_before_we_got_it_is_wrong_and_the_certificate_is_not(void **state)
{
	struct entry *e = named("a");

	(void)state;
	e->not_before_ms = 10 * (int64_t)DAY_MS;
	e->not_after_ms = 100 * (int64_t)DAY_MS;
	e->issued_at_ms = e->not_before_ms + 3600 * 1000;
	assert_true(entry_is_valid_at(e, 5));
	e->issued_at_ms = 0;
	assert_false(entry_is_valid_at(e, 5));
}

static void renewal_is_early_enough_for_every_lifetime(void **state)
{
	static const int64_t lives[] = {1, 3, 40 * 1000, 3600 * 1000, 6 * DAY_MS, 10 * DAY_MS,
		90 * DAY_MS, 398 * DAY_MS, 10000 * DAY_MS};

	(void)state;
	for (size_t i = 0; i < sizeof(lives) / sizeof(lives[0]); i++) {
		int64_t life = lives[i], from = 1795327101000, seen_min = INT64_MAX, seen_max = 0;

		for (int seed = 0; seed < 2000; seed++) {
			char text[16];
			int64_t at;

			snprintf(text, sizeof(text), "%d", seed);
			at = entry_renewal_time(from, from + life, str_from(text)) - from;
			assert_int_equal(
				at, entry_renewal_time(from, from + life, str_from(text)) - from);
			seen_min = at < seen_min ? at : seen_min;
			seen_max = at > seen_max ? at : seen_max;
		}
		if (life < 10 * DAY_MS) {
			assert_true(seen_max <= life - life / 2);
			assert_true(seen_min >= life - life / 2 - life / 20);
		} else {
			assert_true(seen_max <= life - life / 3);
			assert_true(seen_min >= life - life / 3 - life / 20);
		}
		/* spread over nearly all of the 5 % */
		assert_true(seen_max - seen_min >= life / 20 / 10 * 9);
	}
}

static void renewal_time_never_overflows(void **state)
{
	static const int64_t edges[] = {
		INT64_MIN, INT64_MIN + 1, -1, 0, 1, INT64_MAX - 1, INT64_MAX};

	(void)state;
	for (size_t i = 0; i < 7; i++)
		for (size_t j = 0; j < 7; j++)
			assert_true(entry_renewal_time(edges[i], edges[j], STR("x")) <= edges[j]);
}

static void the_operators_files_are_read(void **state)
{
	struct fault fault = {0};
	struct entry *e;

	(void)state;
	shell_must("ln -sf app.chain link.pem");
	assert_int_equal(
		entry_from_files("www.example.com", "link.pem", "app.key", &e, &fault), E_OK);
	assert_true(e->is_operators);
	assert_int_equal(e->renew_at_ms, INT64_MAX);
	entry_unref(&e);
	assert_int_equal(entry_from_files("a", "app.chain", "other.key", &e, &fault), E_KEY);
	assert_int_equal(entry_from_files("a", "missing", "app.key", &e, &fault), E_FILE);
	assert_non_null(strstr(fault.detail, "missing"));
	assert_int_equal(entry_from_files("a", "/dev/zero", "app.key", &e, &fault), E_FILE);
	assert_int_equal(entry_from_files("a", ".", "app.key", &e, &fault), E_FILE);
	shell_must(
		"mkfifo fifo; openssl req -x509 -newkey rsa:2048 -nodes -keyout self.key -out self.pem "
		"-subj /CN=x");
	assert_int_equal(entry_from_files("a", "fifo", "app.key", &e, &fault), E_FILE);
	assert_int_equal(entry_from_files("a", "self.pem", "self.key", &e, &fault), E_OK);
	entry_unref(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_bundle_reads_back_with_all_its_facts),
		cmocka_unit_test(the_summary_agrees_with_the_entry),
		cmocka_unit_test(other_programs_read_the_bundle_as_it_is),
		cmocka_unit_test(every_changed_byte_is_noticed),
		cmocka_unit_test(every_truncation_is_noticed),
		cmocka_unit_test(another_name_is_refused),
		cmocka_unit_test(a_second_certificate_says_what_it_is),
		cmocka_unit_test(an_older_store_is_read_as_it_is),
		cmocka_unit_test(a_version_we_do_not_know_is_not_called_damaged),
		cmocka_unit_test(a_foreign_text_cannot_add_a_header_line),
		cmocka_unit_test(a_wrong_key_is_refused),
		cmocka_unit_test(names_cover_as_rfc_6125_says),
		cmocka_unit_test(validity_ends_at_its_last_instant),
		cmocka_unit_test(a_clock_from_before_we_got_it_is_wrong_and_the_certificate_is_not),
		cmocka_unit_test(renewal_is_early_enough_for_every_lifetime),
		cmocka_unit_test(renewal_time_never_overflows),
		cmocka_unit_test(the_operators_files_are_read),
	};

	return cmocka_run_group_tests(tests, make, drop);
}
