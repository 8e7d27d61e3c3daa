/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * link: the Link header (RFC 8288), by which a CA names other chains (RFC 8555 7.4.2) and its terms of
 * service (7.3.3).
 */
#ifndef ACME_LINK_H
#define ACME_LINK_H

#include "base/str.h"

/* Takes the next target of a Link value: its URL when it has this relation, else STR_NONE. False at the end. */
bool link_next(struct str *value, const char *rel, struct str *url);

#endif
