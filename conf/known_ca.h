/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * known_ca: the CAs that have a name here.
 */
#ifndef CONF_KNOWN_CA_H
#define CONF_KNOWN_CA_H

#include "conf/conf.h"

/* One row each. */
struct known_ca {
	const char *name, *directory;
};

/* The row by one of its keys, or NULL. Row i, or NULL behind the last. */
const struct known_ca *known_ca_named(const char *name);
const struct known_ca *known_ca_at(const char *directory);
const struct known_ca *known_ca_row(unsigned i);

#endif
