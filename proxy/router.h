/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * router: which site a host belongs to, and which of its routes a path takes. Immutable, any thread.
 * Exact host first, then the longest wildcard ("*.example.com" is one label), then "*".
 */
#ifndef PROXY_ROUTER_H
#define PROXY_ROUTER_H

#include "base/str.h"
#include "conf/conf.h"

struct router;
struct router *router_new(const struct conf *conf);
void router_free(struct router **r);
/* host: lower-case, no port, no trailing dot. NULL when no site has it. */
const struct conf_site *router_site(const struct router *r, struct str host);
/* The site for clients without SNI ("default"), or NULL. */
const struct conf_site *router_default(const struct router *r);
/* The site named by this IP address, or NULL. */
const struct conf_site *router_ip(const struct router *r, struct str ip_text);
/* Whether some site is named by an IP address. */
bool router_has_ips(const struct router *r);
/* The site with exactly this name as configured ("*.example.com"), or NULL. */
const struct conf_site *router_named(const struct router *r, struct str name);
/* path: origin-form with query. Exact, then longest prefix. NULL. */
const struct conf_route *router_route(const struct conf_site *site, struct str path);
/* Index in conf->sites / conf->upstreams. */
unsigned router_site_index(const struct router *r, const struct conf_site *site);

#endif
