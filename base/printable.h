/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * printable: what others say, made fit for a terminal and a log line.
 */
#ifndef BASE_PRINTABLE_H
#define BASE_PRINTABLE_H

#include "base/str.h"

/* Single-line form of hostile text: controls, line separators and bytes that are no UTF-8 as \xNN,
 * at most cap - 1 bytes, never cut inside a character or escape, always NUL-terminated. */
void printable_text(char *dst, size_t cap, struct str s);

#endif
