/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * names_reload: the part of names' machine that is about another configuration.
 *
 *   any state ── no site of ours any more ─► refused, gone
 *   ASKING ── the question was dropped ─► asked again
 *   RESTING ── its site or the CAs changed ─► forgiven, tried again
 *
 * A look into the store that is under way ends as usual, and then finds what is configured now.
 */
#include "proxy/names_private.h"

#include <stdio.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/random.h"

enum { AGAIN_MS = 1000 };

static const struct log area = { "names" };

/* ---- which names are new ---- */

/* Those the last start or reload has not come to yet, by name. */
static void note_pending(const struct names *n, struct map *pending)
{
	for (unsigned i = n->next_todo; i < n->n_todo; i++)
		map_put(pending, str_from(n->args.conf->sites[n->todo[i]].name), (void *)n);
}

/* Whether its names are to have a second certificate that they had not. */
static bool gets_second(const struct names *n, const struct conf *next, const struct conf_site *site)
{
	const struct conf_site *was = router_named(n->args.router, str_from(site->name));

	return conf_keys_of(next, site)->n > 1 && conf_keys_of(n->args.conf, was)->n < 2;
}

static void plan_start(struct names *n, const struct names_reload_args *next)
{
	unsigned *todo = mem_new((next->conf->n_sites + 1) * sizeof(*todo)), count = 0;
	struct map pending;

	map_init(&pending);
	note_pending(n, &pending);
	for (unsigned i = 0; i < next->conf->n_sites; i++) {
		struct str name = str_from(next->conf->sites[i].name);

		if (!is_named(router_named(n->args.router, name)) || map_get(&pending, name) ||
			gets_second(n, next->conf, &next->conf->sites[i]))
			todo[count++] = i;
	}
	map_fini(&pending);
	mem_free(&n->todo);
	n->todo = todo;
	n->n_todo = count;
	n->next_todo = 0;
}

static void forget_second(struct names *n, const struct names_reload_args *next, const struct conf_site *was)
{
	const struct conf_site *is = router_named(next->router, str_from(was->name));
	enum conf_key_type type;
	char second[ENTRY_NAME];

	if (!series_other(second, was->name, conf_keys_of(n->args.conf, was)))
		return;
	if (!is_named(is) || !series_key(second, conf_keys_of(next->conf, is), &type))
		n->args.ops->forget(n->args.owner, second);
}

/* What was kept for ever is kept no longer. */
static void forget_former(struct names *n, const struct names_reload_args *next)
{
	for (unsigned i = 0; i < n->args.conf->n_sites; i++) {
		const struct conf_site *site = &n->args.conf->sites[i];

		if (is_named(site) && !is_named(router_named(next->router, str_from(site->name))))
			n->args.ops->forget(n->args.owner, site->name);
		if (is_named(site))
			forget_second(n, next, site);
	}
}

/* ---- names under way ---- */

static bool is_ours(const struct name *m)
{
	return m->site && (m->site->tls == CONF_TLS_ON_DEMAND || is_named(m->site)) &&
		names_has_key(m->all, m->site, m->host);
}

static void take_site(struct name *m, const struct conf_site *site)
{
	m->site = site;
	m->all->n_on_demand -= !m->is_named;
	m->is_named = is_named_so(site, m->host);
	m->all->n_on_demand += !m->is_named;
}

static void give_up(struct name *m)
{
	struct names *n = m->all;

	log_info(&area, "name given up, no site is for it any more", "name=%s", m->host);
	for (unsigned i = 0; i < m->n_waiting; i++)
		names_answer_refusal(n, m->waiting[i], m->host, E_DENIED, clock_wall_ms());
	m->n_waiting = 0;
	if (m->job)
		n->args.ops->abandon(n->args.owner, &m->job);
	causes_forget(&n->causes, str_from(m->host));
	names_scatter(m);
	names_end(m);
}

static void try_again(struct name *m)
{
	struct names *n = m->all;

	n->args.ops->forgive(n->args.owner, m->host);
	deadline_arm(&m->deadline, (int64_t)random_below(AGAIN_MS));
}

static bool has_changed(const struct name *m, const struct names_reload_args *next)
{
	char path[ENTRY_NAME + 16];

	snprintf(path, sizeof(path), "sites[\"%s\"]", m->site->name);
	return next->forgives || diff_touches(next->diff, path);
}

static void review(struct name *m, const struct names_reload_args *next)
{
	if (m->state == LOADING || m->state == COVERING)
		return;
	if (!is_ours(m))
		give_up(m);
	else if (m->state == ASKING && next->asks_again)
		names_decide(m);
	else if (m->state == RESTING && has_changed(m, next))
		try_again(m);
}

/* All have their new site before one of them goes on, for it may lead to others. */
static void review_all(struct names *n, const struct names_reload_args *next)
{
	struct list left;
	size_t cursor = 0;
	struct str host;
	void *value;

	list_init(&left);
	while (map_next(&n->by_host, &cursor, &host, &value)) {
		struct name *m = value;

		take_site(m, names_site(n, m->host));
		list_append(&left, &m->review_node);
	}
	while (!list_is_empty(&left)) {
		struct name *m = list_first(&left, struct name, review_node);

		list_remove(&m->review_node);
		review(m, next);
	}
}

void names_reload(struct names *n, const struct names_reload_args *next)
{
	const struct conf *before = n->args.conf;
	const struct conf_on_demand *rules = &next->conf->on_demand;

	ASSERT(next->conf && next->router);
	if (n->is_stopping)
		return;
	plan_start(n, next);
	forget_former(n, next);
	n->args.conf = next->conf;
	n->args.router = next->router;
	if (rules->new_names_per_minute != before->on_demand.new_names_per_minute)
		names_set_limit(n);
	cache_forget_refusals(n->cache);
	cache_resize(n->cache, (size_t)(next->conf->limits.cert_cache_bytes / n->args.n_workers),
		rules->negative_names ? rules->negative_names : 1);
	review_all(n, next);
	names_start_some(n);
}
