/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * names_pair: the part of names' machine that is about names with two certificates, an ECDSA and an RSA one.
 * Each has a machine of its own, called as its series; here they know of each other.
 *
 *   one is loaded, obtained or renewed ─► the other: LOADING ─┬─ held ─► watched for its renewal
 *                                                             └─ none ─► ASKING, ORDERING, ... in the background
 *   one is expired or missing ─► the other: LOADING ─ held ─► to the workers whose clients wait meanwhile
 *
 * Nothing here is done for a name with one certificate.
 */
#include "proxy/names_private.h"

#include "base/check.h"
#include "base/clock.h"

bool names_has_key(const struct names *n, const struct conf_site *site, const char *series)
{
	enum conf_key_type type;

	return !series_is_second(series) || series_key(series, conf_keys_of(n->args.conf, site), &type);
}

const struct conf_keys *names_keys(const struct names *n, const char *host)
{
	const struct conf *conf = n->args.conf;

	return conf_keys_of(conf, conf->has_site_keys ? names_site(n, host) : NULL);
}

static bool other_of(char dst[ENTRY_NAME], const struct names *n, const struct conf_site *site,
	const char *series)
{
	return site && (is_named(site) || site->tls == CONF_TLS_ON_DEMAND) &&
		series_other(dst, series, conf_keys_of(n->args.conf, site));
}

/* NULL: not now. What clients chose is bounded, this included. */
static struct name *begin(struct names *n, const char *series, const struct conf_site *site)
{
	struct name *m;

	if (!is_named_so(site, series) && n->n_on_demand >= n->args.conf->on_demand.max_waiting)
		return NULL;
	m = names_begin(n, series, site);
	m->is_pair = true;
	if (m->is_named)
		names_count_start(m);
	return m;
}

void names_pair(struct names *n, const char *series, const struct conf_site *site, const struct name *by)
{
	char other[ENTRY_NAME];
	struct name *m;

	if (n->is_stopping || !other_of(other, n, site, series))
		return;
	m = map_get(&n->by_host, str_from(other));
	if (m && m->is_pair)
		m->is_glance = false;
	if (m || cache_get(n->cache, str_from(other), clock_wall_ms()) ||
		cache_refused(n->cache, str_from(other), clock_wall_ms(), NULL))
		return;
	m = begin(n, other, site);
	if (!m)
		return;
	if (by) {
		m->is_wished = by->is_wished;
		m->is_announced = by->is_announced;
		str_copy(m->client_ip, sizeof(m->client_ip), str_from(by->client_ip));
	}
	names_load(m);
}

static void offer(const struct name *to, struct entry *e)
{
	struct names *n = to->all;

	for (unsigned i = 0; i < to->n_waiting; i++)
		n->args.ops->answer(n->args.owner, to->waiting[i],
			&(struct worker_answer_args){ .name = e->name, .entry = e });
}

void names_glance_at_other(const struct name *m)
{
	struct names *n = m->all;
	char other[ENTRY_NAME];
	struct name *glance;
	struct entry *e;

	if (m->is_pair || m->is_glance || (!m->n_waiting && !m->is_named) ||
		!other_of(other, n, m->site, m->host) || map_get(&n->by_host, str_from(other)))
		return;
	e = cache_get(n->cache, str_from(other), clock_wall_ms());
	if (e) {
		offer(m, e);
		return;
	}
	glance = begin(n, other, m->site);
	if (!glance)
		return;
	glance->is_glance = true;
	names_load(glance);
}

void names_offer_other(const struct name *m, struct entry *e)
{
	char other[ENTRY_NAME];
	const struct name *waits;

	if (!m->is_pair || !other_of(other, m->all, m->site, m->host))
		return;
	waits = map_get(&m->all->by_host, str_from(other));
	if (waits)
		offer(waits, e);
}
