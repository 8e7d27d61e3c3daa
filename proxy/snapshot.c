/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * snapshot: everything fallible about a configuration happens here, once, before any worker sees it.
 */
#include "proxy/snapshot.h"

#include "base/check.h"
#include "proxy/router.h"

static enum err make_servers(struct snapshot *s, struct tls_tickets *tickets, struct fault *fault)
{
	struct tls_server_args args = {
		.tls13_only = s->conf->tls_min && str_is(str_from(s->conf->tls_min), "1.3"),
		.tickets = tickets,
	};
	struct tls_server_args challenge = { .is_challenge = true };
	enum err err = tls_context_server(&args, &s->tls_server);

	if (!err)
		err = tls_context_server(&challenge, &s->tls_challenge);
	return err ? fault_set(fault, err, "TLS cannot be set up: %s", err_text(err)) : E_OK;
}

static enum err make_upstream(struct snapshot *s, unsigned i, struct fault *fault)
{
	const struct conf_upstream *u = &s->conf->upstreams[i];
	struct tls_client_args args = { .trust_file = u->tls_trust };

	if (!u->tls)
		return E_OK;
	fault_clear(fault);
	fault_during(fault, "preparing TLS for upstream %s", u->name);
	return tls_context_client(&args, &s->tls_upstream[i], fault);
}

static enum err make_site(struct snapshot *s, unsigned i, struct fault *fault)
{
	const struct conf_site *site = &s->conf->sites[i];

	if (site->tls != CONF_TLS_FILE)
		return E_OK;
	fault_clear(fault);
	fault_during(fault, "reading the certificate of %s", site->name);
	return entry_from_files(site->name, site->cert, site->key, &s->operator_entries[i], fault);
}

static enum err build(struct snapshot *s, struct tls_tickets *tickets, struct fault *fault)
{
	enum err err = make_servers(s, tickets, fault);

	for (unsigned i = 0; !err && i < s->conf->n_upstreams; i++)
		err = make_upstream(s, i, fault);
	for (unsigned i = 0; !err && i < s->conf->n_sites; i++)
		err = make_site(s, i, fault);
	return err;
}

/* One cell per server over all upstreams; upstream i's begin at server_at[i]. */
static void make_health(struct snapshot *s)
{
	unsigned n = 0;

	s->server_at = mem_new((s->conf->n_upstreams + 1) * sizeof(*s->server_at));
	for (unsigned i = 0; i < s->conf->n_upstreams; i++) {
		s->server_at[i] = n;
		n += s->conf->upstreams[i].n_servers;
	}
	s->is_down = mem_new((n + 1) * sizeof(*s->is_down));
}

enum err snapshot_new(struct conf *conf, struct tls_tickets *tickets, struct snapshot **out,
	struct fault *fault)
{
	struct snapshot *s = mem_new(sizeof(*s));
	enum err err;

	ASSERT(conf && out);
	atomic_init(&s->refs, 1);
	s->conf = conf_ref(conf);
	s->router = router_new(conf);
	s->limits = (struct http_limits){ conf->limits.head_bytes, conf->limits.headers };
	s->tls_upstream = mem_new((conf->n_upstreams + 1) * sizeof(*s->tls_upstream));
	s->operator_entries = mem_new((conf->n_sites + 1) * sizeof(*s->operator_entries));
	make_health(s);
	err = build(s, tickets, fault);
	if (err)
		snapshot_unref(&s);
	*out = s;
	return err;
}

struct snapshot *snapshot_ref(struct snapshot *s)
{
	atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
	return s;
}

static void destroy(struct snapshot *s)
{
	for (unsigned i = 0; i < s->conf->n_upstreams; i++)
		if (s->tls_upstream[i])
			tls_context_unref(&s->tls_upstream[i]);
	for (unsigned i = 0; i < s->conf->n_sites; i++)
		if (s->operator_entries[i])
			entry_unref(&s->operator_entries[i]);
	if (s->tls_server)
		tls_context_unref(&s->tls_server);
	if (s->tls_challenge)
		tls_context_unref(&s->tls_challenge);
	router_free(&s->router);
	mem_free(&s->tls_upstream);
	mem_free(&s->operator_entries);
	mem_free(&s->server_at);
	mem_free(&s->is_down);
	conf_unref(&s->conf);
	mem_free(&s);
}

void snapshot_unref(struct snapshot **s)
{
	struct snapshot *dying = *s;

	*s = NULL;
	if (dying && atomic_fetch_sub_explicit(&dying->refs, 1, memory_order_acq_rel) == 1)
		destroy(dying);
}
