/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * endpoint: questions are fetches; two machines beside them.
 *
 *   health:  well ── FAILURES_MAX in a row without verdict ──► not well ── a verdict ──► well
 *            not well: one question per pause (5 s doubling to 60 s) tries it again
 *
 *   canary:  ENDPOINT_UNTRIED ─┬─ anything but 200 ──► ENDPOINT_STRICT ─┐ again daily,
 *               ▲   │ no answer └─ 200 ───────────────► ENDPOINT_OPEN ──┤ when it is well again,
 *               └───┘ 1 s … 60 s                            ▲           │ while OPEN 10 s … 10 min
 *                                                           └───────────┘
 *   ENDPOINT_TRUSTED: the operator does not want it asked.
 */
#include "proxy/endpoint.h"

#include <stdio.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/counter.h"
#include "base/encode.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/deadline.h"
#include "net/http/fetch.h"
#include "net/random.h"

enum {
	ANSWER_MAX = 16 * 1024, URL_MAX = 4096, CONNECTIONS = 16,
	FAILURES_MAX = 2,
	PAUSE_MIN_MS = 5000, PAUSE_MAX_MS = 60 * 1000,
	CANARY_MIN_MS = 1000, CANARY_MAX_MS = 60 * 1000,
	OPEN_MIN_MS = 10 * 1000, OPEN_MAX_MS = 600 * 1000,
	CANARY_EVERY_MS = 24 * 3600 * 1000,
};

/* Nobody's address (RFC 5737): an endpoint that trusts its own machine must not look open. */
#define CANARY_IP "192.0.2.1"

struct endpoint {
	struct endpoint_args args;
	struct fetcher *fetcher;
	struct list calls;
	unsigned failures;
	int64_t pause_ms, retry_at_ms;     /* monotonic */
	int64_t since_ms;                  /* wall clock */
	struct fault fault;
	enum endpoint_canary canary;
	struct deadline canary_timer;
	struct endpoint_call *canary_call;
	int64_t canary_pause_ms;
	char url[256];
};

struct endpoint_call {
	struct list node;
	struct endpoint *endpoint;
	struct fetch *fetch;
	endpoint_fn *fn;
	void *owner;
};

static const struct log area = { "ask" };

static void on_answer(void *owner, enum err err, const struct fetch_answer *answer,
	const struct fault *fault, bool was_sent);
static void note(struct endpoint *e, enum ask_verdict verdict, const struct fault *why);
static void on_canary_due(struct deadline *d);
static void on_canary(void *owner, enum ask_verdict verdict, struct str body, const struct fault *why);

static const char *canary_text(enum endpoint_canary canary)
{
	static const char *const texts[] = {
#define X(name, text) text,
		ENDPOINT_CANARIES(X)
#undef X
	};

	return texts[canary];
}

/* ---- begin and end ---- */

struct endpoint *endpoint_new(const struct endpoint_args *args)
{
	struct fetcher_args fetcher = {
		.loop = args->loop,
		.user_agent = args->user_agent,
		.connections_max = CONNECTIONS,
		.body_max = ANSWER_MAX,
		.connect_ms = args->conf->ask_timeout_ms,
		.response_ms = args->conf->ask_timeout_ms,
		.total_ms = args->conf->ask_timeout_ms,
	};
	struct endpoint *e = mem_new(sizeof(*e));
	struct str shown;

	fetcher.tls = args->tls;
	e->args = *args;
	e->args.tls = NULL;
	e->fetcher = fetcher_new(&fetcher);
	list_init(&e->calls);
	str_cut(str_from(args->url), '?', &shown);
	str_copy(e->url, sizeof(e->url), str_of(shown.at, shown.len < 255 ? shown.len : 255));
	e->pause_ms = PAUSE_MIN_MS;
	e->canary_pause_ms = CANARY_MIN_MS / 2;
	deadline_init(&e->canary_timer, args->loop, on_canary_due);
	if (args->conf->canary == CONF_CANARY_OFF)
		e->canary = ENDPOINT_TRUSTED;
	else
		deadline_arm(&e->canary_timer, 0);
	return e;
}

void endpoint_free(struct endpoint **e)
{
	if (!*e)
		return;
	deadline_disarm(&(*e)->canary_timer);
	list_each(&(*e)->calls, node, tmp) {
		struct endpoint_call *c = list_entry(node, struct endpoint_call, node);

		endpoint_cancel(&c);
	}
	fetcher_free(&(*e)->fetcher);
	mem_free(e);
}

/* ---- questions ---- */

