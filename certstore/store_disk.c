/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * store_disk: the verbs on the work queue. Each is a job:
 *
 *   QUEUED (another job has the same name) --> WORKING (pool thread) --> callback, freed
 *                                                ^    \
 *                          a lock that is taken  |     v
 *                                                 RETRY (deadline)
 *
 * Jobs of one group and name are done one after the other in the order given, so that the later of
 * two saves wins. Locks are tried and tried again by timer: no pool thread ever waits for one.
 */
#include "certstore/store.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/check.h"
#include "base/map.h"
#include "base/mem.h"
#include "certstore/files.h"
#include "certstore/store_list.h"
#include "certstore/store_marks.h"
#include "certstore/store_open.h"
#include "certstore/store_value.h"
#include "net/deadline.h"

enum { RETRY_MS = 20, RETRY_MAX_MS = 200 };

enum verb { LOAD, SAVE, REMOVE, LIST, LOCK, PROBE };

struct disk {
	struct store store;
	struct loop *loop;
	struct store_root root;
	struct map busy; /* "group/name" -> the job at work, others waiting in its list */
	struct map held; /* locks by name -> struct held */
	unsigned n_jobs;
};

struct held {
	int fd; /* -1 while it is being tried */
};

struct job {
	struct loop_work work;
	struct disk *disk;
	enum verb verb;
	enum store_group group;
	char *name, *key;    /* key NULL: waits for nobody */
	struct list waiting; /* head in the job at work, node in the others */
	struct buf bytes;
	store_parse_fn *parse;
	struct store_list_args list_args;
	char cursor[sizeof(((struct store_page *)0)->cursor)];
	int64_t until_ms, retry_ms;
	struct deadline retry;

	enum err err;
	struct fault fault;
	void *object;
	struct store_page page;
	int lock_fd;

	store_load_fn *on_load;
	store_done_fn *on_done;
	store_list_fn *on_list;
	void *owner;
};

static struct disk *disk_of(struct store *s)
{
	return container_of(s, struct disk, store);
}

/* ---- on a pool thread ---- */

static enum err work_lock(struct job *j)
{
	const struct store_root *r = &j->disk->root;
	struct store_path path;
	int shard;

	if (store_path_make(&path, j->name))
		return fault_set(&j->fault, E_NAME, "the name is too long for a file");
	shard = files_make_directory(r->locks, path.shard, FILES_DURABLE);
	if (shard < 0)
		return fault_set(&j->fault, E_STORE, "locking: %s", strerror(-shard));
	j->lock_fd = files_lock(shard, path.name);
	close(shard);
	if (j->lock_fd >= 0)
		return E_OK;
	if (j->lock_fd == -EWOULDBLOCK)
		return fault_set(&j->fault, E_LOCKED, "another process holds the lock");
	return fault_set(&j->fault, E_STORE, "locking: %s", strerror(-j->lock_fd));
}

static enum err work_probe(struct job *j)
{
	int rc = store_open_self_check(&j->disk->root);

	return rc ? fault_set(&j->fault, E_STORE, "the store cannot be written: %s", strerror(-rc)) : E_OK;
}

static void on_pool(struct loop_work *w)
{
	struct job *j = container_of(w, struct job, work);
	const struct store_root *r = &j->disk->root;

	fault_clear(&j->fault);
	switch (j->verb) {
	case LOAD:
		j->err = store_value_load(r, j->group, j->name, j->parse, &j->object, &j->fault);
		break;
	case SAVE:
		j->err = store_marks_are(j->group) ? store_marks_put(r, j->group, j->name, &j->fault)
			: store_value_save(r, j->group, j->name, buf_str(&j->bytes), &j->fault);
		break;
	case REMOVE:
		j->err = store_marks_are(j->group) ? store_marks_remove(r, j->group, j->name, &j->fault)
			: store_value_remove(r, j->group, j->name, &j->fault);
		break;
	case LIST:
		j->err = store_list_page(r, &j->list_args, &j->page);
		break;
	case LOCK:
		j->err = work_lock(j);
		break;
	case PROBE:
		j->err = work_probe(j);
		break;
	}
}

/* ---- a job's life ---- */

static void on_worked(struct loop_work *w, bool canceled);
static void on_retry(struct deadline *d);

