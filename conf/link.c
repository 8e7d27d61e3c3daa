/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * link: from drafts to the final arrays of a conf.
 */
#include "conf/link.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "conf/address.h"
#include "conf/fields_upstream.h"
#include "conf/hostname.h"
#include "conf/known_ca.h"

static void unknown_upstream(struct parse *p, const struct parse_route *r, const char *why)
{
	char hint[SUGGEST_TEXT];
	struct suggest s;
	bool any = false;

	suggest_init(&s, str_from(r->to));
	for (unsigned i = 0; i < p->n_upstreams; i++) {
		if (p->upstreams[i]->conf.name) {
			suggest_add(&s, p->upstreams[i]->conf.name);
			any = true;
		}
	}
	suggest_text(&s, hint);
	parse_problem_at(p, r->site_path, "\"%.100s\" is neither the name of an upstream nor an "
		"address, which %s%s%s", r->to, why, any ? "; " : "", any ? hint : "");
}

/* An upstream of one server, written where it is used. Those written alike are one, so that they
 * share their pool. */
static struct parse_upstream *upstream_by_address(struct parse *p, const struct parse_route *r)
{
	struct conf_server *server = parse_alloc(p, sizeof(*server));
	struct parse_upstream *u;
	const char *why;
	bool tls;
	enum err e;

	if (!server)
		return NULL;
	e = address_server(&p->conf->arena, str_from(r->to), &server->addr, &tls, &why);
	if (e == E_CONFIG)
		unknown_upstream(p, r, why);
	u = e ? NULL : fields_upstream_new(p, r->to);
	if (!u)
		return NULL;
	server->weight = 1;
	u->conf.servers = server;
	u->conf.n_servers = 1;
	u->conf.tls = tls;
	map_put(&p->upstream_names, str_from(r->to), u);
	return u;
}

static void resolve_route(struct parse *p, struct parse_route *r)
{
	if (r->upstream || !r->to)
		return;
	r->upstream = map_get(&p->upstream_names, str_from(r->to));
	if (!r->upstream)
		r->upstream = upstream_by_address(p, r);
}

static void complete_upstream(struct parse *p, struct parse_upstream *u)
{
	if (!u->conf.name)
		u->conf.name = u->conf.n_servers ? u->conf.servers[0].addr.text : "";
	for (const struct field *f = fields_timeouts; f->key; f++) {
		int64_t *ms = FIELD_OF(f, &u->conf.timeouts);

		if (*ms < 0)
			*ms = *(int64_t *)FIELD_OF(f, &p->conf->timeouts);
	}
}

/* Whoever can set records wants wildcards to work. */
static void complete_challenges(struct conf_acme *acme)
{
	for (unsigned i = 0; i < acme->n_challenges; i++)
		if (acme->challenges[i] == CONF_DNS_01)
			return;
	if (conf_dns_is_set(&acme->dns) && acme->n_challenges < CONF_CHALLENGES)
		acme->challenges[acme->n_challenges++] = CONF_DNS_01;
}

/* Some have one for each type of key. */
static void complete_directories(struct conf_acme *acme)
{
	for (unsigned i = 0; i < acme->n_ca; i++) {
		const struct known_ca *known = known_ca_of(acme->ca[i].directory);

		if (known->rsa_directory)
			acme->ca[i].directory = known_ca_directory(known, acme->keys.at[0]);
	}
}

static bool is_listed(const struct conf_acme *acme, const char *directory)
{
	for (unsigned i = 0; i < acme->n_ca; i++)
		if (strcmp(acme->ca[i].directory, directory) == 0)
			return true;
	return false;
}

/* One that wants accounts of its own bound is used when it is configured. */
static void complete_staging(struct parse *p, struct conf_ca *ca)
{
	const struct known_ca *known = known_ca_of(ca->directory);
	const struct known_ca *row = known->staging ? known_ca_named(known->staging) : NULL;

	if (!ca->staging && row && !row->eab_from && p->conf->acme.rehearse
		&& !is_listed(&p->conf->acme, row->directory)) {
		ca->staging = parse_alloc(p, sizeof(*ca->staging));
		if (ca->staging)
			*ca->staging = (struct conf_ca){ .name = row->name, .directory = row->directory };
	}
	if (!ca->staging)
		return;
	if (!ca->staging->trust)
		ca->staging->trust = ca->trust;
	ca->staging->profile = ca->profile;
}

