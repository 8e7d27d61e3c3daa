/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * schedule: which certificate is to be looked at when, on disk and in the order of time (certstore/mark), so
 * that memory holds only what the next two hours bring, however many names are stored. Hours are read before
 * they begin, the oldest first. Once a day all certificates are gone through, for those without a mark: copied
 * into the store, from a release without marks, after a power cut.
 * Control loop only.
 */
#ifndef ACME_SCHEDULE_H
#define ACME_SCHEDULE_H

#include "acme/errand.h"
#include "certstore/entry.h"

struct schedule;

enum { SCHEDULE_SWEPT = -1 };

struct schedule_args {
	struct loop *loop;
	struct store *store;
	/* Whether it is in memory already, with a time of its own. */
	bool (*is_known)(void *owner, const char *name);
	/* A certificate whose hour has come near, or (mark_ms SCHEDULE_SWEPT) one that the sweep passes. Whoever
	 * takes it sees to its marks: the one at mark_ms goes when another is put. False: no room, offered again. */
	bool (*take)(void *owner, const struct entry_summary *e, int64_t mark_ms);
	void *owner;
};

struct schedule *schedule_new(const struct schedule_args *args);
void schedule_free(struct schedule **s);
/* Begins to read, and to sweep. */
void schedule_start(struct schedule *s);

/* Whether what is to be done then belongs in memory; else in a mark, and it is offered in time. */
bool schedule_is_near(int64_t at_ms);
/* For renewals that are not near. The next of them is what is told, to the millisecond. */
void schedule_note_due(struct schedule *s, int64_t due_ms);
int64_t schedule_next_due_ms(const struct schedule *s);

#endif
