/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * dispatch: Host decides the site; on TLS it must be the site the connection was opened for, or a client
 * that shares a connection between names would reach one site under another's name and policy.
 *
 * A token nobody here knows may be another process's: such a request is held until the store was searched,
 * and goes its way like any other when nothing was found.
 */
#include "proxy/dispatch.h"

#include <stdio.h>

#include "base/check.h"
#include "base/counter.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/deadline.h"
#include "proxy/answer.h"
#include "proxy/rewrite.h"
#include "proxy/router.h"

struct request {
	struct context *context;
	const struct conf *conf;
	const struct peer *peer;
	struct side *side;
	struct request_head *head;
	const struct conf_route *route;
	struct access_record record;
};

enum { HELD_MS = 5000, HELD_MAX = 256, HELD_PER_TOKEN = 16 };

/* A request that waits. */
struct held {
	struct list node;
	struct waiter waiter;
	struct deadline deadline;
	struct request request;
};

static const struct log area = { "dispatch" };
static const struct str token_path = { "/.well-known/acme-challenge/", 28 };

/* ---- our own answers ---- */

static void finish(struct request *r, enum err err)
{
	r->record.err = err;
	access_log_write(&r->record);
	side_release(&r->side);
}

static void refuse(struct request *r, enum err err)
{
	r->record.status = answer_status(err);
	answer_error(r->side, r->head, err, r->record.id);
	finish(r, err);
}

static void redirect(struct request *r, unsigned status, struct str location)
{
	if (!location.at) {
		refuse(r, E_INTERNAL);
		return;
	}
	r->record.status = status;
	answer_redirect(r->side, r->head, status, location);
	finish(r, E_OK);
}

static struct str print_to_arena(struct arena *a, struct str x, struct str y, struct str z)
{
	size_t len = x.len + y.len + z.len;
	char *text = arena_alloc(a, len + 1);

	if (!text)
		return STR_NONE;
	snprintf(text, len + 1, "%.*s%.*s%.*s", STR_FMT(x), STR_FMT(y), STR_FMT(z));
	return str_of(text, len);
}

static struct str wanted_path(const struct request *r)
{
	return str_is(r->head->path, "*") ? STR("/") : r->head->path;
}

static void redirect_to_https(struct request *r)
{
	struct str host = r->head->host;
	bool is_ipv6 = str_find(host, ':') >= 0;
	char port[8] = "", place[300];
	int n;

	if (r->context->https_port != 443)
		snprintf(port, sizeof(port), ":%u", r->context->https_port);
	n = snprintf(place, sizeof(place), is_ipv6 ? "[%.*s]%s" : "%.*s%s", STR_FMT(host), port);
	if (n < 0 || (size_t)n >= sizeof(place))
		refuse(r, E_NO_ROUTE);
	else
		redirect(r, 308, print_to_arena(r->side->arena, STR("https://"),
			str_of(place, (size_t)n), wanted_path(r)));
}

/* A target with a path of its own is meant as it stands. */
static void redirect_to_target(struct request *r)
{
	struct str target = str_from(r->route->redirect), rest = target;
	ptrdiff_t colon = str_find(target, ':');
	unsigned status = r->route->redirect_status ? (unsigned)r->route->redirect_status : 308;

	if (colon >= 0 && target.len >= (size_t)colon + 3)
		rest = str_of(target.at + colon + 3, target.len - (size_t)colon - 3);
	if (str_find(rest, '/') >= 0 || str_find(rest, '?') >= 0)
		redirect(r, status, target);
	else
		redirect(r, status, print_to_arena(r->side->arena, target, wanted_path(r), STR("")));
}

/* ---- decisions ---- */

/* Exactly a live token on its own host; anything else is a path like any other. */
static struct str token_of(const struct request *r)
{
	struct str path = r->head->path;

	if (r->peer->is_tls || !str_has_prefix(path, token_path)
		|| !(str_is(r->head->method, "GET") || str_is(r->head->method, "HEAD")))
		return STR_NONE;
	return str_of(path.at + token_path.len, path.len - token_path.len);
}

