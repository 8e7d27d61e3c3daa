/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * failure: pure; the caller brings the clock and the dice. Arithmetic saturates: a pause that overflows
 * to nothing would be a flood (CVE-2025-55753).
 */
#include "acme/failure.h"

#include "acme/problem.h"
#include "acme/record.h"
#include "base/check.h"

enum { STEPS = 3, STEP_FACTOR = 10, FLOOR_MS = 100, DICE = 1000, RECORD_MAX = 8 * 1024 };

static const int64_t asked_max_ms = (int64_t)48 * 3600 * 1000;
static const int64_t pause_max_ms = (int64_t)30 * 24 * 3600 * 1000;

static int64_t times(int64_t a, int64_t b)
{
	return a > pause_max_ms / b ? pause_max_ms : a * b;
}

int64_t failure_delay_ms(const struct failure_rule *rule, uint64_t count, unsigned dice)
{
	ASSERT(dice <= DICE);
	int64_t max_ms = rule->max_ms < pause_max_ms ? rule->max_ms : pause_max_ms;
	int64_t delay_ms = rule->min_ms < FLOOR_MS ? FLOOR_MS : times(rule->min_ms, 1);
	for (uint64_t i = 1; i < count && i < STEPS; i++)
		delay_ms = times(delay_ms, STEP_FACTOR);
	if (count > STEPS) {
		int64_t late_ms = rule->remaining_ms > 0 ? times(rule->remaining_ms / 8, 1) : max_ms;
		delay_ms = late_ms > delay_ms ? late_ms : delay_ms;
	}
	if (delay_ms > max_ms && max_ms >= FLOOR_MS)
		delay_ms = max_ms;
	delay_ms = delay_ms * (800 + (int64_t)dice * 400 / DICE) / 1000;
	if (delay_ms > max_ms)
		delay_ms = max_ms;
	return delay_ms > FLOOR_MS ? delay_ms : FLOOR_MS;
}

void failure_add(struct failure *f, const struct fault *fault, const struct failure_rule *rule,
	int64_t now_ms, unsigned dice)
{
	if (f->count < UINT64_MAX)
		f->count++;
	if (!f->first_at_ms)
		f->first_at_ms = now_ms;
	f->last_at_ms = now_ms;
	f->fault = *fault;
	/* What only another configuration can heal is tried at the longest pause. */
	uint64_t step = problem_class(fault) == PROBLEM_PERMANENT ? UINT64_MAX : f->count;
	struct failure_rule r = *rule;
	if (step == UINT64_MAX)
		r.remaining_ms = 0;
	f->retry_at_ms = now_ms + failure_delay_ms(&r, step, dice);
	int64_t asked_ms = fault->retry_at_ms;
	if (asked_ms > now_ms + asked_max_ms)
		asked_ms = now_ms + asked_max_ms;
	if (asked_ms > f->retry_at_ms)
		f->retry_at_ms = asked_ms;
}

bool failure_forbids(const struct failure *f, int64_t now_ms)
{
	return f->count && now_ms < f->retry_at_ms && f->retry_at_ms - now_ms < 2 * pause_max_ms;
}

enum err failure_write(const struct failure *f, struct buf *out)
{
	enum err err = record_add(out, "sallyport-failure", STR("1"));
	if (!err)
		err = record_add_int(out, "count", f->count > INT64_MAX ? INT64_MAX : (int64_t)f->count);
	if (!err)
		err = record_add_int(out, "first-at", f->first_at_ms);
	if (!err)
		err = record_add_int(out, "last-at", f->last_at_ms);
	if (!err)
		err = record_add_int(out, "retry-at", f->retry_at_ms);
	if (!err)
		err = record_add_int(out, "validation", f->is_validation);
	if (!err)
		err = record_add_int(out, "code", err_code(f->fault.code));
	if (!err)
		err = record_add_int(out, "status", f->fault.status);
	if (!err)
		err = record_add(out, "type", str_from(f->fault.type));
	if (!err)
		err = record_add(out, "activity", str_from(f->fault.activity));
	return err ? err : record_add(out, "detail", str_from(f->fault.detail));
}

enum err failure_parse(struct str text, struct failure *out, struct fault *fault)
{
	memset(out, 0, sizeof *out);
	int64_t count = record_get_int(text, "count", 0);
	if (!str_is(record_get(text, "sallyport-failure"), "1") || count <= 0
		|| !str_is_utf8(text) || text.len > RECORD_MAX)
		return fault_set(fault, E_STORE_CORRUPT, "no failure record");
	out->count = (uint64_t)count;
	out->first_at_ms = record_get_int(text, "first-at", 0);
	out->last_at_ms = record_get_int(text, "last-at", 0);
	out->retry_at_ms = record_get_int(text, "retry-at", 0);
	out->is_validation = record_get_int(text, "validation", 0) == 1;
	int64_t code = record_get_int(text, "code", 0), status = record_get_int(text, "status", 0);
	out->fault.code = code > 0 && code < 1000 ? err_by_code((int)code) : E_OK;
	if (!out->fault.code)
		out->fault.code = E_ISSUE;
	out->fault.status = status > 0 && status < 1000 ? (int)status : 0;
	record_copy(text, "type", out->fault.type, sizeof out->fault.type);
	record_copy(text, "activity", out->fault.activity, sizeof out->fault.activity);
	record_copy(text, "detail", out->fault.detail, sizeof out->fault.detail);
	return E_OK;
}
