/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * files: system calls with nothing added but what must never be forgotten: no symlinks, no waiting
 * on FIFOs, nothing readable by others, no descriptor left to a child.
 */
#include "certstore/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"

static _Atomic(files_step_fn *) hook;

void files_test_hook(files_step_fn *step)
{
	atomic_store(&hook, step);
}

/* 0, or the negative errno the test wants. */
static int step(const char *call)
{
	files_step_fn *fn = atomic_load_explicit(&hook, memory_order_relaxed);

	return fn ? -fn(call) : 0;
}

static int result(int rc)
{
	return rc < 0 ? -errno : rc;
}

int files_open_directory(int at, const char *name)
{
	int stop = step("open");

	return stop ? stop
		    : result(openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

int files_make_directory(int at, const char *name, enum files_lasting lasting)
{
	int fd = files_open_directory(at, name), rc;

	if (fd != -ENOENT)
		return fd;
	rc = step("mkdir");
	if (!rc)
		rc = result(mkdirat(at, name, 0700));
	/* else it could be gone after a power cut, with all that is put into it */
	if (!rc && lasting == FILES_DURABLE)
		rc = files_sync(at);
	/* another process may have been quicker */
	return rc && rc != -EEXIST ? rc : files_open_directory(at, name);
}

DIR *files_list(int directory, int *error)
{
	int fd;
	DIR *list;

	*error = step("list");
	if (*error)
		return NULL;
	/* an own open file, since the position in a directory belongs to it */
	fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	list = fd < 0 ? NULL : fdopendir(fd);
	if (!list) {
		*error = -errno;
		if (fd >= 0)
			close(fd);
	}
	return list;
}

static int read_all(int fd, size_t max_bytes, struct buf *out)
{
	for (;;) {
		ssize_t n;
		int rc;

		if (buf_reserve(out, 4096))
			return -ENOMEM;
		rc = step("read");
		if (rc)
			return rc;
		n = read(fd, out->at + out->len, 4096);
		if (n <= 0)
			return result((int)n);
		out->len += (size_t)n;
		/* it may have grown since fstat */
		if (out->len > max_bytes)
			return -EFBIG;
	}
}

static int check_regular(int fd, size_t max_bytes)
{
	struct stat st;
	int rc = step("stat");

	if (rc)
		return rc;
	if (fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EISDIR;
	return st.st_size > (off_t)max_bytes ? -EFBIG : 0;
}

int files_read(int at, const char *name, size_t max_bytes, enum files_link follow, struct buf *out)
{
	int flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
	int rc = step("open"), fd;

	if (rc)
		return rc;
	fd = openat(at, name, follow == FILES_SYMLINK ? flags : flags | O_NOFOLLOW);
	if (fd < 0)
		return -errno;
	rc = check_regular(fd, max_bytes);
	if (!rc)
		rc = read_all(fd, max_bytes, out);
	close(fd);
	return rc;
}

static int write_all(int fd, struct str bytes)
{
	while (bytes.len > 0) {
		int rc = step("write");
		ssize_t n;

		if (rc)
			return rc;
		n = write(fd, bytes.at, bytes.len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		bytes = str_of(bytes.at + n, bytes.len - (size_t)n);
	}
	return 0;
}

static int sync_file(int fd)
{
	int rc = step("fsync");

	return rc ? rc : result(fsync(fd));
}

int files_write_new(int at, const char *name, struct str bytes, enum files_lasting lasting)
{
	int rc = step("create"), fd;

	if (rc)
		return rc;
	fd = openat(at, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	rc = write_all(fd, bytes);
	if (!rc && lasting == FILES_DURABLE)
		rc = sync_file(fd);
	if (close(fd) && !rc)
		rc = -errno;
	if (rc)
		unlinkat(at, name, 0);
	return rc;
}

int files_append(int at, const char *name, size_t from, struct str bytes)
{
	int rc = step("append"), fd;

	if (rc)
		return rc;
	fd = openat(at, name, O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	rc = check_regular(fd, SIZE_MAX / 4);
	if (!rc)
		rc = result(ftruncate(fd, (off_t)from));
	if (!rc && lseek(fd, (off_t)from, SEEK_SET) < 0)
		rc = -errno;
	if (!rc)
		rc = write_all(fd, bytes);
	if (!rc)
		rc = sync_file(fd);
	if (rc) {
		/* what stays anyway is cut off by the next append */
		int ignored = ftruncate(fd, (off_t)from);

		(void)ignored;
	}
	close(fd);
	/* a name that is new must survive a power cut too */
	return !rc && from == 0 ? files_sync(at) : rc;
}

/* For file systems without RENAME_NOREPLACE. Generations are numbered under the caller's lock, so
 * that nobody else takes the name in between. */
static int rename_if_free(int from_at, const char *from, int to_at, const char *to)
{
	if (faccessat(to_at, to, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return -EEXIST;
	return result(renameat(from_at, from, to_at, to));
}

int files_rename(int from_at, const char *from, int to_at, const char *to)
{
	int rc = step("rename");

	if (rc)
		return rc;
	rc = result(renameat2(from_at, from, to_at, to, RENAME_NOREPLACE));
	return rc == -EINVAL || rc == -ENOSYS ? rename_if_free(from_at, from, to_at, to) : rc;
}

int files_remove(int at, const char *name)
{
	int rc = step("unlink");

	return rc ? rc : result(unlinkat(at, name, 0));
}

int files_remove_directory(int at, const char *name)
{
	int rc = step("rmdir");

	return rc ? rc : result(unlinkat(at, name, AT_REMOVEDIR));
}

int files_sync(int directory)
{
	int rc = step("fsync directory");

	return rc ? rc : result(fsync(directory));
}

int files_lock(int at, const char *name)
{
	int fd = openat(at, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);

	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return fd;
	int error = errno;

	close(fd);
	return -error;
}
