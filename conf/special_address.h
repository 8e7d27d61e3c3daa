/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * special_address: the IP addresses that are nobody's in the Internet. Pure, any thread.
 */
#ifndef CONF_SPECIAL_ADDRESS_H
#define CONF_SPECIAL_ADDRESS_H

#include "base/str.h"

/*
 * What kind of address it is ("a private address"), by IANA's registries of special-purpose addresses
 * (RFC 6890): public CAs must not certify such. NULL for one that may be reached from everywhere, and for
 * what is no IP address without brackets. Those of documentation (192.0.2.1, 2001:db8::1) are not special,
 * as example.com is no private name: the CA says so itself.
 */
const char *special_address_kind(struct str text);

#endif
