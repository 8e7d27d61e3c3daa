/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ask: a question goes from endpoint to endpoint, or is a remembered verdict handed over at the end of the turn.
 *
 *   start ─┬─ remembered ─► end of turn ────────────────────────────────► answered, gone
 *          └─ ASKED ─► an endpoint ─┬─ a verdict ───────────────────────► answered, gone
 *               ▲                   └─ none ─┬─ none left, or no time ──► unknown, gone
 *               └──────── the next one ◄─────┘
 */
#include "proxy/ask.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/counter.h"
#include "base/json.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/addr.h"
#include "proxy/recall.h"

enum { ALLOWED_MAX = 100 * 1000, BODY_MAX = 16 * 1024, TTL_MAX_S = 30 * 24 * 3600, SHARE_MIN_MS = 5 };

struct ask {
	struct loop *loop;
	struct ask_args args;
	const struct conf_on_demand *conf;
	struct endpoint *endpoints[CONF_ASK_MAX];
	unsigned n_endpoints;
	struct recall *allowed;  /* until when it is allowed, monotonic; and its tenant */
	struct recall *denied;   /* when it was denied */
	struct list questions;
};

struct question {
	struct list node;
	struct ask *ask;
	struct loop_task task;       /* what is known without asking (any more) */
	struct endpoint_call *call;  /* asked: the one that is asked now */
	unsigned asking;
	bool was_asked[CONF_ASK_MAX];
	int64_t until_ms;            /* monotonic */
	enum ask_verdict verdict;
	struct fault why;
	ask_fn *fn;
	void *owner;
	char client_ip[ADDR_IP_TEXT];
	char name[256];
};

static const struct log area = { "ask" };

static void ask_next(struct question *q);
static void on_task(struct loop_task *t);
static void on_answer(void *owner, enum ask_verdict v, struct str body, const struct fault *why);
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
	bool is_needed = false;

	*out = NULL;
	for (unsigned i = 0; i < conf->n_ask; i++)
		is_needed |= str_has_prefix(str_from(conf->ask[i]), STR("https:"));
	return is_needed ? tls_context_client(&args, out, fault) : E_OK;
}

enum err ask_new(const struct ask_args *args, struct ask **out, struct fault *fault)
{
	struct endpoint_args endpoint = { args->loop, NULL, args->conf, args->user_agent, NULL };
	struct ask *a = mem_new(sizeof(*a));
	enum err err = E_OK;

	ASSERT(args->conf->n_ask && args->conf->n_ask <= CONF_ASK_MAX);
	a->args = *args;
	a->loop = args->loop;
	a->conf = args->conf;
	a->allowed = recall_new(ALLOWED_MAX);
	a->denied = recall_new(args->conf->negative_names ? args->conf->negative_names : 1);
	list_init(&a->questions);
	endpoint.tls = args->tls ? tls_context_ref(args->tls) : NULL;
	err = args->tls ? E_OK : ask_trust(args->conf, &endpoint.tls, fault);
	for (unsigned i = 0; !err && i < args->conf->n_ask; i++) {
		endpoint.url = args->conf->ask[i];
		a->endpoints[a->n_endpoints++] = endpoint_new(&endpoint);
	}
	a->args.tls = NULL;
	if (endpoint.tls)
		tls_context_unref(&endpoint.tls);
	if (err)
		ask_free(&a);
	*out = a;
	return err;
}

void ask_start(struct ask *a, const char *name, const char *client_ip, ask_fn *fn, void *owner)
{
	struct question *q = mem_new(sizeof(*q));

	ASSERT(fn);
	q->ask = a;
	q->fn = fn;
	q->owner = owner;
	list_init(&q->node);
	list_append(&a->questions, &q->node);
	loop_task_init(&q->task, on_task);
	ASSERT(str_copy(q->name, sizeof(q->name), str_from(name)));
	str_copy(q->client_ip, sizeof(q->client_ip), str_from(client_ip));
	q->verdict = ask_recall(a, name);
	q->until_ms = clock_mono_ms() + a->conf->ask_timeout_ms;
	if (q->verdict != ASK_UNKNOWN) {
		loop_defer(a->loop, &q->task);
		return;
	}
	counter_add(COUNTER_ASKED, 1);
	ask_next(q);
}

/* ---- ASKED ---- */

/* The next in order of those that are (not) ready; *n: how many of them have not been asked. */
static unsigned choose(const struct question *q, bool is_ready, unsigned *n)
{
	unsigned first = CONF_ASK_MAX;

	*n = 0;
	for (unsigned i = q->ask->n_endpoints; i-- > 0;) {
		if (q->was_asked[i] || endpoint_is_ready(q->ask->endpoints[i]) != is_ready)
			continue;
		first = i;
		++*n;
	}
	return first;
}

