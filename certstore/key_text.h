/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * key_text: a public key's JSON form, apart from the private key it usually belongs to, so that the
 * standards' examples can be tested. Private to certstore.
 */
#ifndef CERTSTORE_KEY_TEXT_H
#define CERTSTORE_KEY_TEXT_H

#include "certstore/key.h"

/* JWK of a SubjectPublicKeyInfo that our own code wrote. */
enum err key_text_jwk(struct str public_der, struct buf *out);
enum err key_text_thumbprint(struct str public_der, char dst[KEY_THUMBPRINT]);

#endif
