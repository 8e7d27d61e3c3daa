/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * store_list: shard by shard, each read whole and sorted, so that the cursor is a position that
 * stays true while names come and go. A shard of a store with a million names holds four thousand.
 * The shards of marks are those that are there, in the order of their names.
 */
#include "certstore/store_list.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/check.h"
#include "base/mem.h"
#include "certstore/files.h"
#include "certstore/store_marks.h"

enum { PAGE_MAX = 1000 };

/* Of a directory the first so many: what is cut off is read again with the next page, and no call holds more than
 * twice its page. */
struct files {
	char **at;
	size_t n, cap, limit;
	bool is_cut;
};

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void files_fini(struct files *f)
{
	for (size_t i = 0; i < f->n; i++)
		mem_free(&f->at[i]);
	mem_free(&f->at);
}

static void cut(struct files *f)
{
	if (f->n > 0)
		qsort(f->at, f->n, sizeof(*f->at), by_text);
	for (; f->n > f->limit; f->is_cut = true) {
		f->n--;
		mem_free(&f->at[f->n]);
	}
}

static bool add_file(struct files *f, const char *name)
{
	if (f->n / 2 >= f->limit)
		cut(f);
	if (f->is_cut && strcmp(name, f->at[f->limit - 1]) > 0)
		return true;
	if (f->n == f->cap) {
		size_t cap = f->cap ? 2 * f->cap : 64;
		char **more = mem_try_resize(f->at, cap * sizeof(*more));

		if (!more)
			return false;
		f->at = more;
		f->cap = cap;
	}
	f->at[f->n++] = mem_strdup(name);
	return true;
}

/* What comes after this file, in order. */
static int read_sorted(int shard, const char *after, struct files *out)
{
	struct dirent *file;
	int error;
	DIR *list = files_list(shard, &error);

	if (!list)
		return error;
	while (!error && (file = readdir(list)) != NULL)
		if (file->d_name[0] != '.' && strcmp(file->d_name, after) > 0 &&
			!add_file(out, file->d_name))
			error = -ENOMEM;
	closedir(list);
	cut(out);
	return error;
}

static bool is_wanted(
	int shard, const char *file, const char *name, const struct store_list_args *args)
{
	struct buf bytes;
	bool wanted;

	buf_init(&bytes, 0);
	wanted = !store_value_peek(shard, file, args->group, &bytes) &&
		 (!args->filter || args->filter(buf_str(&bytes), name, args->filter_owner));
	mem_wipe(bytes.at, bytes.len);
	buf_fini(&bytes);
	return wanted;
}

struct walk {
	const struct store_list_args *args;
	struct store_page *page;
	unsigned max, visited;
	bool is_full;
};

/* A mark has no bytes to be judged by. */
static bool is_mark_wanted(const struct walk *w, char mark[STORE_PATH_MARK_SHARD + STORE_PATH_NAME],
	const char *shard_name, const char *name)
{
	snprintf(mark, STORE_PATH_MARK_SHARD + STORE_PATH_NAME, "%s/%s", shard_name, name);
	return !w->args->filter || w->args->filter(STR_NONE, mark, w->args->filter_owner);
}

static void visit(struct walk *w, int shard, const char *shard_name, const char *file)
{
	char name[STORE_PATH_NAME], mark[STORE_PATH_MARK_SHARD + STORE_PATH_NAME];

	snprintf(w->page->cursor, sizeof(w->page->cursor), "%s/%s", shard_name, file);
	w->visited++;
	if (!store_path_decode(name, file))
		;
	else if (!store_marks_are(w->args->group) && is_wanted(shard, file, name, w->args))
		w->page->names[w->page->n++] = mem_strdup(name);
	else if (store_marks_are(w->args->group) && is_mark_wanted(w, mark, shard_name, name))
		w->page->names[w->page->n++] = mem_strdup(mark);
	w->is_full = w->page->n == w->max ||
		     (w->args->max_visited && w->visited >= w->args->max_visited);
}

/* More are not visited by this call, whatever the filter says. */
static size_t left_of(const struct walk *w)
{
	size_t by_visits = w->args->max_visited ? w->args->max_visited - w->visited : SIZE_MAX;
	size_t by_names = w->args->filter ? SIZE_MAX : w->max - w->page->n;

	return by_visits < by_names ? by_visits : by_names;
}

/* False with the last of them in *after when there are more that may still be visited: files of others count
 * among those that were read. */
static bool walk_some(struct walk *w, int shard, const char *shard_name, char after[STORE_PATH_NAME], int *error)
{
	struct files files = {.limit = left_of(w)};
	bool is_done;

	*error = read_sorted(shard, after, &files);
	for (size_t i = 0; !*error && i < files.n && !w->is_full; i++) {
		visit(w, shard, shard_name, files.at[i]);
		snprintf(after, STORE_PATH_NAME, "%s", files.at[i]);
	}
	is_done = *error || w->is_full || !files.is_cut;
	files_fini(&files);
	return is_done;
}

static int walk_shard(struct walk *w, int group, const char *shard_name, const char *after)
{
	char last[STORE_PATH_NAME];
	int shard = files_open_directory(group, shard_name), rc;

	if (shard < 0)
		return shard == -ENOENT || shard == -ENOTDIR || shard == -ELOOP ? 0 : shard;
	snprintf(last, sizeof(last), "%s", after);
	while (!walk_some(w, shard, shard_name, last, &rc))
		;
	close(shard);
	return rc;
}

static int walk_values(struct walk *w, int group)
{
	const char *after = "", *cursor = w->args->cursor;
	unsigned shard = 0;
	int rc = 0;

	if (strlen(cursor) > 3 && sscanf(cursor, "%2x/", &shard) == 1)
		after = cursor + 3;
	for (; shard < STORE_PATH_SHARDS && !rc && !w->is_full; shard++) {
		char name[STORE_PATH_SHARD];

		snprintf(name, sizeof(name), "%02x", shard & 0xff);
		rc = walk_shard(w, group, name, after);
		after = "";
	}
	return rc;
}

static int walk_marks(struct walk *w, int group)
{
	const char *cursor = w->args->cursor, *slash = strchr(cursor, '/');
	char first[STORE_PATH_MARK_SHARD] = "";
	struct files shards = {.limit = SIZE_MAX};
	int rc = 0;

	if (slash && str_copy(first, sizeof(first), str_of(cursor, (size_t)(slash - cursor))) &&
		store_marks_is_shard(first))
		rc = walk_shard(w, group, first, slash + 1);
	if (!rc && !w->is_full)
		rc = read_sorted(group, first, &shards);
	for (size_t i = 0; !rc && i < shards.n && !w->is_full; i++)
		if (store_marks_is_shard(shards.at[i]))
			rc = walk_shard(w, group, shards.at[i], "");
	files_fini(&shards);
	return rc;
}

enum err store_list_page(
	const struct store_root *r, const struct store_list_args *args, struct store_page *out)
{
	struct walk w = {args, out, args->max < PAGE_MAX ? args->max : PAGE_MAX, 0, false};
	int group = r->groups[args->group], rc = 0;

	ASSERT(args->max > 0 && args->cursor);
	memset(out, 0, sizeof(*out));
	out->names = mem_new(w.max * sizeof(*out->names));
	if (group >= 0)
		rc = store_marks_are(args->group) ? walk_marks(&w, group) : walk_values(&w, group);
	if (!w.is_full)
		out->cursor[0] = '\0';
	return rc ? E_STORE : E_OK;
}

void store_list_fini(struct store_page *page)
{
	for (unsigned i = 0; i < page->n; i++)
		mem_free(&page->names[i]);
	mem_free(&page->names);
}
