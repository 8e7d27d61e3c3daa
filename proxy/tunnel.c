/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tunnel: the idle deadline covers both directions: a peer that only listens keeps its tunnel as long as
 * the other one speaks.
 */
#include "proxy/tunnel.h"

#include "base/check.h"

static void over(struct tunnel *t, enum err err)
{
	deadline_disarm(&t->idle);
	t->on_over(t, err);
}

static void move(struct tunnel *t, struct pump *p, struct str bytes)
{
	enum err err;

	deadline_arm(&t->idle, t->idle_ms);
	err = pump_body(p, bytes);
	if (err)
		over(t, err);
}

static void end(struct tunnel *t, struct pump *p)
{
	enum err err = pump_end(p, NULL);

	if (err || (t->up.has_ended && t->down.has_ended))
		over(t, err);
}

static void on_client_body(void *owner, struct str bytes)
{
	struct tunnel *t = owner;

	move(t, &t->up, bytes);
}

static void on_upstream_body(void *owner, struct str bytes)
{
	struct tunnel *t = owner;

	move(t, &t->down, bytes);
}

static void on_client_end(void *owner, const struct headers *trailers)
{
	struct tunnel *t = owner;

	(void)trailers;
	end(t, &t->up);
}

static void on_upstream_end(void *owner, const struct headers *trailers)
{
	struct tunnel *t = owner;

	(void)trailers;
	end(t, &t->down);
}

static void on_client_writable(void *owner)
{
	struct tunnel *t = owner;

	deadline_arm(&t->idle, t->idle_ms);
	pump_writable(&t->down);
}

static void on_upstream_writable(void *owner)
{
	struct tunnel *t = owner;

	deadline_arm(&t->idle, t->idle_ms);
	pump_writable(&t->up);
}

static void on_fail(void *owner, enum err err)
{
	over(owner, err);
}

static void on_idle(struct deadline *d)
{
	over(container_of(d, struct tunnel, idle), E_TIMEOUT);
}

static const struct side_events client_events = {
	.on_body = on_client_body, .on_end = on_client_end,
	.on_writable = on_client_writable, .on_fail = on_fail,
};
static const struct side_events upstream_events = {
	.on_body = on_upstream_body, .on_end = on_upstream_end,
	.on_writable = on_upstream_writable, .on_fail = on_fail,
};

void tunnel_init(struct tunnel *t, struct loop *l)
{
	deadline_init(&t->idle, l, on_idle);
}

void tunnel_open(struct tunnel *t, const struct tunnel_args *args)
{
	ASSERT(args->client && args->upstream);
	t->up = (struct pump){ args->client, args->upstream, args->mark_bytes, 0, false, false };
	t->down = (struct pump){ args->upstream, args->client, args->mark_bytes, 0, false, false };
	t->idle_ms = args->idle_ms;
	t->on_over = args->on_over;
	side_own(args->client, &client_events, t);
	side_own(args->upstream, &upstream_events, t);
	deadline_arm(&t->idle, t->idle_ms);
	side_resume(args->client);
	/* the first resume may have ended it all */
	if (deadline_is_armed(&t->idle))
		side_resume(args->upstream);
}

void tunnel_close(struct tunnel *t)
{
	deadline_disarm(&t->idle);
}
