/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "certstore/digest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "base/encode.h"

static void assert_hex(const unsigned char *bytes, const char *want)
{
	char text[ENCODE_HEX_SIZE(DIGEST_SHA256)];

	encode_hex(text, str_of(bytes, DIGEST_SHA256));
	assert_string_equal(text, want);
}

/* FIPS 180-4 examples */
static void sha256_gives_the_published_values(void **state)
{
	unsigned char out[DIGEST_SHA256];

	(void)state;
	digest_sha256(out, STR("abc"));
	assert_hex(out, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	digest_sha256(out, STR_NONE);
	assert_hex(out, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

/* RFC 4231, cases 1, 2 and 6 (a key longer than a block) */
static void hmac_gives_the_published_values(void **state)
{
	unsigned char out[DIGEST_SHA256], key[131];

	(void)state;
	memset(key, 0x0b, 20);
	digest_hmac_sha256(out, str_of(key, 20), STR("Hi There"));
	assert_hex(out, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
	digest_hmac_sha256(out, STR("Jefe"), STR("what do ya want for nothing?"));
	assert_hex(out, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	memset(key, 0xaa, sizeof(key));
	digest_hmac_sha256(out, str_of(key, sizeof(key)),
		STR("Test Using Larger Than Block-Size Key - Hash Key First"));
	assert_hex(out, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

static void hmac_takes_an_empty_key_and_text(void **state)
{
	unsigned char out[DIGEST_SHA256];

	(void)state;
	digest_hmac_sha256(out, STR_NONE, STR_NONE);
	assert_hex(out, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sha256_gives_the_published_values),
		cmocka_unit_test(hmac_gives_the_published_values),
		cmocka_unit_test(hmac_takes_an_empty_key_and_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
