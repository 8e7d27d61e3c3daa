/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * key: wolfCrypt's side of a private key. What is kept is DER only; each use decodes it again (5
 * us), so that one key can be used by several threads at once without a lock.
 */
#include "certstore/key.h"

#include <wolfssl/wolfcrypt/settings.h>
#include <wolfssl/wolfcrypt/asn_public.h>
#include <wolfssl/wolfcrypt/ecc.h>
#include <wolfssl/wolfcrypt/error-crypt.h>
#include <wolfssl/wolfcrypt/random.h>
#include <wolfssl/wolfcrypt/rsa.h>
#include <wolfssl/wolfcrypt/signature.h>

#include <stdatomic.h>

#include "base/check.h"
#include "base/mem.h"
#include "certstore/der.h"
#include "certstore/pem.h"

enum { DER_MAX = 4096, RSA_EXPONENT = 65537 };

struct key {
	atomic_uint refs;
	enum conf_key_type type;
	struct buf private_der, public_der;
};

/* AlgorithmIdentifiers: what we sign with, and (contents only) what we verify. */
#define ECDSA_SHA256_OID "\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02"
#define ECDSA_SHA384_OID "\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x03"
#define ECDSA_SHA512_OID "\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x04"
#define RSA_SHA256_OID "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b\x05\x00"
#define RSA_SHA384_OID "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0c\x05\x00"
#define RSA_SHA512_OID "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0d\x05\x00"

struct key_row {
	bool is_rsa;
	int curve, bits; /* one of them */
	unsigned bytes;  /* of a coordinate or the modulus */
	enum wc_HashType hash;
	const char *jws_alg;
	struct str algorithm;
};

static const struct key_row rows[] = {
	[CONF_KEY_P256] = {false, ECC_SECP256R1, 0, 32, WC_HASH_TYPE_SHA256, "ES256",
		STR("\x30\x0a" ECDSA_SHA256_OID)},
	[CONF_KEY_P384] = {false, ECC_SECP384R1, 0, 48, WC_HASH_TYPE_SHA384, "ES384",
		STR("\x30\x0a" ECDSA_SHA384_OID)},
	[CONF_KEY_RSA2048] = {true, 0, 2048, 256, WC_HASH_TYPE_SHA256, "RS256",
		STR("\x30\x0d" RSA_SHA256_OID)},
	[CONF_KEY_RSA3072] = {true, 0, 3072, 384, WC_HASH_TYPE_SHA256, "RS256",
		STR("\x30\x0d" RSA_SHA256_OID)},
	[CONF_KEY_RSA4096] = {true, 0, 4096, 512, WC_HASH_TYPE_SHA256, "RS256",
		STR("\x30\x0d" RSA_SHA256_OID)},
};

static const struct {
	struct str algorithm;
	bool is_rsa;
	enum wc_HashType hash;
} verifiable[] = {
	{STR(ECDSA_SHA256_OID), false, WC_HASH_TYPE_SHA256},
	{STR(ECDSA_SHA384_OID), false, WC_HASH_TYPE_SHA384},
	{STR(ECDSA_SHA512_OID), false, WC_HASH_TYPE_SHA512},
	{STR(RSA_SHA256_OID), true, WC_HASH_TYPE_SHA256},
	{STR(RSA_SHA384_OID), true, WC_HASH_TYPE_SHA384},
	{STR(RSA_SHA512_OID), true, WC_HASH_TYPE_SHA512},
};

/* A decoded key while it is being used. RsaKey is several KB: on the heap. */
struct use {
	WC_RNG rng;
	bool is_rsa;
	union {
		ecc_key ec;
		RsaKey rsa;
	};
};

static struct use *use_new(bool is_rsa)
{
	struct use *u = mem_new(sizeof(*u));

	ASSERT(wc_InitRng(&u->rng) == 0);
	u->is_rsa = is_rsa;
	if (is_rsa)
		ASSERT(wc_InitRsaKey(&u->rsa, NULL) == 0);
	else
		ASSERT(wc_ecc_init(&u->ec) == 0);
	return u;
}

static void use_free(struct use **u)
{
	if ((*u)->is_rsa)
		wc_FreeRsaKey(&(*u)->rsa);
	else
		wc_ecc_free(&(*u)->ec);
	wc_FreeRng(&(*u)->rng);
	mem_release_secret(*u, sizeof(**u));
	*u = NULL;
}

static int decode_private(struct use *u, struct str der)
{
	word32 at = 0, len = (word32)der.len;
	int rc = u->is_rsa ? wc_RsaPrivateKeyDecode((const byte *)der.at, &at, &u->rsa, len)
			   : wc_EccPrivateKeyDecode((const byte *)der.at, &at, &u->ec, len);

	if (rc == 0 && u->is_rsa)
		rc = wc_RsaSetRNG(&u->rsa, &u->rng);
	return rc;
}

