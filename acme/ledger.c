/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ledger: a map for finding, a list for age.
 */
#include "acme/ledger.h"

#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"

enum { TIDY = 2 };   /* looked at for each new one: idle ones go faster than others come */

struct account_line {
	struct list node;
	struct bucket bucket;
	size_t len;
	char key[];
};

struct ledger {
	struct map by_key;
	struct list oldest_first;
	unsigned max;
};

struct ledger *ledger_new(unsigned max)
{
	struct ledger *l = mem_new(sizeof *l);
	ASSERT(max > 0);
	map_init(&l->by_key);
	list_init(&l->oldest_first);
	l->max = max;
	return l;
}

static void drop(struct ledger *l, struct account_line *line)
{
	void *was = map_remove(&l->by_key, str_of(line->key, line->len));
	ASSERT(was == line);
	list_remove(&line->node);
	mem_release(line);
}

void ledger_free(struct ledger **l)
{
	if (!*l)
		return;
	list_each(&(*l)->oldest_first, node, tmp)
		drop(*l, list_entry(node, struct account_line, node));
	map_fini(&(*l)->by_key);
	mem_free(l);
}

struct bucket *ledger_find(const struct ledger *l, struct str key)
{
	struct account_line *line = map_get(&l->by_key, key);
	return line ? &line->bucket : NULL;
}

static void touch(struct ledger *l, struct account_line *line)
{
	list_remove(&line->node);
	list_append(&l->oldest_first, &line->node);
}

static void make_room(struct ledger *l, int64_t now_ms)
{
	for (int i = 0; i < TIDY && !list_is_empty(&l->oldest_first); i++) {
		struct account_line *oldest = list_first(&l->oldest_first, struct account_line, node);
		if (bucket_is_idle(&oldest->bucket, now_ms))
			drop(l, oldest);
		else
			touch(l, oldest);
	}
	if (map_count(&l->by_key) >= l->max)
		drop(l, list_first(&l->oldest_first, struct account_line, node));
}

struct bucket *ledger_at(struct ledger *l, struct str key, int64_t now_ms)
{
	struct account_line *line = map_get(&l->by_key, key);
	ASSERT(key.len > 0);
	if (!line) {
		make_room(l, now_ms);
		line = mem_new(sizeof *line + key.len);
		line->len = key.len;
		memcpy(line->key, key.at, key.len);
		list_init(&line->node);
		map_put(&l->by_key, key, line);
	}
	touch(l, line);
	return &line->bucket;
}

bool ledger_next(const struct ledger *l, const void **cursor, struct str *key,
	const struct bucket **b)
{
	const struct list *node = *cursor ? *cursor : &l->oldest_first;
	const struct account_line *line;
	node = node->prev;
	if (node == &l->oldest_first)
		return false;
	*cursor = node;
	line = container_of(node, struct account_line, node);
	*key = str_of(line->key, line->len);
	*b = &line->bucket;
	return true;
}

unsigned ledger_count(const struct ledger *l)
{
	return (unsigned)map_count(&l->by_key);
}