static struct job *job_new(struct disk *d, enum verb verb, enum store_group group, const char *name)
{
	struct job *j = mem_new(sizeof(*j));

	j->work.fn = on_pool;
	j->work.done = on_worked;
	j->disk = d;
	j->verb = verb;
	j->group = group;
	j->name = mem_strdup(name);
	list_init(&j->waiting);
	buf_init(&j->bytes, 0);
	deadline_init(&j->retry, d->loop, on_retry);
	d->n_jobs++;
	return j;
}

static void job_free(struct job **job)
{
	struct job *j = *job;

	deadline_disarm(&j->retry);
	mem_wipe(j->bytes.at, j->bytes.len);
	buf_fini(&j->bytes);
	store_list_fini(&j->page);
	mem_free(&j->key);
	mem_free(&j->name);
	ASSERT(j->disk->n_jobs > 0);
	j->disk->n_jobs--;
	mem_free(job);
}

static void start_in_turn(struct job *j)
{
	struct disk *d = j->disk;
	struct job *first;
	size_t size = strlen(j->name) + 8;

	j->key = mem_new(size);
	snprintf(j->key, size, "%d/%s", j->group, j->name);
	first = map_get(&d->busy, str_from(j->key));
	if (first) {
		list_append(&first->waiting, &j->waiting);
		return;
	}
	map_put(&d->busy, str_from(j->key), j);
	loop_work_start(d->loop, &j->work);
}

/* Hands the name to the next job that waits for it, and the others with it. */
static void let_next_start(struct job *j)
{
	struct disk *d = j->disk;
	struct job *next = list_first(&j->waiting, struct job, waiting);

	if (!j->key)
		return;
	ASSERT(map_remove(&d->busy, str_from(j->key)) == j);
	if (!next)
		return;
	/* out with j's head: next's node becomes the head of those behind it */
	list_remove(&j->waiting);
	map_put(&d->busy, str_from(next->key), next);
	loop_work_start(d->loop, &next->work);
}

static void report(struct job *j)
{
	switch (j->verb) {
	case LOAD:
		j->on_load(j->owner, j->err, j->object, &j->fault);
		break;
	case SAVE:
	case REMOVE:
	case LOCK:
	case PROBE:
		j->on_done(j->owner, j->err, &j->fault);
		break;
	case LIST:
		j->on_list(j->owner, j->err, (const char *const *)j->page.names, j->page.n,
			j->page.cursor);
		break;
	}
}

static bool retries_lock(struct job *j)
{
	int64_t left_ms = j->until_ms - loop_now_ms(j->disk->loop);

	if (j->verb != LOCK || j->err != E_LOCKED || left_ms <= 0)
		return false;
	deadline_arm(&j->retry, j->retry_ms < left_ms ? j->retry_ms : left_ms);
	j->retry_ms = j->retry_ms * 2 < RETRY_MAX_MS ? j->retry_ms * 2 : RETRY_MAX_MS;
	return true;
}

static void settle_lock(struct job *j)
{
	struct held *h = map_get(&j->disk->held, str_from(j->name));

	ASSERT(h && h->fd == -1);
	if (!j->err) {
		h->fd = j->lock_fd;
		return;
	}
	map_remove(&j->disk->held, str_from(j->name));
	mem_free(&h);
}

static void on_worked(struct loop_work *w, bool canceled)
{
	struct job *j = container_of(w, struct job, work);

	ASSERT(!canceled);
	if (j->verb == LOCK)
		settle_lock(j);
	if (retries_lock(j))
		return;
	let_next_start(j);
	report(j);
	job_free(&j);
}

/* Where flock is emulated (NFS) it may not tell our own descriptors apart: ask ourselves first. */
static void try_lock(struct job *j)
{
	struct held *h;

	if (!map_get(&j->disk->held, str_from(j->name))) {
		h = mem_new(sizeof(*h));
		h->fd = -1;
		map_put(&j->disk->held, str_from(j->name), h);
		loop_work_start(j->disk->loop, &j->work);
		return;
	}
	j->err = fault_set(&j->fault, E_LOCKED, "this process holds the lock already");
	if (retries_lock(j))
		return;
	report(j);
	job_free(&j);
}

static void on_retry(struct deadline *d)
{
	try_lock(container_of(d, struct job, retry));
}

