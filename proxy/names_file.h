/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * names_file: the file that lists allowed names, read again when it changed. A file that cannot be read, or has a
 * line that is not understood, changes nothing: the list read before stays in force. Control loop only.
 */
#ifndef PROXY_NAMES_FILE_H
#define PROXY_NAMES_FILE_H

#include "net/loop.h"
#include "proxy/roster.h"

struct names_file;
struct names_file_args {
	struct loop *loop;
	const char *path;                    /* copied */
	/* Another list is in force. */
	void (*on_change)(void *owner);
	void *owner;
	bool reads_later;                    /* in the background, there is no list until then */
};

/* Reads the file (blocking), before the loops run, unless it is to be read later. A bad one is logged. */
struct names_file *names_file_new(const struct names_file_args *args);
/* Another file from now on, read in the background; the list in force stays so until it is read. */
void names_file_follow(struct names_file *f, const char *path);
/* What is being read is dropped when the work queue is done with it. */
void names_file_free(struct names_file **f);

/* The list in force; NULL: there was never a good one. Borrowed until the next change. */
const struct roster *names_file_roster(const struct names_file *f);

/* For status. */
struct names_file_look {
	const char *path;
	size_t names, bytes;
	int64_t read_at_ms;                  /* wall clock; 0: never */
	struct fault fault;                  /* why the file as it is now is not in force; E_OK: it is */
	int64_t since_ms;
};
void names_file_look(const struct names_file *f, struct names_file_look *out);

/* Reads a file for its mistakes (blocking). E_NAMES_FILE. */
enum err names_file_check(const char *path, size_t *names, struct fault *fault);

#endif
