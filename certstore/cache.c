/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * cache: certificates by name in a map and a list ordered by use; refusals in a table made once,
 * whose slots are reused by age. Every operation is O(1); both maps hash with the process's own
 * key, since clients choose the names.
 */
#include "certstore/cache.h"

#include "base/check.h"
#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"

struct slot {
	struct list node; /* in use order, newest first; pinned ones stand in their own list */
	struct entry *entry;
	size_t bytes;
	enum cache_pin pin;
};

/* Fixed size: the whole negative cache is one allocation. */
struct refusal {
	struct list node;     /* newest first; unused ones last */
	struct refusal *next; /* in its bucket */
	int64_t until_ms;
	enum err err;
	unsigned bucket;
	unsigned char len; /* 0: unused */
	char name[ENTRY_NAME - 1];
};

struct cache {
	struct map names;
	struct list recent, pinned;
	size_t bytes, cap_bytes;
	unsigned n;

	struct refusal *refusals, **buckets;
	struct list refused;
	unsigned negative_max, n_buckets;
};

/* What a slot costs besides its entry: itself, its place and key in the map. */
static size_t slot_bytes(const struct entry *e)
{
	return entry_bytes(e) + sizeof(struct slot) + 2 * strlen(e->name) + 64;
}

static void make_refusals(struct cache *c, unsigned max)
{
	list_init(&c->refused);
	c->negative_max = max;
	if (max == 0)
		return;
	for (c->n_buckets = 1; c->n_buckets < max;)
		c->n_buckets *= 2;
	c->buckets = mem_new(c->n_buckets * sizeof(*c->buckets));
	c->refusals = mem_new(max * sizeof(*c->refusals));
	for (unsigned i = 0; i < max; i++)
		list_append(&c->refused, &c->refusals[i].node);
}

struct cache *cache_new(size_t cap_bytes, unsigned negative_max)
{
	struct cache *c = mem_new(sizeof(*c));

	map_init(&c->names);
	list_init(&c->recent);
	list_init(&c->pinned);
	c->cap_bytes = cap_bytes;
	make_refusals(c, negative_max);
	return c;
}

void cache_free(struct cache **c)
{
	if (!*c)
		return;
	cache_clear(*c);
	map_fini(&(*c)->names);
	mem_free(&(*c)->buckets);
	mem_free(&(*c)->refusals);
	mem_free(c);
}

/* ---- certificates ---- */

static void drop(struct cache *c, struct slot *s)
{
	ASSERT(map_remove(&c->names, str_from(s->entry->name)) == s);
	ASSERT(c->bytes >= s->bytes && c->n > 0);
	list_remove(&s->node);
	c->bytes -= s->bytes;
	c->n--;
	entry_unref(&s->entry);
	mem_free(&s);
}

static struct entry *find(struct cache *c, struct str name, int64_t now_ms)
{
	struct slot *s = map_get(&c->names, name);

	if (!s || !entry_is_valid_at(s->entry, now_ms))
		return NULL;
	list_remove(&s->node);
	list_prepend(s->pin == CACHE_PINNED ? &c->pinned : &c->recent, &s->node);
	return s->entry;
}

struct entry *cache_get(struct cache *c, struct str host, int64_t now_ms)
{
	char wildcard[ENTRY_NAME];
	struct entry *e = find(c, host, now_ms);
	struct str label, parent;

	if (e)
		return e;
	parent = str_cut(host, '.', &label);
	if (!parent.at || label.len == 0 || parent.len + 2 >= sizeof(wildcard))
		return NULL;
	wildcard[0] = '*';
	wildcard[1] = '.';
	memcpy(wildcard + 2, parent.at, parent.len);
	return find(c, str_of(wildcard, parent.len + 2), now_ms);
}

/* The newest stays even if it is larger than the cap alone: it was asked for just now. */
static void evict(struct cache *c)
{
	while (c->bytes > c->cap_bytes && !list_is_empty(&c->recent) &&
		c->recent.next != c->recent.prev)
		drop(c, list_last(&c->recent, struct slot, node));
}