/* The public half must follow from the private one, else we would serve what we cannot sign for. */
static bool ec_halves_fit(struct use *u)
{
	ecc_point *derived;
	bool fit;

	if (u->ec.type == ECC_PRIVATEKEY_ONLY)
		return wc_ecc_make_pub_ex(&u->ec, NULL, &u->rng) == 0;
	derived = wc_ecc_new_point();
	if (!derived)
		return false;
	fit = wc_ecc_make_pub_ex(&u->ec, derived, &u->rng) == 0 &&
	      wc_ecc_cmp_point(derived, &u->ec.pubkey) == MP_EQ;
	wc_ecc_del_point(derived);
	return fit;
}

static bool find_type(struct use *u, enum conf_key_type *type)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (rows[i].is_rsa != u->is_rsa)
			continue;
		if (u->is_rsa ? wc_RsaEncryptSize(&u->rsa) * 8 == rows[i].bits
			      : u->ec.dp && u->ec.dp->id == rows[i].curve) {
			*type = (enum conf_key_type)i;
			return true;
		}
	}
	return false;
}

static enum err export_key(struct use *u, struct key *k)
{
	int n;

	if (buf_reserve(&k->private_der, DER_MAX) || buf_reserve(&k->public_der, DER_MAX))
		return E_NOMEM;
	n = u->is_rsa ? wc_RsaKeyToDer(&u->rsa, (byte *)k->private_der.at, DER_MAX)
		      : wc_EccKeyToDer(&u->ec, (byte *)k->private_der.at, DER_MAX);
	if (n <= 0)
		return E_KEY;
	k->private_der.len = (size_t)n;
	n = u->is_rsa ? wc_RsaKeyToPublicDer_ex(&u->rsa, (byte *)k->public_der.at, DER_MAX, 1)
		      : wc_EccPublicKeyToDer(&u->ec, (byte *)k->public_der.at, DER_MAX, 1);
	if (n <= 0)
		return E_KEY;
	k->public_der.len = (size_t)n;
	return E_OK;
}

/* Makes the immutable object of a decoded key. */
static enum err finish(struct use *u, struct key **out)
{
	enum conf_key_type type;
	struct key *k;
	enum err err;

	if (!find_type(u, &type))
		return E_KEY;
	k = mem_new(sizeof(*k));
	atomic_init(&k->refs, 1);
	k->type = type;
	buf_init(&k->private_der, 0);
	buf_init(&k->public_der, 0);
	err = export_key(u, k);
	if (err)
		key_unref(&k);
	*out = k;
	return err;
}

enum err key_generate(enum conf_key_type type, struct key **out)
{
	const struct key_row *row = &rows[type];
	struct use *u;
	enum err err;
	int rc;

	ASSERT((size_t)type < ARRAY_LEN(rows) && out);
	*out = NULL;
	u = use_new(row->is_rsa);
	rc = row->is_rsa ? wc_MakeRsaKey(&u->rsa, row->bits, RSA_EXPONENT, &u->rng)
			 : wc_ecc_make_key_ex(&u->rng, (int)row->bytes, &u->ec, row->curve);
	err = rc == 0 ? finish(u, out) : E_KEY;
	use_free(&u);
	return err;
}

/* RSA has no cheaper test than a signature: one to five milliseconds. */
static bool rsa_halves_fit(const struct key *k)
{
	struct buf signature;
	bool fit;

	buf_init(&signature, 0);
	fit = !key_sign(k, STR("fits"), &signature) &&
	      !key_verify(&(struct key_verify_args){
		      key_public(k), STR(RSA_SHA256_OID), STR("fits"), buf_str(&signature)});
	buf_fini(&signature);
	return fit;
}

enum err key_from_der(struct str der, struct key **out)
{
	enum err err = E_KEY;

	ASSERT(out);
	*out = NULL;
	if (der.len == 0 || der.len > DER_MAX)
		return E_KEY;
	for (int is_rsa = 0; is_rsa < 2 && err == E_KEY; is_rsa++) {
		struct use *u = use_new(is_rsa != 0);

		if (decode_private(u, der) == 0 && (is_rsa || ec_halves_fit(u)))
			err = finish(u, out);
		use_free(&u);
	}
	if (!err && key_is_rsa(*out) && !rsa_halves_fit(*out)) {
		key_unref(out);
		err = E_KEY;
	}
	return err;
}

enum err key_from_pem(struct str pem, struct key **out)
{
	struct pem_block block;
	enum err err;

	ASSERT(out);
	*out = NULL;
	while (!pem_next(&pem, &block)) {
		bool is_key = str_has_suffix(block.label, STR("PRIVATE KEY"));

		err = is_key ? key_from_der(buf_str(&block.der), out) : E_OK;
		mem_wipe(block.der.at, block.der.len);
		buf_fini(&block.der);
		if (is_key)
			return err;
	}
	return E_KEY;
}

struct key *key_ref(struct key *k)
{
	ASSERT(atomic_fetch_add_explicit(&k->refs, 1, memory_order_relaxed) > 0);
	return k;
}

void key_unref(struct key **k)
{
	struct key *old = *k;

	*k = NULL;
	if (!old || atomic_fetch_sub_explicit(&old->refs, 1, memory_order_acq_rel) > 1)
		return;
	mem_wipe(old->private_der.at, old->private_der.len);
	buf_fini(&old->private_der);
	buf_fini(&old->public_der);
	mem_free(&old);
}

