/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * print: the effective configuration as text.
 */
#ifndef CONF_PRINT_H
#define CONF_PRINT_H

#include "base/buf.h"
#include "conf/conf.h"

/* JSON; with_origin adds a comment to each value that says where it came from. */
enum err print_conf(const struct conf *c, bool with_origin, struct buf *out);

#endif
