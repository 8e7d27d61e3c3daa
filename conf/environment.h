/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * environment: settings from SALLYPORT_* variables and from "path=text" of the command line.
 */
#ifndef CONF_ENVIRONMENT_H
#define CONF_ENVIRONMENT_H

#include "conf/parse.h"

/* Unknown SALLYPORT_ variables are problems. */
void environment_apply(struct parse *p, char *const *environment);
/* NULL-terminated "acme.email=text". */
void environment_apply_overrides(struct parse *p, const char *const *overrides);

#endif
