/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * store_value: one name's generations in its directory, blocking. What the disk store does on the
 * work queue. Private to certstore.
 */
#ifndef CERTSTORE_STORE_VALUE_H
#define CERTSTORE_STORE_VALUE_H

#include "certstore/store.h"
#include "certstore/store_path.h"

/* Descriptors of the store's directories, open as long as the store is. */
struct store_root {
	int groups[STORE_GROUP_COUNT], tmp, quarantine, locks;
};

const char *store_value_group_name(enum store_group g);
size_t store_value_cap(enum store_group g);

enum err store_value_load(const struct store_root *r, enum store_group g, const char *name,
	store_parse_fn *parse, void **object, struct fault *fault);
/* Durable when it returns E_OK; nothing that was there before is touched when it does not. */
enum err store_value_save(const struct store_root *r, enum store_group g, const char *name,
	struct str bytes, struct fault *fault);
enum err store_value_remove(
	const struct store_root *r, enum store_group g, const char *name, struct fault *fault);
/* The newest generation's bytes, unparsed. E_NOT_FOUND. file: encoded name below the shard
 * directory. */
enum err store_value_peek(int shard, const char *file, enum store_group g, struct buf *out);

#endif
