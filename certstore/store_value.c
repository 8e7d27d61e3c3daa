/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * store_value: a value's directory holds files that are numbered upwards and never written again.
 *
 *   save:  tmp/N --fsync--> rename to NAME/0000000008.pem --> fsync(NAME) --> drop 0000000006.pem
 *   load:  0000000008.pem damaged? --> quarantine/ --> 0000000007.pem
 *
 * So a kill at any point leaves either the old newest file or the new one, whole.
 */
#include "certstore/store_value.h"

#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/counter.h"
#include "base/log.h"
#include "base/mem.h"
#include "certstore/files.h"

enum { GENERATIONS = 32, FILE_NAME = 32, DIGITS = 10, TRIES = 8 };

static const struct log log_store = {"store"};

static const struct group {
	const char *name;
	unsigned keep;
	size_t cap;
	const char *suffix;
	enum files_lasting lasting;
} groups[] = {
#define X(enumerator, name, keep, cap) \
	[enumerator] = {name, keep, cap, enumerator == STORE_CERTS ? ".pem" : "", \
		enumerator == STORE_CHALLENGES ? FILES_FOR_NOW : FILES_DURABLE},
	STORE_GROUPS(X)
#undef X
};

/* The newest few, newest first. */
struct generations {
	unsigned n;
	uint64_t number[GENERATIONS];
};

const char *store_value_group_name(enum store_group g)
{
	return groups[g].name;
}

size_t store_value_cap(enum store_group g)
{
	return groups[g].cap;
}

static enum err failed(struct fault *fault, const char *what, int rc)
{
	counter_add(COUNTER_STORE_ERRORS, 1);
	return fault_set(fault, rc == -EMFILE || rc == -ENFILE ? E_FDS : E_STORE, "%s: %s", what,
		strerror(-rc));
}

static bool parse_generation(const char *file, enum store_group g, uint64_t *number)
{
	struct str s = str_from(file), suffix = str_from(groups[g].suffix);

	return s.len == DIGITS + suffix.len && str_has_suffix(s, suffix) &&
	       str_to_u64(str_of(file, DIGITS), number) && *number > 0;
}

static void generation_file(char dst[FILE_NAME], enum store_group g, uint64_t number)
{
	snprintf(dst, FILE_NAME, "%0*" PRIu64 "%s", DIGITS, number, groups[g].suffix);
}

static void insert(struct generations *gens, uint64_t number)
{
	unsigned at = gens->n;

	while (at > 0 && gens->number[at - 1] < number)
		at--;
	if (at == GENERATIONS)
		return;
	if (gens->n < GENERATIONS)
		gens->n++;
	memmove(&gens->number[at + 1], &gens->number[at], (gens->n - 1 - at) * sizeof(number));
	gens->number[at] = number;
}

static int find_generations(int dir, enum store_group g, struct generations *out)
{
	struct dirent *file;
	uint64_t number;
	int error;
	DIR *list = files_list(dir, &error);

	out->n = 0;
	if (!list)
		return error;
	while ((file = readdir(list)) != NULL)
		if (parse_generation(file->d_name, g, &number))
			insert(out, number);
	closedir(list);
	return 0;
}

/* ---- quarantine ---- */

static void log_quarantine(enum store_group g, const char *name, const char *file, const char *why)
{
	const struct log_field fields[] = {
		{.key = "group", .text = str_from(groups[g].name)},
		{.key = "name", .text = str_from(name)},
		{.key = "file", .text = str_from(file)},
		{.key = "reason", .text = str_from(why)},
	};

	log_kv(&log_store, LOG_WARN, "damaged file moved to quarantine", fields, ARRAY_LEN(fields));
	log_flush();
	counter_add(COUNTER_STORE_QUARANTINED, 1);
}

/* Another process may have moved a damaged file aside and given its number to a good one, which is
 * not ours to judge. */
static bool still_holds(int at, const char *file, enum store_group g, struct str bytes)
{
	struct buf now;
	int rc;

	buf_init(&now, 0);
	rc = files_read(at, file, groups[g].cap, FILES_NO_SYMLINK, &now);
	rc = rc ? rc : !str_equal(buf_str(&now), bytes);
	mem_wipe(now.at, now.len);
	buf_fini(&now);
	return rc == 0;
}

/* Moves aside what stands at file below dir. That it cannot be moved keeps nobody from the one
 * before. */
static void quarantine(const struct store_root *r, int dir, const char *file, enum store_group g,
	const char *name, const char *why)
{
	static atomic_uint counter;
	const char *last = strrchr(file, '/');
	struct store_path path;
	char to[STORE_PATH_NAME];

	if (store_path_make(&path, name))
		UNREACHABLE();
	snprintf(to, sizeof(to), "%s-%.140s-%.40s-%" PRId64 "-%d-%u", groups[g].name, path.name,
		last ? "directory" : file, clock_wall_ms(), (int)getpid(),
		atomic_fetch_add(&counter, 1));
	if (r->quarantine >= 0 && files_rename(dir, file, r->quarantine, to) == 0)
		log_quarantine(g, name, to, why);
}

