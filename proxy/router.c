/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * router: built once per snapshot, read by all workers. Sites are found by two tables: whole names, and
 * what follows the star of a wildcard; a host costs two look-ups at most.
 */
#include "proxy/router.h"

#include "base/check.h"
#include "base/map.h"
#include "net/addr.h"

struct router {
	const struct conf *conf;
	struct map exact;       /* host, or IP in canonical text */
	struct map wildcards;   /* "example.com" for "*.example.com" */
	const struct conf_site *star, *otherwise;
	bool has_ips;
};

/* "::1" has many spellings, one of them is the key. */
static struct str ip_key(char dst[ADDR_IP_TEXT], struct str text)
{
	struct addr a;

	if (addr_parse_ip(&a, text, 0))
		return text;
	addr_ip_text(dst, &a);
	return str_from(dst);
}

static void add_site(struct router *r, struct conf_site *site)
{
	struct str name = str_from(site->name);
	char ip[ADDR_IP_TEXT];

	if (site->is_default)
		r->otherwise = site;
	if (str_is(name, "*")) {
		r->star = site;
	} else if (str_has_prefix(name, STR("*."))) {
		map_put(&r->wildcards, str_of(name.at + 2, name.len - 2), site);
	} else {
		r->has_ips |= site->is_ip;
		map_put(&r->exact, site->is_ip ? ip_key(ip, name) : name, site);
	}
}

struct router *router_new(const struct conf *conf)
{
	struct router *r = mem_new(sizeof(*r));

	r->conf = conf;
	map_init(&r->exact);
	map_init(&r->wildcards);
	for (unsigned i = 0; i < conf->n_sites; i++)
		add_site(r, &conf->sites[i]);
	return r;
}

void router_free(struct router **r)
{
	if (!*r)
		return;
	map_fini(&(*r)->exact);
	map_fini(&(*r)->wildcards);
	mem_free(r);
}

static const struct conf_site *wildcard_site(const struct router *r, struct str host)
{
	ptrdiff_t dot = str_find(host, '.');

	if (dot <= 0)
		return NULL;
	return map_get(&r->wildcards, str_of(host.at + dot + 1, host.len - (size_t)dot - 1));
}

const struct conf_site *router_site(const struct router *r, struct str host)
{
	const struct conf_site *site;
	char ip[ADDR_IP_TEXT];

	ASSERT(r);
	if (!host.len)
		return NULL;
	if (str_find(host, ':') >= 0)
		host = ip_key(ip, host);
	site = map_get(&r->exact, host);
	if (!site)
		site = wildcard_site(r, host);
	return site ? site : r->star;
}

const struct conf_site *router_default(const struct router *r)
{
	return r->otherwise;
}

const struct conf_site *router_ip(const struct router *r, struct str ip_text)
{
	char ip[ADDR_IP_TEXT];
	const struct conf_site *site = map_get(&r->exact, ip_key(ip, ip_text));

	return site && site->is_ip ? site : NULL;
}

bool router_has_ips(const struct router *r)
{
	return r->has_ips;
}

const struct conf_site *router_named(const struct router *r, struct str name)
{
	if (str_is(name, "*"))
		return r->star;
	if (str_has_prefix(name, STR("*.")))
		return map_get(&r->wildcards, str_of(name.at + 2, name.len - 2));
	return map_get(&r->exact, name);
}

static bool route_takes(const struct conf_route *route, struct str path)
{
	struct str pattern = str_from(route->path);

	if (pattern.len && pattern.at[pattern.len - 1] == '*') {
		pattern.len--;
		return str_has_prefix(path, pattern);
	}
	return str_equal(path, pattern);
}

/* conf has put the rows into the order of precedence. */
const struct conf_route *router_route(const struct conf_site *site, struct str path)
{
	struct str bare;

	ASSERT(site);
	str_cut(path, '?', &bare);
	if (str_is(bare, "*"))
		bare = STR("/");
	for (unsigned i = 0; i < site->n_routes; i++)
		if (route_takes(&site->routes[i], bare))
			return &site->routes[i];
	return NULL;
}

unsigned router_site_index(const struct router *r, const struct conf_site *site)
{
	ASSERT(site >= r->conf->sites && site < r->conf->sites + r->conf->n_sites);
	return (unsigned)(site - r->conf->sites);
}
