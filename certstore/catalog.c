/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * catalog: a shard is the text of its value: lines "NAME TEXT\n", found by searching; a few thousand of them are
 * searched in some microseconds. Which shard a name is in depends on nothing but the name.
 *
 *   clean ── a change ──► dirty ─► saving ─┬─ saved ──────────────► clean (or dirty again by then)
 *                           ▲              └─ failed: dirty, after a pause
 *                           └── a change while it is being saved
 */
#include "certstore/catalog.h"

#include <stdio.h>

#include "base/check.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/deadline.h"

enum { SAVING_MAX = 4, RETRY_MS = 5000, SHARD_BYTES = 2 * 1024 * 1024 };

static const char header[] = "sallyport-catalog 1\n";

struct shard {
	struct buf text;            /* header and lines, or empty */
	unsigned n;
	bool is_dirty, is_saving;
};

struct catalog {
	struct loop *loop;
	enum store_group group;
	struct store *store;        /* NULL: nothing is kept yet */
	struct shard shards[CATALOG_SHARDS];
	size_t n;
	unsigned n_dirty, n_saving;
	struct list waiters, saves;
	struct deadline retry;
	struct loop_task flush;
};

struct waiter {
	struct list node;
	store_done_fn *fn;
	void *owner;
};

/* Outlives the catalog if need be. */
struct save {
	struct list node;
	struct catalog *catalog;      /* NULL: gone */
	struct shard *shard;
};

static const struct log area = { "catalog" };

static void on_flush(struct loop_task *t);
static void on_retry(struct deadline *d);

/* ---- begin and end ---- */

struct catalog *catalog_new(struct loop *l, enum store_group group)
{
	struct catalog *catalog = mem_new(sizeof(*catalog));

	catalog->loop = l;
	catalog->group = group;
	for (unsigned i = 0; i < CATALOG_SHARDS; i++)
		buf_init(&catalog->shards[i].text, SHARD_BYTES);
	list_init(&catalog->waiters);
	list_init(&catalog->saves);
	deadline_init(&catalog->retry, l, on_retry);
	loop_task_init(&catalog->flush, on_flush);
	return catalog;
}

static void tell_waiters(struct catalog *l, enum err err, const struct fault *fault)
{
	struct list told;

	list_init(&told);
	list_each(&l->waiters, node, tmp) {
		list_remove(node);
		list_append(&told, node);
	}
	list_each(&told, node, tmp) {
		struct waiter *w = list_entry(node, struct waiter, node);
		store_done_fn *fn = w->fn;
		void *owner = w->owner;

		list_remove(&w->node);
		mem_free(&w);
		fn(owner, err, fault);
	}
}

void catalog_free(struct catalog **l)
{
	struct catalog *dying = *l;

	*l = NULL;
	if (!dying)
		return;
	deadline_disarm(&dying->retry);
	loop_task_cancel(&dying->flush);
	list_each(&dying->saves, node, tmp) {
		list_entry(node, struct save, node)->catalog = NULL;
		list_remove(node);
	}
	tell_waiters(dying, E_CANCELED, NULL);
	for (unsigned i = 0; i < CATALOG_SHARDS; i++)
		buf_fini(&dying->shards[i].text);
	mem_release(dying);
}

/* ---- lines ---- */

/* FNV-1a: the same in every process. */
static struct shard *shard_of(const struct catalog *l, struct str name)
{
	uint32_t hash = 2166136261u;

	for (size_t i = 0; i < name.len; i++)
		hash = (hash ^ (unsigned char)name.at[i]) * 16777619u;
	return (struct shard *)&l->shards[(hash ^ hash >> 16) % CATALOG_SHARDS];
}

/* The line of this name, without its end; STR_NONE. */
static struct str line_of(const struct shard *s, struct str name)
{
	char key[260];
	size_t len = (size_t)snprintf(key, sizeof(key), "\n%.*s ", STR_FMT(name));
	const char *at = s->text.len && len < sizeof(key) ? memmem(s->text.at, s->text.len, key, len) : NULL;
	const char *end;

	if (!at)
		return STR_NONE;
	at++;
	end = memchr(at, '\n', s->text.len - (size_t)(at - s->text.at));
	ASSERT(end);
	return str_of(at, (size_t)(end - at));
}

static struct str text_of(struct str line)
{
	ptrdiff_t space = str_find(line, ' ');

	ASSERT(space > 0);
	return str_of(line.at + space + 1, line.len - (size_t)space - 1);
}

struct str catalog_get(const struct catalog *l, struct str name)
{
	struct str line = line_of(shard_of(l, name), name);