/* The name's directory. What is no directory is moved aside: -ENOENT then. */
static int open_value(const struct store_root *r, enum store_group g, const char *name,
	const struct store_path *path)
{
	int dir = r->groups[g] < 0 ? -ENOENT : files_open_directory(r->groups[g], path->both);

	if (dir != -ENOTDIR && dir != -ELOOP)
		return dir;
	quarantine(r, r->groups[g], path->both, g, name, "not a directory");
	return -ENOENT;
}

/* ---- load ---- */

/* What a file's own state says about it; NULL when the fault lies elsewhere (a disk, a limit). */
static const char *damage_of(int rc)
{
	switch (rc) {
	case -EFBIG:
		return "too large";
	case -EISDIR:
	case -ENXIO:
		return "not a regular file";
	case -ELOOP:
		return "a symbolic link";
	case -EACCES:
	case -EPERM:
		return "not readable";
	default:
		return NULL;
	}
}

static bool is_damage(enum err err)
{
	return err == E_STORE_CORRUPT || err == E_KEY || err == E_CHAIN || err == E_PARSE;
}

struct loading {
	const struct store_root *root;
	enum store_group group;
	const char *name;
	store_parse_fn *parse;
	void **object;
	struct fault *fault;
	bool is_stale; /* a generation went away under our feet: look again */
};

static enum err parse_bytes(struct loading *l, int dir, const char *file, struct str bytes)
{
	struct fault why = {0};
	enum err err = bytes.len == 0 ? fault_set(&why, E_STORE_CORRUPT, "it is empty")
				      : l->parse(bytes, l->name, l->object, &why);

	if (err && l->fault)
		*l->fault = why;
	if (is_damage(err) && !still_holds(dir, file, l->group, bytes)) {
		l->is_stale = true;
		return E_NOT_FOUND;
	}
	if (is_damage(err)) {
		quarantine(l->root, dir, file, l->group, l->name,
			why.detail[0] ? why.detail : err_text(err));
		return E_NOT_FOUND;
	}
	return err;
}

static enum err load_generation(struct loading *l, int dir, uint64_t number)
{
	char file[FILE_NAME];
	struct buf bytes;
	enum err err;
	int rc;

	generation_file(file, l->group, number);
	buf_init(&bytes, 0);
	rc = files_read(dir, file, groups[l->group].cap, FILES_NO_SYMLINK, &bytes);
	if (rc == 0) {
		err = parse_bytes(l, dir, file, buf_str(&bytes));
	} else if (rc == -ENOENT) {
		l->is_stale = true;
		err = E_NOT_FOUND;
	} else if (damage_of(rc)) {
		fault_set(l->fault, E_STORE_CORRUPT, "%s", damage_of(rc));
		quarantine(l->root, dir, file, l->group, l->name, damage_of(rc));
		err = E_NOT_FOUND;
	} else {
		err = failed(l->fault, "reading", rc);
	}
	mem_wipe(bytes.at, bytes.len);
	buf_fini(&bytes);
	return err;
}

/* The newest that is good; else the first failure that was not damage; else E_NOT_FOUND. */
static enum err load_newest(struct loading *l, int dir)
{
	struct generations gens;
	enum err worst = E_NOT_FOUND;
	int rc = find_generations(dir, l->group, &gens);

	if (rc)
		return failed(l->fault, "listing", rc);
	l->is_stale = false;
	for (unsigned i = 0; i < gens.n; i++) {
		enum err err = load_generation(l, dir, gens.number[i]);

		if (!err)
			return E_OK;
		if (err != E_NOT_FOUND && worst == E_NOT_FOUND)
			worst = err;
	}
	return worst;
}

enum err store_value_load(const struct store_root *r, enum store_group g, const char *name,
	store_parse_fn *parse, void **object, struct fault *fault)
{
	struct loading l = {r, g, name, parse, object, fault, false};
	struct store_path path;
	enum err err;
	int dir;

	*object = NULL;
	if (store_path_make(&path, name))
		return E_NOT_FOUND;
	dir = open_value(r, g, name, &path);
	if (dir == -ENOENT)
		return E_NOT_FOUND;
	if (dir < 0)
		return failed(fault, "opening", dir);
	for (int try = 0; try < TRIES; try++) {
		err = load_newest(&l, dir);
		if (!err || !l.is_stale)
			break;
	}
	close(dir);
	return err;
}

enum err store_value_peek(int shard, const char *file, enum store_group g, struct buf *out)
{
	struct generations gens;
	char newest[FILE_NAME];
	int dir = files_open_directory(shard, file), rc;

	if (dir < 0)
		return E_NOT_FOUND;
	rc = find_generations(dir, g, &gens);
	if (rc == 0 && gens.n > 0) {
		generation_file(newest, g, gens.number[0]);
		rc = files_read(dir, newest, groups[g].cap, FILES_NO_SYMLINK, out);
	} else {
		rc = -ENOENT;
	}
	close(dir);
	return rc ? E_NOT_FOUND : E_OK;
}

