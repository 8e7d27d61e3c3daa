/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tls_bulk: AES-128-GCM of large records by libipsec-mb, on CPUs with VAES and AVX-512: four times as
 * fast there as wolfSSL 5.9.2. The linker puts these functions between wolfCrypt and its assembly
 * (--wrap), which unlike wolfCrypt's crypto callback costs no memory per connection. The powers of the
 * hash key are computed anew for each record: 0.1 us, and nothing has to be kept.
 *
 * libipsec-mb's manager would link all of its 16 MB, and the functions for this CPU are in its archive
 * only: they are declared here. tests/unit/net/test_tls_bulk.c compares them with wolfSSL's.
 */
#include <cpuid.h>
#include <stdint.h>
#include <string.h>

#include <intel-ipsec-mb.h>

#include "base/mem.h"

enum { BULK_FROM = 1024, ROUNDS_128 = 10, IV = 12, TAG = 16 };

/* What wolfCrypt's assembly takes. */
struct gcm_call {
	const unsigned char *in;
	unsigned char *out;
	const unsigned char *aad, *iv, *key;
	uint32_t n, n_aad;
};

void aes_gcm_precomp_128_vaes_avx512(struct gcm_key_data *key);
void aes_gcm_enc_128_vaes_avx512(const struct gcm_key_data *key, struct gcm_context_data *context,
	uint8_t *out, const uint8_t *in, uint64_t len, const uint8_t *iv, const uint8_t *aad,
	uint64_t aad_len, uint8_t *tag, uint64_t tag_len);
void aes_gcm_dec_128_vaes_avx512(const struct gcm_key_data *key, struct gcm_context_data *context,
	uint8_t *out, const uint8_t *in, uint64_t len, const uint8_t *iv, const uint8_t *aad,
	uint64_t aad_len, uint8_t *tag, uint64_t tag_len);

void __real_AES_GCM_encrypt_avx2(const unsigned char *in, unsigned char *out,
	const unsigned char *aad, const unsigned char *iv, unsigned char *tag, uint32_t n,
	uint32_t n_aad, uint32_t n_iv, uint32_t n_tag, const unsigned char *key, int rounds);
void __real_AES_GCM_decrypt_avx2(const unsigned char *in, unsigned char *out,
	const unsigned char *aad, const unsigned char *iv, const unsigned char *tag, uint32_t n,
	uint32_t n_aad, uint32_t n_iv, uint32_t n_tag, const unsigned char *key, int rounds, int *ok);
void __wrap_AES_GCM_encrypt_avx2(const unsigned char *in, unsigned char *out,
	const unsigned char *aad, const unsigned char *iv, unsigned char *tag, uint32_t n,
	uint32_t n_aad, uint32_t n_iv, uint32_t n_tag, const unsigned char *key, int rounds);
void __wrap_AES_GCM_decrypt_avx2(const unsigned char *in, unsigned char *out,
	const unsigned char *aad, const unsigned char *iv, const unsigned char *tag, uint32_t n,
	uint32_t n_aad, uint32_t n_iv, uint32_t n_tag, const unsigned char *key, int rounds, int *ok);

static int has_vaes;

/* Once, before any thread: CPUID costs a trap to the hypervisor on a virtual machine. Leaf 7 is read
 * here because clang's builtin knows these two features only from version 15 on. */
__attribute__((constructor)) static void look_at_cpu(void)
{
	unsigned a, b, c, d;

	__builtin_cpu_init();
	has_vaes = __get_cpuid_count(7, 0, &a, &b, &c, &d) && (c & bit_VAES) && (c & bit_VPCLMULQDQ) &&
		__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
		__builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
		__builtin_cpu_supports("bmi2");
}

static int takes(uint32_t n, uint32_t n_iv, uint32_t n_tag, int rounds)
{
	return n >= BULK_FROM && n_iv == IV && n_tag == TAG && rounds == ROUNDS_128 && has_vaes;
}

/* Both libraries keep the round keys as AESENC takes them. */
static void expand(struct gcm_key_data *k, const unsigned char *key)
{
	memcpy(k->expanded_keys, key, (ROUNDS_128 + 1) * 16);
	aes_gcm_precomp_128_vaes_avx512(k);
}

static void encrypt(const struct gcm_call *c, unsigned char *tag)
{
	struct gcm_context_data context;
	struct gcm_key_data k;

	expand(&k, c->key);
	aes_gcm_enc_128_vaes_avx512(
		&k, &context, c->out, c->in, c->n, c->iv, c->aad, c->n_aad, tag, TAG);
	mem_wipe(&k, sizeof(k));
	mem_wipe(&context, sizeof(context));
}

static int decrypt(const struct gcm_call *c, const unsigned char *tag)
{
	struct gcm_context_data context;
	struct gcm_key_data k;
	unsigned char computed[TAG], differ = 0;

	expand(&k, c->key);
	aes_gcm_dec_128_vaes_avx512(
		&k, &context, c->out, c->in, c->n, c->iv, c->aad, c->n_aad, computed, TAG);
	mem_wipe(&k, sizeof(k));
	mem_wipe(&context, sizeof(context));
	/* all of it, wherever they differ */
	for (unsigned i = 0; i < TAG; i++)
		differ |= computed[i] ^ tag[i];
	return differ == 0;
}

void __wrap_AES_GCM_encrypt_avx2(const unsigned char *in, unsigned char *out,
	const unsigned char *aad, const unsigned char *iv, unsigned char *tag, uint32_t n,
	uint32_t n_aad, uint32_t n_iv, uint32_t n_tag, const unsigned char *key, int rounds)
{
	const struct gcm_call call = {in, out, aad, iv, key, n, n_aad};

	if (takes(n, n_iv, n_tag, rounds))
		encrypt(&call, tag);
	else
		__real_AES_GCM_encrypt_avx2(
			in, out, aad, iv, tag, n, n_aad, n_iv, n_tag, key, rounds);
}

void __wrap_AES_GCM_decrypt_avx2(const unsigned char *in, unsigned char *out,
	const unsigned char *aad, const unsigned char *iv, const unsigned char *tag, uint32_t n,
	uint32_t n_aad, uint32_t n_iv, uint32_t n_tag, const unsigned char *key, int rounds, int *ok)
{
	const struct gcm_call call = {in, out, aad, iv, key, n, n_aad};

	if (takes(n, n_iv, n_tag, rounds))
		*ok = decrypt(&call, tag);
	else
		__real_AES_GCM_decrypt_avx2(
			in, out, aad, iv, tag, n, n_aad, n_iv, n_tag, key, rounds, ok);
}
