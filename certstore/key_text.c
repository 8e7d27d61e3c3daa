/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * key_text: a key's outward forms that need no library: PKCS#8 PEM, JWK (RFC 7517) and its
 * thumbprint.
 */
#include "certstore/key_text.h"

#include "base/check.h"
#include "base/encode.h"
#include "base/mem.h"
#include "certstore/der.h"
#include "certstore/digest.h"
#include "certstore/pem.h"

enum { JWK_TEXT = 1024 };

/* The AlgorithmIdentifier and the bits of a SubjectPublicKeyInfo. */
static void split_public(struct str spki, struct str *algorithm, struct str *bits)
{
	struct der_item item;
	struct str inner;

	ASSERT(der_take(&spki, DER_SEQUENCE, &inner));
	ASSERT(der_next(&inner, &item) && item.tag == DER_SEQUENCE);
	ASSERT(der_take(&inner, DER_BIT_STRING, bits) && bits->len > 1);
	*algorithm = item.whole;
	*bits = str_of(bits->at + 1, bits->len - 1);
}

enum err key_to_pem(const struct key *k, struct buf *out)
{
	struct str algorithm, bits;
	struct buf pkcs8;
	struct der_writer w = {&pkcs8, E_OK};
	size_t outer;

	split_public(key_public(k), &algorithm, &bits);
	buf_init(&pkcs8, 0);
	outer = der_open(&w, DER_SEQUENCE);
	der_add(&w, DER_INTEGER, STR("\0"));
	der_add_raw(&w, algorithm);
	der_add(&w, DER_OCTET_STRING, key_der(k));
	der_close(&w, outer);
	if (!w.err)
		w.err = pem_add(out, "PRIVATE KEY", buf_str(&pkcs8));
	mem_wipe(pkcs8.at, pkcs8.len);
	buf_fini(&pkcs8);
	return w.err;
}

static enum err add_member(struct buf *out, const char *before, struct str value)
{
	char text[JWK_TEXT];

	ASSERT(ENCODE_B64_SIZE(value.len) <= sizeof(text));
	encode_base64url(text, value);
	return buf_addf(out, "%s%s\"", before, text);
}

static enum err ec_jwk(struct str bits, struct buf *out)
{
	size_t bytes = (bits.len - 1) / 2;
	enum err err;

	ASSERT(bits.at[0] == 4 && bits.len == 1 + 2 * bytes);
	err = buf_addf(out, "{\"crv\":\"P-%zu\",\"kty\":\"EC\",", bytes * 8);
	if (!err)
		err = add_member(out, "\"x\":\"", str_of(bits.at + 1, bytes));
	if (!err)
		err = add_member(out, ",\"y\":\"", str_of(bits.at + 1 + bytes, bytes));
	return err;
}

static struct str without_sign_byte(struct str number)
{
	return number.len > 1 && number.at[0] == 0 ? str_of(number.at + 1, number.len - 1) : number;
}

static enum err rsa_jwk(struct str bits, struct buf *out)
{
	struct str pair, n, e;
	enum err err;

	ASSERT(der_take(&bits, DER_SEQUENCE, &pair));
	ASSERT(der_take(&pair, DER_INTEGER, &n) && der_take(&pair, DER_INTEGER, &e));
	err = add_member(out, "{\"e\":\"", without_sign_byte(e));
	if (!err)
		err = add_member(out, ",\"kty\":\"RSA\",\"n\":\"", without_sign_byte(n));
	return err;
}

enum err key_text_jwk(struct str public_der, struct buf *out)
{
	struct str algorithm, bits;
	enum err err;

	split_public(public_der, &algorithm, &bits);
	err = (unsigned char)bits.at[0] == DER_SEQUENCE ? rsa_jwk(bits, out) : ec_jwk(bits, out);
	return err ? err : buf_add(out, STR("}"));
}

enum err key_text_thumbprint(struct str public_der, char dst[KEY_THUMBPRINT])
{
	unsigned char digest[DIGEST_SHA256];
	struct buf jwk;
	enum err err;

	buf_init(&jwk, 0);
	err = key_text_jwk(public_der, &jwk);
	if (!err) {
		digest_sha256(digest, buf_str(&jwk));
		ASSERT(encode_base64url(dst, str_of(digest, sizeof(digest))) == KEY_THUMBPRINT - 1);
	}
	buf_fini(&jwk);
	return err;
}

enum err key_jwk(const struct key *k, struct buf *out)
{
	return key_text_jwk(key_public(k), out);
}

enum err key_thumbprint(const struct key *k, char dst[KEY_THUMBPRINT])
{
	return key_text_thumbprint(key_public(k), dst);
}