	return line.at ? text_of(line) : STR_NONE;
}

static bool is_good(struct str s, char least)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.at[i] < least || s.at[i] > '~')
			return false;
	return true;
}

static void cut(struct catalog *l, struct shard *s, struct str line)
{
	char *at = s->text.at + (line.at - s->text.at);
	size_t len = line.len + 1;

	memmove(at, at + len, s->text.len - (size_t)(at - s->text.at) - len);
	s->text.len -= len;
	s->n--;
	l->n--;
}

static void change(struct catalog *l, struct shard *s)
{
	if (!s->is_dirty)
		l->n_dirty++;
	s->is_dirty = true;
	loop_defer(l->loop, &l->flush);
}

static enum err append(struct catalog *l, struct shard *s, struct str name, struct str text)
{
	enum err err = s->text.len ? E_OK : buf_add(&s->text, str_from(header));

	if (!err)
		err = buf_reserve(&s->text, name.len + text.len + 2);
	if (!err)
		err = buf_addf(&s->text, "%.*s %.*s\n", STR_FMT(name), STR_FMT(text));
	if (err)
		return err;
	s->n++;
	l->n++;
	return E_OK;
}

enum err catalog_put(struct catalog *l, struct str name, struct str text, struct fault *fault)
{
	struct shard *s = shard_of(l, name);
	struct str line = line_of(s, name);
	enum err err;

	ASSERT(name.len && name.len < 256 && is_good(name, '!'));
	ASSERT(text.len <= CATALOG_TEXT && is_good(text, ' '));
	if (line.at && str_equal(text_of(line), text))
		return E_OK;
	if (!line.at && l->n >= CATALOG_NAMES_MAX)
		return fault_set(fault, E_LIMIT, "%d names are kept, which is the most", CATALOG_NAMES_MAX);
	/* room first, so that a name is not lost by a change */
	err = buf_reserve(&s->text, sizeof(header) + name.len + text.len + 2);
	if (err)
		return fault_set(fault, err, "no room for another name beside %zu", l->n);
	line = line_of(s, name);
	if (line.at)
		cut(l, s, line);
	err = append(l, s, name, text);
	ASSERT(!err);
	change(l, s);
	return E_OK;
}

bool catalog_remove(struct catalog *l, struct str name)
{
	struct shard *s = shard_of(l, name);
	struct str line = line_of(s, name);

	if (!line.at)
		return false;
	cut(l, s, line);
	change(l, s);
	return true;
}

size_t catalog_count(const struct catalog *l)
{
	return l->n;
}

bool catalog_next(const struct catalog *l, uint64_t *cursor, struct str *name, struct str *text)
{
	uint64_t shard = *cursor >> 32;
	size_t at = (size_t)(*cursor & UINT32_MAX);

	for (; shard < CATALOG_SHARDS; shard++, at = 0) {
		const struct buf *b = &l->shards[shard].text;
		struct str line;

		at = at ? at : sizeof(header) - 1;
		if (at >= b->len)
			continue;
		str_cut(str_of(b->at + at, b->len - at), '\n', &line);
		*text = text_of(line);
		*name = str_of(line.at, line.len - text->len - 1);
		*cursor = shard << 32 | (at + line.len + 1);
		return true;
	}
	*cursor = (uint64_t)CATALOG_SHARDS << 32;
	return false;
}

/* ---- keeping ---- */

static void shard_name(const struct catalog *l, const struct shard *s, char dst[8])
{
	snprintf(dst, 8, "%02x", (unsigned)(s - l->shards) & 0xff);
}

static void on_saved(void *owner, enum err err, const struct fault *fault)
{
	struct save *save = owner;
	struct catalog *l = save->catalog;
	struct shard *s = save->shard;

	if (l)
		list_remove(&save->node);
	mem_free(&save);
	if (!l)
		return;
	l->n_saving--;
	s->is_saving = false;
	/* one of a group that was never in the store cannot be removed, and need not be */
	if (!err || err == E_NOT_FOUND) {
		loop_defer(l->loop, &l->flush);
		return;
	}
	log_warn(&area, "names not kept yet", "code=SP-%d retry_ms=%d", err_code(err), RETRY_MS);
	l->n_dirty += !s->is_dirty;
	s->is_dirty = true;
	deadline_arm(&l->retry, RETRY_MS);
	tell_waiters(l, err, fault);
}

