/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * diff: two configurations, old and new, compared row by row, and what a reload does about each
 * difference. Any thread.
 */
#ifndef CONF_DIFF_H
#define CONF_DIFF_H

#include "conf/field.h"

struct diff_change {
	const char *path;           /* "timeouts.idle", sites["a.example"] */
	const char *before, *after; /* JSON, cut where it is long, without secrets; NULL: it is not there */
	enum field_reload reload;   /* LIVE or RESTART */
};

struct diff {
	struct diff_change *at;     /* in the order of the rows */
	unsigned n;
	unsigned n_more;            /* left out: the list is capped */
	unsigned n_restart;         /* of all: how many wait for a restart */
	/* private */
	struct arena arena;
	unsigned cap;
};

/* Dies without memory; texts are bounded. */
struct diff *diff_new(const struct conf *before, const struct conf *after);
/* Accepts NULL; nulls. */
void diff_free(struct diff **d);
/* Whether something at or below the path of a row differs. As good when the list was capped. */
bool diff_touches(const struct diff *d, const char *path);
/* What cannot change while we run: next has the values of running from now on. next is not shared yet. */
void diff_hold(const struct conf *running, struct conf *next);

#endif
