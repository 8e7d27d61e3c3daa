/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * idn: the only door to libidn2.
 */
#ifndef CONF_IDN_H
#define CONF_IDN_H

#include "base/err.h"
#include "base/str.h"

/* U-labels to A-labels, lower-case: "bücher.example" -> "xn--bcher-kva.example". E_NAME when it is
 * not allowed in a host name, *why then says so (static text). */
enum err idn_to_ascii(char *dst, size_t cap, struct str name, const char **why);

#endif
