/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * store_open: the store's directory made, judged, repaired; blocking, before the loops run. Private
 * to certstore.
 */
#ifndef CERTSTORE_STORE_OPEN_H
#define CERTSTORE_STORE_OPEN_H

#include "certstore/store_value.h"

enum err store_open_root(struct store_root *out, const char *directory, struct fault *fault);
/* Makes, repairs and writes nothing; what is missing stays missing. */
enum err store_open_to_read(struct store_root *out, const char *directory, struct fault *fault);
void store_open_close(struct store_root *r);
/* Writes what an order would, reads it back, removes it: 0 or a negative errno. Blocking, any thread. */
int store_open_self_check(const struct store_root *r);

#endif
