/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * store_marks: one file each, made and removed at once, so that nobody can find half of one and two processes
 * never undo each other's. A directory goes with its last file; who is about to put one in makes it again.
 */
#include "certstore/store_marks.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/counter.h"
#include "certstore/files.h"

enum { TRIES = 8 };

struct place {
	char shard[STORE_PATH_MARK_SHARD];
	struct store_path path;
};

bool store_marks_are(enum store_group g)
{
	return g == STORE_SCHEDULE;
}

bool store_marks_is_shard(const char *text)
{
	size_t len = strlen(text);

	return len > 0 && len < STORE_PATH_MARK_SHARD &&
	       strspn(text, "0123456789-ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") == len;
}

static enum err find_place(struct place *out, const char *mark)
{
	const char *slash = strchr(mark, '/');

	if (!slash || !str_copy(out->shard, sizeof(out->shard), str_of(mark, (size_t)(slash - mark))) ||
		!store_marks_is_shard(out->shard))
		return E_NAME;
	return store_path_make(&out->path, slash + 1);
}

static enum err failed(struct fault *fault, const char *what, int rc)
{
	counter_add(COUNTER_STORE_ERRORS, 1);
	return fault_set(fault, rc == -EMFILE || rc == -ENFILE ? E_FDS : E_STORE, "%s: %s", what,
		strerror(-rc));
}

static int put_once(int group, const struct place *p)
{
	int shard = files_make_directory(group, p->shard, FILES_FOR_NOW), rc;

	if (shard < 0)
		return shard;
	rc = files_write_new(shard, p->path.name, STR_NONE, FILES_FOR_NOW);
	close(shard);
	return rc == -EEXIST ? 0 : rc;
}

enum err store_marks_put(
	const struct store_root *r, enum store_group g, const char *mark, struct fault *fault)
{
	struct place p;
	int rc = -ENOENT;

	if (find_place(&p, mark))
		return fault_set(fault, E_NAME, "this cannot be the name of a mark");
	if (r->groups[g] < 0)
		return failed(fault, "marking", -EROFS);
	/* ENOENT: somebody took the last one out, and the directory with it */
	for (int try = 0; try < TRIES && rc == -ENOENT; try++)
		rc = put_once(r->groups[g], &p);
	return rc ? failed(fault, "marking", rc) : E_OK;
}

enum err store_marks_remove(
	const struct store_root *r, enum store_group g, const char *mark, struct fault *fault)
{
	struct place p;
	int shard, rc;

	if (find_place(&p, mark) || r->groups[g] < 0)
		return E_OK;
	shard = files_open_directory(r->groups[g], p.shard);
	if (shard == -ENOENT)
		return E_OK;
	if (shard < 0)
		return failed(fault, "removing a mark", shard);
	rc = files_remove(shard, p.path.name);
	close(shard);
	if (rc && rc != -ENOENT)
		return failed(fault, "removing a mark", rc);
	/* not empty as a rule */
	files_remove_directory(r->groups[g], p.shard);
	return E_OK;
}
