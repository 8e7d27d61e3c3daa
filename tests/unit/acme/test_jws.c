/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "acme/jws.h"

#include "unit.h"

#include "base/encode.h"
#include "base/json.h"
#include "certstore/digest.h"

/* RFC 7515 A.3's key as SEC1 PEM would be the same d, x, y; a fresh one tests more. */
static struct key *key;

static int make_key(void **state)
{
	(void)state;
	return key_generate(CONF_KEY_P256, &key);
}

static int drop_key(void **state)
{
	(void)state;
	key_unref(&key);
	return 0;
}

static struct str decode(struct str text, char *dst, size_t cap)
{
	size_t len = 0;
	assert_int_equal(encode_base64_decode((unsigned char *)dst, cap, &len, text), E_OK);
	assert_int_equal(str_find(text, '='), -1);
	return str_of(dst, len);
}

static struct json *parse(struct str text)
{
	struct json *root = NULL;
	assert_int_equal(json_parse(text, &json_limits_default, &root, NULL), E_OK);
	return root;
}

static struct json *sign(const struct jws_args *args)
{
	struct buf b;
	buf_init(&b, 0);
	assert_int_equal(jws_sign(args, &b), E_OK);
	struct json *root = parse(buf_str(&b));
	assert_int_equal(json_count(root), 3);
	buf_fini(&b);
	return root;
}

static void a_request_with_kid_has_the_four_members_and_no_jwk(void **state)
{
	(void)state;
	char header_text[2048];
	struct jws_args args = { key, "https://ca.example/acct/1", STR("n0nce"),
		STR("https://ca.example/order"), STR("{}") };
	struct json *jws = sign(&args);
	struct json *header = parse(decode(json_get_str(jws, "protected"), header_text, 2048));
	assert_int_equal(json_count(header), 4);
	assert_true(str_is(json_get_str(header, "alg"), "ES256"));
	assert_true(str_is(json_get_str(header, "kid"), args.kid));
	assert_true(str_is(json_get_str(header, "nonce"), "n0nce"));
	assert_true(str_is(json_get_str(header, "url"), "https://ca.example/order"));
	assert_true(str_is(json_get_str(jws, "payload"), "e30"));
	char signature[128];
	assert_int_equal(decode(json_get_str(jws, "signature"), signature, 128).len, 64);
	json_free(&header);
	json_free(&jws);
}

static void without_kid_the_key_goes_along(void **state)
{
	(void)state;
	char header_text[2048];
	struct jws_args args = { key, NULL, STR("n"), STR("https://ca.example/new"), STR("{}") };
	struct json *jws = sign(&args);
	struct json *header = parse(decode(json_get_str(jws, "protected"), header_text, 2048));
	const struct json *jwk = json_get(header, "jwk");
	assert_null(json_get(header, "kid"));
	assert_true(str_is(json_get_str(jwk, "kty"), "EC"));
	assert_int_equal(json_get_str(jwk, "x").len, 43);
	assert_int_equal(json_get_str(jwk, "y").len, 43);
	json_free(&header);
	json_free(&jws);
}

static void post_as_get_has_an_empty_payload(void **state)
{
	(void)state;
	struct jws_args args = { key, "https://ca.example/1", STR("n"), STR("https://ca.example/x"),
		STR_NONE };
	struct json *jws = sign(&args);
	assert_true(str_is(json_get_str(jws, "payload"), ""));
	json_free(&jws);
}

static void odd_urls_are_escaped_not_spliced(void **state)
{
	(void)state;
	char header_text[2048];
	struct jws_args args = { key, "https://ca.example/\"},{\"", STR("n"),
		STR("https://ca.example/\\\"x"), STR_NONE };
	struct json *jws = sign(&args);
	struct json *header = parse(decode(json_get_str(jws, "protected"), header_text, 2048));
	assert_true(str_is(json_get_str(header, "kid"), args.kid));
	assert_true(str_equal(json_get_str(header, "url"), args.url));
	json_free(&header);
	json_free(&jws);
}

static void a_binding_is_hs256_over_the_account_key(void **state)
{
	(void)state;
	/* the same secret in three spellings */
	static const char *const secrets[] = { "-_-_-_8", "+/+/+/8", "+/+/+/8=" };
	static const unsigned char raw[] = { 0xfb, 0xff, 0xbf, 0xfb, 0xff };
	for (int i = 0; i < 3; i++) {
		struct buf b, input;
		char text[2048], got[64];
		unsigned char mac[DIGEST_SHA256];
		buf_init(&b, 0);
		buf_init(&input, 0);
		assert_int_equal(jws_bind(key, "kid-1", secrets[i], STR("https://ca.example/new"), &b),
			E_OK);
		struct json *jws = parse(buf_str(&b));
		struct json *header = parse(decode(json_get_str(jws, "protected"), text, 2048));
		assert_int_equal(json_count(header), 3);
		assert_true(str_is(json_get_str(header, "alg"), "HS256"));
		assert_true(str_is(json_get_str(header, "kid"), "kid-1"));
		assert_null(json_get(header, "nonce"));
		buf_addf(&input, "%.*s.%.*s", STR_FMT(json_get_str(jws, "protected")),
			STR_FMT(json_get_str(jws, "payload")));
		digest_hmac_sha256(mac, str_of(raw, sizeof raw), buf_str(&input));
		struct str signature = decode(json_get_str(jws, "signature"), got, sizeof got);
		assert_int_equal(signature.len, sizeof mac);
		assert_memory_equal(signature.at, mac, sizeof mac);
		json_free(&header);
		json_free(&jws);
		buf_fini(&b);
		buf_fini(&input);
	}
}

static void an_unreadable_binding_secret_is_refused(void **state)
{
	(void)state;
	struct buf b;
	buf_init(&b, 0);
	assert_int_equal(jws_bind(key, "k", "not base64!", STR("https://ca.example/"), &b), E_PARSE);
	assert_int_equal(jws_bind(key, "k", "", STR("https://ca.example/"), &b), E_PARSE);
	buf_fini(&b);
}

static void key_authorization_is_token_and_thumbprint(void **state)
{
	(void)state;
	struct buf b, jwk;
	unsigned char hash[DIGEST_SHA256];
	char want[128];
	buf_init(&b, 0);
	buf_init(&jwk, 0);
	assert_int_equal(key_jwk(key, &jwk), E_OK);
	digest_sha256(hash, buf_str(&jwk));
	size_t n = (size_t)sprintf(want, "token-0123456789.");
	encode_base64url(want + n, str_of(hash, sizeof hash));
	assert_int_equal(jws_key_authorization(key, STR("token-0123456789"), &b), E_OK);
	assert_true(str_is(buf_str(&b), want));
	buf_fini(&b);
	buf_fini(&jwk);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_with_kid_has_the_four_members_and_no_jwk),
		cmocka_unit_test(without_kid_the_key_goes_along),
		cmocka_unit_test(post_as_get_has_an_empty_payload),
		cmocka_unit_test(odd_urls_are_escaped_not_spliced),
		cmocka_unit_test(a_binding_is_hs256_over_the_account_key),
		cmocka_unit_test(an_unreadable_binding_secret_is_refused),
		cmocka_unit_test(key_authorization_is_token_and_thumbprint),
	};
	return cmocka_run_group_tests(tests, make_key, drop_key);
}
