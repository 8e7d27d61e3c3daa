/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * diff: both are printed by their rows, and what is printed is compared. So no option can be forgotten here:
 * what "config" shows is what is compared.
 */
#include "conf/diff.h"

#include <stdio.h>

#include "base/check.h"
#include "base/map.h"

enum { CHANGES_MAX = 1000, TEXT_MAX = 200, PATH_SIZE = 1024, ARENA_MAX = 8 * 1024 * 1024 };

static const char mark[] = "(set ";

struct walk {
	struct diff *d;
	const struct json *before, *after;   /* all of both */
	char path[PATH_SIZE];
};

static void compare(struct walk *w, const struct field *rows, enum field_reload word,
	const struct json *before, const struct json *after);

/* ---- texts ---- */

/* "(set 0123456789abcdef)" is for comparing only. */
static void unmark(struct buf *text)
{
	enum { DIGITS = 17 };
	char *at = text->len ? text->at : NULL, *end = at + text->len;

	for (size_t step = strlen(mark); at && (size_t)(end - at) > step + DIGITS; at++) {
		if (memcmp(at, mark, step) != 0)
			continue;
		memmove(at + step - 1, at + step - 1 + DIGITS, (size_t)(end - at) - (step - 1 + DIGITS));
		end -= DIGITS;
	}
	text->len = at ? (size_t)(end - text->at) : 0;
}

static void cut(struct buf *text)
{
	size_t len = TEXT_MAX;

	if (text->len <= TEXT_MAX)
		return;
	while (len && ((unsigned char)text->at[len] & 0xc0) == 0x80)
		len--;
	text->len = len;
	buf_add(text, STR("…"));
}

static const char *text_of(struct walk *w, const struct json *n)
{
	const char *kept = NULL;
	struct buf text;

	if (!n)
		return NULL;
	buf_init(&text, 0);
	if (json_print(n, &text, false) == E_OK) {
		unmark(&text);
		cut(&text);
		kept = arena_strndup(&w->d->arena, text.at, text.len);
	}
	buf_fini(&text);
	return kept ? kept : "…";
}

static bool is_equal(const struct json *a, const struct json *b)
{
	struct buf x, y;
	bool is_same;

	buf_init(&x, 0);
	buf_init(&y, 0);
	is_same = !json_print(a, &x, false) && !json_print(b, &y, false) && str_equal(buf_str(&x), buf_str(&y));
	buf_fini(&x);
	buf_fini(&y);
	return is_same;
}

/* ---- changes ---- */

static bool has_room(struct diff *d)
{
	unsigned cap = d->cap ? d->cap * 2 : 16;
	void *at;

	if (d->n >= CHANGES_MAX)
		return false;
	if (d->n < d->cap)
		return true;
	at = mem_try_resize(d->at, cap * sizeof(*d->at));
	if (!at)
		return false;
	d->at = at;
	d->cap = cap;
	return true;
}

/* An upstream has the global timeouts unless it says something else: their change is told once. */
static bool is_told_above(const struct walk *w, const struct json *before, const struct json *after)
{
	const char *key = strstr(w->path, "\"].timeouts.");
	const struct json *was, *is;

	if (!key || !str_has_prefix(str_from(w->path), STR("upstreams[")) || !before || !after)
		return false;
	was = json_get(json_get(w->before, "timeouts"), strrchr(key, '.') + 1);
	is = json_get(json_get(w->after, "timeouts"), strrchr(key, '.') + 1);
	return was && is && is_equal(before, was) && is_equal(after, is);
}

static void add(struct walk *w, enum field_reload word, const struct json *before,
	const struct json *after)
{
	struct diff *d = w->d;
	const char *path = arena_strndup(&d->arena, w->path, strlen(w->path));

	ASSERT(word == RELOAD_LIVE || word == RELOAD_RESTART);
	if (is_told_above(w, before, after))
		return;
	d->n_restart += word == RELOAD_RESTART;
	if (path && has_room(d))
		d->at[d->n++] = (struct diff_change){ path, text_of(w, before), text_of(w, after), word };
	else
		d->n_more++;
}

/* ---- the walk ---- */

