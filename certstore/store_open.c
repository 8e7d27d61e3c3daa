/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * store_open: refuses what would be unsafe (others can read it, it is not ours, a newer format),
 * repairs what is ours to repair and says so. Looks at nothing that grows with the number of names.
 *
 * A new store must be writable. One that exists is opened even when nothing can be written, with a
 * warning: a full disk must not keep good certificates from being served.
 */
#include "certstore/store_open.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "base/log.h"
#include "base/mem.h"
#include "certstore/files.h"

enum { PATH_BYTES = 4096, SELF_CHECK = 10 * 1024, TEMPORARY_S = 60, OTHERS = 077 };

#define FORMAT STR("sallyport-store 1\n")
#define FORMAT_ANY STR("sallyport-store ")

static const struct log log_store = {"store"};

static enum err refuse(struct fault *fault, const char *what, int rc)
{
	return fault_set(fault, E_STORE_OPEN, "%s: %s", what, strerror(-rc));
}

/* mkdir -p, 0700 each. */
static int make_parents(const char *directory)
{
	char path[PATH_BYTES];
	size_t len = strlen(directory);

	if (len == 0 || len >= sizeof(path))
		return -ENAMETOOLONG;
	memcpy(path, directory, len + 1);
	for (size_t i = 1; i <= len; i++) {
		if (path[i] != '/' && path[i] != '\0')
			continue;
		path[i] = '\0';
		if (mkdir(path, 0700) && errno != EEXIST)
			return -errno;
		path[i] = directory[i];
	}
	return 0;
}

static enum err judge(int top, const char *directory, struct fault *fault)
{
	struct stat st;

	if (fstat(top, &st))
		return refuse(fault, directory, -errno);
	if (st.st_uid != geteuid())
		return fault_set(fault, E_STORE_OPEN,
			"%s belongs to user %u, we run as %u; run: "
			"chown -R %u '%s'",
			directory, (unsigned)st.st_uid, (unsigned)geteuid(), (unsigned)geteuid(),
			directory);
	if (st.st_mode & OTHERS)
		return fault_set(fault, E_STORE_OPEN,
			"others can reach %s (mode %04o), and private keys "
			"are in it; run: chmod 700 '%s'",
			directory, (unsigned)st.st_mode & 07777, directory);
	return E_OK;
}

static enum err open_top(const char *directory, int *top, struct fault *fault)
{
	int rc = make_parents(directory);

	if (rc && rc != -EROFS)
		return refuse(fault, directory, rc);
	/* the operator may have made it a symlink to another disk */
	*top = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*top < 0)
		return refuse(fault, directory, -errno);
	return judge(*top, directory, fault);
}

/* Below the top nobody else can reach, so a wrong mode is harmless until somebody opens the top. */
static void repair_mode(int fd, const char *name)
{
	struct stat st;

	if (fstat(fd, &st) || !(st.st_mode & OTHERS) || fchmod(fd, 0700))
		return;
	log_warn(&log_store, "store directory repaired", "name=%s was=%04o now=0700", name,
		(unsigned)st.st_mode & 07777);
}

static enum err open_one(int top, const char *name, int *out, struct fault *fault)
{
	*out = files_make_directory(top, name, FILES_DURABLE);
	if (*out < 0)
		return refuse(fault, name, *out);
	repair_mode(*out, name);
	return E_OK;
}

/* An earlier release did not have all groups. That this one cannot be made now must not keep the
 * certificates in the others from being served. */
static enum err open_group(
	int top, enum store_group g, bool is_new, struct store_root *r, struct fault *fault)
{
	const char *name = store_value_group_name(g);
	int fd = files_make_directory(top, name, FILES_DURABLE);
	bool cannot_write = fd == -EROFS || fd == -ENOSPC || fd == -EDQUOT;

	if (fd < 0 && (is_new || !cannot_write))
		return refuse(fault, name, fd);
	if (fd < 0)
		log_warn(&log_store, "store directory missing, done without until the next start",
			"name=%s errno=%d", name, -fd);
	else
		repair_mode(fd, name);
	r->groups[g] = fd < 0 ? -1 : fd;
	return E_OK;
}

static enum err open_all(int top, bool is_new, struct store_root *r, struct fault *fault)
{
	enum err err = open_one(top, "tmp", &r->tmp, fault);

	if (!err)
		err = open_one(top, "quarantine", &r->quarantine, fault);
	if (!err)
		err = open_one(top, "locks", &r->locks, fault);
	for (int g = 0; !err && g < STORE_GROUP_COUNT; g++)
		err = open_group(top, (enum store_group)g, is_new, r, fault);
	return err;
}

/* Another process of ours may be writing the younger ones. */
static void clean_temporary(int tmp)
{
	struct timespec now;
	struct dirent *file;
	struct stat st;
	int error;
	DIR *list = files_list(tmp, &error);

	if (!list)
		return;
	clock_gettime(CLOCK_REALTIME, &now);
	while ((file = readdir(list)) != NULL)
		if (file->d_name[0] != '.' &&
			!fstatat(tmp, file->d_name, &st, AT_SYMLINK_NOFOLLOW) &&
			st.st_mtime < now.tv_sec - TEMPORARY_S)
			files_remove(tmp, file->d_name);
	closedir(list);
}

