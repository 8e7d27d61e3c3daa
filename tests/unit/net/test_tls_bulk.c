/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What wolfCrypt does with large records must be what it does with its own assembly. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <wolfssl/wolfcrypt/settings.h>

#include <wolfssl/wolfcrypt/aes.h>
#include <wolfssl/wolfcrypt/error-crypt.h>

#include "net/random.h"

enum { LARGEST = 20000, TAG = 16, IV = 12 };

void __real_AES_GCM_encrypt_avx2(const unsigned char *in, unsigned char *out,
	const unsigned char *aad, const unsigned char *iv, unsigned char *tag, uint32_t n,
	uint32_t n_aad, uint32_t n_iv, uint32_t n_tag, const unsigned char *key, int rounds);

struct world {
	Aes aes;
	unsigned char plain[LARGEST], sealed[LARGEST], expected[LARGEST];
	unsigned char iv[IV], aad[64], tag[TAG], expected_tag[TAG];
};

static int begin(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	if (!__builtin_cpu_supports("avx2"))
		return -1;
	for (size_t i = 0; i < LARGEST; i += 100)
		random_bytes(w->plain + i, 100);
	random_bytes(w->iv, IV);
	random_bytes(w->aad, sizeof(w->aad));
	*state = w;
	return wc_AesInit(&w->aes, NULL, INVALID_DEVID);
}

static int end(void **state)
{
	struct world *w = *state;

	wc_AesFree(&w->aes);
	free(w);
	return 0;
}

static void new_key(struct world *w, unsigned len)
{
	unsigned char key[32];

	random_bytes(key, sizeof(key));
	assert_int_equal(wc_AesGcmSetKey(&w->aes, key, len), 0);
}

static void compare(struct world *w, uint32_t n, uint32_t n_aad)
{
	__real_AES_GCM_encrypt_avx2(w->plain, w->expected, w->aad, w->iv, w->expected_tag, n, n_aad,
		IV, TAG, (const unsigned char *)w->aes.key, (int)w->aes.rounds);
	memcpy(w->sealed, w->plain, n);
	assert_int_equal(wc_AesGcmEncrypt(&w->aes, w->sealed, w->sealed, n, w->iv, IV, w->tag, TAG,
		w->aad, n_aad), 0);
	assert_memory_equal(w->sealed, w->expected, n);
	assert_memory_equal(w->tag, w->expected_tag, TAG);
	assert_int_equal(wc_AesGcmDecrypt(&w->aes, w->sealed, w->sealed, n, w->iv, IV, w->tag, TAG,
		w->aad, n_aad), 0);
	assert_memory_equal(w->sealed, w->plain, n);
}

static void every_length_around_the_threshold_is_the_same(void **state)
{
	for (uint32_t n = 1000; n < 1400; n++) {
		new_key(*state, 16);
		compare(*state, n, n % 40);
	}
}

static void records_of_all_sizes_are_the_same(void **state)
{
	for (unsigned i = 0; i < 300; i++) {
		new_key(*state, i % 3 ? 16 : 32);
		compare(*state, 1 + (uint32_t)random_below(LARGEST - 1), 5);
	}
}

static void a_full_record_with_its_content_type_is_the_same(void **state)
{
	for (uint32_t n = 16384 - 20; n < 16384 + 20; n++) {
		new_key(*state, 16);
		compare(*state, n, 5);
	}
}

static int decrypts_with(struct world *w, unsigned char *flipped)
{
	enum { N = 4096 };
	unsigned char out[N];
	int got;

	*flipped ^= 0x10;
	got = wc_AesGcmDecrypt(&w->aes, out, w->sealed, N, w->iv, IV, w->tag, TAG, w->aad, 5);
	*flipped ^= 0x10;
	return got;
}

static void one_changed_bit_anywhere_is_noticed(void **state)
{
	struct world *w = *state;
	unsigned char none = 0;

	new_key(w, 16);
	assert_int_equal(wc_AesGcmEncrypt(&w->aes, w->sealed, w->plain, 4096, w->iv, IV, w->tag, TAG,
		w->aad, 5), 0);
	assert_int_equal(decrypts_with(w, &none), 0);
	for (unsigned i = 0; i < TAG; i++)
		assert_int_equal(decrypts_with(w, &w->tag[i]), AES_GCM_AUTH_E);
	for (unsigned i = 0; i < 4096; i += 37)
		assert_int_equal(decrypts_with(w, &w->sealed[i]), AES_GCM_AUTH_E);
	assert_int_equal(decrypts_with(w, &w->aad[4]), AES_GCM_AUTH_E);
	assert_int_equal(decrypts_with(w, &w->iv[0]), AES_GCM_AUTH_E);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			every_length_around_the_threshold_is_the_same, begin, end),
		cmocka_unit_test_setup_teardown(records_of_all_sizes_are_the_same, begin, end),
		cmocka_unit_test_setup_teardown(
			a_full_record_with_its_content_type_is_the_same, begin, end),
		cmocka_unit_test_setup_teardown(one_changed_bit_anywhere_is_noticed, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
