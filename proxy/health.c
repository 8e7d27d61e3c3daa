/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * health: one small machine per server, each on its own connection, so that a check sees what a new
 * visitor would see.
 *
 *   REST --> DIAL --> ASK --> REST …
 */
#include "proxy/health.h"

#include "base/check.h"
#include "base/log.h"
#include "net/http/h1_client.h"
#include "net/random.h"
#include "proxy/attempt.h"

/* X(enumerator, name, meaning) */
#define CHECK_STATES(X) \
	X(CHECK_REST, "rest", "until the next check is due") \
	X(CHECK_DIAL, "dial", "connecting") \
	X(CHECK_ASK, "ask", "request sent")

enum check_state {
#define X(name, text, meaning) name,
	CHECK_STATES(X)
#undef X
};

struct check {
	struct server *server;
	const struct conf_health *rules;
	enum check_state state;
	struct deadline deadline;
	int64_t until_ms;          /* loop time: when the state ends */
	struct dial *dial;
	struct h1_client *client;
	struct side *side;
	unsigned good, bad;        /* consecutive */
};

struct health {
	struct upstream_set *set;
	struct check *at;
	unsigned n;
};

static const struct log area = { "health" };

static void on_deadline(struct deadline *d);
static void on_dialled(void *owner, enum err err, struct stream *s, const struct fault *fault);
static void ask(struct check *c, struct stream **s);
static void conclude(struct check *c, bool is_good);

static void enter(struct check *c, enum check_state state, int64_t ms)
{
	c->state = state;
	c->until_ms = loop_now_ms(c->server->upstream->set->loop) + ms;
	deadline_arm(&c->deadline, ms);
}

/* ---- start and stop ---- */

static void init_check(struct health *h, struct server *s)
{
	struct check *c = &h->at[h->n++];

	c->server = s;
	c->rules = &s->upstream->conf->health;
	deadline_init(&c->deadline, h->set->loop, on_deadline);
	/* spread, but the first verdict soon */
	enter(c, CHECK_REST, (int64_t)random_below((uint64_t)c->rules->every_ms / 4 + 1));
}

static bool has_same_rules(const struct check *a, const struct check *b)
{
	return upstream_is_same(a->server, b->server) && strcmp(a->rules->path, b->rules->path) == 0 &&
		a->rules->every_ms == b->rules->every_ms;
}

/* One that was asking asks again, soon. */
static void inherit(struct check *c, const struct check *old)
{
	int64_t left = old->state != CHECK_REST ? 0 :
		old->until_ms - loop_now_ms(c->server->upstream->set->loop);

	c->good = old->good;
	c->bad = old->bad;
	enter(c, CHECK_REST, left > 0 ? left : 0);
}

static void inherit_all(struct health *h, const struct health *old)
{
	for (unsigned i = 0; i < h->n; i++)
		for (unsigned k = 0; k < old->n; k++)
			if (has_same_rules(&h->at[i], &old->at[k]))
				inherit(&h->at[i], &old->at[k]);
}

struct health *health_start(struct upstream_set *set, const struct health *old)
{
	struct health *h = mem_new(sizeof(*h));
	unsigned n = 0;

	h->set = upstream_set_ref(set);
	for (unsigned i = 0; i < set->n; i++)
		n += set->at[i].n_servers;
	h->at = mem_new((n + 1) * sizeof(*h->at));
	for (unsigned i = 0; i < set->n; i++)
		for (unsigned k = 0; set->at[i].conf->health.path && k < set->at[i].n_servers; k++)
			init_check(h, &set->at[i].servers[k]);
	if (old)
		inherit_all(h, old);
	return h;
}

static void stop_asking(struct check *c)
{
	dial_cancel(&c->dial);
	side_release(&c->side);
	if (c->client)
		h1_client_close(&c->client);
}

void health_stop(struct health **h)
{
	struct health *dying = *h;

	*h = NULL;
	if (!dying)
		return;
	for (unsigned i = 0; i < dying->n; i++) {
		deadline_disarm(&dying->at[i].deadline);
		stop_asking(&dying->at[i]);
	}
	upstream_set_unref(&dying->set);
	mem_free(&dying->at);
	mem_free(&dying);
}

