/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * known_ca: what is known of public CAs beyond what their directories say, a row each. Immutable; any thread.
 */
#ifndef CONF_KNOWN_CA_H
#define CONF_KNOWN_CA_H

#include "conf/conf.h"

enum known_ca_answer { KNOWN_CA_UNSAID, KNOWN_CA_YES, KNOWN_CA_NO };

struct known_ca {
	const char *name;             /* in the configuration; "" in the row of those we know nothing of */
	const char *directory;
	enum known_ca_answer ip;      /* certifies IP addresses (RFC 8738) */
	const char *ip_profile;       /* and does so in this profile alone; or NULL */
};

/* The row of a name, or NULL. */
const struct known_ca *known_ca_named(const char *name);
/* The row of a directory's URL; never NULL. */
const struct known_ca *known_ca_of(const char *directory);
/* By number, for listing; NULL after the last. */
const struct known_ca *known_ca_at(unsigned i);

/* Why this CA will never certify the name, for humans: "certifies no IP addresses". Static text. NULL: nothing is
 * known that speaks against it. A CA by a directory of the operator's own may sign anything. */
const char *known_ca_objection(const struct conf_ca *ca, const char *name);

#endif
