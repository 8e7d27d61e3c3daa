/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * names_wildcard: the part of names' machine that is about wildcards.
 *
 *   LOADING ── none ─► COVERING ─┬─ held ──► answered
 *                                └─ none ─┬─ configured ─► FOLLOWING its machine ─► as that one ends
 *                                         └─► ASKING, ORDERING, ... as any name
 */
#include "proxy/names_private.h"

#include <stdio.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"

static const struct log area = { "names" };

/* "a.b.example" -> "*.b.example", and so for the second of two ("+rsa" stays behind it); false for what has
 * no such, as a wildcard itself. */
static bool wildcard_of(char dst[ENTRY_NAME], const char *host)
{
	const char *dot = strchr(host, '.');

	if (host[0] == '*' || !dot || dot == host || !dot[1])
		return false;
	return snprintf(dst, ENTRY_NAME, "*%s", dot) < ENTRY_NAME;
}

/* The configured wildcard above this host that is ours to obtain, or NULL; and its series. */
static const struct conf_site *wildcard_site(const struct names *n, const char *host,
	char wildcard[ENTRY_NAME])
{
	const struct conf_site *site = wildcard_of(wildcard, host) ?
		router_named(n->args.router, series_host(wildcard)) : NULL;

	return is_named(site) && names_has_key(n, site, wildcard) ? site : NULL;
}

bool names_has_wildcard(const struct names *n, const char *host)
{
	char wildcard[ENTRY_NAME];

	return wildcard_site(n, host, wildcard) &&
		cache_get(n->cache, str_from(wildcard), clock_wall_ms());
}

/* ---- COVERING: a wildcard that is held serves all below it ---- */

static void on_covered(void *owner, enum err err, void *object, const struct fault *fault);

bool names_cover(struct name *m)
{
	char wildcard[ENTRY_NAME];

	if (m->is_glance || (m->site && m->site->is_ip) || !wildcard_of(wildcard, m->host))
		return false;
	names_enter(m, COVERING);
	store_load(m->all->args.store, STORE_CERTS, wildcard, names_parse, on_covered, m);
	return true;
}

static void on_covered(void *owner, enum err err, void *object, const struct fault *fault)
{
	struct name *m = owner;
	struct entry *e = object;

	(void)fault;
	ASSERT(m->state == COVERING);
	if (m->all->is_stopping) {
		names_end(m);
	} else if (!err && is_usable(e, clock_wall_ms())) {
		log_info(&area, "served by a stored wildcard", "name=%s wildcard=%s", m->host, e->name);
		if (m->is_named)
			m->all->args.ops->install(m->all->args.owner, e, true);
		names_succeed(m, e);
	} else {
		names_decide(m);
	}
	entry_unref(&e);
}

/* ---- FOLLOWING: many hosts, one order ---- */

static void leave(struct name *m)
{
	list_remove(&m->follow_node);
	m->leader = NULL;
}

bool names_follow(struct name *m)
{
	struct names *n = m->all;
	char wildcard[ENTRY_NAME];
	const struct conf_site *site = m->stands_alone ? NULL : wildcard_site(n, m->host, wildcard);
	struct name *leader = site ? map_get(&n->by_host, str_from(wildcard)) : NULL;
	bool is_new = site && !leader;

	if (!site)
		return false;
	if (leader && leader->state == RESTING) {
		struct fault fault = { 0 };
		int64_t until_ms = clock_wall_ms() + NAMES_BUSY_RETRY_MS;
		enum err err = cache_refused(n->cache, str_from(wildcard), clock_wall_ms(), &until_ms);

		if (m->is_named)
			return false;
		fault_set(&fault, err ? err : E_BACKOFF, "%s failed a moment ago", wildcard);
		names_refuse(m, &fault, until_ms);
		return true;
	}
	if (is_new)
		leader = names_begin(n, wildcard, site);
	leader->is_glance = false;
	names_enter(m, FOLLOWING);
	m->leader = leader;
	list_append(&leader->followers, &m->follow_node);
	if (is_new)
		names_load(leader);
	else if (m->n_waiting)
		names_hurry(leader);
	return true;
}

/* One at a time from the front: each may go on and end others. */
void names_lead(struct name *leader, struct entry *e)
{
	while (!list_is_empty(&leader->followers)) {
		struct name *m = list_first(&leader->followers, struct name, follow_node);

		leave(m);
		names_succeed(m, e);
	}
}

void names_disappoint(struct name *leader, const struct fault *why, int64_t until_ms)
{
	while (!list_is_empty(&leader->followers)) {
		struct name *m = list_first(&leader->followers, struct name, follow_node);

		leave(m);
		m->stands_alone = true;
		if (m->is_named)
			names_decide(m);
		else
			names_refuse(m, why, until_ms);
	}
}

void names_scatter(struct name *leader)
{
	while (!list_is_empty(&leader->followers)) {
		struct name *m = list_first(&leader->followers, struct name, follow_node);

		leave(m);
		names_decide(m);
	}
}

void names_part(struct name *m)
{
	leave(m);
	while (!list_is_empty(&m->followers))
		leave(list_first(&m->followers, struct name, follow_node));
}
