/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * store_marks: groups whose values are their names alone, "SHARD/NAME": empty files in directories that are
 * called as whoever marks wishes, so that a sorted listing is in his order. Blocking. Private to certstore.
 */
#ifndef CERTSTORE_STORE_MARKS_H
#define CERTSTORE_STORE_MARKS_H

#include "certstore/store_value.h"

bool store_marks_are(enum store_group g);
/* Letters, digits and hyphens, fewer than STORE_PATH_MARK_SHARD. */
bool store_marks_is_shard(const char *text);
/* Survives the death of the process; after a power cut it may be gone, unless something was synced since. E_OK
 * when it is there already. E_NAME. */
enum err store_marks_put(
	const struct store_root *r, enum store_group g, const char *mark, struct fault *fault);
/* E_OK also when it was not there. */
enum err store_marks_remove(
	const struct store_root *r, enum store_group g, const char *mark, struct fault *fault);

#endif
