/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * file_watch: one inotify descriptor on the directory. A busy directory is told of QUIET_MS apart.
 */
#include "net/file_watch.h"

#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/check.h"
#include "base/mem.h"
#include "net/deadline.h"
#include "net/watch.h"

enum { QUIET_MS = 100, READ_BYTES = 4096 };

struct file_watch {
	struct loop *loop;
	struct watch watch;
	struct deadline quiet;
	file_watch_fn *fn;
	void *owner;
};

static const uint32_t interest = IN_CLOSE_WRITE | IN_MODIFY | IN_ATTRIB | IN_CREATE | IN_DELETE | IN_MOVED_TO |
	IN_MOVED_FROM | IN_ONLYDIR;

static void on_ready(struct watch *watch, unsigned events)
{
	struct file_watch *w = container_of(watch, struct file_watch, watch);
	char bytes[READ_BYTES];

	(void)events;
	while (read(watch->fd, bytes, sizeof(bytes)) > 0)
		continue;
	if (!deadline_is_armed(&w->quiet))
		deadline_arm(&w->quiet, QUIET_MS);
}

static void on_quiet(struct deadline *d)
{
	struct file_watch *w = container_of(d, struct file_watch, quiet);

	w->fn(w->owner);
}

static bool add_directory(int fd, const char *path)
{
	const char *slash = strrchr(path, '/');
	char *directory = mem_strdup(slash ? path : ".");
	bool is_there;

	if (slash)
		directory[slash == path ? 1 : slash - path] = 0;
	is_there = inotify_add_watch(fd, directory, interest) >= 0;
	mem_release(directory);
	return is_there;
}

struct file_watch *file_watch_new(struct loop *l, const char *path, file_watch_fn *fn, void *owner)
{
	struct file_watch *w = mem_new(sizeof(*w));
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

	ASSERT(fn);
	*w = (struct file_watch){ .loop = l, .watch = { .fn = on_ready, .fd = -1 }, .fn = fn, .owner = owner };
	deadline_init(&w->quiet, l, on_quiet);
	if (fd >= 0 && (!add_directory(fd, path) || watch_open(l, &w->watch, fd, WATCH_BACKGROUND))) {
		w->watch.fd = -1;
		close(fd);
	}
	return w;
}

void file_watch_free(struct file_watch **w)
{
	struct file_watch *dying = *w;
	int fd;

	*w = NULL;
	if (!dying)
		return;
	deadline_disarm(&dying->quiet);
	fd = dying->watch.fd;
	if (fd >= 0) {
		watch_close(dying->loop, &dying->watch);
		close(fd);
	}
	mem_release(dying);
}
