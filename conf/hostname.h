/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * hostname: names of sites and of hosts, brought to the one form we compare.
 */
#ifndef CONF_HOSTNAME_H
#define CONF_HOSTNAME_H

#include "base/err.h"
#include "base/str.h"

enum { HOSTNAME_SIZE = 256 };

enum hostname_kind { HOSTNAME_EXACT, HOSTNAME_WILDCARD, HOSTNAME_ANY, HOSTNAME_IP };

/*
 * The name of a site: "*", "*.example.com", an IP address (brackets allowed) or a DNS name; U-labels
 * become A-labels, upper case lower, a trailing dot goes; addresses become as RFC 5952 writes them, and
 * those of IPv4 in IPv6's clothes plain IPv4. E_NAME with a static text in *why.
 */
enum err hostname_normalise(char dst[HOSTNAME_SIZE], struct str name, enum hostname_kind *kind,
	const char **why);
/* A DNS name in ASCII, as hosts in local networks have them too (underscores allowed). */
bool hostname_is_valid(struct str name, const char **why);
/* IPv4 or IPv6 literal without brackets, in its canonical text; false when it is none. */
bool hostname_ip(char dst[HOSTNAME_SIZE], struct str text);
/* Whether no public CA can certify it: a single label, a name below a top-level one that is reserved for
 * private use (RFC 2606, 6761, 6762, 8375; .internal by ICANN), or an address of special purpose. */
bool hostname_is_private(struct str name);

#endif
