/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fetch: one URL, one answer, over a small pool of connections per fetcher.
 *
 *   WAIT --> DIAL --> EXCHANGE --> DONE --> the owner's callback, freed
 *     ^________________/    \ (once: a pooled connection was stale and repeating is safe)
 *
 * A fetch waits until assign() finds it an idle connection of its origin or room for a new one. assign()
 * runs only from the fetcher's end-of-turn task, so that nothing calls back from fetch_start.
 */
#include "net/http/fetch.h"

#include <stdio.h>

#include "base/check.h"
#include "base/log.h"
#include "net/deadline.h"
#include "net/http/h1_client.h"

#define STATES(X) \
	X(WAIT, "for a connection") \
	X(DIAL, "connection being made") \
	X(EXCHANGE, "request sent, answer arriving") \
	X(DONE, "outcome known, the owner not yet told")

enum state {
#define X(name, meaning) name,
	STATES(X)
#undef X
};

static const char *const state_names[] = {
#define X(name, meaning) #name,
	STATES(X)
#undef X
};

enum {
	CONNECTIONS = 4, CONNECT_MS = 10000, RESPONSE_MS = 30000, TOTAL_MS = 60000,
	BODY_MAX = 256 * 1024, IDLE_MS = 15000,
	HEAD_MAX = 32 * 1024, HEADERS_MAX = 128, INTERIM_MAX = 16,
	ORIGIN_TEXT = 300,
};

static const struct http_limits limits = { .head_bytes = HEAD_MAX, .headers = HEADERS_MAX };

struct fetcher {
	struct fetcher_args args;
	char *user_agent;
	struct addr address;
	struct loop_task task;
	struct list fetches;         /* all that are not done, oldest first */
	struct list done;            /* failed before they began */
	struct list connections;
	unsigned n_connections;      /* with those being dialled */
};

/* One connection; belongs to its fetch while that uses it. */
struct connection {
	struct list node;
	struct fetcher *f;
	struct h1_client *client;
	struct deadline idle;
	struct fetch *user;
	char origin[ORIGIN_TEXT];
};

struct fetch {
	struct list node;
	struct fetcher *f;
	fetch_fn *fn;
	void *owner;
	struct arena arena;
	enum state state;
	struct deadline deadline;
	struct request_head head;
	struct str body;
	struct url url;
	char origin[ORIGIN_TEXT];
	struct dial *dial;
	struct connection *connection;
	struct side *side;
	unsigned status, n_interim;
	struct headers answer_headers;
	struct buf answer;
	bool was_sent, needs_fresh;
	enum err err;
	struct fault fault;
};

static void assign(struct fetcher *f);
static void dial(struct fetch *t);
static void send_over(struct fetch *t, struct connection *c);
static void retry(struct fetch *t);
static void finish(struct fetch *t, enum err err);
static void drop_connection(struct connection *c);
static void on_task(struct loop_task *task);
static void on_deadline(struct deadline *d);
static void on_dialled(void *owner, enum err err, struct stream *s, const struct fault *fault);

static const struct h1_client_events client_events;
static const struct side_events side_events;

static const struct log area = { "fetch" };

/* The only place that assigns the state. */
static void enter(struct fetch *t, enum state state)
{
	t->state = state;
	log_trace(&area, "state", "fetch=%p state=%s", (void *)t, state_names[state]);
}

static int64_t or_default(int64_t value, int64_t otherwise)
{
	return value ? value : otherwise;
}

struct fetcher *fetcher_new(const struct fetcher_args *args)
{
	struct fetcher *f = mem_new(sizeof(*f));

	ASSERT(args->loop);
	f->args = *args;
	f->args.tls = args->tls ? tls_context_ref(args->tls) : NULL;
	f->user_agent = mem_strdup(args->user_agent ? args->user_agent : "sallyport");
	if (args->address) {
		f->address = *args->address;
		f->args.address = &f->address;
	}
	f->args.connections_max = args->connections_max ? args->connections_max : CONNECTIONS;
	f->args.connect_ms = or_default(args->connect_ms, CONNECT_MS);
	f->args.response_ms = or_default(args->response_ms, RESPONSE_MS);
	f->args.total_ms = or_default(args->total_ms, TOTAL_MS);
	f->args.idle_ms = or_default(args->idle_ms, IDLE_MS);
	f->args.body_max = args->body_max ? args->body_max : BODY_MAX;
	loop_task_init(&f->task, on_task);
	list_init(&f->fetches);
	list_init(&f->done);
	list_init(&f->connections);
	return f;
}

