/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * file_watch: tells soon after something in a file's directory changed (inotify): the file may have been written,
 * or replaced by a rename, perhaps of a symlink beside it. A hint only: what changed is for the owner to see, who
 * looks now and then anyway, since some file systems tell nothing.
 */
#ifndef NET_FILE_WATCH_H
#define NET_FILE_WATCH_H

#include "net/loop.h"

struct file_watch;
typedef void file_watch_fn(void *owner);
/* Makes system calls on the directory (quick, but before the loops run where it may hang). Always works; where
 * there is nothing to watch it never tells. fn is called once per burst of changes. */
struct file_watch *file_watch_new(struct loop *l, const char *path, file_watch_fn *fn, void *owner);
void file_watch_free(struct file_watch **w);

#endif