enum err endpoint_url(struct buf *out, const char *base, const char *name, const char *client_ip)
{
	enum err err = buf_addf(out, "%s%sdomain=", base, strchr(base, '?') ? "&" : "?");

	if (!err)
		err = encode_percent(out, str_from(name));
	if (!err)
		err = buf_add(out, STR("&ip="));
	if (!err)
		err = encode_percent(out, str_from(client_ip));
	return err;
}

struct endpoint_call *endpoint_ask(struct endpoint *e, const char *name, const char *client_ip,
	int64_t timeout_ms, endpoint_fn *fn, void *owner)
{
	struct fetch_args args = { .method = "GET", .total_ms = timeout_ms };
	struct endpoint_call *c = NULL;
	struct buf url;

	ASSERT(fn && timeout_ms > 0);
	buf_init(&url, URL_MAX);
	if (!endpoint_url(&url, e->args.url, name, client_ip)) {
		c = mem_new(sizeof(*c));
		c->endpoint = e;
		c->fn = fn;
		c->owner = owner;
		list_init(&c->node);
		list_append(&e->calls, &c->node);
		/* Whoever asks it now tries for all: the others wait for what comes of it. */
		if (e->failures >= FAILURES_MAX)
			e->retry_at_ms = clock_mono_ms() + e->pause_ms;
		args.url = buf_str(&url);
		c->fetch = fetch_start(e->fetcher, &args, on_answer, c);
	}
	buf_fini(&url);
	return c;
}

void endpoint_cancel(struct endpoint_call **c)
{
	struct endpoint_call *dying = *c;

	*c = NULL;
	if (!dying)
		return;
	list_remove(&dying->node);
	fetch_cancel(&dying->fetch);
	mem_release(dying);
}

static enum ask_verdict judge(enum err err, const struct fetch_answer *answer, struct fault *why)
{
	if (err) {
		why->code = E_ASK_UNKNOWN;
		if (!why->detail[0])
			fault_set(why, E_ASK_UNKNOWN, "%s", err_text(err));
		return ASK_UNKNOWN;
	}
	switch (answer->status) {
	case 200:
		return ASK_ALLOW;
	case 403: case 404: case 410:
		return ASK_DENY;
	default:
		fault_set(why, E_ASK_UNKNOWN, "the endpoint answered with status %u", answer->status);
		why->status = (int)answer->status;
		return ASK_UNKNOWN;
	}
}

static void on_answer(void *owner, enum err err, const struct fetch_answer *answer,
	const struct fault *fault, bool was_sent)
{
	struct endpoint_call *c = owner;
	struct fault why = fault ? *fault : (struct fault){ 0 };
	enum ask_verdict v = judge(err, answer, &why);
	endpoint_fn *fn = c->fn;
	void *fn_owner = c->owner;

	(void)was_sent;
	if (fn != on_canary)
		note(c->endpoint, v, &why);
	list_remove(&c->node);
	mem_release(c);
	fn(fn_owner, v, answer ? answer->body : STR_NONE, v == ASK_UNKNOWN ? &why : NULL);
}

/* ---- health ---- */

static void tell(const struct endpoint *e, enum log_level level, const char *phrase, enum err code,
	const char *detail)
{
	struct log_field fields[] = {
		{ .key = "url", .text = str_from(e->url) },
		{ .key = "code", .text = code ? str_from("") : STR_NONE },
		{ .key = "why", .text = detail ? str_from(detail) : STR_NONE },
		{ .key = "fix", .text = code ? str_from(err_advice(code)) : STR_NONE },
	};
	char text[16];

	snprintf(text, sizeof(text), "SP-%d", err_code(code));
	if (code)
		fields[1].text = str_from(text);
	log_kv(&area, level, phrase, fields, ARRAY_LEN(fields));
}

static void note_failure(struct endpoint *e, const struct fault *why)
{
	counter_add(COUNTER_ASK_FAILED, 1);
	e->fault = *why;
	if (!e->failures++)
		e->since_ms = clock_wall_ms();
	if (e->failures < FAILURES_MAX)
		return;
	if (e->failures == FAILURES_MAX)
		tell(e, LOG_WARN, "ask endpoint gives no verdicts", E_ASK_UNKNOWN, why->detail);
	e->retry_at_ms = clock_mono_ms() + e->pause_ms;
	/* The canary finds out that it is back, before a visitor has to. */
	if (e->canary != ENDPOINT_TRUSTED && !e->canary_call)
		deadline_arm(&e->canary_timer, e->pause_ms);
	e->pause_ms = 2 * e->pause_ms < PAUSE_MAX_MS ? 2 * e->pause_ms : PAUSE_MAX_MS;
}

