/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * job_log: one line each, with the CA's own words.
 */
#include "acme/job_log.h"

#include "base/clock.h"
#include "base/log.h"

static const struct log log_acme = { "acme" };

void job_log_blameless(const char *name, enum err err, const struct fault *fault,
	int64_t retry_at_ms)
{
	log_kv(&log_acme, LOG_WARN, "certificate not obtained", (struct log_field[]){
		{ .key = "name", .text = str_from(name) },
		{ .key = "while", .text = str_from(fault->activity) },
		{ .key = "err", .text = str_from(err_text(err)) },
		{ .key = "detail", .text = str_from(fault->detail) },
		{ .key = "retry_in_s", .type = LOG_F_INT,
			.number = (retry_at_ms - clock_wall_ms()) / 1000 },
	}, 5);
}

void job_log_failed(const char *name, const char *ca, const struct failure *failure)
{
	const struct fault *fault = &failure->fault;
	log_kv(&log_acme, LOG_WARN, "certificate refused", (struct log_field[]){
		{ .key = "name", .text = str_from(name) },
		{ .key = "ca", .text = str_from(ca) },
		{ .key = "while", .text = str_from(fault->activity) },
		{ .key = "err", .text = str_from(err_text(fault->code)) },
		{ .key = "type", .text = fault->type[0] ? str_from(fault->type) : STR_NONE },
		{ .key = "detail", .text = str_from(fault->detail) },
		{ .key = "attempt", .type = LOG_F_INT, .number = (int64_t)failure->count },
		{ .key = "retry_in_s", .type = LOG_F_INT,
			.number = (failure->retry_at_ms - clock_wall_ms()) / 1000 },
	}, 8);
}

void job_log_refusal(const char *name, const char *ca, const struct fault *fault)
{
	log_kv(&log_acme, LOG_INFO, "order failed", (struct log_field[]){
		{ .key = "name", .text = str_from(name) },
		{ .key = "ca", .text = str_from(ca) },
		{ .key = "while", .text = str_from(fault->activity) },
		{ .key = "type", .text = fault->type[0] ? str_from(fault->type) : STR_NONE },
		{ .key = "detail", .text = str_from(fault->detail) },
	}, 5);
}

void job_log_success(const struct entry *e, const char *ca, const struct job_effort *effort)
{
	char not_after[CLOCK_RFC3339];
	clock_rfc3339(not_after, e->not_after_ms);
	log_kv(&log_acme, LOG_INFO, "certificate obtained", (struct log_field[]){
		{ .key = "name", .text = str_from(e->name) },
		{ .key = "ca", .text = str_from(ca) },
		{ .key = "issuer", .text = str_from(e->issuer) },
		{ .key = "challenge", .text = str_from(e->challenge) },
		{ .key = "ms", .type = LOG_F_INT, .number = effort->ms },
		{ .key = "queued_ms", .type = LOG_F_INT, .number = effort->queued_ms },
		{ .key = "polls", .type = LOG_F_INT, .number = effort->polls },
		{ .key = "resumed", .text = effort->was_resumed ? STR("yes") : STR_NONE },
		{ .key = "not_after", .text = str_from(not_after) },
	}, 9);
}

void job_log_unsaved(const char *name, const struct fault *fault)
{
	log_kv(&log_acme, LOG_ERROR, "certificate not saved, served from memory", (struct log_field[]){
		{ .key = "name", .text = str_from(name) },
		{ .key = "detail", .text = str_from(fault->detail) },
	}, 2);
}
