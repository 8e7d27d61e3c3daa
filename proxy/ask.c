/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ask: one question is one fetch, or a remembered verdict handed over at the end of the turn.
 *
 *   start ─┬─ remembered ─► end of turn ─────────► answered, gone
 *          └─ ASKED ─► fetch ends or times out ──► answered, gone
 */
#include "proxy/ask.h"

#include "base/buf.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/counter.h"
#include "base/encode.h"
#include "base/json.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/http/fetch.h"
#include "proxy/recall.h"

enum { ALLOWED_MAX = 100 * 1000, ANSWER_MAX = 16 * 1024, URL_MAX = 4096, CONNECTIONS = 16, TTL_MAX_S = 30 * 24 * 3600 };

struct ask {
	struct loop *loop;
	const struct conf_on_demand *conf;
	struct fetcher *fetcher;
	struct recall *allowed;  /* until when it is allowed, monotonic; and its tenant */
	struct recall *denied;   /* when it was denied */
	struct list questions;
};

struct question {
	struct list node;
	struct ask *ask;
	struct loop_task task;   /* remembered: the answer */
	struct fetch *fetch;     /* asked: the request */
	struct buf url;
	enum ask_verdict verdict;
	ask_fn *fn;
	void *owner;
	char name[256];
};

static const struct log area = { "ask" };

static void begin(struct question *q, const char *client_ip);
static void on_task(struct loop_task *t);
static void on_answer(void *owner, enum err err, const struct fetch_answer *answer,
	const struct fault *fault, bool was_sent);
static enum ask_verdict judge(enum err err, const struct fetch_answer *answer, struct fault *why);
static enum ask_verdict remember(struct ask *a, struct str name, enum ask_verdict v,
	const struct ask_permit *permit);
static void finish(struct question *q, enum ask_verdict v, const struct fault *why);
static void question_free(struct question **q);

const char *ask_verdict_text(enum ask_verdict v)
{
	static const char *const texts[] = {
#define X(name, text) text,
		ASK_VERDICTS(X)
#undef X
	};

	ASSERT((unsigned)v < ARRAY_LEN(texts));
	return texts[v];
}

/* ---- start ---- */

enum err ask_trust(const struct conf_on_demand *conf, struct tls_context **out, struct fault *fault)
{
	struct tls_client_args args = { 0 };

	*out = NULL;
	if (!conf->ask || !str_has_prefix(str_from(conf->ask), STR("https:")))
		return E_OK;
	return tls_context_client(&args, out, fault);
}

enum err ask_new(const struct ask_args *args, struct ask **out, struct fault *fault)
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
	struct ask *a;
	enum err err;

	ASSERT(args->conf->ask);
	fetcher.tls = args->tls ? tls_context_ref(args->tls) : NULL;
	err = args->tls ? E_OK : ask_trust(args->conf, &fetcher.tls, fault);
	if (err)
		return err;
	a = mem_new(sizeof(*a));
	a->loop = args->loop;
	a->conf = args->conf;
	a->fetcher = fetcher_new(&fetcher);
	a->allowed = recall_new(ALLOWED_MAX);
	a->denied = recall_new(args->conf->negative_names ? args->conf->negative_names : 1);
	list_init(&a->questions);
	if (fetcher.tls)
		tls_context_unref(&fetcher.tls);
	*out = a;
	return E_OK;
}

enum err ask_url(struct buf *out, const char *base, const char *name, const char *client_ip)
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

void ask_start(struct ask *a, const char *name, const char *client_ip, ask_fn *fn, void *owner)
{
	struct question *q = mem_new(sizeof(*q));

	ASSERT(fn);
	q->ask = a;
	q->fn = fn;
	q->owner = owner;
	buf_init(&q->url, URL_MAX);
	list_init(&q->node);
	list_append(&a->questions, &q->node);
	loop_task_init(&q->task, on_task);
	ASSERT(str_copy(q->name, sizeof(q->name), str_from(name)));
	q->verdict = ask_recall(a, name);
	if (q->verdict == ASK_UNKNOWN)
		begin(q, client_ip);
	else
		loop_defer(a->loop, &q->task);
}

static void begin(struct question *q, const char *client_ip)
{
	struct fetch_args args = { .method = "GET", .total_ms = q->ask->conf->ask_timeout_ms };

	if (ask_url(&q->url, q->ask->conf->ask, q->name, client_ip)) {
		loop_defer(q->ask->loop, &q->task);
		return;
	}
	args.url = buf_str(&q->url);
	counter_add(COUNTER_ASKED, 1);
	q->fetch = fetch_start(q->ask->fetcher, &args, on_answer, q);
}

/* ---- answers ---- */

static void on_task(struct loop_task *t)
{
	struct question *q = container_of(t, struct question, task);

	finish(q, q->verdict, NULL);
}