/* Each that may still be asked has an equal share of the time that is left. */
static void ask_next(struct question *q)
{
	int64_t left_ms = q->until_ms - clock_mono_ms();
	unsigned n, i = choose(q, true, &n);

	if (!n)
		i = choose(q, false, &n);
	if (!n || left_ms / n < SHARE_MIN_MS) {
		loop_defer(q->ask->loop, &q->task);
		return;
	}
	q->was_asked[i] = true;
	q->asking = i;
	q->call = endpoint_ask(q->ask->endpoints[i], q->name, q->client_ip, left_ms / n, on_answer, q);
	if (!q->call) {
		fault_set(&q->why, E_ASK_UNKNOWN, "the URL with this name is too long");
		ask_next(q);
	}
}

/* Whether a yes of this endpoint counts. */
static bool is_believed(const struct ask *a, const struct endpoint *e, struct fault *why)
{
	enum endpoint_canary canary = endpoint_canary(e);

	if (a->conf->canary != CONF_CANARY_REFUSE || canary == ENDPOINT_STRICT)
		return true;
	if (canary == ENDPOINT_OPEN)
		fault_set(why, E_ASK_OPEN, "it also allowed a name that cannot exist");
	else
		fault_set(why, E_ASK_UNKNOWN, "it has not yet denied a name that cannot exist");
	return false;
}

static bool is_promised(struct question *q, const struct promise *promise)
{
	const struct ask_args *args = &q->ask->args;

	return !args->on_promise || args->on_promise(args->owner, q->name, promise, &q->why) == E_OK;
}

static void on_answer(void *owner, enum ask_verdict v, struct str body, const struct fault *why)
{
	struct question *q = owner;
	struct ask_permit permit = { .ttl_ms = -1 };

	q->call = NULL;
	if (why)
		q->why = *why;
	if (v == ASK_ALLOW && !is_believed(q->ask, q->ask->endpoints[q->asking], &q->why))
		v = ASK_UNKNOWN;
	if (v == ASK_ALLOW)
		ask_read(body, &permit);
	if (v == ASK_ALLOW && !is_promised(q, &permit.promise))
		v = ASK_UNKNOWN;
	if (v == ASK_UNKNOWN) {
		ask_next(q);
		return;
	}
	finish(q, remember(q->ask, str_from(q->name), v, &permit), NULL);
}

/* Remembered, or nobody is left to be asked. */
static void on_task(struct loop_task *t)
{
	struct question *q = container_of(t, struct question, task);
	struct ask_permit permit = { .ttl_ms = -1 };

	if (q->verdict == ASK_UNKNOWN && !q->why.code)
		fault_set(&q->why, E_ASK_UNKNOWN, "no endpoint could be asked in time");
	if (q->verdict == ASK_UNKNOWN)
		finish(q, remember(q->ask, str_from(q->name), ASK_UNKNOWN, &permit), &q->why);
	else
		finish(q, q->verdict, NULL);
}

/* ---- what a yes says beside it ---- */

static bool is_tenant(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.at[i] <= ' ' || s.at[i] > '~')
			return false;
	return s.len > 0 && s.len < ASK_TENANT;
}

/* What "to" means is for the one who knows the upstreams; one that is no such text at all must not be taken for
 * none. */
static void read_promise(const struct json *root, struct promise *promise)
{
	struct str to = json_get_str(root, "to"), profile = json_get_str(root, "profile");
	bool is_text = to.len > 0 && to.len < PROMISE_TO;

	for (size_t i = 0; i < to.len; i++)
		is_text &= to.at[i] > ' ' && to.at[i] <= '~';
	if (is_text)
		str_copy(promise->to, sizeof(promise->to), to);
	else if (json_get(root, "to") && json_type(json_get(root, "to")) != JSON_NULL)
		str_copy(promise->to, sizeof(promise->to), STR("?"));
	if (promise_is_profile(profile))
		str_copy(promise->profile, sizeof(promise->profile), profile);
	else if (profile.at)
		log_warn(&area, "profile not understood", "len=%zu", profile.len);
}

void ask_read(struct str body, struct ask_permit *permit)
{
	static const struct json_limits limits = { BODY_MAX, 8, 500 };
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
	read_promise(root, &permit->promise);
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

unsigned ask_endpoints(const struct ask *a)
{
	return a->n_endpoints;
}

void ask_look(const struct ask *a, unsigned endpoint, struct endpoint_look *out)
{
	ASSERT(endpoint < a->n_endpoints);
	endpoint_look(a->endpoints[endpoint], out);
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

	if (a->n_endpoints != before->n_endpoints)
		return;
	for (unsigned i = 0; i < a->n_endpoints; i++)
		if (strcmp(a->conf->ask[i], before->conf->ask[i]) != 0)
			return;
	a->allowed = before->allowed;
	before->allowed = allowed;
}

/* ---- end ---- */

static void question_free(struct question **q)
{
	list_remove(&(*q)->node);
	loop_task_cancel(&(*q)->task);
	endpoint_cancel(&(*q)->call);
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
	for (unsigned i = 0; i < (*a)->n_endpoints; i++)
		endpoint_free(&(*a)->endpoints[i]);
	recall_free(&(*a)->allowed);
	recall_free(&(*a)->denied);
	mem_free(a);
}
