/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * digest: SHA-256 and HMAC-SHA-256 (the only ones ACME needs). Any thread.
 */
#ifndef CERTSTORE_DIGEST_H
#define CERTSTORE_DIGEST_H

#include "base/str.h"

enum { DIGEST_SHA256 = 32 };

void digest_sha256(unsigned char out[DIGEST_SHA256], struct str bytes);
void digest_hmac_sha256(unsigned char out[DIGEST_SHA256], struct str key, struct str bytes);

#endif