/* ---- save ---- */

static int sync_value(int dir, enum store_group g)
{
	return groups[g].lasting == FILES_DURABLE ? files_sync(dir) : 0;
}

static int make_value(const struct store_root *r, enum store_group g, const char *name,
	const struct store_path *path)
{
	int dir = open_value(r, g, name, path), shard;

	if (dir != -ENOENT)
		return dir;
	if (r->groups[g] < 0)
		return -EROFS;
	shard = files_make_directory(r->groups[g], path->shard, groups[g].lasting);
	if (shard < 0)
		return shard;
	dir = files_make_directory(shard, path->name, groups[g].lasting);
	close(shard);
	return dir;
}

static int write_temporary(const struct store_root *r, enum store_group g, struct str bytes,
	char file[FILE_NAME])
{
	static atomic_uint counter;
	int rc = -EEXIST;

	/* a process before us with the same number may have left one */
	for (int try = 0; try < TRIES && rc == -EEXIST; try++) {
		snprintf(file, FILE_NAME, "%d-%u", (int)getpid(), atomic_fetch_add(&counter, 1));
		rc = files_write_new(r->tmp, file, bytes, groups[g].lasting);
	}
	return rc;
}

static void prune(int dir, enum store_group g, uint64_t newest)
{
	struct generations gens;
	unsigned kept = 0;

	if (find_generations(dir, g, &gens))
		return;
	for (unsigned i = 0; i < gens.n; i++) {
		char file[FILE_NAME];

		/* what another process saved meanwhile is not ours to count */
		if (gens.number[i] > newest || kept++ < groups[g].keep)
			continue;
		generation_file(file, g, gens.number[i]);
		files_remove(dir, file);
	}
}

/* Gives the temporary file the next number. */
static int publish(const struct store_root *r, int dir, enum store_group g, const char *temporary)
{
	struct generations gens;
	char file[FILE_NAME];
	uint64_t number;
	int rc = find_generations(dir, g, &gens);

	if (rc)
		return rc;
	number = gens.n > 0 ? gens.number[0] + 1 : 1;
	rc = -EEXIST;
	for (int try = 0; try < TRIES && rc == -EEXIST; try++) {
		generation_file(file, g, number++);
		rc = files_rename(r->tmp, temporary, dir, file);
	}
	if (!rc)
		rc = sync_value(dir, g);
	if (!rc)
		prune(dir, g, number - 1);
	return rc;
}

static int save_once(const struct store_root *r, enum store_group g, const char *name,
	const struct store_path *path, struct str bytes)
{
	char temporary[FILE_NAME];
	int dir = make_value(r, g, name, path), rc;

	if (dir < 0)
		return dir;
	rc = write_temporary(r, g, bytes, temporary);
	if (!rc) {
		rc = publish(r, dir, g, temporary);
		if (rc)
			files_remove(r->tmp, temporary);
	}
	close(dir);
	return rc;
}

enum err store_value_save(const struct store_root *r, enum store_group g, const char *name,
	struct str bytes, struct fault *fault)
{
	struct store_path path;
	int rc = -ENOENT;

	ASSERT(bytes.len > 0);
	if (bytes.len > groups[g].cap)
		return fault_set(fault, E_LIMIT, "%zu bytes are more than %s may have", bytes.len,
			groups[g].name);
	if (store_path_make(&path, name))
		return fault_set(fault, E_NAME, "the name is too long for a file");
	/* ENOENT: somebody removed the directory between two of our steps */
	for (int try = 0; try < TRIES && rc == -ENOENT; try++)
		rc = save_once(r, g, name, &path, bytes);
	return rc ? failed(fault, "writing", rc) : E_OK;
}

/* ---- remove ---- */

enum err store_value_remove(
	const struct store_root *r, enum store_group g, const char *name, struct fault *fault)
{
	struct generations gens = {.n = 0};
	struct store_path path;
	char file[FILE_NAME];
	int dir, rc;

	if (store_path_make(&path, name))
		return E_OK;
	dir = open_value(r, g, name, &path);
	if (dir == -ENOENT)
		return E_OK;
	if (dir < 0)
		return failed(fault, "opening", dir);
	rc = find_generations(dir, g, &gens);
	/* oldest first: a kill in between must not bring an older one back */
	for (unsigned i = gens.n; !rc && i > 0; i--) {
		generation_file(file, g, gens.number[i - 1]);
		rc = files_remove(dir, file);
		if (rc == -ENOENT)
			rc = 0;
	}
	if (!rc)
		rc = sync_value(dir, g);
	close(dir);
	if (rc)
		return failed(fault, "removing", rc);
	/* not empty when somebody saved meanwhile: then it stays */
	files_remove_directory(r->groups[g], path.both);
	return E_OK;
}
