/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * job_log: what a job tells the operator at its end.
 */
#ifndef ACME_JOB_LOG_H
#define ACME_JOB_LOG_H

#include "acme/failure.h"
#include "certstore/entry.h"

/* The CA is down or has no turn for it. */
void job_log_blameless(const char *name, enum err err, const struct fault *fault,
	int64_t retry_at_ms);
/* Counted against the name: the failure as it is remembered. */
void job_log_failed(const char *name, const char *ca, const struct failure *failure);
/* The certificate is there, but in memory only. */
void job_log_unsaved(const char *name, const struct fault *fault);
/* One order of perhaps several. */
void job_log_refusal(const char *name, const char *ca, const struct fault *fault);


struct job_effort {
	int64_t ms, queued_ms;
	unsigned polls;
	bool was_resumed;
};
void job_log_success(const struct entry *e, const char *ca, const struct job_effort *effort);

#endif
