/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * trust: the certificate authorities a client context believes.
 */
#ifndef NET_TRUST_H
#define NET_TRUST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct WOLFSSL_CTX;

/* file: PEM; NULL: the system's store. E_FILE, E_TRUST. Reads files. */
enum err trust_load(struct WOLFSSL_CTX *ctx, const char *file, struct fault *fault);

/* What a trust file was at a moment, for telling whether it has changed since. */
struct trust_stamp {
	char *file;              /* as given; NULL: the system's */
	uint64_t inode, size;
	int64_t changed_ns;
};
/* Zeros where there is no file. Blocking. */
void trust_stamp_init(struct trust_stamp *s, const char *file);
void trust_stamp_fini(struct trust_stamp *s);
bool trust_stamp_is_same(const struct trust_stamp *a, const struct trust_stamp *b);

#endif
