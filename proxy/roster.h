/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * roster: a list of allowed names from text, one per line:
 *
 *   # who may have a certificate
 *   shop.example.com
 *   www.customer.org  tenant=acme-corp
 *   *.example.net                      any one label in that place
 *
 * Immutable, any thread. Names are kept as hashes under the process's secret key: 8 bytes each, 12 when the list
 * names tenants; among a million, one unlisted name in 10^13 is taken for a listed one, and nobody can find it.
 */
#ifndef PROXY_ROSTER_H
#define PROXY_ROSTER_H

#include "base/err.h"
#include "base/str.h"

enum { ROSTER_TENANT = 64, ROSTER_NAMES_MAX = 4 * 1000 * 1000 };

struct roster;
/* E_PARSE: fault says "LINE:COLUMN: what is wrong". E_LIMIT, E_NOMEM. Pool thread: a million take a second. */
enum err roster_parse(struct str text, struct roster **out, struct fault *fault);
void roster_free(struct roster **r);
/* The name itself, or a rule above it. tenant: "" when the list names none; may be NULL. */
bool roster_has(const struct roster *r, struct str name, char tenant[ROSTER_TENANT]);
size_t roster_count(const struct roster *r);
size_t roster_bytes(const struct roster *r);

/* A line's name brought into our form: NULL when it is good, else what is wrong with it. dst holds 256 bytes. */
const char *roster_name(char *dst, struct str text);
/* Printable ASCII without spaces, not too long. */
bool roster_is_tenant(struct str text);
/* "*.example.com" of "shop.example.com"; false: there is nothing above it. */
bool roster_rule_above(char dst[256], struct str name);

#endif
