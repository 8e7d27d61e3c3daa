/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * foreign: challenges of other processes at our store. A validator that asks one of our workers for what we
 * do not know has us look there, so it does not matter to which of the processes a CA comes. What clients can
 * make us look for is bounded: so many looks per second and at once, and nothing twice within a second.
 * Control loop only.
 */
#ifndef PROXY_FOREIGN_H
#define PROXY_FOREIGN_H

#include "certstore/challenge.h"
#include "certstore/store.h"

struct worker;

struct foreign_args {
	struct loop *loop;
	struct store *store;                 /* outlives it, as all below */
	struct challenge_table *challenges;
	unsigned n_workers;
	/* The store was searched: what was found is in the worker's set by now. Perhaps before
	 * foreign_seek returns. */
	void (*tell)(void *owner, struct worker *w, const char *key);
	void *owner;
};

struct foreign;
struct foreign *foreign_new(const struct foreign_args *args);
/* A worker's question, by challenge_key; answered by tell, always, until foreign_stop. */
void foreign_seek(struct foreign *f, struct worker *w, const char *key);
/* Removes from the store what killed processes left there, now and then. */
void foreign_start_sweep(struct foreign *f);
/* Nobody is told any more; store callbacks under way do nothing from now on. Before the challenge table ends. */
void foreign_stop(struct foreign *f);
/* After foreign_stop, and after the loop ended (store callbacks have come). Accepts NULL, nulls. */
void foreign_free(struct foreign **f);
/* Questions remembered now. */
unsigned foreign_count(const struct foreign *f);

#endif
