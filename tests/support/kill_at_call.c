/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * kill_at_call: preloaded into a program, it is killed before its Nth call that changes a file below a
 * directory: KILL_BELOW, KILL_AT (counted from 1; 0: never). With KILL_COUNT the number of such calls is
 * written into that file after each. Nothing here allocates.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static atomic_long calls;

static void note(long n)
{
	const char *path = getenv("KILL_COUNT");
	char text[32];
	int len = snprintf(text, sizeof(text), "%ld\n", n);
	int fd = path ? (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT, 0600) : -1;

	if (fd < 0)
		return;
	if (syscall(SYS_write, fd, text, (size_t)len) < 0)
		abort();
	close(fd);
}

/* A call on this descriptor (a directory, or the file itself) is about to be made. */
static void step(int fd)
{
	const char *below = getenv("KILL_BELOW"), *at = getenv("KILL_AT");
	char link[64], path[4096];
	ssize_t len;
	long n;

	if (!below || fd < 0)
		return;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, path, sizeof(path) - 1);
	if (len <= 0)
		return;
	path[len] = '\0';
	if (strncmp(path, below, strlen(below)) != 0)
		return;
	n = atomic_fetch_add(&calls, 1) + 1;
	note(n);
	if (at && n == atol(at))
		kill(getpid(), SIGKILL);
}

int openat(int at, const char *name, int flags, ...)
{
	va_list args;
	mode_t mode;

	va_start(args, flags);
	mode = flags & O_CREAT ? va_arg(args, mode_t) : 0;
	va_end(args);
	if (flags & O_CREAT)
		step(at);
	return (int)syscall(SYS_openat, at, name, flags, mode);
}

int mkdirat(int at, const char *name, mode_t mode)
{
	step(at);
	return (int)syscall(SYS_mkdirat, at, name, mode);
}

int renameat2(int from_at, const char *from, int to_at, const char *to, unsigned flags)
{
	step(to_at);
	return (int)syscall(SYS_renameat2, from_at, from, to_at, to, flags);
}

int unlinkat(int at, const char *name, int flags)
{
	step(at);
	return (int)syscall(SYS_unlinkat, at, name, flags);
}

ssize_t write(int fd, const void *bytes, size_t n)
{
	step(fd);
	return syscall(SYS_write, fd, bytes, n);
}

int fsync(int fd)
{
	step(fd);
	return (int)syscall(SYS_fsync, fd);
}

int ftruncate(int fd, off_t len)
{
	step(fd);
	return (int)syscall(SYS_ftruncate, fd, len);
}
