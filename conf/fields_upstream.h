/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fields_upstream: making upstreams, for sites that bring their own.
 */
#ifndef CONF_FIELDS_UPSTREAM_H
#define CONF_FIELDS_UPSTREAM_H

#include "conf/parse.h"

/* With defaults; NULL (and the parse fails) without memory. name may follow later. */
struct parse_upstream *fields_upstream_new(struct parse *p, const char *name);
/* From an object, an address, or a list of addresses. */
void fields_upstream_set(struct parse *p, struct parse_upstream *u, const struct field_value *v);

#endif