void cache_put(struct cache *c, struct entry *e, enum cache_pin pin)
{
	struct slot *s = mem_new(sizeof(*s));

	ASSERT(e && e->name[0]);
	s->entry = entry_ref(e);
	s->bytes = slot_bytes(e);
	s->pin = pin;
	cache_remove(c, str_from(e->name));
	map_put(&c->names, str_from(e->name), s);
	list_prepend(pin == CACHE_PINNED ? &c->pinned : &c->recent, &s->node);
	c->bytes += s->bytes;
	c->n++;
	cache_refuse(c, str_from(e->name), E_OK, 0);
	evict(c);
}

void cache_remove(struct cache *c, struct str name)
{
	struct slot *s = map_get(&c->names, name);

	if (s)
		drop(c, s);
}

static void clear_list(struct cache *c, struct list *l)
{
	while (!list_is_empty(l))
		drop(c, list_first(l, struct slot, node));
}

void cache_clear(struct cache *c)
{
	clear_list(c, &c->recent);
	clear_list(c, &c->pinned);
	ASSERT(c->n == 0 && c->bytes == 0);
}

size_t cache_bytes(const struct cache *c)
{
	return c->bytes;
}

unsigned cache_count(const struct cache *c)
{
	return c->n;
}

/* ---- refusals ---- */

static struct refusal *find_refusal(struct cache *c, struct str name, unsigned bucket)
{
	for (struct refusal *r = c->buckets[bucket]; r; r = r->next)
		if (str_equal(str_of(r->name, r->len), name))
			return r;
	return NULL;
}

/* Out of its bucket and to the end of the queue, to be used next. */
static void forget(struct cache *c, struct refusal *r)
{
	struct refusal **at = &c->buckets[r->bucket];

	while (*at != r)
		at = &(*at)->next;
	*at = r->next;
	r->len = 0;
	list_remove(&r->node);
	list_append(&c->refused, &r->node);
}

static void remember(
	struct cache *c, struct str name, unsigned bucket, enum err err, int64_t until_ms)
{
	struct refusal *r = list_last(&c->refused, struct refusal, node);

	if (r->len > 0)
		forget(c, r);
	memcpy(r->name, name.at, name.len);
	r->len = (unsigned char)name.len;
	r->err = err;
	r->until_ms = until_ms;
	r->bucket = bucket;
	r->next = c->buckets[bucket];
	c->buckets[bucket] = r;
	list_remove(&r->node);
	list_prepend(&c->refused, &r->node);
}

void cache_refuse(struct cache *c, struct str name, enum err err, int64_t until_ms)
{
	unsigned bucket;
	struct refusal *r;

	/* longer ones are no names: refused by syntax before anybody looks here */
	if (c->negative_max == 0 || name.len == 0 || name.len > sizeof(r->name))
		return;
	bucket = (unsigned)(str_hash(name) & (c->n_buckets - 1));
	r = find_refusal(c, name, bucket);
	if (r)
		forget(c, r);
	if (err)
		remember(c, name, bucket, err, until_ms);
}

enum err cache_refused(struct cache *c, struct str name, int64_t now_ms, int64_t *until_ms)
{
	struct refusal *r;

	if (c->negative_max == 0 || name.len == 0)
		return E_OK;
	r = find_refusal(c, name, (unsigned)(str_hash(name) & (c->n_buckets - 1)));
	if (!r)
		return E_OK;
	if (now_ms >= r->until_ms) {
		forget(c, r);
		return E_OK;
	}
	list_remove(&r->node);
	list_prepend(&c->refused, &r->node);
	if (until_ms)
		*until_ms = r->until_ms;
	return r->err;
}

void cache_forget_refused(struct cache *c, enum err err)
{
	for (unsigned i = 0; i < c->negative_max; i++)
		if (c->refusals[i].len > 0 && c->refusals[i].err == err)
			forget(c, &c->refusals[i]);
}

void cache_forget_refusals(struct cache *c)
{
	for (unsigned i = 0; i < c->negative_max; i++)
		if (c->refusals[i].len > 0)
			forget(c, &c->refusals[i]);
}

void cache_resize(struct cache *c, size_t cap_bytes, unsigned negative_max)
{
	c->cap_bytes = cap_bytes;
	evict(c);
	if (negative_max == c->negative_max)
		return;
	mem_free(&c->buckets);
	mem_free(&c->refusals);
	make_refusals(c, negative_max);
}