static struct str find_answer(const struct request *r, struct str token)
{
	return r->context->challenges ?
		challenge_set_http01(r->context->challenges, r->head->host, token) : STR_NONE;
}

static void answer_challenge(struct request *r, struct str answer)
{
	counter_add(COUNTER_CHALLENGES_ANSWERED, 1);
	r->context->on_challenge_seen(r->context->owner, CONF_HTTP_01, r->head->host);
	r->record.status = 200;
	answer_text(r->side, r->head, answer);
	finish(r, E_OK);
}

/* Clients without SNI get the site they would have got a certificate of when theirs is unknown: their Host
 * may be an address, or missing. */
static enum err tls_site(const struct request *r, const struct conf_site **out)
{
	const struct router *router = context_snapshot(r->context)->router;
	struct str name = str_from(r->peer->site), host = r->head->host;
	const struct conf_site *own = r->peer->has_sni ? router_site(router, name)
		: router_named(router, name);
	const struct conf_site *site = own;

	if (host.len && !(r->peer->has_sni && str_equal(host, name)))
		site = router_site(router, host);
	if (!site && !r->peer->has_sni)
		site = own;
	*out = site;
	if (!site)
		return E_NO_ROUTE;
	/* Names of one site may lead to different tenants, and what is known of this one is the name's. */
	if (site->tls == CONF_TLS_ON_DEMAND && host.len && !str_equal(host, name) && placement_is_on(r->conf))
		return E_MISDIRECTED;
	return site == own ? E_OK : E_MISDIRECTED;
}

static enum err plain_site(const struct request *r, const struct conf_site **out)
{
	*out = router_site(context_snapshot(r->context)->router, r->head->host);
	return *out && (*out)->http != CONF_HTTP_REFUSE ? E_OK : E_NO_ROUTE;
}

static bool goes_to_https(const struct request *r, const struct conf_site *site)
{
	return !r->peer->is_tls && r->context->https_port && site->tls != CONF_TLS_OFF
		&& site->http == CONF_HTTP_REDIRECT;
}

static bool is_too_large(const struct request *r)
{
	uint64_t max = r->conf->limits.body_bytes;

	return max && r->head->body == BODY_LENGTH && r->head->length > max;
}

/* Of the site's own "to" alone: what the operator wrote for a path stays so. */
static bool is_placed(const struct request *r)
{
	return r->peer->to && strcmp(r->route->path, "/*") == 0 && placement_is_on(r->conf);
}

static struct upstream *find_placed(struct request *r, enum err *err)
{
	struct fault fault = { 0 };
	struct placement at;
	struct upstream *u;

	*err = placement_read(r->conf, str_from(r->peer->to), &at, &fault);
	if (*err) {
		log_error(&area, "a name leads where it may not", "name=%s to=%s code=SP-%d", r->peer->site,
			r->peer->to, err_code(*err));
		return NULL;
	}
	u = upstream_set_place(r->context->upstreams, &at);
	if (!u)
		*err = E_LIMIT;
	return u;
}

static void start_forward(struct request *r)
{
	struct upstream_set *set = r->context->upstreams;
	enum err err = E_OK;
	struct upstream *u = is_placed(r) ? find_placed(r, &err) : &set->at[r->route->to - r->conf->upstreams];
	const struct conf_upstream *to = u ? u->conf : r->route->to;
	struct rewrite_args rewrite = { r->side->arena, r->conf, r->peer, to->host };
	struct forward_args args = {
		.client = r->side, .head = r->head,
		.origin = u ? &u->origin : NULL,
		.body_max = r->conf->limits.body_bytes,
		.mark_bytes = (size_t)r->conf->limits.buffer_bytes,
		.tunnel_ms = to->timeouts.tunnel_ms,
	};

	if (err) {
		refuse(r, err);
		return;
	}
	if (rewrite_request(r->head, &rewrite, &r->record.id)) {
		refuse(r, E_INTERNAL);
		return;
	}
	args.record = r->record;
	forward_start(r->context->forwards, &args);
}

