/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * map: string keys to pointers, open addressing, keys copied. For tables whose size we cap.
 */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include "base/str.h"

struct map {
	/* private */
	struct map_slot *slots;
	size_t cap, n, used;
};

void map_init(struct map *m);
/* Does not free the values. */
void map_fini(struct map *m);
void *map_get(const struct map *m, struct str key);
/* Replaces; returns the old value or NULL. value must not be NULL. Dies without memory. */
void *map_put(struct map *m, struct str key, void *value);
/* Returns the removed value or NULL. */
void *map_remove(struct map *m, struct str key);
size_t map_count(const struct map *m);
/* Iterates in no order: start with *cursor = 0; false at the end. Removing the current key while
 * iterating is allowed, adding is not. */
bool map_next(const struct map *m, size_t *cursor, struct str *key, void **value);

#endif
