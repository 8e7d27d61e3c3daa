/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "certstore/challenge_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "certstore/x509.h"

#define TOKEN "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ"
#define DIGEST "nP1qzpXGymHBrUEepNY9HCsQk7K8KhOypzEt62jcerQ"
#define NOW 1795327101000

static int begin(void **state)
{
	(void)state;
	clock_test_set(NOW, 1000);
	return tls_setup();
}

static int end(void **state)
{
	(void)state;
	clock_test_end();
	return 0;
}

static struct challenge_file file_of(enum conf_challenge kind, const char *identifier)
{
	struct challenge_file f = {.kind = kind, .token = TOKEN,
		.key_authorization = TOKEN "." DIGEST, .until_ms = NOW + CHALLENGE_LIFE_MS};

	snprintf(f.identifier, sizeof(f.identifier), "%s", identifier);
	return f;
}

static void name_of(char dst[CHALLENGE_FILE_NAME], enum conf_challenge kind, const char *host)
{
	char key[CHALLENGE_KEY];

	challenge_file_name(dst, challenge_key(key, str_from(host),
		kind == CONF_HTTP_01 ? STR(TOKEN) : STR_NONE));
}

/* Writes f and reads it as the value of the given host. */
static enum err pass_on(
	const struct challenge_file *f, const char *host, struct challenge_file **out)
{
	char name[CHALLENGE_FILE_NAME];
	struct fault fault = {0};
	struct buf text;
	void *object;
	enum err err;

	buf_init(&text, 0);
	assert_int_equal(challenge_file_print(f, &text), E_OK);
	name_of(name, f->kind, host);
	err = challenge_file_answer(buf_str(&text), name, &object, &fault);
	*out = object;
	assert_int_equal(err != E_OK, object == NULL);
	buf_fini(&text);
	return err;
}

static void what_one_process_writes_another_answers(void **state)
{
	struct challenge_file f = file_of(CONF_HTTP_01, "a.example.com"), *got;

	(void)state;
	assert_int_equal(pass_on(&f, "A.example.com", &got), E_OK);
	assert_int_equal(got->kind, CONF_HTTP_01);
	assert_string_equal(got->identifier, "a.example.com");
	assert_string_equal(got->token, TOKEN);
	assert_string_equal(got->key_authorization, TOKEN "." DIGEST);
	assert_int_equal(got->until_ms, f.until_ms);
	assert_null(got->certificate);
	challenge_file_free(got);
	f = file_of(CONF_TLS_ALPN_01, "a.example.com");
	assert_int_equal(pass_on(&f, "a.example.com", &got), E_OK);
	assert_non_null(got->certificate);
	challenge_file_free(got);
}

static void addresses_are_found_by_their_reverse_name(void **state)
{
	struct challenge_file f = file_of(CONF_TLS_ALPN_01, "127.0.0.1"), *got;

	(void)state;
	assert_int_equal(pass_on(&f, "1.0.0.127.in-addr.arpa", &got), E_OK);
	assert_string_equal(got->identifier, "127.0.0.1");
	challenge_file_free(got);
	assert_int_equal(pass_on(&f, "127.0.0.1", &got), E_STORE_CORRUPT);
	f = file_of(CONF_HTTP_01, "::1");
	assert_int_equal(pass_on(&f, "::1", &got), E_OK);
	challenge_file_free(got);
}

static void a_value_under_another_name_is_refused(void **state)
{
	struct challenge_file f = file_of(CONF_TLS_ALPN_01, "evil.example"), *got;

	(void)state;
	assert_int_equal(pass_on(&f, "good.example", &got), E_STORE_CORRUPT);
	f.kind = CONF_HTTP_01;
	assert_int_equal(pass_on(&f, "good.example", &got), E_STORE_CORRUPT);
}

static void one_that_is_over_is_none(void **state)
{
	struct challenge_file f = file_of(CONF_HTTP_01, "a.example"), *got;
	static const int64_t untils[] = {NOW, 1, NOW - 3600 * 1000, NOW + 24 * 3600 * 1000};

	(void)state;
	for (size_t i = 0; i < sizeof(untils) / sizeof(untils[0]); i++) {
		f.until_ms = untils[i];
		assert_int_equal(pass_on(&f, "a.example", &got), E_NOT_FOUND);
	}
}

#define BODY(type, identifier, token, authorization, until) \
	"{\"type\":\"" type "\",\"identifier\":\"" identifier "\",\"token\":\"" token \
	"\",\"authorization\":\"" authorization "\",\"until\":" until "}"
#define UNTIL "1795327201000"

