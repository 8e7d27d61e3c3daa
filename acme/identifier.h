/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * identifier: how a name is called in ACME's messages: of type "dns" (RFC 8555 7.1.4) or "ip" (RFC 8738 3).
 * Pure.
 */
#ifndef ACME_IDENTIFIER_H
#define ACME_IDENTIFIER_H

#include "base/json.h"

/* Whether the name is an IP address. */
bool identifier_is_address(const char *name);
/* {"type":…,"value":…}, the caller's. name: as sites are called, perhaps a wildcard. */
struct json *identifier_json(const char *name);
/* Whether what a CA's reply says means this name: servers may write addresses in their own way, and names in
 * any case. No type: one of a CA that knows of dns only. */
bool identifier_is(struct str type, struct str value, const char *name);

#endif
