/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * rules: what must hold between fields. A table of names and functions; add a row to add a rule.
 */
#ifndef CONF_RULES_H
#define CONF_RULES_H

#include "conf/parse.h"

/* After link_resolve. Problems are reported to p. */
void rules_check(struct parse *p);

#endif
