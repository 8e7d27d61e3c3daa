/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * csr: a PKCS#10 request (RFC 2986) with the names in the SAN and an empty subject. Any thread.
 */
#ifndef CERTSTORE_CSR_H
#define CERTSTORE_CSR_H

#include "certstore/key.h"

/* names: A-labels, wildcards or IP literals. DER. */
enum err csr_make(const struct key *key, const char *const *names, unsigned n, struct buf *der);

#endif
