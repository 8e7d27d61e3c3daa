/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * store_list: the names of a group in pages, blocking. Private to certstore.
 */
#ifndef CERTSTORE_STORE_LIST_H
#define CERTSTORE_STORE_LIST_H

#include "certstore/store_value.h"

struct store_page {
	char **names; /* owned */
	unsigned n;
	char cursor[STORE_PATH_MARK_SHARD + STORE_PATH_NAME]; /* "ab/name" last visited; "" at the end */
};

enum err store_list_page(
	const struct store_root *r, const struct store_list_args *args, struct store_page *out);
void store_list_fini(struct store_page *page);

#endif
