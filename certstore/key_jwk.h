/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * key_jwk: private keys as other programs keep them in JSON (RFC 7517, 7518 6.2.2 and 6.3.2).
 */
#ifndef CERTSTORE_KEY_JWK_H
#define CERTSTORE_KEY_JWK_H

#include "base/json.h"
#include "certstore/key.h"

/* A private JWK of a kind and size that we use. E_KEY: anything else; both halves must fit. */
enum err key_from_jwk(const struct json *jwk, struct key **out);

#endif