const char *key_type_text(enum conf_key_type type)
{
	static const char *const texts[] = { [CONF_KEY_P256] = "p256", [CONF_KEY_P384] = "p384",
		[CONF_KEY_RSA2048] = "rsa2048", [CONF_KEY_RSA3072] = "rsa3072", [CONF_KEY_RSA4096] = "rsa4096" };

	ASSERT(type < ARRAY_LEN(texts));
	return texts[type];
}

enum conf_key_type key_type(const struct key *k)
{
	return k->type;
}

bool key_is_rsa(const struct key *k)
{
	return rows[k->type].is_rsa;
}

struct str key_der(const struct key *k)
{
	return buf_str(&k->private_der);
}

struct str key_public(const struct key *k)
{
	return buf_str(&k->public_der);
}

enum err key_public_der(const struct key *k, struct buf *out)
{
	return buf_add(out, key_public(k));
}

struct str key_signature_algorithm(const struct key *k)
{
	return rows[k->type].algorithm;
}

const char *key_jws_alg(const struct key *k)
{
	return rows[k->type].jws_alg;
}

enum err key_sign(const struct key *k, struct str text, struct buf *signature)
{
	const struct key_row *row = &rows[k->type];
	word32 len = DER_MAX;
	struct use *u;
	int rc;

	ASSERT(text.len > 0 && text.len <= UINT32_MAX);
	if (buf_reserve(signature, DER_MAX))
		return E_NOMEM;
	u = use_new(row->is_rsa);
	rc = decode_private(u, key_der(k));
	if (rc == 0)
		rc = wc_SignatureGenerate_ex(row->hash,
			row->is_rsa ? WC_SIGNATURE_TYPE_RSA_W_ENC : WC_SIGNATURE_TYPE_ECC,
			(const byte *)text.at, (word32)text.len,
			(byte *)signature->at + signature->len, &len,
			row->is_rsa ? (void *)&u->rsa : (void *)&u->ec,
			row->is_rsa ? sizeof(u->rsa) : sizeof(u->ec), &u->rng, 0);
	use_free(&u);
	if (rc != 0)
		return E_KEY;
	signature->len += len;
	return E_OK;
}

/* A DER INTEGER of the signature, left-padded to the fixed length JWS wants. */
static bool take_padded(struct str *in, unsigned char *dst, size_t bytes)
{
	struct str number;

	if (!der_take(in, DER_INTEGER, &number))
		return false;
	while (number.len > bytes && number.at[0] == 0)
		number = str_of(number.at + 1, number.len - 1);
	if (number.len > bytes)
		return false;
	memset(dst, 0, bytes - number.len);
	memcpy(dst + bytes - number.len, number.at, number.len);
	return true;
}

enum err key_jws_sign(const struct key *k, struct str text, struct buf *signature)
{
	size_t bytes = rows[k->type].bytes;
	unsigned char raw[2 * 48];
	struct str in, pair;
	struct buf der;
	enum err err;

	if (key_is_rsa(k))
		return key_sign(k, text, signature);
	ASSERT(2 * bytes <= sizeof(raw));
	buf_init(&der, 0);
	err = key_sign(k, text, &der);
	in = buf_str(&der);
	if (!err && !(der_take(&in, DER_SEQUENCE, &pair) && take_padded(&pair, raw, bytes) &&
			    take_padded(&pair, raw + bytes, bytes)))
		err = E_INTERNAL;
	if (!err)
		err = buf_add(signature, str_of(raw, 2 * bytes));
	buf_fini(&der);
	return err;
}

static bool verify_with(struct use *u, const struct key_verify_args *a, enum wc_HashType hash)
{
	word32 at = 0, len = (word32)a->public_der.len;
	const byte *spki = (const byte *)a->public_der.at;
	int rc = u->is_rsa ? wc_RsaPublicKeyDecode(spki, &at, &u->rsa, len)
			   : wc_EccPublicKeyDecode(spki, &at, &u->ec, len);

	return rc == 0 &&
	       wc_SignatureVerify(hash,
		       u->is_rsa ? WC_SIGNATURE_TYPE_RSA_W_ENC : WC_SIGNATURE_TYPE_ECC,
		       (const byte *)a->text.at, (word32)a->text.len, (const byte *)a->signature.at,
		       (word32)a->signature.len, u->is_rsa ? (void *)&u->rsa : (void *)&u->ec,
		       u->is_rsa ? sizeof(u->rsa) : sizeof(u->ec)) == 0;
}

enum err key_verify(const struct key_verify_args *args)
{
	ASSERT(args->text.len > 0 && args->text.len <= UINT32_MAX);
	if (args->signature.len == 0 || args->signature.len > DER_MAX)
		return E_CHAIN;
	for (size_t i = 0; i < ARRAY_LEN(verifiable); i++) {
		struct use *u;
		bool good;

		if (!str_equal(args->algorithm, verifiable[i].algorithm))
			continue;
		u = use_new(verifiable[i].is_rsa);
		good = verify_with(u, args, verifiable[i].hash);
		use_free(&u);
		return good ? E_OK : E_CHAIN;
	}
	return E_CHAIN;
}
