/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * map: string keys to pointers. Linear probing; a removed slot keeps a tombstone (key NULL, value
 * set) until the table is rebuilt.
 */
#include "base/map.h"

#include "base/check.h"
#include "base/mem.h"

enum { MAP_SMALLEST = 16 };

struct map_slot {
	char *key;      /* NULL: empty or tombstone */
	size_t len;
	uint64_t hash;
	void *value;    /* NULL: empty */
};

static char tombstone;

void map_init(struct map *m)
{
	*m = (struct map){ 0 };
}

void map_fini(struct map *m)
{
	for (size_t i = 0; i < m->cap; i++)
		mem_free(&m->slots[i].key);
	mem_free(&m->slots);
	map_init(m);
}

static struct map_slot *find(const struct map *m, struct str key, uint64_t hash)
{
	for (size_t i = hash & (m->cap - 1);; i = (i + 1) & (m->cap - 1)) {
		struct map_slot *s = &m->slots[i];

		if (!s->value)
			return NULL;
		if (s->key && s->hash == hash && str_equal(str_of(s->key, s->len), key))
			return s;
	}
}

static struct map_slot *first_free(struct map_slot *slots, size_t cap, uint64_t hash)
{
	size_t i = hash & (cap - 1);

	while (slots[i].value)
		i = (i + 1) & (cap - 1);
	return &slots[i];
}

static void rebuild(struct map *m)
{
	size_t cap = MAP_SMALLEST;
	struct map_slot *slots;

	while (cap < (m->n + 1) * 2)
		cap *= 2;
	slots = mem_new(cap * sizeof(*slots));
	for (size_t i = 0; i < m->cap; i++)
		if (m->slots[i].key)
			*first_free(slots, cap, m->slots[i].hash) = m->slots[i];
	mem_free(&m->slots);
	m->slots = slots;
	m->cap = cap;
	m->used = m->n;
}

void *map_get(const struct map *m, struct str key)
{
	struct map_slot *s = m->n ? find(m, key, str_hash(key)) : NULL;

	return s ? s->value : NULL;
}

void *map_put(struct map *m, struct str key, void *value)
{
	uint64_t hash = str_hash(key);
	struct map_slot *s = m->n ? find(m, key, hash) : NULL;

	ASSERT(value);
	if (s) {
		void *old = s->value;

		s->value = value;
		return old;
	}
	/* At most three quarters in use, tombstones included: find always meets an empty slot. */
	if (!m->cap || (m->used + 1) * 4 > m->cap * 3)
		rebuild(m);
	*first_free(m->slots, m->cap, hash) =
		(struct map_slot){ mem_copy(key.at, key.len), key.len, hash, value };
	m->n++;
	m->used++;
	return NULL;
}

void *map_remove(struct map *m, struct str key)
{
	struct map_slot *s = m->n ? find(m, key, str_hash(key)) : NULL;
	void *old;

	if (!s)
		return NULL;
	old = s->value;
	mem_free(&s->key);
	s->value = &tombstone;
	m->n--;
	return old;
}

size_t map_count(const struct map *m)
{
	return m->n;
}

bool map_next(const struct map *m, size_t *cursor, struct str *key, void **value)
{
	while (*cursor < m->cap) {
		const struct map_slot *s = &m->slots[(*cursor)++];

		if (!s->key)
			continue;
		if (key)
			*key = str_of(s->key, s->len);
		if (value)
			*value = s->value;
		return true;
	}
	return false;
}
