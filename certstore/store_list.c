/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * store_list: shard by shard, each read whole and sorted, so that the cursor is a position that
 * stays true while names come and go. A shard of a store with a million names holds four thousand.
 */
#include "certstore/store_list.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/check.h"
#include "base/mem.h"
#include "certstore/files.h"

enum { PAGE_MAX = 1000 };

struct files {
	char **at;
	size_t n, cap;
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

static bool add_file(struct files *f, const char *name)
{
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
static int read_shard(int shard, const char *after, struct files *out)
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
	if (!error && out->n > 0)
		qsort(out->at, out->n, sizeof(*out->at), by_text);
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

static void visit(struct walk *w, int shard, const char *shard_name, const char *file)
{
	char name[STORE_PATH_NAME];

	snprintf(w->page->cursor, sizeof(w->page->cursor), "%s/%s", shard_name, file);
	w->visited++;
	if (store_path_decode(name, file) && is_wanted(shard, file, name, w->args))
		w->page->names[w->page->n++] = mem_strdup(name);
	w->is_full = w->page->n == w->max ||
		     (w->args->max_visited && w->visited >= w->args->max_visited);
}

static int walk_shard(struct walk *w, int group, const char *shard_name, const char *after)
{
	struct files files = {0};
	int shard = files_open_directory(group, shard_name), rc;

	if (shard < 0)
		return shard == -ENOENT || shard == -ENOTDIR || shard == -ELOOP ? 0 : shard;
	rc = read_shard(shard, after, &files);
	for (size_t i = 0; !rc && i < files.n && !w->is_full; i++)
		visit(w, shard, shard_name, files.at[i]);
	files_fini(&files);
	close(shard);
	return rc;
}

enum err store_list_page(
	const struct store_root *r, const struct store_list_args *args, struct store_page *out)
{
	struct walk w = {args, out, args->max < PAGE_MAX ? args->max : PAGE_MAX, 0, false};
	const char *after = "";
	unsigned shard = 0;
	int rc = 0;

	ASSERT(args->max > 0 && args->cursor);
	memset(out, 0, sizeof(*out));
	out->names = mem_new(w.max * sizeof(*out->names));
	if (strlen(args->cursor) > 3 && sscanf(args->cursor, "%2x/", &shard) == 1)
		after = args->cursor + 3;
	for (; r->groups[args->group] >= 0 && shard < STORE_PATH_SHARDS && !rc && !w.is_full; shard++) {
		char name[STORE_PATH_SHARD];

		snprintf(name, sizeof(name), "%02x", shard & 0xff);
		rc = walk_shard(&w, r->groups[args->group], name, after);
		after = "";
	}
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