static enum err copy_text(struct arena *a, struct str from, struct str *to)
{
	char *at = arena_strndup(a, from.at, from.len);

	*to = str_of(at, from.len);
	return at ? E_OK : E_NOMEM;
}

static enum err copy_headers(struct headers *to, struct arena *a, const struct header *from, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct str name, value;

		if (copy_text(a, from[i].name, &name) || copy_text(a, from[i].value, &value) ||
			headers_add(to, a, name, value))
			return E_NOMEM;
	}
	return E_OK;
}

static enum err set_authority(struct fetch *t)
{
	const struct url *u = &t->url;
	bool is_default = u->port == (str_is(u->scheme, "https") ? 443 : 80);
	char text[ORIGIN_TEXT - 8], port[8] = "";

	if (!is_default)
		snprintf(port, sizeof(port), ":%u", u->port);
	snprintf(text, sizeof(text), u->is_ipv6 ? "[%.*s]%s" : "%.*s%s", STR_FMT(u->host), port);
	snprintf(t->origin, sizeof(t->origin), "%.*s %s", STR_FMT(u->scheme), text);
	return copy_text(&t->arena, str_from(text), &t->head.authority);
}

static enum err read_url(struct fetch *t, struct str url)
{
	struct fetcher *f = t->f;
	struct str copy;

	if (copy_text(&t->arena, url, &copy))
		return E_NOMEM;
	if (url_parse(copy, &t->url))
		return fault_set(&t->fault, E_PARSE, "not an http or https URL: %.*s", STR_FMT(copy));
	if (f->args.https_only && !str_is(t->url.scheme, "https"))
		return fault_set(&t->fault, E_PARSE, "only https is allowed: %.*s", STR_FMT(copy));
	if (!f->args.tls && str_is(t->url.scheme, "https"))
		return fault_set(&t->fault, E_CONFIG, "https without trust: %.*s", STR_FMT(copy));
	return set_authority(t);
}

static enum err read_args(struct fetch *t, const struct fetch_args *args)
{
	struct request_head *head = &t->head;
	enum err e = read_url(t, args->url);

	if (e)
		return e;
	head->method = str_from(args->method);
	head->scheme = t->url.scheme;
	head->host = t->url.host;
	head->path = t->url.path;
	head->is_idempotent = head_method_is_idempotent(head->method);
	head->version = 11;
	head->body = args->body.len ? BODY_LENGTH : BODY_NONE;
	head->length = args->body.len;
	if (headers_add(&head->headers, &t->arena, STR("User-Agent"), str_from(t->f->user_agent)) ||
		copy_headers(&head->headers, &t->arena, args->headers, args->n_headers) ||
		copy_text(&t->arena, args->body, &t->body))
		return E_NOMEM;
	return E_OK;
}

struct fetch *fetch_start(struct fetcher *f, const struct fetch_args *args, fetch_fn *fn, void *owner)
{
	struct fetch *t = mem_new(sizeof(*t));

	ASSERT(args->method && fn);
	t->f = f;
	t->fn = fn;
	t->owner = owner;
	arena_init(&t->arena, 0);
	buf_init(&t->answer, f->args.body_max);
	deadline_init(&t->deadline, f->args.loop, on_deadline);
	t->err = read_args(t, args);
	enter(t, t->err ? DONE : WAIT);
	list_append(t->err ? &f->done : &f->fetches, &t->node);
	if (!t->err)
		deadline_arm(&t->deadline, or_default(args->total_ms, f->args.total_ms));
	loop_defer(f->args.loop, &f->task);
	return t;
}

static struct connection *idle_connection(struct fetcher *f, const char *origin)
{
	list_each(&f->connections, node, tmp) {
		struct connection *c = list_entry(node, struct connection, node);

		if (!c->user && (!origin || str_is(str_from(c->origin), origin)))
			return c;
	}
	return NULL;
}

/* True when it has left WAIT. */
static bool assign_one(struct fetch *t)
{
	struct fetcher *f = t->f;
	struct connection *c = t->needs_fresh ? NULL : idle_connection(f, t->origin);

	if (c) {
		send_over(t, c);
		return true;
	}
	if (f->n_connections >= f->args.connections_max) {
		c = idle_connection(f, NULL);
		if (!c)
			return false;
		drop_connection(c);
	}
	dial(t);
	return true;
}

