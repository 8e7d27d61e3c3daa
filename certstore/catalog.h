/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * catalog: a short text for each of many names, all of it in memory and all of it in the store, as CATALOG_SHARDS
 * values of a group; a change writes one of them. A name costs its own length, its text's, and two bytes.
 * One loop; the store may answer after it is gone.
 */
#ifndef CERTSTORE_CATALOG_H
#define CERTSTORE_CATALOG_H

#include "certstore/store.h"

enum { CATALOG_SHARDS = 256, CATALOG_TEXT = 256, CATALOG_NAMES_MAX = 1000 * 1000 };

struct catalog;
struct catalog *catalog_new(struct loop *l, enum store_group group);
void catalog_free(struct catalog **l);
/* Takes over what is in this directory's store. Blocking, before the loops run, with a loop of its own. A damaged
 * shard is moved aside by whoever writes next, and its names are lost: logged. */
void catalog_read(struct catalog *l, const char *directory);
/* Where changes are kept from now on. */
void catalog_keep_in(struct catalog *l, struct store *s);

/* Borrowed until the catalog changes; STR_NONE: it is not in it. */
struct str catalog_get(const struct catalog *l, struct str name);
/* name: no space, at most 255 bytes. text: printable, at most CATALOG_TEXT bytes, perhaps empty. E_LIMIT: too many.
 * The same again changes and writes nothing. */
enum err catalog_put(struct catalog *l, struct str name, struct str text, struct fault *fault);
/* False: it was not in it. */
bool catalog_remove(struct catalog *l, struct str name);
size_t catalog_count(const struct catalog *l);
/* In no useful order: start with *cursor = 0; false at the end. No change meanwhile. */
bool catalog_next(const struct catalog *l, uint64_t *cursor, struct str *name, struct str *text);

/* fn comes once, in a later turn: all changes are on the disk, or why some are not (they are tried again).
 * E_CANCELED from within catalog_free. */
void catalog_sync(struct catalog *l, store_done_fn *fn, void *owner);

#endif
