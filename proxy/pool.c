/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * pool: idle connections are taken from the warm end and closed from the cold one, above the cap or after
 * upstream_idle. A peer that closes an idle connection is noticed by the codec, which reads on.
 *
 *   (adopt) --> lent --> idle --> lent … --> closed
 *                 \________\_______________/
 */
#include "proxy/pool.h"

#include "base/check.h"
#include "base/mem.h"

struct pooled {
	struct list node;
	struct pool *pool;        /* NULL: the pool is gone, close when the exchange ends */
	struct h1_client *client;
	struct http_limits limits;
	int64_t idle_since_ms;
	bool is_lent;
};

static void on_idle(void *owner);
static void on_closed(void *owner);
static void on_sweep(struct deadline *d);

static const struct h1_client_events events = { on_idle, on_closed };

void pool_init(struct pool *p, const struct pool_args *args)
{
	p->loop = args->loop;
	p->limits = args->limits;
	p->times = args->times;
	p->idle_max = args->idle_max;
	p->in_flight = args->in_flight;
	p->n_idle = 0;
	list_init(&p->idle);
	list_init(&p->lent);
	deadline_init(&p->sweep, args->loop, on_sweep);
	p->is_retired = false;
}

static void discard(struct pooled *c)
{
	list_remove(&c->node);
	if (c->client)
		h1_client_close(&c->client);
	mem_free(&c);
}

void pool_retire(struct pool *p)
{
	p->is_retired = true;
	deadline_disarm(&p->sweep);
	list_each(&p->idle, node, tmp)
		discard(list_entry(node, struct pooled, node));
	p->n_idle = 0;
}

static void move_all(struct list *into, struct list *from, struct pool *p)
{
	list_each(from, node, tmp) {
		list_remove(node);
		list_append(into, node);
		list_entry(node, struct pooled, node)->pool = p;
	}
}

static unsigned count(const struct list *l)
{
	unsigned n = 0;

	for (const struct list *node = l->next; node != l; node = node->next)
		n++;
	return n;
}

void pool_move(struct pool *into, struct pool *from)
{
	unsigned n_lent = count(&from->lent);

	ASSERT(into != from && into->loop == from->loop);
	*from->in_flight -= n_lent;
	*into->in_flight += n_lent;
	into->n_idle += from->n_idle;
	from->n_idle = 0;
	move_all(&into->idle, &from->idle, into);
	move_all(&into->lent, &from->lent, into);
	pool_retire(from);
	if (into->n_idle && !deadline_is_armed(&into->sweep))
		deadline_arm(&into->sweep, into->times->upstream_idle_ms);
}

void pool_fini(struct pool *p)
{
	pool_retire(p);
	list_each(&p->lent, node, tmp) {
		list_remove(node);
		list_entry(node, struct pooled, node)->pool = NULL;
	}
}

static struct side *lend(struct pool *p, struct pooled *c)
{
	list_append(&p->lent, &c->node);
	c->is_lent = true;
	++*p->in_flight;
	return h1_client_exchange(c->client);
}

struct side *pool_take(struct pool *p)
{
	struct pooled *c = list_first(&p->idle, struct pooled, node);

	if (!c)
		return NULL;
	ASSERT(!c->is_lent && h1_client_is_idle(c->client));
	list_remove(&c->node);
	p->n_idle--;
	return lend(p, c);
}

struct side *pool_adopt(struct pool *p, struct stream **s)
{
	struct pooled *c = mem_new(sizeof(*c));
	struct h1_client_args args = {
		.loop = p->loop, .limits = &c->limits, .events = &events, .owner = c,
		.response_ms = p->times->response_ms, .body_ms = p->times->body_ms,
		.write_ms = p->times->write_ms,
	};

	list_init(&c->node);
	c->pool = p;
	c->limits = p->limits;
	c->client = h1_client_new(s, &args);
	return lend(p, c);
}

static void end_loan(struct pooled *c)
{
	if (c->is_lent && c->pool)
		--*c->pool->in_flight;
	else if (c->pool)
		c->pool->n_idle--;
	c->is_lent = false;
	list_remove(&c->node);
}

static void on_idle(void *owner)
{
	struct pooled *c = owner;
	struct pool *p = c->pool;

	ASSERT(c->is_lent);
	end_loan(c);
	if (!p || p->is_retired || !p->idle_max) {
		discard(c);
		return;
	}
	c->idle_since_ms = loop_now_ms(p->loop);
	list_prepend(&p->idle, &c->node);
	if (++p->n_idle > p->idle_max) {
		p->n_idle--;
		discard(list_last(&p->idle, struct pooled, node));
	}
	if (!deadline_is_armed(&p->sweep))
		deadline_arm(&p->sweep, p->times->upstream_idle_ms);
}

static void on_closed(void *owner)
{
	struct pooled *c = owner;

	end_loan(c);
	c->client = NULL;  /* frees itself */
	mem_free(&c);
}

static void on_sweep(struct deadline *d)
{
	struct pool *p = container_of(d, struct pool, sweep);
	int64_t now = loop_now_ms(p->loop);
	struct pooled *coldest;

	while ((coldest = list_last(&p->idle, struct pooled, node))) {
		int64_t left = coldest->idle_since_ms + p->times->upstream_idle_ms - now;

		if (left > 0) {
			deadline_arm(d, left);
			return;
		}
		p->n_idle--;
		discard(coldest);
	}
}