static void assign(struct fetcher *f)
{
	list_each(&f->fetches, node, tmp) {
		struct fetch *t = list_entry(node, struct fetch, node);

		if (t->state == WAIT && !assign_one(t))
			return;
	}
}

static void dial(struct fetch *t)
{
	struct fetcher *f = t->f;
	char host[256];
	const struct dial_args args = {
		.host = host,
		.port = t->url.port,
		.address = f->args.address,
		.tls = str_is(t->url.scheme, "https") ? f->args.tls : NULL,
		.alpn = "http/1.1",
		.timeout_ms = f->args.connect_ms,
	};

	if (!str_copy(host, sizeof(host), t->url.host))
		UNREACHABLE();
	f->n_connections++;
	enter(t, DIAL);
	t->dial = dial_start(f->args.loop, &args, on_dialled, t);
}

static struct connection *new_connection(struct fetch *t, struct stream **s);

static void on_dialled(void *owner, enum err err, struct stream *s, const struct fault *fault)
{
	struct fetch *t = owner;

	t->dial = NULL;
	if (!err) {
		send_over(t, new_connection(t, &s));
		return;
	}
	t->f->n_connections--;
	if (fault)
		t->fault = *fault;
	finish(t, err);
}

static void on_idle_end(struct deadline *d)
{
	drop_connection(container_of(d, struct connection, idle));
}

static struct connection *new_connection(struct fetch *t, struct stream **s)
{
	struct fetcher *f = t->f;
	struct connection *c = mem_new(sizeof(*c));
	const struct h1_client_args args = {
		.loop = f->args.loop,
		.limits = &limits,
		.events = &client_events,
		.owner = c,
		.response_ms = f->args.response_ms,
		.body_ms = f->args.response_ms,
		.write_ms = f->args.response_ms,
	};

	c->f = f;
	memcpy(c->origin, t->origin, sizeof(c->origin));
	deadline_init(&c->idle, f->args.loop, on_idle_end);
	list_append(&f->connections, &c->node);
	c->client = h1_client_new(s, &args);
	return c;
}

/* What the ops return is told by on_fail as well. */
static void send_over(struct fetch *t, struct connection *c)
{
	ASSERT(!c->user && !t->connection);
	deadline_disarm(&c->idle);
	c->user = t;
	t->connection = c;
	t->side = h1_client_exchange(c->client);
	side_own(t->side, &side_events, t);
	enter(t, EXCHANGE);
	if (!side_send_request(t->side, &t->head) && t->body.len &&
		!side_send_body(t->side, t->body))
		(void)side_send_end(t->side, NULL);
}

static void on_response(void *owner, struct response_head *head)
{
	struct fetch *t = owner;

	if (head->status < 200) {
		if (++t->n_interim > INTERIM_MAX)
			finish(t, fault_set(&t->fault, E_LIMIT, "too many interim answers"));
		return;
	}
	t->status = head->status;
	t->fault.status = (int)head->status;
	/* None was asked for: not decoding it keeps a small answer small. */
	if (headers_count(&head->headers, "content-encoding") &&
		!str_equal_nocase(headers_get(&head->headers, "content-encoding"), STR("identity"))) {
		finish(t, fault_set(&t->fault, E_UPSTREAM_PROTOCOL, "answer has a content encoding"));
		return;
	}
	if (head->body == BODY_LENGTH && head->length > t->f->args.body_max) {
		finish(t, fault_set(&t->fault, E_LIMIT, "answer too large"));
		return;
	}
	if (copy_headers(&t->answer_headers, &t->arena, head->headers.at, head->headers.n)) {
		finish(t, E_NOMEM);
		return;
	}
	side_resume(t->side);
}

static void on_body(void *owner, struct str bytes)
{
	struct fetch *t = owner;
	enum err e = buf_add(&t->answer, bytes);

	if (e)
		finish(t, fault_set(&t->fault, e, "answer too large"));
}

static void on_end(void *owner, const struct headers *trailers)
{
	(void)trailers;
	finish(owner, E_OK);
}

static void on_writable(void *owner)
{
	(void)owner;
}