static void complete_acme(struct parse *p)
{
	struct conf_acme *acme = &p->conf->acme;

	if (!acme->email)
		acme->email = p->conf->email;
	complete_directories(acme);
	for (unsigned i = 0; i < acme->n_ca; i++) {
		if (!acme->ca[i].trust)
			acme->ca[i].trust = acme->trust;
		complete_staging(p, &acme->ca[i]);
	}
	complete_challenges(acme);
}

struct parse_site *link_wildcard(const struct parse *p, const struct parse_site *s)
{
	char name[HOSTNAME_SIZE];
	const char *dot = strchr(s->conf.name, '.');
	struct parse_site *above;

	if (s->conf.tls != CONF_TLS_AUTO || s->conf.is_ip || s->conf.name[0] == '*' || !dot)
		return NULL;
	snprintf(name, sizeof(name), "*%s", dot);
	above = map_get(&p->site_names, str_from(name));
	return above && above->conf.tls == CONF_TLS_AUTO ? above : NULL;
}

/* One certificate serves both. */
static void complete_keys(const struct parse *p, struct parse_site *s)
{
	const struct parse_site *above = link_wildcard(p, s);

	if (above && !s->conf.keys.n)
		s->conf.keys = above->conf.keys;
}

void link_resolve(struct parse *p)
{
	for (unsigned i = 0; i < p->n_sites; i++) {
		struct parse_site *s = p->sites[i];

		resolve_route(p, &s->direct);
		for (unsigned j = 0; j < s->n_routes; j++)
			resolve_route(p, &s->routes[j]);
		complete_keys(p, s);
		if (s->conf.tls == CONF_TLS_ON_DEMAND)
			p->conf->on_demand.enabled = true;
	}
	for (unsigned i = 0; i < p->n_upstreams; i++)
		complete_upstream(p, p->upstreams[i]);
	complete_acme(p);
}

/* Exact before prefix, longer before shorter: the first match is the right one. */
static int compare_routes(const void *left, const void *right)
{
	struct str a = str_from(((const struct conf_route *)left)->path);
	struct str b = str_from(((const struct conf_route *)right)->path);
	bool a_prefix = str_has_suffix(a, STR("*")), b_prefix = str_has_suffix(b, STR("*"));

	if (a_prefix != b_prefix)
		return a_prefix ? 1 : -1;
	if (a.len != b.len)
		return a.len < b.len ? 1 : -1;
	return strcmp(a.at, b.at);
}

static void build_route(const struct parse *p, const struct parse_route *r, struct conf_route *out)
{
	*out = r->conf;
	out->to = r->upstream ? &p->conf->upstreams[r->upstream->index] : NULL;
}

static void build_site(struct parse *p, const struct parse_site *s, struct conf_site *out)
{
	bool direct = s->direct.upstream || s->direct.conf.redirect;
	unsigned n = 0;

	*out = s->conf;
	out->routes = parse_alloc(p, (s->n_routes + 1) * sizeof(*out->routes));
	if (!out->routes)
		return;
	for (unsigned i = 0; i < s->n_routes; i++)
		build_route(p, &s->routes[i], &out->routes[n++]);
	if (direct)
		build_route(p, &s->direct, &out->routes[n++]);
	qsort(out->routes, n, sizeof(*out->routes), compare_routes);
	out->n_routes = n;
}

void link_build(struct parse *p)
{
	struct conf *c = p->conf;

	c->upstreams = parse_alloc(p, (p->n_upstreams + 1) * sizeof(*c->upstreams));
	c->sites = parse_alloc(p, (p->n_sites + 1) * sizeof(*c->sites));
	if (!c->upstreams || !c->sites)
		return;
	for (unsigned i = 0; i < p->n_upstreams; i++) {
		ASSERT(p->upstreams[i]->index == i);
		c->upstreams[i] = p->upstreams[i]->conf;
	}
	c->n_upstreams = p->n_upstreams;
	for (unsigned i = 0; i < p->n_sites; i++)
		build_site(p, p->sites[i], &c->sites[i]);
	for (unsigned i = 0; i < p->n_sites; i++)
		c->has_site_keys |= p->sites[i]->conf.keys.n > 0;
	c->n_sites = p->n_sites;
}
