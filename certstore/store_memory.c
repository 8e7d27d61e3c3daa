/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * store_memory: the interface of store.h without a disk, for tests of what stands on it. One
 * generation per value; answers come at the end of the turn, in order.
 */
#include "certstore/store.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/map.h"
#include "base/mem.h"
#include "net/deadline.h"

enum verb { LOAD, SAVE, REMOVE, LIST, LOCK, PROBE };
enum { NAME_BYTES = 512, RETRY_MS = 5 };

struct memory {
	struct store store;
	struct loop *loop;
	struct map groups[STORE_GROUP_COUNT]; /* name -> struct buf */
	struct map held;
	struct list jobs;
	struct loop_task task;
	unsigned n_jobs;
};

struct job {
	struct list node;
	struct memory *memory;
	enum verb verb;
	enum store_group group;
	char name[NAME_BYTES];
	struct buf bytes;
	store_parse_fn *parse;
	struct store_list_args list_args;
	int64_t until_ms;
	struct deadline retry;
	store_load_fn *on_load;
	store_done_fn *on_done;
	store_list_fn *on_list;
	void *owner;
};

static struct memory *memory_of(struct store *s)
{
	return container_of(s, struct memory, store);
}

static void free_value(struct buf *b)
{
	if (!b)
		return;
	mem_wipe(b->at, b->len);
	buf_fini(b);
	mem_free(&b);
}

static void on_retry(struct deadline *d)
{
	struct job *j = container_of(d, struct job, retry);

	list_append(&j->memory->jobs, &j->node);
	loop_defer(j->memory->loop, &j->memory->task);
}

static struct job *job_new(struct store *s, enum verb verb, enum store_group g, const char *name)
{
	struct memory *m = memory_of(s);
	struct job *j = mem_new(sizeof(*j));

	j->memory = m;
	j->verb = verb;
	j->group = g;
	snprintf(j->name, sizeof(j->name), "%s", name);
	buf_init(&j->bytes, 0);
	deadline_init(&j->retry, m->loop, on_retry);
	list_append(&m->jobs, &j->node);
	m->n_jobs++;
	loop_defer(m->loop, &m->task);
	return j;
}

static void job_free(struct job *j)
{
	deadline_disarm(&j->retry);
	buf_fini(&j->bytes);
	j->memory->n_jobs--;
	mem_free(&j);
}

/* ---- what the verbs do ---- */

static void answer_load(struct job *j)
{
	struct map *group = &j->memory->groups[j->group];
	struct buf *b = map_get(group, str_from(j->name));
	struct fault fault = {0};
	void *object = NULL;
	enum err err = b ? j->parse(buf_str(b), j->name, &object, &fault) : E_NOT_FOUND;

	if (err == E_STORE_CORRUPT || err == E_KEY || err == E_CHAIN || err == E_PARSE) {
		free_value(map_remove(group, str_from(j->name)));
		err = E_NOT_FOUND;
	}
	j->on_load(j->owner, err, object, &fault);
}

static void answer_save(struct job *j)
{
	struct buf *b = mem_new(sizeof(*b));
	struct fault fault = {0};

	*b = j->bytes;
	buf_init(&j->bytes, 0);
	free_value(map_put(&j->memory->groups[j->group], str_from(j->name), b));
	j->on_done(j->owner, E_OK, &fault);
}

