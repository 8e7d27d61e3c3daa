/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * digest: one-shot hashes by wolfCrypt. They cannot fail on memory we own, so failure is a bug.
 */
#include "certstore/digest.h"

#include <wolfssl/wolfcrypt/settings.h>
#include <wolfssl/wolfcrypt/hmac.h>
#include <wolfssl/wolfcrypt/sha256.h>

#include "base/check.h"
#include "base/mem.h"

void digest_sha256(unsigned char out[DIGEST_SHA256], struct str bytes)
{
	wc_Sha256 sha;

	ASSERT(bytes.len <= UINT32_MAX);
	ASSERT(wc_InitSha256(&sha) == 0);
	if (bytes.len > 0)
		ASSERT(wc_Sha256Update(&sha, (const byte *)bytes.at, (word32)bytes.len) == 0);
	ASSERT(wc_Sha256Final(&sha, out) == 0);
	wc_Sha256Free(&sha);
}

void digest_hmac_sha256(unsigned char out[DIGEST_SHA256], struct str key, struct str bytes)
{
	static const unsigned char nothing;
	const byte *secret = key.len > 0 ? (const byte *)key.at : &nothing;
	Hmac hmac;

	ASSERT(key.len <= UINT32_MAX && bytes.len <= UINT32_MAX);
	ASSERT(wc_HmacInit(&hmac, NULL, INVALID_DEVID) == 0);
	ASSERT(wc_HmacSetKey_ex(&hmac, WC_SHA256, secret, (word32)key.len, 1) == 0);
	if (bytes.len > 0)
		ASSERT(wc_HmacUpdate(&hmac, (const byte *)bytes.at, (word32)bytes.len) == 0);
	ASSERT(wc_HmacFinal(&hmac, out) == 0);
	wc_HmacFree(&hmac);
	mem_wipe(&hmac, sizeof(hmac));
}