static void take_route(struct request *r, const struct conf_site *site)
{
	r->route = router_route(site, r->head->path);
	if (!r->route)
		refuse(r, E_NO_ROUTE);
	else if (r->route->redirect)
		redirect_to_target(r);
	else if (is_too_large(r))
		refuse(r, E_BODY_TOO_LARGE);
	else
		start_forward(r);
}

static void begin_record(struct request *r)
{
	struct access_record *record = &r->record;

	record->peer = r->peer;
	record->host = r->head->host;
	record->method = r->head->method;
	record->path = r->head->path;
	record->is_on = r->conf->log.access && log_enabled(LOG_INFO);
	record->started_us = access_log_now_us(record);
}

static void take_site(struct request *r)
{
	const struct conf_site *site = NULL;
	enum err err = r->peer->is_tls ? tls_site(r, &site) : plain_site(r, &site);

	if (err)
		refuse(r, err);
	else if (goes_to_https(r, site))
		redirect_to_https(r);
	else
		take_route(r, site);
}

/* ---- held ---- */

static struct request end_held(struct held *h)
{
	struct request r = h->request;

	waiting_leave(r.context->seeking, &h->waiter);
	deadline_disarm(&h->deadline);
	list_remove(&h->node);
	mem_free(&h);
	return r;
}

/* The configuration may be another one by now. */
static void go_on(struct held *h)
{
	struct request r = end_held(h);
	struct str answer = find_answer(&r, token_of(&r));

	r.conf = context_snapshot(r.context)->conf;
	if (answer.at)
		answer_challenge(&r, answer);
	else
		take_site(&r);
}

static void on_sought(struct waiter *w, enum err err, struct entry *e)
{
	(void)err;
	(void)e;
	go_on(container_of(w, struct held, waiter));
}

static void on_held_deadline(struct deadline *d)
{
	go_on(container_of(d, struct held, deadline));
}

static void on_held_body(void *owner, struct str bytes)
{
	(void)owner;
	(void)bytes;
}

static void on_held_end(void *owner, const struct headers *trailers)
{
	(void)owner;
	(void)trailers;
}

static void on_held_writable(void *owner)
{
	(void)owner;
}

static void on_held_fail(void *owner, enum err err)
{
	struct request r = end_held(owner);

	finish(&r, err);
}

static const struct side_events held_events = {
	.on_body = on_held_body, .on_end = on_held_end,
	.on_writable = on_held_writable, .on_fail = on_held_fail,
};

/* False when nobody can tell, or too many wait. What has a body is no validator's. */
static bool hold(struct request *r, struct str token)
{
	static const struct waiting_caps caps = { HELD_MAX, HELD_PER_TOKEN };
	struct context *x = r->context;
	char buf[CHALLENGE_KEY];
	struct str key = challenge_key(buf, r->head->host, token);
	struct held *h;

	if (!x->seeking || r->head->body != BODY_NONE || !r->head->host.len || !key.at
		|| !challenge_is_token(token))
		return false;
	h = mem_new(sizeof(*h));
	h->request = *r;
	h->waiter.on_answer = on_sought;
	list_init(&h->waiter.node);
	if (waiting_join(x->seeking, &h->waiter, key, "", &caps)) {
		mem_free(&h);
		return false;
	}
	list_append(&x->held, &h->node);
	deadline_init(&h->deadline, x->loop, on_held_deadline);
	deadline_arm(&h->deadline, HELD_MS);
	side_own(r->side, &held_events, h);
	return true;
}

void dispatch_cut_held(struct context *c)
{
	while (!list_is_empty(&c->held))
		on_held_fail(list_first(&c->held, struct held, node), E_DRAINING);
}

/* ---- the door ---- */

void dispatch_request(struct context *c, const struct peer *peer, struct side *s,
	struct request_head *head)
{
	struct request r = { c, context_snapshot(c)->conf, peer, s, head, NULL, { 0 } };
	struct str token, answer;

	ASSERT(c && peer && s && head);
	counter_add(COUNTER_REQUESTS, 1);
	begin_record(&r);
	token = token_of(&r);
	answer = token.at ? find_answer(&r, token) : STR_NONE;
	if (answer.at)
		answer_challenge(&r, answer);
	else if (!token.at || !hold(&r, token))
		take_site(&r);
}
