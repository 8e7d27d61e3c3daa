/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * challenge_dns01: a TXT record with the digest of the key authorization (RFC 8555 8.4).
 */
#include <stdio.h>

#include "acme/challenge.h"
#include "base/encode.h"
#include "certstore/digest.h"

static enum err prepare(struct challenge_answer *a, struct fault *fault)
{
	unsigned char digest[DIGEST_SHA256];
	int n = snprintf(a->record, sizeof a->record, "_acme-challenge.%s", a->identifier);
	if (n < 0 || (size_t)n >= sizeof a->record)
		return fault_set(fault, E_NAME, "the name is too long for dns-01");
	_Static_assert(sizeof a->text >= ENCODE_B64_SIZE(DIGEST_SHA256), "no room for a digest");
	digest_sha256(digest, buf_str(&a->key_authorization));
	encode_base64url(a->text, str_of(digest, sizeof digest));
	return E_OK;
}

const struct challenge_type challenge_dns01 = { "dns-01", CONF_DNS_01, CHALLENGE_IN_DNS, prepare };
