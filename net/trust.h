/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * trust: the certificate authorities a client context believes.
 */
#ifndef NET_TRUST_H
#define NET_TRUST_H

#include "base/err.h"

struct WOLFSSL_CTX;

/* file: PEM; NULL: the system's store. E_FILE, E_TRUST. Reads files. */
enum err trust_load(struct WOLFSSL_CTX *ctx, const char *file, struct fault *fault);

#endif