static void answer_remove(struct job *j)
{
	struct fault fault = {0};

	free_value(map_remove(&j->memory->groups[j->group], str_from(j->name)));
	j->on_done(j->owner, E_OK, &fault);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Sorted names after the cursor, as copies. */
static char **names_after(const struct map *group, const char *cursor, unsigned *n)
{
	char **names = mem_new((map_count(group) + 1) * sizeof(*names));
	size_t at = 0;
	struct str key;
	void *value;

	*n = 0;
	while (map_next(group, &at, &key, &value)) {
		char *name = mem_new(key.len + 1);

		memcpy(name, key.at, key.len);
		if (strcmp(name, cursor) > 0)
			names[(*n)++] = name;
		else
			mem_free(&name);
	}
	qsort(names, *n, sizeof(*names), by_text);
	return names;
}

static bool passes(const struct job *j, const char *name)
{
	const struct store_list_args *a = &j->list_args;

	return !a->filter ||
	       a->filter(buf_str(map_get(&j->memory->groups[j->group], str_from(name))), name,
		       a->filter_owner);
}

static void answer_list(struct job *j)
{
	unsigned n, kept = 0, seen = 0;
	char **names = names_after(&j->memory->groups[j->group], j->name, &n);
	const char **page = mem_new((n + 1) * sizeof(*page));
	const char *cursor = "";

	while (seen < n && kept < j->list_args.max &&
		(!j->list_args.max_visited || seen < j->list_args.max_visited)) {
		if (passes(j, names[seen]))
			page[kept++] = names[seen];
		seen++;
	}
	if (seen < n)
		cursor = names[seen - 1];
	j->on_list(j->owner, E_OK, page, kept, cursor);
	mem_free(&page);
	for (unsigned i = 0; i < n; i++)
		mem_free(&names[i]);
	mem_free(&names);
}

/* False when it will be tried again. */
static bool answer_lock(struct job *j)
{
	struct memory *m = j->memory;
	struct fault fault = {0};
	enum err err = E_OK;

	if (map_get(&m->held, str_from(j->name))) {
		if (loop_now_ms(m->loop) < j->until_ms) {
			deadline_arm(&j->retry, RETRY_MS);
			return false;
		}
		err = fault_set(&fault, E_LOCKED, "it is locked");
	} else {
		map_put(&m->held, str_from(j->name), m);
	}
	j->on_done(j->owner, err, &fault);
	return true;
}

static bool answer(struct job *j)
{
	switch (j->verb) {
	case LOAD:
		answer_load(j);
		break;
	case SAVE:
		answer_save(j);
		break;
	case PROBE:
		j->on_done(j->owner, E_OK, NULL);
		break;
	case REMOVE:
		answer_remove(j);
		break;
	case LIST:
		answer_list(j);
		break;
	case LOCK:
		return answer_lock(j);
	}
	return true;
}

static void on_turn_end(struct loop_task *task)
{
	struct memory *m = container_of(task, struct memory, task);
	struct job *j = list_first(&m->jobs, struct job, node);

	if (!j)
		return;
	list_remove(&j->node);
	if (!list_is_empty(&m->jobs))
		loop_defer(m->loop, &m->task);
	if (answer(j))
		job_free(j);
}

/* ---- the verbs ---- */

static void memory_load(struct store *s, enum store_group g, const char *name,
	store_parse_fn *parse, store_load_fn *fn, void *owner)
{
	struct job *j = job_new(s, LOAD, g, name);

	j->parse = parse;
	j->on_load = fn;
	j->owner = owner;
}

static void memory_save(struct store *s, enum store_group g, const char *name, struct str bytes,
	store_done_fn *fn, void *owner)
{
	struct job *j = job_new(s, SAVE, g, name);

	ASSERT(buf_add(&j->bytes, bytes) == E_OK);
	j->on_done = fn;
	j->owner = owner;
}

static void memory_remove(
	struct store *s, enum store_group g, const char *name, store_done_fn *fn, void *owner)
{
	struct job *j = job_new(s, REMOVE, g, name);

	j->on_done = fn;
	j->owner = owner;
}

static void memory_list(
	struct store *s, const struct store_list_args *args, store_list_fn *fn, void *owner)
{
	struct job *j = job_new(s, LIST, args->group, args->cursor ? args->cursor : "");

	j->list_args = *args;
	j->on_list = fn;
	j->owner = owner;
}

static void memory_lock(
	struct store *s, const char *name, int64_t wait_ms, store_done_fn *fn, void *owner)
{
	struct job *j = job_new(s, LOCK, 0, name);

	j->until_ms = loop_now_ms(j->memory->loop) + wait_ms;
	j->on_done = fn;
	j->owner = owner;
}

static void memory_unlock(struct store *s, const char *name)
{
	ASSERT(map_remove(&memory_of(s)->held, str_from(name)));
}

static void memory_probe(struct store *s, store_done_fn *fn, void *owner)
{
	struct job *j = job_new(s, PROBE, 0, "");

	j->on_done = fn;
	j->owner = owner;
}

static void memory_free(struct store *s)
{
	struct memory *m = memory_of(s);

	ASSERT(m->n_jobs == 0);
	for (int g = 0; g < STORE_GROUP_COUNT; g++) {
		size_t at = 0;
		struct str key;
		void *value;

		while (map_next(&m->groups[g], &at, &key, &value))
			free_value(value);
		map_fini(&m->groups[g]);
	}
	map_fini(&m->held);
	loop_task_cancel(&m->task);
	mem_free(&m);
}

static const struct store_ops ops = {
	.load = memory_load,
	.save = memory_save,
	.remove = memory_remove,
	.list = memory_list,
	.lock = memory_lock,
	.unlock = memory_unlock,
	.probe = memory_probe,
	.free = memory_free,
};

struct store *store_memory_new(struct loop *l)
{
	struct memory *m = mem_new(sizeof(*m));

	m->store.ops = &ops;
	m->loop = l;
	for (int g = 0; g < STORE_GROUP_COUNT; g++)
		map_init(&m->groups[g]);
	map_init(&m->held);
	list_init(&m->jobs);
	loop_task_init(&m->task, on_turn_end);
	return &m->store;
}