static void save(struct catalog *l, struct shard *s)
{
	struct save *save = mem_new(sizeof(*save));
	char name[8];

	save->catalog = l;
	save->shard = s;
	list_init(&save->node);
	list_append(&l->saves, &save->node);
	s->is_dirty = false;
	s->is_saving = true;
	l->n_dirty--;
	l->n_saving++;
	shard_name(l, s, name);
	if (s->n)
		store_save(l->store, l->group, name, buf_str(&s->text), on_saved, save);
	else
		store_remove(l->store, l->group, name, on_saved, save);
}

static void on_flush(struct loop_task *t)
{
	struct catalog *l = container_of(t, struct catalog, flush);

	if (deadline_is_armed(&l->retry))
		return;
	for (unsigned i = 0; l->store && i < CATALOG_SHARDS && l->n_dirty && l->n_saving < SAVING_MAX; i++)
		if (l->shards[i].is_dirty && !l->shards[i].is_saving)
			save(l, &l->shards[i]);
	if (!l->n_dirty && !l->n_saving)
		tell_waiters(l, E_OK, NULL);
}

static void on_retry(struct deadline *d)
{
	struct catalog *l = container_of(d, struct catalog, retry);

	loop_defer(l->loop, &l->flush);
}

void catalog_sync(struct catalog *l, store_done_fn *fn, void *owner)
{
	struct waiter *w = mem_new(sizeof(*w));

	w->fn = fn;
	w->owner = owner;
	list_init(&w->node);
	list_append(&l->waiters, &w->node);
	/* whoever asks wants to know now, not after the pause */
	deadline_disarm(&l->retry);
	loop_defer(l->loop, &l->flush);
}

void catalog_keep_in(struct catalog *l, struct store *s)
{
	l->store = s;
}

/* ---- reading ---- */

struct reading {
	struct catalog *catalog;
	struct loop *loop;
	unsigned left;
};

/* Pool thread. */
static enum err parse_shard(struct str bytes, const char *name, void **object, struct fault *fault)
{
	struct str rest = bytes, line;
	struct buf *text;

	*object = NULL;
	rest = str_cut(rest, '\n', &line);
	if (!str_has_prefix(bytes, str_from(header)))
		return fault_set(fault, E_STORE_CORRUPT, "shard %s has no header", name);
	while (rest.len) {
		struct str text_of_line, name_of_line;

		rest = str_cut(rest, '\n', &line);
		text_of_line = str_cut(line, ' ', &name_of_line);
		if (!rest.at || !text_of_line.at || !name_of_line.len || name_of_line.len > 255 ||
			text_of_line.len > CATALOG_TEXT || !is_good(name_of_line, '!') || !is_good(text_of_line, ' '))
			return fault_set(fault, E_STORE_CORRUPT, "shard %s has a line that is none", name);
	}
	text = mem_new(sizeof(*text));
	buf_init(text, SHARD_BYTES);
	if (buf_add(text, bytes)) {
		mem_free(&text);
		return fault_set(fault, E_NOMEM, "no memory for shard %s", name);
	}
	*object = text;
	return E_OK;
}

static void take(struct catalog *l, struct str bytes)
{
	struct str rest = bytes, line;

	rest = str_cut(rest, '\n', &line);
	while (rest.len) {
		struct str name, text;

		rest = str_cut(rest, '\n', &line);
		text = str_cut(line, ' ', &name);
		/* by the name, wherever it was found; it is as it is on the disk */
		if (!line_of(shard_of(l, name), name).at && l->n < CATALOG_NAMES_MAX)
			append(l, shard_of(l, name), name, text);
	}
}

static void on_loaded(void *owner, enum err err, void *object, const struct fault *fault)
{
	struct reading *r = owner;
	struct buf *text = object;

	if (!err)
		take(r->catalog, buf_str(text));
	else if (err != E_NOT_FOUND)
		log_error(&area, "kept names cannot be read", "code=SP-%d why=%s", err_code(err),
			fault ? err_text(fault->code) : "");
	if (text)
		buf_fini(text);
	mem_free(&text);
	if (!--r->left)
		loop_stop(r->loop);
}

void catalog_read(struct catalog *l, const char *directory)
{
	struct reading r = { .catalog = l, .loop = loop_new(), .left = CATALOG_SHARDS };
	struct fault fault = { 0 };
	struct store *s;

	if (store_disk_open_to_read(r.loop, directory, &s, &fault) == E_OK) {
		for (unsigned i = 0; i < CATALOG_SHARDS; i++) {
			char name[8];

			shard_name(l, &l->shards[i], name);
			store_load(s, l->group, name, parse_shard, on_loaded, &r);
		}
		loop_run(r.loop);
		s->ops->free(s);
	}
	loop_free(&r.loop);
}
