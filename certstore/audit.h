/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * audit: what was issued, for whom and why: DIR/audit.log, one JSON object per line, each with the SHA-256
 * of the line before it, so that nothing can be changed or left out without it showing. Bounded by
 * rotation (audit.log.1 is the newest old one); the chain goes on from file to file, and from process to
 * process of one store.
 */
#ifndef CERTSTORE_AUDIT_H
#define CERTSTORE_AUDIT_H

#include "base/json.h"
#include "certstore/store.h"

struct audit;

/* Control loop. Nothing is opened before the first event. */
struct audit *audit_new(struct loop *l, const char *directory);
/* Adds "n", "time" and "prev" and writes it with the next batch, durably. Takes the object (nulled).
 * While the disk refuses, a bounded number is kept and tried again. NULL a: only freed.
 * fn (or NULL) comes once, in a later turn: it is on the disk, or (not E_OK) cannot be just now. Not when a is NULL. */
void audit_add(struct audit *a, struct json **event, store_done_fn *fn, void *owner);
/* Before the loop stops: what waits is written now, and whoever waits is told. */
void audit_stop(struct audit *a);
/* After the loop ended. */
void audit_free(struct audit **a);

/* Blocking: work queue, or a process of its own. */

enum { AUDIT_FILES = 5, AUDIT_FILE_BYTES = 4 * 1024 * 1024, AUDIT_LINE_BYTES = 8192 };

/* Lines without "}", to which number, time and hash are added; separated by newlines. bytes_max: of a file.
 * E_LOCKED: another process is at it. */
enum err audit_append(const char *directory, struct str bodies, size_t bytes_max, struct fault *fault);

struct audit_verdict {
	unsigned long long lines, first, last;  /* numbers of the first and last entry */
	unsigned long long broken_line;         /* in its file, from 1; 0: all is well */
	char file[32];                          /* the broken one */
	const char *why;                        /* static */
	bool is_torn;                           /* a last line cut short by a crash: repaired by the next entry */
};
/* E_NOT_FOUND: there is no log. */
enum err audit_verify(const char *directory, struct audit_verdict *out, struct fault *fault);

#endif