/* Another program may answer there now. */
static void note_verdict(struct endpoint *e)
{
	if (e->failures >= FAILURES_MAX) {
		tell(e, LOG_INFO, "ask endpoint answers again", E_OK, NULL);
		if (e->canary != ENDPOINT_TRUSTED && !e->canary_call)
			deadline_arm(&e->canary_timer, 0);
	}
	e->failures = 0;
	e->pause_ms = PAUSE_MIN_MS;
}

static void note(struct endpoint *e, enum ask_verdict verdict, const struct fault *why)
{
	if (verdict == ASK_UNKNOWN)
		note_failure(e, why);
	else
		note_verdict(e);
}

bool endpoint_is_ready(const struct endpoint *e)
{
	return e->failures < FAILURES_MAX || clock_mono_ms() >= e->retry_at_ms;
}

/* ---- the canary ---- */

enum endpoint_canary endpoint_canary(const struct endpoint *e)
{
	return e->canary;
}

static void on_canary_due(struct deadline *d)
{
	struct endpoint *e = container_of(d, struct endpoint, canary_timer);
	char name[64];

	if (e->canary_call)
		return;
	snprintf(name, sizeof(name), "canary-%016llx.invalid",
		(unsigned long long)random_below(UINT64_MAX));
	e->canary_call = endpoint_ask(e, name, CANARY_IP, e->args.conf->ask_timeout_ms, on_canary, e);
	if (!e->canary_call)
		deadline_arm(d, CANARY_EVERY_MS);
}

static void grow(int64_t *pause_ms, int64_t least_ms, int64_t most_ms)
{
	*pause_ms = 2 * *pause_ms < least_ms ? least_ms : 2 * *pause_ms > most_ms ? most_ms : 2 * *pause_ms;
}

static void is_open(struct endpoint *e)
{
	bool is_refused = e->args.conf->canary == CONF_CANARY_REFUSE;

	if (e->canary != ENDPOINT_OPEN) {
		e->canary_pause_ms = OPEN_MIN_MS / 2;
		tell(e, LOG_ERROR, "ask endpoint allows a name that cannot exist", E_ASK_OPEN, is_refused ?
			"nothing that it allows is ordered until it denies such a name" :
			"anybody can have certificates ordered for any name that points here");
	}
	e->canary = ENDPOINT_OPEN;
	grow(&e->canary_pause_ms, OPEN_MIN_MS, OPEN_MAX_MS);
	deadline_arm(&e->canary_timer, e->canary_pause_ms);
}

static void is_strict(struct endpoint *e)
{
	if (e->canary == ENDPOINT_OPEN)
		tell(e, LOG_INFO, "ask endpoint denies names that cannot exist now", E_OK, NULL);
	e->canary = ENDPOINT_STRICT;
	e->canary_pause_ms = CANARY_MIN_MS / 2;
	deadline_arm(&e->canary_timer, CANARY_EVERY_MS);
}

/* Some answer a malformed name with 400 or 422; that is no yes either. Nothing is known when it is out of
 * order. */
static bool is_denial(enum ask_verdict verdict, const struct fault *why)
{
	return verdict == ASK_DENY || (why && why->status >= 300 && why->status < 500);
}

static void on_canary(void *owner, enum ask_verdict verdict, struct str body, const struct fault *why)
{
	struct endpoint *e = owner;

	(void)body;
	e->canary_call = NULL;
	if (verdict == ASK_ALLOW) {
		note(e, verdict, NULL);
		is_open(e);
	} else if (is_denial(verdict, why)) {
		note(e, ASK_DENY, NULL);
		is_strict(e);
	} else {
		note(e, ASK_UNKNOWN, why);
		grow(&e->canary_pause_ms, CANARY_MIN_MS, CANARY_MAX_MS);
		deadline_arm(&e->canary_timer, e->canary_pause_ms);
	}
}

/* ---- status ---- */

void endpoint_look(const struct endpoint *e, struct endpoint_look *out)
{
	*out = (struct endpoint_look){
		.is_well = e->failures < FAILURES_MAX,
		.failures = e->failures,
		.canary = e->canary,
		.canary_text = canary_text(e->canary),
	};
	str_copy(out->url, sizeof(out->url), str_from(e->url));
	if (!e->failures)
		return;
	out->fault = e->fault;
	out->since_ms = e->since_ms;
	if (!out->is_well && e->retry_at_ms > clock_mono_ms())
		out->retry_at_ms = clock_wall_ms() + e->retry_at_ms - clock_mono_ms();
}
