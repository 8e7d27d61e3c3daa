/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * schema: the rows as JSON Schema, for editors.
 */
#ifndef CONF_SCHEMA_H
#define CONF_SCHEMA_H

#include "base/buf.h"

/* The committed copy is conf/schema.json. */
enum err schema_print(struct buf *out);

#endif
