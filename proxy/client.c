/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * client: see the header.
 */
#include "proxy/client.h"

#include <unistd.h>

#include "base/check.h"
#include "base/counter.h"
#include "proxy/dispatch.h"
#include "proxy/router.h"

bool client_admit(struct context *x, int fd)
{
	if (atomic_fetch_add(x->connections, 1) < x->connections_max && !x->is_draining)
		return true;
	atomic_fetch_sub(x->connections, 1);
	counter_add(COUNTER_CONNECTIONS_SHED, 1);
	close(fd);
	return false;
}

void client_init(struct client *c, struct context *x, const struct addr *peer)
{
	ASSERT(c->cut && c->on_closed);
	c->context = x;
	c->snapshot = snapshot_ref(context_snapshot(x));
	addr_to_small(&c->peer.addr, peer);
	list_append(&x->clients, &c->node);
	counter_add(COUNTER_CONNECTIONS, 1);
	counter_add(COUNTER_CONNECTIONS_OPEN, 1);
}

void client_fini(struct client *c)
{
	struct context *x = c->context;

	list_remove(&c->node);
	snapshot_unref(&c->snapshot);
	mem_free(&c->peer.site);
	mem_free(&c->peer.to);
	counter_add(COUNTER_CONNECTIONS_OPEN, -1);
	atomic_fetch_sub(x->connections, 1);
	x->on_client_gone(x->owner);
}

static void on_request(void *owner, struct side *s, struct request_head *head)
{
	struct client *c = owner;

	dispatch_request(c->context, &c->peer, s, head);
}

static void on_refused(void *owner, enum err err, unsigned status)
{
	struct client *c = owner;
	const struct conf_log *log = &context_snapshot(c->context)->conf->log;
	struct access_record record = { .peer = &c->peer, .status = status, .err = err,
		.is_on = log->access };

	counter_add(COUNTER_REQUESTS_BAD, 1);
	record.started_us = access_log_now_us(&record);
	access_log_write(&record);
}

static void end(struct client *c)
{
	c->http = NULL;
	client_fini(c);
	c->on_closed(c);
}

static void on_http_closed(void *owner)
{
	end(owner);
}

static const struct h1_server_events h1_events = { on_request, on_refused, on_http_closed };

/* As the snapshot in force says: a connection keeps none of its own for longer than its handshake. */
static struct h1_server_args http_args(struct client *c)
{
	const struct snapshot *snapshot = context_snapshot(c->context);
	const struct conf *conf = snapshot->conf;

	return (struct h1_server_args){
		.loop = c->context->loop, .limits = &snapshot->limits,
		.events = &h1_events, .owner = c, .is_tls = c->peer.is_tls,
		.idle_ms = conf->timeouts.idle_ms, .head_ms = conf->timeouts.head_ms,
		.body_ms = conf->timeouts.body_ms, .write_ms = conf->timeouts.write_ms,
		/* a connection that came just before the end still gets its one answer */
		.requests_max = c->context->is_draining ? 1 : conf->limits.requests_per_connection,
	};

}

void client_serve_h1(struct client *c, struct stream **s)
{
	struct h1_server_args args = http_args(c);

	ASSERT(!c->http);
	c->http = h1_server_new(s, &args);
	snapshot_unref(&c->snapshot);
}

/* A plain connection belongs to no site. */
static bool has_site(const struct client *c)
{
	const struct router *router = context_snapshot(c->context)->router;
	const struct conf_site *site;

	if (!c->peer.is_tls || !c->peer.site)
		return true;
	site = c->peer.has_sni ? router_site(router, str_from(c->peer.site)) :
		router_named(router, str_from(c->peer.site));
	return site && site->tls != CONF_TLS_OFF;
}

void client_settle_all(struct context *x)
{
	list_each(&x->clients, node, tmp) {
		struct client *c = list_entry(node, struct client, node);
		struct h1_server_args args;

		if (!c->http)
			continue;
		args = http_args(c);
		h1_server_adjust(c->http, &args);
		if (!has_site(c))
			h1_server_drain(c->http);
	}
}

void client_drain_all(struct context *x)
{
	list_each(&x->clients, node, tmp) {
		struct client *c = list_entry(node, struct client, node);

		if (c->http)
			h1_server_drain(c->http);
	}
}

void client_cut_all(struct context *x)
{
	list_each(&x->clients, node, tmp) {
		struct client *c = list_entry(node, struct client, node);

		if (c->http) {
			h1_server_close(&c->http);
			end(c);
		} else {
			c->cut(c);
		}
	}
}
