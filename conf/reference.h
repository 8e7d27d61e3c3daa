/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * reference: the rows as a manual in Markdown.
 */
#ifndef CONF_REFERENCE_H
#define CONF_REFERENCE_H

#include "base/buf.h"

/* The committed copy is conf/REFERENCE.md. */
enum err reference_print(struct buf *out);

#endif
