/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * transport: one fetcher per CA, with that CA's trust.
 */
#include "acme/transport.h"

#include "base/check.h"
#include "base/counter.h"
#include "base/mem.h"
#include "net/tls_context.h"

enum { CONNECTIONS = 4, CONNECT_MS = 10000, RESPONSE_MS = 30000, TOTAL_MS = 60000, IDLE_MS = 15000 };

struct fetch_transport {
	struct transport base;
	struct fetcher *fetcher;
};

static void *start(struct transport *t, const struct fetch_args *args, fetch_fn *fn, void *owner)
{
	struct fetch_transport *f = container_of(t, struct fetch_transport, base);
	counter_add(COUNTER_ACME_REQUESTS, 1);
	return fetch_start(f->fetcher, args, fn, owner);
}

static void cancel(struct transport *t, void *call)
{
	struct fetch *fetch = call;
	(void)t;
	fetch_cancel(&fetch);
}

static void free_transport(struct transport *t)
{
	struct fetch_transport *f = container_of(t, struct fetch_transport, base);
	fetcher_free(&f->fetcher);
	mem_free(&f);
}

static const struct transport_ops ops = { start, cancel, free_transport };

struct transport *transport_fetch_new(struct loop *l, struct tls_context *tls, const char *user_agent)
{
	struct fetch_transport *f = mem_new(sizeof *f);
	f->base.ops = &ops;
	f->fetcher = fetcher_new(&(struct fetcher_args){
		.loop = l, .tls = tls, .user_agent = user_agent, .https_only = true,
		.connections_max = CONNECTIONS, .connect_ms = CONNECT_MS, .response_ms = RESPONSE_MS,
		.total_ms = TOTAL_MS, .idle_ms = IDLE_MS,
	});
	return &f->base;
}

bool transport_url_is_fine(struct str url)
{
	struct url parts;
	return url.len && url.len < ACME_URL && !url_parse(url, &parts)
		&& str_equal_nocase(parts.scheme, STR("https"));
}
