/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * hostname: whether a name a client sent is one a certificate can be had for (RFC 5890 LDH labels,
 * acme.md 3.4). Decided before any disk or network is touched. Pure, any thread.
 */
#ifndef PROXY_HOSTNAME_H
#define PROXY_HOSTNAME_H

#include "base/err.h"
#include "base/str.h"

enum { HOSTNAME_MAX = 253, HOSTNAME_LABEL = 63 };

/*
 * Lower-case A-labels, at least one dot, no trailing dot, no IP literal, at most 253 bytes: else E_NAME.
 * More than max_labels labels: E_LIMIT (0: no bound).
 */
enum err hostname_check(struct str name, unsigned max_labels);

#endif
