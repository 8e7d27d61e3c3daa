/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * course: a job's way through the CAs: which one it is at, and what it tried there already. Down ones are
 * left, a staging leads to the CA it stands for. Reads breakers, changes nothing but itself.
 */
#ifndef ACME_COURSE_H
#define ACME_COURSE_H

#include "acme/ca.h"
#include "acme/failure.h"
#include "certstore/entry.h"

struct course {
	const char *name;
	struct ca *cas;
	unsigned n_cas, n_stagings;   /* these after those */
	unsigned ca;                  /* here */
	unsigned live;                /* while that is a staging: the CA for which it stands */
	/* Here: */
	unsigned orders;
	int avoid;                    /* challenge that failed, or -1 */
	bool was_reregistered, is_replaces_refused, is_profile_refused;
};

/* Begins at the first CA for the name (where there is none, the desk says so). All is borrowed. */
void course_init(struct course *c, struct ca *cas, unsigned n_cas, unsigned n_stagings, const char *name);
struct ca *course_ca(const struct course *c);
bool course_is_rehearsing(const struct course *c);
/* To where an earlier life was; false: the CA of this directory is none of ours any more. */
bool course_resume(struct course *c, const char *directory);
/* To the staging of this CA, if it has one and that is wise; false: stays. held: or NULL. */
bool course_rehearse(struct course *c, const struct failure *failure, const struct entry *held);
/* From a staging to its CA; else, if this one may be left with what is held, to the next. False: stays. */
bool course_next(struct course *c, const struct entry *held);

#endif