static void on_answer(void *owner, enum err err, const struct fetch_answer *answer,
	const struct fault *fault, bool was_sent)
{
	struct question *q = owner;
	struct fault why = fault ? *fault : (struct fault){ 0 };
	enum ask_verdict v = judge(err, answer, &why);
	struct ask_permit permit = { .ttl_ms = -1 };

	(void)was_sent;
	q->fetch = NULL;
	if (v == ASK_ALLOW)
		ask_read(answer->body, &permit);
	finish(q, remember(q->ask, str_from(q->name), v, &permit), v == ASK_UNKNOWN ? &why : NULL);
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

static bool is_tenant(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.at[i] <= ' ' || s.at[i] > '~')
			return false;
	return s.len > 0 && s.len < ASK_TENANT;
}

void ask_read(struct str body, struct ask_permit *permit)
{
	static const struct json_limits limits = { ANSWER_MAX, 8, 500 };
	struct json *root = NULL;
	struct str tenant;
	double ttl;

	*permit = (struct ask_permit){ .ttl_ms = -1 };
	if (!body.len || json_parse(body, &limits, &root, NULL))
		return;
	tenant = json_get_str(root, "tenant");
	if (is_tenant(tenant))
		str_copy(permit->tenant, sizeof(permit->tenant), tenant);
	else if (json_get(root, "tenant"))
		log_warn(&area, "tenant not understood", "len=%zu", tenant.len);
	ttl = json_number(json_get(root, "ttl"), -1);
	if (ttl >= 0)
		permit->ttl_ms = ttl < TTL_MAX_S ? (int64_t)(ttl * 1000) : (int64_t)TTL_MAX_S * 1000;
	json_free(&root);
}

/* The verdict that counts: an earlier permission outlives an endpoint that is down. */
static enum ask_verdict remember(struct ask *a, struct str name, enum ask_verdict v,
	const struct ask_permit *permit)
{
	int64_t now = clock_mono_ms(), until = recall_at(a->allowed, name);
	int64_t ttl_ms = permit->ttl_ms >= 0 ? permit->ttl_ms : a->conf->allow_ms;

	switch (v) {
	case ASK_ALLOW:
		recall_note_with(a->allowed, name, now + ttl_ms, permit->tenant);
		recall_forget(a->denied, name);
		return v;
	case ASK_DENY:
		recall_note(a->denied, name, now);
		recall_forget(a->allowed, name);
		return v;
	case ASK_UNKNOWN:
		if (until != INT64_MIN && now < until + a->conf->if_ask_is_down_ms)
			return ASK_ALLOW;
		return v;
	}
	UNREACHABLE();
}

enum ask_verdict ask_recall(const struct ask *a, const char *name)
{
	int64_t now = clock_mono_ms();
	int64_t until = recall_at(a->allowed, str_from(name));
	int64_t denied_at = recall_at(a->denied, str_from(name));

	if (until != INT64_MIN && now < until)
		return ASK_ALLOW;
	if (denied_at != INT64_MIN && now - denied_at < a->conf->deny_ms)
		return ASK_DENY;
	return ASK_UNKNOWN;
}

const char *ask_tenant(const struct ask *a, const char *name)
{
	return recall_text(a->allowed, str_from(name));
}

static void finish(struct question *q, enum ask_verdict v, const struct fault *why)
{
	ask_fn *fn = q->fn;
	void *owner = q->owner;
	struct fault copy = why ? *why : (struct fault){ 0 };

	log_debug(&area, "asked", "name=%s verdict=%s", q->name, ask_verdict_text(v));
	question_free(&q);
	fn(owner, v, why ? &copy : NULL);
}

void ask_forget_denials(struct ask *a)
{
	unsigned max = a->conf->negative_names ? a->conf->negative_names : 1;

	recall_free(&a->denied);
	a->denied = recall_new(max);
}

void ask_inherit(struct ask *a, struct ask *before)
{
	struct recall *allowed = a->allowed;

	if (strcmp(a->conf->ask, before->conf->ask) != 0)
		return;
	a->allowed = before->allowed;
	before->allowed = allowed;
}

/* ---- end ---- */

static void question_free(struct question **q)
{
	list_remove(&(*q)->node);
	loop_task_cancel(&(*q)->task);
	fetch_cancel(&(*q)->fetch);
	buf_fini(&(*q)->url);
	mem_free(q);
}

void ask_free(struct ask **a)
{
	if (!*a)
		return;
	list_each(&(*a)->questions, node, tmp) {
		struct question *q = list_entry(node, struct question, node);

		question_free(&q);
	}
	fetcher_free(&(*a)->fetcher);
	recall_free(&(*a)->allowed);
	recall_free(&(*a)->denied);
	mem_free(a);
}
