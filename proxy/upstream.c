/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * upstream: host names are looked up in the background: a request never waits for DNS once a first answer
 * is known, and an answer that went bad is kept until a better one comes. Servers leave the rotation by
 * failing connects (for a while, this worker only) or by active checks (all workers).
 */
#include "proxy/upstream.h"

#include "base/check.h"
#include "base/log.h"
#include "base/map.h"

enum { LOOKUP_MS = 10000 };

static const struct log area = { "upstream" };

static void on_looked_up(void *owner, enum err err, const struct resolve_result *result);

/* ---- set ---- */

static void take_literal(struct server *s)
{
	const struct conf_addr *at = &s->conf->addr;
	struct addr a;
	enum err err;

	if (at->kind == CONF_ADDR_NAME)
		return;
	if (at->kind == CONF_ADDR_UNIX)
		err = addr_unix(&a, str_from(at->host));
	else if (at->kind == CONF_ADDR_ANY)
		err = addr_parse_ip(&a, STR("127.0.0.1"), at->port);
	else
		err = addr_parse_ip(&a, str_from(at->host), at->port);
	if (err)
		return;
	s->places = mem_new(sizeof(*s->places));
	s->places->at[0] = a;
	s->places->n = 1;
}

static void init_server(struct upstream *u, unsigned i, atomic_bool *is_down)
{
	struct server *s = &u->servers[i];
	const struct conf *conf = u->set->snapshot->conf;
	struct pool_args args = {
		.loop = u->set->loop, .limits = u->set->snapshot->limits, .times = &u->conf->timeouts,
		.idle_max = conf->limits.upstream_idle, .in_flight = &s->load.in_flight,
	};

	s->conf = &u->conf->servers[i];
	s->upstream = u;
	s->index = i;
	s->is_down = is_down;
	s->load.weight = s->conf->weight ? s->conf->weight : 1;
	pool_init(&s->pool, &args);
	take_literal(s);
}

/* downs: one per server. */
static void init_upstream(struct upstream *u, struct upstream_set *set, const struct conf_upstream *conf,
	struct tls_context *tls, atomic_bool *downs)
{
	u->origin.ops = set->ops;
	u->conf = conf;
	u->set = set;
	u->tls = tls;
	u->policy = balance_policy(u->conf->balance);
	u->n_servers = u->conf->n_servers;
	u->servers = mem_new((u->n_servers + 1) * sizeof(*u->servers));
	u->candidates = mem_new((u->n_servers + 1) * sizeof(struct balance_server *));
	for (unsigned k = 0; k < u->n_servers; k++)
		init_server(u, k, &downs[k]);
}

bool upstream_is_same(const struct server *a, const struct server *b)
{
	return str_is(str_from(a->upstream->conf->name), b->upstream->conf->name) &&
		str_is(str_from(a->conf->addr.text), b->conf->addr.text);
}

static bool is_same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

/* Whether a connection made for one would have been made like this for the other. */
static bool has_same_settings(const struct server *a, const struct server *b)
{
	const struct conf_upstream *x = a->upstream->conf, *y = b->upstream->conf;
	const struct http_limits *l = &a->upstream->set->snapshot->limits;
	const struct http_limits *m = &b->upstream->set->snapshot->limits;

	return a->upstream->tls == b->upstream->tls && is_same_text(x->tls_name, y->tls_name) &&
		l->head_bytes == m->head_bytes && l->headers == m->headers &&
		x->timeouts.response_ms == y->timeouts.response_ms &&
		x->timeouts.body_ms == y->timeouts.body_ms && x->timeouts.write_ms == y->timeouts.write_ms;
}

static void inherit_server(struct server *s, struct server *old)
{
	if (has_same_settings(s, old))
		pool_move(&s->pool, &old->pool);
	s->failures = old->failures;
	s->ejected_until_ms = old->ejected_until_ms;
	if (upstream_is_down(old))
		upstream_set_down(s, true);
	if (s->places || !old->places)
		return;
	s->places = mem_copy(old->places, sizeof(*old->places));
	s->place = old->place;
	s->looked_up_at_ms = old->looked_up_at_ms;
}

static void inherit_upstream(struct upstream *u, struct upstream *old)
{
	for (unsigned i = 0; i < u->n_servers; i++)
		for (unsigned k = 0; k < old->n_servers; k++)
			if (str_is(str_from(u->servers[i].conf->addr.text), old->servers[k].conf->addr.text))
				inherit_server(&u->servers[i], &old->servers[k]);
}

