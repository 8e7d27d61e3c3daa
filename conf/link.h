/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * link: from drafts to the final arrays of a conf, once all sources are read.
 */
#ifndef CONF_LINK_H
#define CONF_LINK_H

#include "conf/parse.h"

/* Finds what routes lead to, fills in what depends on other settings. Problems are reported. */
void link_resolve(struct parse *p);
/* The site of the wildcard whose certificate serves this site too, or NULL. */
struct parse_site *link_wildcard(const struct parse *p, const struct parse_site *s);
/* Builds the arrays. Only when there were no problems. */
void link_build(struct parse *p);

#endif
