/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * watch: a descriptor the loop waits for. Streams are watched edge-triggered for both directions,
 * once, so that starting and stopping to read or write costs no system call. For net's own files.
 */
#ifndef NET_WATCH_H
#define NET_WATCH_H

#include "net/loop.h"

enum {
	WATCH_READ = 1,
	WATCH_WRITE = 2,
	WATCH_HANGUP = 4, /* the peer finished or failed: reading on will tell */
};

enum watch_kind {
	WATCH_STREAM,     /* both directions, edge-triggered */
	WATCH_LEVEL,      /* reading, as long as there is something */
	WATCH_BACKGROUND, /* the same, and does not keep the loop alive */
};

enum { WATCH_EARLY_READ = 2048 };

struct watch {
	void (*fn)(struct watch *w, unsigned events);
	/* NULL, or asked before fn and before any other's when there is something to read and several have events: may
	 * read what is short, into room for WATCH_EARLY_READ bytes that stay until the turn is over; returns how many
	 * it used. fn follows in the same turn unless the watch is closed. Calls nobody back. */
	size_t (*early)(struct watch *w, char *room);
	int fd;
	enum watch_kind kind;
};

/* w->fn and w->early are set by the caller. */
enum err watch_open(struct loop *l, struct watch *w, int fd, enum watch_kind kind);
/* No event follows, not even one of the batch being delivered. Does not close fd. */
void watch_close(struct loop *l, struct watch *w);
/* Level-triggered ones only. */
void watch_pause(struct loop *l, struct watch *w);
void watch_resume(struct loop *l, struct watch *w);

#endif