static int write_format(int top, int tmp)
{
	char name[32];
	int rc;

	snprintf(name, sizeof(name), "format-%d", (int)getpid());
	files_remove(tmp, name);
	rc = files_write_new(tmp, name, FORMAT, FILES_DURABLE);
	if (!rc)
		rc = files_rename(tmp, name, top, "format");
	/* a process started together with us was quicker */
	if (rc == -EEXIST)
		rc = files_remove(tmp, name);
	return rc ? rc : files_sync(top);
}

static enum err check_format(int top, bool *is_new, struct fault *fault)
{
	struct buf text;
	enum err err = E_OK;
	int rc;

	buf_init(&text, 0);
	rc = files_read(top, "format", 256, FILES_NO_SYMLINK, &text);
	*is_new = rc == -ENOENT;
	if (rc && rc != -ENOENT)
		err = refuse(fault, "format", rc);
	else if (!rc && !str_equal(buf_str(&text), FORMAT))
		err = fault_set(fault, E_STORE_OPEN,
			str_has_prefix(buf_str(&text), FORMAT_ANY)
				? "its format is of another version of sallyport"
				: "its file \"format\" is damaged; if it is a sallyport store, write "
				  "\"sallyport-store 1\" into it");
	buf_fini(&text);
	return err;
}

/* Whether what an order needs to write can be written: found out before a CA is asked. */
int store_open_self_check(const struct store_root *r)
{
	static const char bytes[SELF_CHECK] = "self-check";
	static atomic_uint counter;
	struct buf back;
	char name[32];
	int rc, tmp = r->tmp;

	snprintf(name, sizeof(name), "check-%d-%u", (int)getpid(), atomic_fetch_add(&counter, 1));
	files_remove(tmp, name);
	rc = files_write_new(tmp, name, str_of(bytes, sizeof(bytes)), FILES_DURABLE);
	if (rc)
		return rc;
	buf_init(&back, 0);
	rc = files_read(tmp, name, sizeof(bytes), FILES_NO_SYMLINK, &back);
	if (!rc && !str_equal(buf_str(&back), str_of(bytes, sizeof(bytes))))
		rc = -EIO;
	buf_fini(&back);
	files_remove(tmp, name);
	return rc;
}

static enum err check_writable(
	const struct store_root *r, bool is_new, const char *directory, struct fault *fault)
{
	int rc = store_open_self_check(r);

	if (rc && is_new)
		return refuse(fault, directory, rc);
	if (rc) {
		log_warn(&log_store, "store cannot be written, certificates in it are served",
			"errno=%d", -rc);
		return E_OK;
	}
	clean_temporary(r->tmp);
	return E_OK;
}

enum err store_open_root(struct store_root *out, const char *directory, struct fault *fault)
{
	bool is_new = false;
	int top = -1, rc;
	enum err err;

	memset(out, 0xff, sizeof(*out)); /* every descriptor -1 */
	fault_during(fault, "opening the store");
	err = open_top(directory, &top, fault);
	if (!err)
		err = check_format(top, &is_new, fault);
	if (!err)
		err = open_all(top, is_new, out, fault);
	if (!err)
		err = check_writable(out, is_new, directory, fault);
	if (!err && is_new) {
		rc = write_format(top, out->tmp);
		err = rc ? refuse(fault, directory, rc) : E_OK;
	}
	if (top >= 0)
		close(top);
	if (err)
		store_open_close(out);
	return err;
}

static enum err open_existing(const char *directory, int *top, struct fault *fault)
{
	*top = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*top >= 0)
		return judge(*top, directory, fault);
	if (errno == ENOENT)
		return fault_set(fault, E_NOT_FOUND, "%s does not exist", directory);
	return refuse(fault, directory, -errno);
}

enum err store_open_to_read(struct store_root *out, const char *directory, struct fault *fault)
{
	bool is_new = false;
	int top = -1;
	enum err err;

	memset(out, 0xff, sizeof(*out)); /* every descriptor -1 */
	fault_during(fault, "opening the store");
	err = open_existing(directory, &top, fault);
	if (!err)
		err = check_format(top, &is_new, fault);
	if (!err && is_new)
		err = fault_set(fault, E_NOT_FOUND, "%s is no store yet", directory);
	for (int g = 0; !err && g < STORE_GROUP_COUNT; g++)
		out->groups[g] = files_open_directory(
			top, store_value_group_name((enum store_group)g));
	if (top >= 0)
		close(top);
	return err;
}

static void close_one(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void store_open_close(struct store_root *r)
{
	for (int g = 0; g < STORE_GROUP_COUNT; g++)
		close_one(&r->groups[g]);
	close_one(&r->tmp);
	close_one(&r->quarantine);
	close_one(&r->locks);
}
