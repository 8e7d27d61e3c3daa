/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * job: one certificate of a name from "wanted" to "in the store", or to the reason why not. Knows the store (earlier
 * failures, a certificate another process got, an unfinished order) and the CAs in their order; issuer
 * decides when it runs.
 */
#ifndef ACME_JOB_H
#define ACME_JOB_H

#include "acme/ca.h"
#include "acme/governor.h"
#include "acme/memory.h"
#include "certstore/challenge.h"
#include "certstore/entry.h"
#include "certstore/store.h"

struct job;

/* Shared by all jobs; issuer's. */
struct job_env {
	struct loop *loop;
	const struct conf_acme *acme;
	struct store *store;
	struct challenge_table *challenges;
	struct ca *cas;
	unsigned n_cas, n_stagings; /* which come after the n_cas */
	bool can[CONF_CHALLENGES];
	struct memory memory;
	struct governor *governor;
	int64_t probe_again_ms;     /* loop clock; until then the store is believed to take what we write */
	/* The types of keys that a name's certificates are to have; borrowed for the moment. */
	const struct conf_keys *(*keys)(void *issuer, const char *host);
	/* The profile wanted for this name, "" for none. NULL: for no name. */
	const char *(*profile_of)(void *issuer, const char *name);
	/* Nothing that the store knows forbids it: give it a grant and put it in the queue. */
	void (*on_wants_turn)(void *issuer, struct job *j);
	/* Saves a new certificate; what comes of it is told as errand.h does. */
	struct errand *(*save)(void *issuer, struct job *j, const struct entry *e, struct str bundle, errand_fn *fn,
		void *owner);
	/* A certificate that could not be saved; *bundle is the callee's. */
	void (*on_unsaved)(void *issuer, const char *name, int64_t renew_at_ms, struct buf *bundle);
	/* The end, in any case, once; e is borrowed. The job is freed by the callee (job_free). */
	void (*on_ended)(void *issuer, struct job *j, enum err err, struct entry *e,
		const struct fault *fault, int64_t retry_at_ms);
	void *issuer;
};

/* name: a series. Begins to look into the store; calls nothing before it returns. */
struct job *job_new(struct job_env *env, const char *name);
/* The held certificate with this ARI id is due although its own time has not come. */
void job_replace(struct job *j, const char *ari_id);
/* Its turn has come. What it may spend is the issuer's, longer-lived; NULL: without limits. */
void job_run(struct job *j, struct grant *grant);
/* No turn for it now: it ends, and that is no failure of the name. */
void job_refuse(struct job *j, const struct fault *fault);
/* From any state; no callback follows. The order, if any, stays in the journal. */
void job_free(struct job **j);
/* Lets go of everything, as if it were freed, while the CAs change; then it begins anew, as after job_new. What
 * was asked of it (job_force, job_replace) still holds. */
void job_pause(struct job *j);
void job_resume(struct job *j);

const char *job_name(const struct job *j);
/* The name without the series: what the certificate is for. */
const char *job_host(const struct job *j);
/* The URL of the order it placed or resumed last; "" if none, "internal:" for a signature of our own. */
const char *job_ordered_at(const struct job *j);
/* Static text. */
const char *job_text(const struct job *j);
/* The staging where it rehearses now, or NULL. Borrowed. */
const char *job_rehearsal(const struct job *j);
/* Where it is, coarsely: for status. */
enum job_stage { JOB_STAGE_QUEUED, JOB_STAGE_ORDERING, JOB_STAGE_VALIDATING };
enum job_stage job_stage(const struct job *j);
int64_t job_started_ms(const struct job *j);   /* loop clock */
/* Orders even if the store has a certificate that is good for longer. Before its turn. */
void job_force(struct job *j);
struct job_env *job_env(const struct job *j);
/* How often it failed since it last worked. */
uint64_t job_failures(const struct job *j);

#endif