static void retire(struct upstream_set *old)
{
	for (unsigned i = 0; i < old->n; i++)
		for (unsigned k = 0; k < old->at[i].n_servers; k++)
			pool_retire(&old->at[i].servers[k].pool);
}

static void inherit(struct upstream_set *set, struct upstream_set *old)
{
	struct map by_name;

	map_init(&by_name);
	for (unsigned k = 0; k < old->n; k++)
		map_put(&by_name, str_from(old->at[k].conf->name), &old->at[k]);
	for (unsigned i = 0; i < set->n; i++) {
		struct upstream *same = map_get(&by_name, str_from(set->at[i].conf->name));

		if (same)
			inherit_upstream(&set->at[i], same);
	}
	map_fini(&by_name);
}

struct upstream_set *upstream_set_new(struct loop *l, struct snapshot *s, const struct origin_ops *ops,
	struct upstream_set *old)
{
	struct upstream_set *set = mem_new(sizeof(*set));

	set->refs = 1;
	set->loop = l;
	set->snapshot = snapshot_ref(s);
	set->n = s->conf->n_upstreams;
	set->at = mem_new((set->n + 1) * sizeof(*set->at));
	set->ops = ops;
	map_init(&set->placed);
	list_init(&set->placed_by_use);
	for (unsigned i = 0; i < set->n; i++)
		init_upstream(&set->at[i], set, &s->conf->upstreams[i], s->tls_upstream[i],
			&s->is_down[s->server_at[i]]);
	if (old) {
		inherit(set, old);
		retire(old);
	}
	return set;
}

struct upstream_set *upstream_set_ref(struct upstream_set *set)
{
	set->refs++;
	return set;
}

static void fini_upstream(struct upstream *u)
{
	for (unsigned i = 0; i < u->n_servers; i++) {
		pool_fini(&u->servers[i].pool);
		resolve_cancel(&u->servers[i].lookup);
		mem_free(&u->servers[i].places);
	}
	mem_free(&u->servers);
	mem_free(&u->candidates);
}

/* ---- those a reply leads to ---- */

struct placed {
	struct upstream upstream;
	struct list node;
	struct conf_upstream conf;
	struct conf_server server;
	atomic_bool is_down;
	char ip[ADDR_IP_TEXT], text[ADDR_TEXT];
};

static void placed_free(struct upstream_set *set, struct placed *p)
{
	map_remove(&set->placed, str_from(p->text));
	list_remove(&p->node);
	fini_upstream(&p->upstream);
	mem_release(p);
}

/* Makes room for one more; false: there is none. */
static bool make_room(struct upstream_set *set)
{
	if (map_count(&set->placed) < UPSTREAM_PLACED_MAX)
		return true;
	list_each(&set->placed_by_use, node, tmp) {
		struct placed *p = list_entry(node, struct placed, node);

		if (p->upstream.n_users || p->upstream.servers[0].load.in_flight)
			continue;
		placed_free(set, p);
		return true;
	}
	return false;
}

static struct placed *placed_new(struct upstream_set *set, const struct placement *at)
{
	struct placed *p = mem_new(sizeof(*p));

	str_copy(p->text, sizeof(p->text), str_from(at->text));
	addr_ip_text(p->ip, &at->addr);
	p->server.addr = (struct conf_addr){ CONF_ADDR_IP, p->text, p->ip, addr_port(&at->addr) };
	p->server.weight = 1;
	p->conf = (struct conf_upstream){ .name = p->text, .servers = &p->server, .n_servers = 1,
		.timeouts = set->snapshot->conf->timeouts };
	init_upstream(&p->upstream, set, &p->conf, NULL, &p->is_down);
	list_init(&p->node);
	map_put(&set->placed, str_from(p->text), p);
	return p;
}

struct upstream *upstream_set_place(struct upstream_set *set, const struct placement *at)
{
	struct placed *p;

	if (at->upstream)
		return &set->at[at->upstream - set->snapshot->conf->upstreams];
	p = map_get(&set->placed, str_from(at->text));
	if (!p && !make_room(set))
		return NULL;
	if (!p)
		p = placed_new(set, at);
	list_remove(&p->node);
	list_append(&set->placed_by_use, &p->node);
	return &p->upstream;
}

