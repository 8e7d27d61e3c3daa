/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * files: the few system calls the store is made of, each behind a step that tests can stop or fail
 * at. Blocking: work queue, or before the loops run. Results are 0 or more, or a negative errno.
 * Private to certstore.
 */
#ifndef CERTSTORE_FILES_H
#define CERTSTORE_FILES_H

#include <dirent.h>

#include "base/buf.h"

/* Tests: called before each system call with its name; what is not 0 is the errno it fails with.
 * NULL: none. Process-wide. */
typedef int files_step_fn(const char *call);
void files_test_hook(files_step_fn *step);

enum files_link { FILES_NO_SYMLINK, FILES_SYMLINK };
/* Whether it must survive a power cut when the call returns, or only the death of the process. */
enum files_lasting { FILES_DURABLE, FILES_FOR_NOW };

/* A directory as a descriptor; never through a symlink in the last component. */
int files_open_directory(int at, const char *name);
/* Makes it (0700) when it is missing, and opens it. */
int files_make_directory(int at, const char *name, enum files_lasting lasting);
/* For reading it; closedir frees. NULL with *error set. */
DIR *files_list(int directory, int *error);
/* All of a regular file of at most max_bytes, never waiting (a FIFO). -EFBIG, -EISDIR (anything but
 * a regular file), -ELOOP (symlink). */
int files_read(int at, const char *name, size_t max_bytes, enum files_link follow, struct buf *out);
/* Creates a file (0600) that must not exist; FILES_DURABLE: with its bytes on the disk when it
 * returns 0. Half a file is taken away again. */
int files_write_new(int at, const char *name, struct str bytes, enum files_lasting lasting);
/* Puts the bytes behind the first `from` bytes of the file (0600, made if missing); what was there is cut
 * off. On the disk when it returns 0; else the file ends at `from` again, or in half a line. */
int files_append(int at, const char *name, size_t from, struct str bytes);
/* Never replaces: -EEXIST. */
int files_rename(int from_at, const char *from, int to_at, const char *to);
int files_remove(int at, const char *name);
int files_remove_directory(int at, const char *name);
int files_sync(int directory);
/* Opens (creating 0600) a lock file and tries once for the exclusive lock: the descriptor that
 * holds it, or -EWOULDBLOCK. close() releases, as does the kernel on death. */
int files_lock(int at, const char *name);

#endif
