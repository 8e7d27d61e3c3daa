/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * memory: a bounded write-through map.
 */
#include "acme/memory.h"

#include "base/log.h"
#include "base/mem.h"
#include "certstore/entry.h"

enum { RECORD_MAX = 8 * 1024 };

static const struct log log_acme = { "acme" };

void memory_init(struct memory *m, struct store *store)
{
	m->store = store;
	map_init(&m->failures);
}

void memory_fini(struct memory *m)
{
	size_t cursor = 0;
	struct str key;
	void *failure;
	while (map_next(&m->failures, &cursor, &key, &failure))
		mem_release(failure);
	map_fini(&m->failures);
}

static enum err parse(struct str bytes, const char *name, void **object, struct fault *fault)
{
	struct failure *f = mem_new(sizeof *f);
	(void)name;
	enum err err = failure_parse(bytes, f, fault);
	if (err)
		mem_release(f);
	else
		*object = f;
	return err;
}

struct errand *memory_recall(struct memory *m, const char *name, errand_fn *fn, void *owner)
{
	return errand_load(m->store, STORE_FAILURES, name, parse, mem_release, fn, owner);
}

const struct failure *memory_newest(const struct memory *m, const char *name)
{
	return map_get(&m->failures, str_from(name));
}

static void make_room(struct memory *m)
{
	size_t cursor = 0;
	struct str key;
	void *any;
	if (map_count(&m->failures) < MEMORY_MAX || !map_next(&m->failures, &cursor, &key, &any))
		return;
	map_remove(&m->failures, key);
	mem_release(any);
}

static void on_saved(void *owner, enum err err, void *object, const struct fault *fault)
{
	(void)owner;
	(void)object;
	if (err)
		log_kv(&log_acme, LOG_WARN, "failure memory not saved", (struct log_field[]){
			{ .key = "detail", .text = str_from(fault->detail) } }, 1);
}

void memory_keep(struct memory *m, const char *name, const struct failure *failure)
{
	struct buf b;
	make_room(m);
	mem_release(map_put(&m->failures, str_from(name), mem_copy(failure, sizeof *failure)));
	buf_init(&b, RECORD_MAX);
	if (!failure_write(failure, &b))
		errand_save(m->store, STORE_FAILURES, name, buf_str(&b), on_saved, NULL);
	buf_fini(&b);
}

void memory_forget(struct memory *m, const char *name)
{
	mem_release(map_remove(&m->failures, str_from(name)));
	errand_remove(m->store, STORE_FAILURES, name);
}

void memory_forget_all(struct memory *m)
{
	size_t cursor = 0;
	struct str key;
	void *failure;
	while (map_next(&m->failures, &cursor, &key, &failure)) {
		char name[ENTRY_NAME];
		if (str_copy(name, sizeof name, key))
			errand_remove(m->store, STORE_FAILURES, name);
		mem_release(failure);
	}
	map_fini(&m->failures);
	map_init(&m->failures);
}