/* ---- REST, DIAL ---- */

static void on_deadline(struct deadline *d)
{
	struct check *c = container_of(d, struct check, deadline);

	if (c->state != CHECK_REST) {
		conclude(c, false);
		return;
	}
	enter(c, CHECK_DIAL, c->rules->timeout_ms);
	c->dial = attempt_dial(c->server, c->rules->timeout_ms, on_dialled, c);
}

static void on_dialled(void *owner, enum err err, struct stream *s, const struct fault *fault)
{
	struct check *c = owner;

	(void)fault;
	c->dial = NULL;
	if (err)
		conclude(c, false);
	else
		ask(c, &s);
}

/* ---- ASK ---- */

static void on_response(void *owner, struct response_head *head)
{
	if (head->status >= 200)
		conclude(owner, head->status < 400);
}

static void on_body(void *owner, struct str bytes)
{
	(void)owner;
	(void)bytes;
}

static void on_end(void *owner, const struct headers *trailers)
{
	(void)owner;
	(void)trailers;
}

static void on_writable(void *owner)
{
	(void)owner;
}

static void on_fail(void *owner, enum err err)
{
	(void)err;
	conclude(owner, false);
}

static const struct side_events side_events = {
	.on_response = on_response, .on_body = on_body, .on_end = on_end,
	.on_writable = on_writable, .on_fail = on_fail,
};

static void on_idle(void *owner)
{
	(void)owner;
}

static void on_closed(void *owner)
{
	struct check *c = owner;

	c->client = NULL;  /* frees itself */
}

static const struct h1_client_events client_events = { on_idle, on_closed };

static struct str host_of(const struct check *c)
{
	const struct conf_upstream *u = c->server->upstream->conf;
	const struct conf_addr *at = &c->server->conf->addr;

	if (u->host)
		return str_from(u->host);
	return at->kind == CONF_ADDR_UNIX ? STR("localhost") : str_from(at->text);
}

static void ask(struct check *c, struct stream **s)
{
	int64_t ms = c->rules->timeout_ms;
	struct h1_client_args args = {
		.loop = c->server->upstream->set->loop,
		.limits = &c->server->upstream->set->snapshot->limits,
		.events = &client_events, .owner = c,
		.response_ms = ms, .body_ms = ms, .write_ms = ms,
	};
	struct request_head head = {
		.method = STR("GET"), .scheme = c->server->upstream->tls ? STR("https") : STR("http"),
		.authority = host_of(c), .host = host_of(c), .path = str_from(c->rules->path),
		.is_idempotent = true, .version = 11, .body = BODY_NONE,
	};

	enter(c, CHECK_ASK, ms);
	c->client = h1_client_new(s, &args);
	c->side = h1_client_exchange(c->client);
	side_own(c->side, &side_events, c);
	if (headers_add(&head.headers, c->side->arena, STR("User-Agent"), STR("sallyport-health"))
		|| side_send_request(c->side, &head) || side_send_end(c->side, NULL))
		conclude(c, false);
}

/* ---- verdict ---- */

static void set_verdict(struct check *c, bool down)
{
	const struct server *s = c->server;

	if (upstream_is_down(s) == down)
		return;
	upstream_set_down(c->server, down);
	if (down)
		log_warn(&area, "server is down", "upstream=%s server=%s", s->upstream->conf->name,
			s->conf->addr.text);
	else
		log_info(&area, "server is up", "upstream=%s server=%s", s->upstream->conf->name,
			s->conf->addr.text);
}

static void conclude(struct check *c, bool is_good)
{
	c->good = is_good ? c->good + 1 : 0;
	c->bad = is_good ? 0 : c->bad + 1;
	if (c->good >= c->rules->up_after)
		set_verdict(c, false);
	else if (c->bad >= c->rules->down_after)
		set_verdict(c, true);
	stop_asking(c);
	enter(c, CHECK_REST, c->rules->every_ms);
}