static void on_fail(void *owner, enum err err)
{
	struct fetch *t = owner;
	const struct side *s = t->side;
	bool was_stale = s->is_reused && !s->was_answered && !t->needs_fresh;

	if (was_stale && err != E_UPSTREAM_TIMEOUT && (!s->was_sent || t->head.is_idempotent))
		retry(t);
	else
		finish(t, err);
}

static const struct side_events side_events = {
	.on_response = on_response,
	.on_body = on_body,
	.on_end = on_end,
	.on_writable = on_writable,
	.on_fail = on_fail,
};

static void let_go(struct fetch *t)
{
	if (t->side)
		t->was_sent = t->was_sent || t->side->was_sent;
	if (t->dial)
		t->f->n_connections--;
	dial_cancel(&t->dial);
	if (t->connection)
		t->connection->user = NULL;
	t->connection = NULL;
	/* Last: tells the connection's owner, which is us, whether it can be used again. */
	side_release(&t->side);
}

static void retry(struct fetch *t)
{
	let_go(t);
	t->needs_fresh = true;
	t->was_sent = false;
	enter(t, WAIT);
	loop_defer(t->f->args.loop, &t->f->task);
}

static void forget_connection(struct connection *c)
{
	deadline_disarm(&c->idle);
	list_remove(&c->node);
	c->f->n_connections--;
	if (c->user)
		c->user->connection = NULL;
	loop_defer(c->f->args.loop, &c->f->task);
	mem_release(c);
}

static void drop_connection(struct connection *c)
{
	h1_client_close(&c->client);
	forget_connection(c);
}

static void on_idle(void *owner)
{
	struct connection *c = owner;

	deadline_arm(&c->idle, c->f->args.idle_ms);
	loop_defer(c->f->args.loop, &c->f->task);
}

static void on_closed(void *owner)
{
	forget_connection(owner);
}

static const struct h1_client_events client_events = { on_idle, on_closed };

static void free_fetch(struct fetch *t)
{
	deadline_disarm(&t->deadline);
	list_remove(&t->node);
	buf_fini(&t->answer);
	arena_reset(&t->arena);
	mem_release(t);
}

/* Tells the owner last: it may free the fetcher. */
static void finish(struct fetch *t, enum err err)
{
	struct fetch_answer answer;

	let_go(t);
	enter(t, DONE);
	deadline_disarm(&t->deadline);
	list_remove(&t->node);
	loop_defer(t->f->args.loop, &t->f->task);
	answer = (struct fetch_answer){ t->status, &t->answer_headers, buf_str(&t->answer) };
	if (err && !t->fault.code)
		fault_set(&t->fault, err, "%s", err_text(err));
	if (err)
		fault_during(&t->fault, "requesting %s", t->origin);
	t->fn(t->owner, err, err ? NULL : &answer, err ? &t->fault : NULL, t->was_sent);
	free_fetch(t);
}

static void on_task(struct loop_task *task)
{
	struct fetcher *f = container_of(task, struct fetcher, task);
	struct fetch *t = list_first(&f->done, struct fetch, node);

	if (!t) {
		assign(f);
		return;
	}
	/* One a round: the owner may free the fetcher. finish() asks for the next. */
	finish(t, t->err);
}

static void on_deadline(struct deadline *d)
{
	struct fetch *t = container_of(d, struct fetch, deadline);

	finish(t, fault_set(&t->fault, E_TIMEOUT, "no complete answer in time"));
}

void fetch_cancel(struct fetch **fetch)
{
	struct fetch *t = *fetch;

	*fetch = NULL;
	if (!t)
		return;
	let_go(t);
	free_fetch(t);
}

static void cancel_all(struct list *fetches)
{
	struct fetch *t;

	while ((t = list_first(fetches, struct fetch, node)))
		fetch_cancel(&t);
}

void fetcher_free(struct fetcher **fetcher)
{
	struct fetcher *f = *fetcher;

	*fetcher = NULL;
	if (!f)
		return;
	cancel_all(&f->fetches);
	cancel_all(&f->done);
	list_each(&f->connections, node, tmp)
		drop_connection(list_entry(node, struct connection, node));
	loop_task_cancel(&f->task);
	if (f->args.tls)
		tls_context_unref(&f->args.tls);
	mem_free(&f->user_agent);
	mem_release(f);
}
