/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * store_path: names as file names that cannot leave their directory, and back. Private to
 * certstore.
 */
#ifndef CERTSTORE_STORE_PATH_H
#define CERTSTORE_STORE_PATH_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum { STORE_PATH_NAME = 256, STORE_PATH_SHARD = 3, STORE_PATH_SHARDS = 256, STORE_PATH_MARK_SHARD = 16 };

struct store_path {
	char shard[STORE_PATH_SHARD];                  /* "ab" */
	char name[STORE_PATH_NAME];                    /* "_wildcard_.example.com" */
	char both[STORE_PATH_SHARD + STORE_PATH_NAME]; /* "ab/_wildcard_.example.com" */
};

/* E_NAME for an empty name, or one too long for a file name. */
enum err store_path_make(struct store_path *out, const char *name);
/* The name again; false for a file that is not ours. */
bool store_path_decode(char dst[STORE_PATH_NAME], const char *file);

#endif
