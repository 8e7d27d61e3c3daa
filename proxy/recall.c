/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * recall: a map for finding, a list for age.
 */
#include "proxy/recall.h"

#include "base/check.h"
#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"

struct note {
	struct list node;
	int64_t at_ms;
	char *text;              /* NULL: none */
	size_t len;
	char name[];
};

struct recall {
	struct map by_name;
	struct list oldest_first;
	unsigned max;
};

struct recall *recall_new(unsigned max)
{
	struct recall *r = mem_new(sizeof(*r));

	ASSERT(max > 0);
	map_init(&r->by_name);
	list_init(&r->oldest_first);
	r->max = max;
	return r;
}

static void drop(struct recall *r, struct note *note)
{
	void *was = map_remove(&r->by_name, str_of(note->name, note->len));

	ASSERT(was == note);
	list_remove(&note->node);
	mem_release(note->text);
	mem_release(note);
}

void recall_free(struct recall **r)
{
	if (!*r)
		return;
	list_each(&(*r)->oldest_first, node, tmp)
		drop(*r, list_entry(node, struct note, node));
	map_fini(&(*r)->by_name);
	mem_free(r);
}

static struct note *note_new(struct recall *r, struct str name)
{
	struct note *note = mem_new(sizeof(*note) + name.len);

	if (map_count(&r->by_name) >= r->max)
		drop(r, list_first(&r->oldest_first, struct note, node));
	note->len = name.len;
	memcpy(note->name, name.at, name.len);
	list_init(&note->node);
	map_put(&r->by_name, name, note);
	return note;
}

void recall_note(struct recall *r, struct str name, int64_t at_ms)
{
	recall_note_with(r, name, at_ms, NULL);
}

void recall_note_with(struct recall *r, struct str name, int64_t at_ms, const char *text)
{
	struct note *note = map_get(&r->by_name, name);

	ASSERT(name.len > 0 && name.len <= 255);
	if (!note)
		note = note_new(r, name);
	note->at_ms = at_ms;
	mem_free(&note->text);
	if (text && text[0])
		note->text = mem_strdup(text);
	list_remove(&note->node);
	list_append(&r->oldest_first, &note->node);
}

int64_t recall_at(const struct recall *r, struct str name)
{
	const struct note *note = map_get(&r->by_name, name);

	return note ? note->at_ms : INT64_MIN;
}

const char *recall_text(const struct recall *r, struct str name)
{
	const struct note *note = map_get(&r->by_name, name);

	return note && note->text ? note->text : "";
}

void recall_forget(struct recall *r, struct str name)
{
	struct note *note = map_get(&r->by_name, name);

	if (note)
		drop(r, note);
}

unsigned recall_count(const struct recall *r)
{
	return (unsigned)map_count(&r->by_name);
}
