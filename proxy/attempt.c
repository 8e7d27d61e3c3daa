/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * attempt: only connecting is repeated here, at most ATTEMPT_TRIES times: no byte of the request has been
 * sent then. What happens on the connection is forward's.
 */
#include "proxy/attempt.h"

#include "base/check.h"
#include "base/counter.h"

static void on_dialled(void *owner, enum err err, struct stream *s, const struct fault *fault);

struct dial *attempt_dial(struct server *s, int64_t timeout_ms, dial_fn *fn, void *owner)
{
	const struct upstream *u = s->upstream;
	const struct conf_addr *at = &s->conf->addr;
	struct dial_args args = {
		.host = at->kind == CONF_ADDR_UNIX ? NULL : at->host,
		.port = at->port,
		.address = upstream_address(s),
		.tls = u->tls,
		.tls_name = u->conf->tls_name ? u->conf->tls_name : at->host,
		.alpn = u->tls ? "http/1.1" : NULL,
		.timeout_ms = timeout_ms,
	};

	return dial_start(u->set->loop, &args, fn, owner);
}

static void answer_side(struct attempt *a, struct side *s)
{
	a->fn(a->owner, E_OK, s);
}

static void open_attempt(struct attempt *a)
{
	struct upstream *u = container_of(a->origin, struct upstream, origin);
	struct server *s = upstream_pick(u, a->tried);
	struct side *idle;

	ASSERT(!a->dial);
	if (!s || a->n_tried >= ATTEMPT_TRIES) {
		a->fn(a->owner, a->err ? a->err : E_UPSTREAM_CONNECT, NULL);
		return;
	}
	a->server = s;
	a->server_text = s->conf->addr.text;
	idle = a->wants_fresh ? NULL : pool_take(&s->pool);
	if (idle) {
		counter_add(COUNTER_UPSTREAM_REUSED, 1);
		answer_side(a, idle);
		return;
	}
	s->load.in_flight++;
	a->dial = attempt_dial(s, u->conf->timeouts.connect_ms, on_dialled, a);
}

static enum err connect_error(enum err err)
{
	if (err == E_TIMEOUT)
		return E_UPSTREAM_TIMEOUT;
	return err == E_TLS || err == E_TRUST ? E_UPSTREAM_TLS : E_UPSTREAM_CONNECT;
}

static void try_next(struct attempt *a, enum err err)
{
	struct server *s = a->server;

	a->n_tried++;
	a->err = connect_error(err);
	if (!upstream_connect_failed(s, err) && s->index < 64)
		a->tried |= UINT64_C(1) << s->index;
	open_attempt(a);
}

static void on_dialled(void *owner, enum err err, struct stream *stream, const struct fault *fault)
{
	struct attempt *a = owner;
	struct server *s = a->server;

	(void)fault;
	a->dial = NULL;
	s->load.in_flight--;  /* counted again while lent */
	if (err) {
		try_next(a, err);
		return;
	}
	counter_add(COUNTER_UPSTREAM_CONNECTS, 1);
	upstream_connected(s);
	answer_side(a, pool_adopt(&s->pool, &stream));
}

static void cancel_attempt(struct attempt *a)
{
	if (!a->dial)
		return;
	dial_cancel(&a->dial);
	a->server->load.in_flight--;
}

static void ref(struct origin *o)
{
	struct upstream *u = container_of(o, struct upstream, origin);

	u->n_users++;
	upstream_set_ref(u->set);
}

static void unref(struct origin *o)
{
	struct upstream *u = container_of(o, struct upstream, origin);
	struct upstream_set *set = u->set;

	ASSERT(u->n_users > 0);
	u->n_users--;
	upstream_set_unref(&set);
}

const struct origin_ops attempt_ops = { open_attempt, cancel_attempt, ref, unref };
