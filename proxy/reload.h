/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * reload: the same sources read again while we run. Everything that can fail is done on the work queue, beside
 * what runs; then the owner commits, which cannot fail. What needs a restart keeps its running value, and
 * is told. Control loop only.
 */
#ifndef PROXY_RELOAD_H
#define PROXY_RELOAD_H

#include "acme/issuer.h"
#include "conf/diff.h"
#include "conf/load.h"
#include "proxy/ports.h"
#include "proxy/snapshot.h"

/* What runs, borrowed: the beginning of the comparison. */
struct reload_running {
	struct conf *conf;
	struct snapshot *snapshot;
	const struct ports *ports;
};

/* What shall run, whole; the commit takes what it likes (and nulls it). */
struct reload_next {
	struct conf *conf;
	struct snapshot *snapshot;
	struct ports ports;              /* new sockets, bound */
	struct issuer_plan *issuer;      /* the CAs; NULL: nothing about them has changed */
	bool has_other_ask;              /* "on_demand" has changed */
	struct tls_context *ask_trust;   /* for it; NULL: none needed */
	struct diff *diff;
};

struct reload_args {
	struct loop *loop;
	struct load_args sources;        /* copied; what it points to outlives us */
	struct tls_tickets *tickets;
	struct issuer *issuer;
	void (*look)(void *owner, struct reload_running *out);
	/* Cannot fail. reload_settled follows when it is in force everywhere. */
	void (*commit)(void *owner, struct reload_next *next);
	void *owner;
};

struct reload;
struct reload *reload_new(const struct reload_args *args);
/* Nothing is committed from now on; who waits is answered E_DRAINING, as is who comes. */
void reload_close(struct reload *r);
/* What is under way on the work queue comes home while the loop ends. */
void reload_free(struct reload **r);

/* How one went. Borrowed. */
struct reload_outcome {
	enum err err;                    /* E_OK, or nothing was changed */
	struct fault fault;              /* what could not be prepared */
	struct conf_problems problems;   /* what is wrong with the configuration */
	const struct diff *diff;         /* NULL when there is no new configuration */
	bool is_plan;
	int64_t at_ms, took_ms;          /* wall clock */
};
typedef void reload_fn(void *owner, const struct reload_outcome *outcome);

/* RELOAD_PLAN prepares all and changes nothing. Those who ask while one is under way get the next, together:
 * what they want to be read may have been written after this one has read it. fn (NULL: nobody waits)
 * comes once, never before this returns. */
enum reload_kind { RELOAD_APPLY, RELOAD_PLAN };
void reload_start(struct reload *r, enum reload_kind kind, reload_fn *fn, void *owner);
/* What was committed is in force in all workers. */
void reload_settled(struct reload *r);
/* How the last one went that was to change something; NULL: there was none. Borrowed. */
const struct reload_outcome *reload_last(const struct reload *r);

#endif
