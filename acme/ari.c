/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ari: a CA may be wrong, gone or hostile; the worst its advice can do is to move a renewal between "now"
 * and the backstop, and to have us ask once a minute.
 */
#include "acme/ari.h"

#include <stdio.h>

#include "acme/record.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/json.h"

#define MINUTE_MS ((int64_t)60 * 1000)
#define HOUR_MS (60 * MINUTE_MS)
#define DAY_MS (24 * HOUR_MS)

enum { PASSING_STEPS = 9, URGED_PARTS = 20 };

static const int64_t again_after_refusal_ms = 6 * HOUR_MS;

static int64_t clamp(int64_t ms, int64_t min, int64_t max)
{
	return ms < min ? min : ms > max ? max : ms;
}

/* ---- what the CA says ---- */

static int64_t time_of(const struct json *window, const char *key)
{
	struct str text = json_get_str(window, key);
	return text.at ? clock_parse_rfc3339(text.at, text.len) : -1;
}

enum err ari_parse(struct str body, struct ari_window *out, struct fault *fault)
{
	struct json *root = NULL;
	memset(out, 0, sizeof *out);
	if (json_parse(body, &json_limits_default, &root, NULL))
		return fault_set(fault, E_ACME_PROTOCOL, "renewalInfo is no JSON");
	const struct json *window = json_get(root, "suggestedWindow");
	struct str explanation = json_get_str(root, "explanationURL");
	out->start_ms = time_of(window, "start");
	out->end_ms = time_of(window, "end");
	if (transport_url_is_fine(explanation))
		str_copy(out->explanation, sizeof out->explanation, explanation);
	json_free(&root);
	if (out->start_ms <= 0 || out->end_ms <= 0)
		return fault_set(fault, E_ACME_PROTOCOL, "renewalInfo without a window");
	if (out->end_ms <= out->start_ms)
		return fault_set(fault, E_ACME_PROTOCOL, "the renewal window ends before it starts");
	return E_OK;
}

bool ari_url(char dst[ACME_URL], const char *renewal_info, const char *id)
{
	size_t len = strlen(renewal_info);
	while (len && renewal_info[len - 1] == '/')
		len--;
	int n = snprintf(dst, ACME_URL, "%.*s/%s", (int)len, renewal_info, id);
	return n > 0 && n < ACME_URL && transport_url_is_fine(str_from(dst));
}

/* ---- what becomes of it ---- */

void ari_take(struct ari *a, const struct ari_window *w, int64_t retry_ms, int64_t now_ms,
	uint64_t dice)
{
	int64_t wait_ms = clamp(retry_ms, MINUTE_MS, DAY_MS);
	ASSERT(w->end_ms > w->start_ms && w->start_ms > 0);
	if (a->start_ms != w->start_ms || a->end_ms != w->end_ms) {
		a->start_ms = w->start_ms;
		a->end_ms = w->end_ms;
		a->chosen_ms = w->start_ms + (int64_t)(dice % (uint64_t)(w->end_ms - w->start_ms));
	}
	memcpy(a->explanation, w->explanation, sizeof a->explanation);
	a->fresh_until_ms = now_ms + 2 * wait_ms;
	/* Not all at the same second, neither today nor tomorrow. */
	a->again_ms = now_ms + wait_ms + (int64_t)(dice >> 32) % (wait_ms / 20 + 1);
	a->failures = 0;
}

void ari_failed(struct ari *a, bool is_passing, int64_t retry_ms, int64_t now_ms)
{
	int64_t wait_ms = again_after_refusal_ms;
	if (is_passing) {
		unsigned step = a->failures < PASSING_STEPS ? a->failures++ : PASSING_STEPS;
		wait_ms = clamp(MINUTE_MS << step, MINUTE_MS, again_after_refusal_ms);
	}
	if (retry_ms > wait_ms)
		wait_ms = clamp(retry_ms, wait_ms, DAY_MS);
	a->again_ms = now_ms + wait_ms;
}

bool ari_is_fresh(const struct ari *a, int64_t now_ms)
{
	return a->end_ms && now_ms < a->fresh_until_ms;
}

/* A CA that finds every certificate overdue the moment it is made gets one order per twentieth of a life. */
static int64_t not_again_before(const struct ari *a, int64_t life_ms)
{
	return a->urged_ms ? a->urged_ms + clamp(life_ms / URGED_PARTS, MINUTE_MS, DAY_MS) : 0;
}

int64_t ari_due(const struct ari *a, int64_t not_before_ms, int64_t not_after_ms, int64_t lifetime_ms,
	int64_t now_ms)
{
	int64_t life_ms = not_after_ms - not_before_ms;
	if (!ari_is_fresh(a, now_ms) || life_ms <= 0)
		return lifetime_ms;
	int64_t latest = not_after_ms - life_ms / (life_ms < 10 * DAY_MS ? 4 : 6);
	int64_t due = a->chosen_ms, floor = not_again_before(a, life_ms);
	if (latest < lifetime_ms)  /* a life so short that its own rule is later */
		latest = lifetime_ms;
	if (due < lifetime_ms && due < floor)
		due = floor < lifetime_ms ? floor : lifetime_ms;
	return due < latest ? due : latest;
}

/* ---- kept ---- */

enum err ari_write(const struct ari *a, const char *id, struct buf *out)
{
	const struct { const char *name; int64_t ms; } times[] = {
		{ "start", a->start_ms }, { "end", a->end_ms }, { "chosen", a->chosen_ms },
		{ "fresh-until", a->fresh_until_ms }, { "again", a->again_ms }, { "urged", a->urged_ms },
	};
	enum err err = record_add(out, "sallyport-ari", STR("1"));
	if (!err)
		err = record_add(out, "certificate", str_from(id));
	for (size_t i = 0; i < ARRAY_LEN(times) && !err; i++)
		err = record_add_int(out, times[i].name, times[i].ms > 0 ? times[i].ms : 0);
	return err ? err : record_add(out, "explanation", str_from(a->explanation));
}

enum err ari_read(struct str text, struct ari *out, char id[ARI_ID], struct fault *fault)
{
	memset(out, 0, sizeof *out);
	if (!str_is(record_get(text, "sallyport-ari"), "1") || !str_is_utf8(text)
		|| !record_copy(text, "certificate", id, ARI_ID))
		return fault_set(fault, E_STORE_CORRUPT, "no renewal advice");
	out->start_ms = record_get_int(text, "start", 0);
	out->end_ms = record_get_int(text, "end", 0);
	out->chosen_ms = record_get_int(text, "chosen", 0);
	out->fresh_until_ms = record_get_int(text, "fresh-until", 0);
	out->again_ms = record_get_int(text, "again", 0);
	out->urged_ms = record_get_int(text, "urged", 0);
	record_copy(text, "explanation", out->explanation, sizeof out->explanation);
	bool has_window = out->end_ms > out->start_ms && out->start_ms > 0
		&& out->chosen_ms >= out->start_ms && out->chosen_ms <= out->end_ms;
	if (!has_window && (out->end_ms || out->start_ms))
		return fault_set(fault, E_STORE_CORRUPT, "renewal advice without a window");
	return E_OK;
}