static void hostile_values_are_refused(void **state)
{
	static const char *const texts[] = {"", "{", "[]", "null", "{}",
		BODY("dns-01", "a.example", TOKEN, TOKEN "." DIGEST, UNTIL),
		BODY("http-01", "", TOKEN, TOKEN "." DIGEST, UNTIL),
		BODY("http-01", "A.example", TOKEN, TOKEN "." DIGEST, UNTIL),
		BODY("http-01", "a.example/..", TOKEN, TOKEN "." DIGEST, UNTIL),
		BODY("http-01", "a.example", "short", "short." DIGEST, UNTIL),
		BODY("http-01", "a.example", TOKEN, TOKEN, UNTIL),
		BODY("http-01", "a.example", TOKEN, TOKEN ".", UNTIL),
		BODY("http-01", "a.example", TOKEN, TOKEN DIGEST, UNTIL),
		BODY("http-01", "a.example", TOKEN, "x" TOKEN "." DIGEST, UNTIL),
		BODY("http-01", "a.example", TOKEN, TOKEN ".<script>", UNTIL),
		BODY("http-01", "a.example", TOKEN, TOKEN ".\\r\\nSet-Cookie:x", UNTIL),
		BODY("http-01", "a.example", TOKEN, TOKEN "." DIGEST, "\"x\""),
		BODY("http-01", "a.example", TOKEN, TOKEN "." DIGEST, "-1"),
		BODY("http-01", "a.example", TOKEN, TOKEN "." DIGEST, "1e300")};
	char name[CHALLENGE_FILE_NAME], large[CHALLENGE_FILE_MAX + 2];
	int64_t now = NOW;
	void *object;

	(void)state;
	name_of(name, CONF_HTTP_01, "a.example");
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct fault fault = {0};

		assert_int_equal(challenge_file_read(str_from(texts[i]), name, &object, &fault),
			E_STORE_CORRUPT);
		assert_null(object);
		assert_true(challenge_file_is_over(str_from(texts[i]), name, &now));
	}
	memset(large, ' ', sizeof(large));
	memcpy(large, "{}", 2);
	assert_int_equal(
		challenge_file_read(str_of(large, sizeof(large)), name, &object, NULL),
		E_STORE_CORRUPT);
	assert_int_equal(challenge_file_read(STR(BODY("http-01", "a.example", TOKEN,
				TOKEN "." DIGEST, UNTIL)), name, &object, NULL), E_OK);
	challenge_file_free(object);
}

static void what_nobody_needs_is_told_from_what_somebody_may(void **state)
{
	struct challenge_file f = file_of(CONF_HTTP_01, "a.example");
	static const struct {
		int64_t until_ms;
		bool is_over;
	} cases[] = {
		{NOW + CHALLENGE_LIFE_MS, false}, {NOW - 1000, false}, {NOW - 61000, true},
		{NOW + 24 * 3600 * 1000, true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char name[CHALLENGE_FILE_NAME];
		struct buf text;
		int64_t now = NOW;

		buf_init(&text, 0);
		f.until_ms = cases[i].until_ms;
		name_of(name, f.kind, "a.example");
		assert_int_equal(challenge_file_print(&f, &text), E_OK);
		assert_int_equal(challenge_file_is_over(buf_str(&text), name, &now),
			cases[i].is_over);
		buf_fini(&text);
	}
}

static void keys_are_bounded(void **state)
{
	char key[CHALLENGE_KEY], long_text[300];

	(void)state;
	memset(long_text, 'a', sizeof(long_text));
	assert_true(str_is(challenge_key(key, STR("A.Example"), STR_NONE), "a.example"));
	assert_true(str_is(challenge_key(key, STR("A.b"), STR("Tok")), "a.b/Tok"));
	assert_null(challenge_key(key, str_of(long_text, 256), STR_NONE).at);
	assert_null(challenge_key(key, STR("a"), str_of(long_text, 129)).at);
	assert_int_equal(
		challenge_key(key, str_of(long_text, 255), str_of(long_text, 128)).len, 384);
	assert_false(challenge_is_token(str_of("0123456789abcde\0", 16)));
	assert_true(challenge_is_token(STR("0123456789abcdef")));
}

static void certificates_are_made_for_what_can_be_named(void **state)
{
	struct tls_certificate *c = NULL;

	(void)state;
	assert_int_equal(challenge_certificate("a.example", STR("x.y"), &c), E_OK);
	assert_non_null(c);
	tls_certificate_unref(&c);
	assert_int_not_equal(challenge_certificate("", STR("x.y"), &c), E_OK);
	assert_null(c);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(what_one_process_writes_another_answers),
		TEST(addresses_are_found_by_their_reverse_name),
		TEST(a_value_under_another_name_is_refused),
		TEST(one_that_is_over_is_none),
		TEST(hostile_values_are_refused),
		TEST(what_nobody_needs_is_told_from_what_somebody_may),
		TEST(keys_are_bounded),
		TEST(certificates_are_made_for_what_can_be_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