void upstream_set_unref(struct upstream_set **set)
{
	struct upstream_set *dying = *set;

	*set = NULL;
	if (!dying || --dying->refs)
		return;
	for (unsigned i = 0; i < dying->n; i++)
		fini_upstream(&dying->at[i]);
	list_each(&dying->placed_by_use, node, tmp)
		placed_free(dying, list_entry(node, struct placed, node));
	map_fini(&dying->placed);
	snapshot_unref(&dying->snapshot);
	mem_free(&dying->at);
	mem_free(&dying);
}

/* ---- picking ---- */

/* Better classes first; the last one is for when all is lost and trying costs nothing. */
enum rank { RANK_USUAL, RANK_BACKUP, RANK_OUT, RANKS };

static enum rank rank_of(const struct server *s, int64_t now)
{
	if (s->ejected_until_ms > now || upstream_is_down(s))
		return RANK_OUT;
	return s->conf->backup ? RANK_BACKUP : RANK_USUAL;
}

static unsigned collect(struct upstream *u, uint64_t tried, enum rank rank, int64_t now)
{
	unsigned n = 0;

	for (unsigned i = 0; i < u->n_servers; i++) {
		bool was_tried = i < 64 && tried & UINT64_C(1) << i;

		if (!was_tried && rank_of(&u->servers[i], now) == rank)
			u->candidates[n++] = &u->servers[i].load;
	}
	return n;
}

struct server *upstream_pick(struct upstream *u, uint64_t tried)
{
	int64_t now = loop_now_ms(u->set->loop);

	for (enum rank rank = RANK_USUAL; rank < RANKS; rank++) {
		unsigned n = collect(u, tried, rank, now);

		if (n)
			return container_of(u->candidates[u->policy->pick(u->candidates, n)],
				struct server, load);
	}
	return NULL;
}

/* ---- addresses ---- */

static void look_up(struct server *s)
{
	const struct conf_addr *at = &s->conf->addr;
	struct loop *l = s->upstream->set->loop;

	s->looked_up_at_ms = loop_now_ms(l);
	s->lookup = resolve_start(l, str_from(at->host), at->port, LOOKUP_MS, on_looked_up, s);
}

const struct addr *upstream_address(struct server *s)
{
	int64_t now = loop_now_ms(s->upstream->set->loop);

	if (s->conf->addr.kind == CONF_ADDR_NAME && !s->lookup
		&& (!s->places || now - s->looked_up_at_ms >= s->upstream->conf->resolve_every_ms))
		look_up(s);
	return s->places ? &s->places->at[s->place % s->places->n] : NULL;
}

static void on_looked_up(void *owner, enum err err, const struct resolve_result *result)
{
	struct server *s = owner;

	s->lookup = NULL;
	if (err || !result->n) {
		log_debug(&area, "name look-up failed", "host=%s err=%s", s->conf->addr.host,
			err_text(err));
		return;
	}
	if (!s->places)
		s->places = mem_new(sizeof(*s->places));
	*s->places = *result;
	s->place = 0;
}

/* ---- how they fare ---- */

static void eject(struct server *s)
{
	const struct conf_eject *rule = &s->upstream->conf->eject;

	if (!rule->after || s->failures < rule->after)
		return;
	s->ejected_until_ms = loop_now_ms(s->upstream->set->loop) + rule->for_ms;
}

bool upstream_connect_failed(struct server *s, enum err err)
{
	s->failures++;
	if (s->failures == 1)
		log_warn(&area, "upstream connect failed", "upstream=%s server=%s err=SP-%d",
			s->upstream->conf->name, s->conf->addr.text, err_code(err));
	eject(s);
	if (!s->places || s->places->n < 2)
		return false;
	s->place++;
	return true;
}

void upstream_connected(struct server *s)
{
	if (s->failures)
		log_info(&area, "upstream connects again", "upstream=%s server=%s failures=%u",
			s->upstream->conf->name, s->conf->addr.text, s->failures);
	s->failures = 0;
	s->ejected_until_ms = 0;
}

bool upstream_is_down(const struct server *s)
{
	return atomic_load_explicit(s->is_down, memory_order_relaxed);
}

void upstream_set_down(struct server *s, bool down)
{
	atomic_store_explicit(s->is_down, down, memory_order_relaxed);
}