static size_t enter(struct walk *w, const char *key)
{
	size_t mark_at = strlen(w->path), left = sizeof(w->path) - mark_at;

	if (field_has_names(w->path))
		snprintf(w->path + mark_at, left, "[\"%s\"]", key);
	else
		snprintf(w->path + mark_at, left, "%s%s", mark_at ? "." : "", key);
	return mark_at;
}

static void compare_member(struct walk *w, const struct field *rows, enum field_reload word,
	const char *key, const struct json *before, const struct json *after)
{
	const struct field *f = rows ? field_find(rows, str_from(key)) : NULL;
	size_t mark_at = enter(w, key);

	compare(w, f && f->type == CONF_OBJECT ? f->rows : NULL, f && f->reload ? f->reload : word, before,
		after);
	w->path[mark_at] = '\0';
}

/* There may be very many sites: found by a table. */
static void compare_objects(struct walk *w, const struct field *rows, enum field_reload word,
	const struct json *before, const struct json *after)
{
	struct map others;

	map_init(&others);
	for (const struct json *n = json_first(after); n; n = json_next(n))
		map_put(&others, str_from(json_key(n)), (void *)(uintptr_t)n);
	for (const struct json *n = json_first(before); n; n = json_next(n))
		compare_member(w, rows, word, json_key(n), n, map_remove(&others, str_from(json_key(n))));
	for (const struct json *n = map_count(&others) ? json_first(after) : NULL; n; n = json_next(n))
		if (map_get(&others, str_from(json_key(n))))
			compare_member(w, rows, word, json_key(n), NULL, n);
	map_fini(&others);
}

static void compare(struct walk *w, const struct field *rows, enum field_reload word,
	const struct json *before, const struct json *after)
{
	if (before && after && json_type(before) == JSON_OBJECT && json_type(after) == JSON_OBJECT)
		compare_objects(w, rows, word, before, after);
	else if (!before || !after || !is_equal(before, after))
		add(w, word, before, after);
}

struct diff *diff_new(const struct conf *before, const struct conf *after)
{
	struct diff *d = mem_new(sizeof(*d));
	struct json *a = json_new_object(), *b = json_new_object();
	struct walk w = { .d = d, .before = a, .after = b };

	arena_init(&d->arena, ARENA_MAX);
	field_print_marked(fields_top, before, a);
	field_print_marked(fields_top, after, b);
	compare(&w, fields_top, RELOAD_INHERITED, a, b);
	json_free(&a);
	json_free(&b);
	return d;
}

void diff_free(struct diff **d)
{
	if (!*d)
		return;
	arena_reset(&(*d)->arena);
	mem_free(&(*d)->at);
	mem_free(d);
}

bool diff_touches(const struct diff *d, const char *path)
{
	struct str prefix = str_from(path);

	for (unsigned i = 0; i < d->n; i++) {
		struct str at = str_from(d->at[i].path);

		if (str_has_prefix(at, prefix) && (at.len == prefix.len || at.at[prefix.len] == '.' ||
		    at.at[prefix.len] == '['))
			return true;
	}
	return d->n_more > 0;
}

/* ---- hold ---- */

static const char *keep_text(struct conf *next, const char *text)
{
	return text ? arena_strndup(&next->arena, text, strlen(text)) : NULL;
}

static void hold_rows(const struct field *rows, enum field_reload word, const struct conf *running,
	size_t offset, struct conf *next)
{
	for (const struct field *f = rows; f->key; f++) {
		const char *from = (const char *)running + offset + f->offset;
		char *into = (char *)next + offset + f->offset;
		enum field_reload mine = f->reload ? f->reload : word;

		if (f->type == CONF_OBJECT)
			hold_rows(f->rows, mine, running, offset + f->offset, next);
		else if (mine != RELOAD_RESTART)
			continue;
		else if (f->type == CONF_SPECIAL)
			f->special->hold(running, next);
		else if (f->type == CONF_TEXT)
			*(const char **)(void *)into = keep_text(next, *(const char *const *)(const void *)from);
		else
			memcpy(into, from, field_bytes(f->type));
	}
}

void diff_hold(const struct conf *running, struct conf *next)
{
	hold_rows(fields_top, RELOAD_INHERITED, running, 0, next);
}
