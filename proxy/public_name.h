/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * public_name: whether a name a client sent is one a certificate can be had for (RFC 5890 LDH labels,
 * acme.md 3.4). Decided before any disk or network is touched. Pure, any thread.
 */
#ifndef PROXY_PUBLIC_NAME_H
#define PROXY_PUBLIC_NAME_H

#include "base/err.h"
#include "base/str.h"

enum { PUBLIC_NAME_MAX = 253, PUBLIC_NAME_LABEL = 63 };

/*
 * Lower-case A-labels, at least one dot, no trailing dot, no IP literal nor reverse name of one, at most
 * 253 bytes: else E_NAME.
 * More than max_labels labels: E_LIMIT (0: no bound).
 */
enum err public_name_check(struct str name, unsigned max_labels);

#endif