/* ---- the verbs ---- */

static void disk_load(struct store *s, enum store_group g, const char *name, store_parse_fn *parse,
	store_load_fn *fn, void *owner)
{
	struct job *j = job_new(disk_of(s), LOAD, g, name);

	ASSERT(parse && fn && !store_marks_are(g));
	j->parse = parse;
	j->on_load = fn;
	j->owner = owner;
	start_in_turn(j);
}

static void disk_save(struct store *s, enum store_group g, const char *name, struct str bytes,
	store_done_fn *fn, void *owner)
{
	struct job *j = job_new(disk_of(s), SAVE, g, name);

	ASSERT(fn && store_marks_are(g) == (bytes.len == 0));
	ASSERT(buf_add(&j->bytes, bytes) == E_OK);
	j->on_done = fn;
	j->owner = owner;
	start_in_turn(j);
}

static void disk_remove(
	struct store *s, enum store_group g, const char *name, store_done_fn *fn, void *owner)
{
	struct job *j = job_new(disk_of(s), REMOVE, g, name);

	ASSERT(fn);
	j->on_done = fn;
	j->owner = owner;
	start_in_turn(j);
}

static void disk_list(
	struct store *s, const struct store_list_args *args, store_list_fn *fn, void *owner)
{
	struct job *j = job_new(disk_of(s), LIST, args->group, "");

	ASSERT(fn && args->max > 0);
	j->list_args = *args;
	snprintf(j->cursor, sizeof(j->cursor), "%s", args->cursor ? args->cursor : "");
	j->list_args.cursor = j->cursor;
	j->on_list = fn;
	j->owner = owner;
	loop_work_start(j->disk->loop, &j->work);
}

static void disk_lock(
	struct store *s, const char *name, int64_t wait_ms, store_done_fn *fn, void *owner)
{
	struct job *j = job_new(disk_of(s), LOCK, 0, name);

	ASSERT(fn);
	j->until_ms = loop_now_ms(j->disk->loop) + wait_ms;
	j->retry_ms = RETRY_MS;
	j->on_done = fn;
	j->owner = owner;
	/* through the deadline, since even a refusal must not come before we return */
	deadline_arm(&j->retry, 0);
}

static void disk_unlock(struct store *s, const char *name)
{
	struct held *h = map_remove(&disk_of(s)->held, str_from(name));

	ASSERT(h && h->fd >= 0);
	/* nothing was written through it: closing it does not wait for a disk */
	close(h->fd);
	mem_free(&h);
}

static void disk_probe(struct store *s, store_done_fn *fn, void *owner)
{
	struct job *j = job_new(disk_of(s), PROBE, 0, "");

	ASSERT(fn);
	j->on_done = fn;
	j->owner = owner;
	loop_work_start(j->disk->loop, &j->work);
}

static void disk_free(struct store *s)
{
	struct disk *d = disk_of(s);

	ASSERT(d->n_jobs == 0);
	ASSERT(map_count(&d->held) == 0);
	map_fini(&d->busy);
	map_fini(&d->held);
	store_open_close(&d->root);
	mem_free(&d);
}

static const struct store_ops ops = {
	.load = disk_load,
	.save = disk_save,
	.remove = disk_remove,
	.list = disk_list,
	.lock = disk_lock,
	.unlock = disk_unlock,
	.probe = disk_probe,
	.free = disk_free,
};

typedef enum err open_fn(struct store_root *out, const char *directory, struct fault *fault);

static enum err open_disk(struct loop *l, const char *directory, open_fn *open_root,
	struct store **out, struct fault *fault)
{
	struct disk *d = mem_new(sizeof(*d));
	enum err err = open_root(&d->root, directory, fault);

	*out = NULL;
	if (err) {
		mem_free(&d);
		return err;
	}
	d->store.ops = &ops;
	d->loop = l;
	map_init(&d->busy);
	map_init(&d->held);
	*out = &d->store;
	return E_OK;
}

enum err store_disk_open(
	struct loop *l, const char *directory, struct store **out, struct fault *fault)
{
	return open_disk(l, directory, store_open_root, out, fault);
}

enum err store_disk_open_to_read(
	struct loop *l, const char *directory, struct store **out, struct fault *fault)
{
	return open_disk(l, directory, store_open_to_read, out, fault);
}
