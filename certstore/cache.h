/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * cache: names a worker can answer at once: certificates in use, bounded by bytes, least recently
 * used leave first; and names refused lately, bounded by number. One thread.
 */
#ifndef CERTSTORE_CACHE_H
#define CERTSTORE_CACHE_H

#include "certstore/entry.h"

struct cache;
struct cache *cache_new(size_t cap_bytes, unsigned negative_max);
void cache_free(struct cache **c);

/* Exact name first, then the wildcard one label up. Borrowed until the cache changes; the caller
 * takes a reference to keep it. Expired ones are not returned. NULL. */
struct entry *cache_get(struct cache *c, struct str host, int64_t now_ms);
/* Takes a reference of its own; replaces the same name; forgets a refusal of it. Pinned ones
 * (operator files, named sites) are not evicted. */
enum cache_pin { CACHE_EVICTABLE, CACHE_PINNED };
void cache_put(struct cache *c, struct entry *e, enum cache_pin pin);
void cache_remove(struct cache *c, struct str name);
void cache_clear(struct cache *c);

/* Refusals: err and until when. Never more than negative_max, memory fixed per entry. */
void cache_refuse(struct cache *c, struct str name, enum err err, int64_t until_ms);
/* E_OK when it is not refused now. */
enum err cache_refused(struct cache *c, struct str name, int64_t now_ms, int64_t *until_ms);
void cache_forget_refusals(struct cache *c);
/* Those for this reason. */
void cache_forget_refused(struct cache *c, enum err err);

/* Other bounds: what is above them leaves, and refusals are forgotten if their number changes. */
void cache_resize(struct cache *c, size_t cap_bytes, unsigned negative_max);

size_t cache_bytes(const struct cache *c);
unsigned cache_count(const struct cache *c);

#endif
