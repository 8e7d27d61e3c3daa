/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * registered_domain: what of a name its owner registered: "example.co.uk" of "a.b.example.co.uk". By the
 * public suffix list, the only door to libpsl. Thread-safe.
 */
#ifndef BASE_REGISTERED_DOMAIN_H
#define BASE_REGISTERED_DOMAIN_H

#include "base/str.h"

enum { REGISTERED_DOMAIN = 256 };

/* name: lower-case A-label, perhaps with "*." in front. The whole name where there is nothing to
 * register: IPv4 addresses, single labels, public suffixes themselves; of IPv6 addresses the first
 * 64 bits, which is what one host has. Names too long for dst are cut. */
void registered_domain(char dst[REGISTERED_DOMAIN], struct str name);

#endif
