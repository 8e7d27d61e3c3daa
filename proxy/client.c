/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * client: see the header.
 */
#include "proxy/client.h"

#include <unistd.h>

#include "base/check.h"
#include "base/counter.h"
#include "proxy/dispatch.h"

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

void client_serve_h1(struct client *c, struct stream **s)
{
	const struct conf *conf = c->snapshot->conf;
	struct h1_server_args args = {
		.loop = c->context->loop, .limits = &c->snapshot->limits,
		.events = &h1_events, .owner = c, .is_tls = c->peer.is_tls,
		.idle_ms = conf->timeouts.idle_ms, .head_ms = conf->timeouts.head_ms,
		.body_ms = conf->timeouts.body_ms, .write_ms = conf->timeouts.write_ms,
		/* a connection that came just before the end still gets its one answer */
		.requests_max = c->context->is_draining ? 1 : conf->limits.requests_per_connection,
	};

	ASSERT(!c->http);
	c->http = h1_server_new(s, &args);
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
