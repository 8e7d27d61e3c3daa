/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * snapshot: everything fallible about a configuration happens here, once, before any worker sees it.
 */
#include "proxy/snapshot.h"

#include "base/check.h"
#include "base/map.h"
#include "proxy/router.h"

/* What one is built from. */
struct building {
	struct snapshot *s;
	struct snapshot *old;        /* NULL: none */
	struct map old_upstreams, old_sites; /* name -> index + 1 */
	struct tls_tickets *tickets;
};

static unsigned index_of(const struct map *names, const char *name)
{
	return (unsigned)(uintptr_t)map_get(names, str_from(name));
}

static bool is_tls13_only(const struct conf *conf)
{
	return conf->tls_min && str_is(str_from(conf->tls_min), "1.3");
}

static enum err make_servers(struct building *b, struct fault *fault)
{
	struct snapshot *s = b->s;
	struct tls_server_args args = {
		.tls13_only = is_tls13_only(s->conf),
		.tickets = b->tickets,
	};
	struct tls_server_args challenge = { .is_challenge = true };
	enum err err = E_OK;

	/* Certificates are ready for the context they were first used with. */
	if (b->old && is_tls13_only(b->old->conf) == args.tls13_only)
		s->tls_server = tls_context_ref(b->old->tls_server);
	else
		err = tls_context_server(&args, &s->tls_server);
	if (!err && b->old)
		s->tls_challenge = tls_context_ref(b->old->tls_challenge);
	else if (!err)
		err = tls_context_server(&challenge, &s->tls_challenge);
	return err ? fault_set(fault, err, "TLS cannot be set up: %s", err_text(err)) : E_OK;
}

static enum err make_upstream(struct building *b, unsigned i, struct fault *fault)
{
	struct snapshot *s = b->s;
	const struct conf_upstream *u = &s->conf->upstreams[i];
	struct tls_client_args args = { .trust_file = u->tls_trust };

	unsigned before = index_of(&b->old_upstreams, u->name);
	struct tls_context *known = before ? b->old->tls_upstream[before - 1] : NULL;

	if (!u->tls)
		return E_OK;
	if (known && tls_context_is_current(known, u->tls_trust)) {
		s->tls_upstream[i] = tls_context_ref(known);
		return E_OK;
	}
	fault_clear(fault);
	fault_during(fault, "preparing TLS for upstream %s", u->name);
	return tls_context_client(&args, &s->tls_upstream[i], fault);
}

/* The same certificate stays the same object, which is ready for handshakes. */
static void keep_known(struct entry **e, struct entry *known)
{
	if (!known || !tls_certificate_is_same((*e)->tls, known->tls))
		return;
	entry_unref(e);
	*e = entry_ref(known);
}

static enum err make_site(struct building *b, unsigned i, struct fault *fault)
{
	struct snapshot *s = b->s;
	const struct conf_site *site = &s->conf->sites[i];

	unsigned before = index_of(&b->old_sites, site->name);
	enum err err;

	if (site->tls != CONF_TLS_FILE)
		return E_OK;
	fault_clear(fault);
	fault_during(fault, "reading the certificate of %s", site->name);
	err = entry_from_files(site->name, site->cert, site->key, &s->operator_entries[i], fault);
	if (!err && before)
		keep_known(&s->operator_entries[i], b->old->operator_entries[before - 1]);
	return err;
}

static enum err build(struct building *b, struct fault *fault)
{
	struct snapshot *s = b->s;
	enum err err = make_servers(b, fault);

	for (unsigned i = 0; !err && i < s->conf->n_upstreams; i++)
		err = make_upstream(b, i, fault);
	for (unsigned i = 0; !err && i < s->conf->n_sites; i++)
		err = make_site(b, i, fault);
	return err;
}

static void note_known(struct building *b)
{
	const struct conf *conf = b->old ? b->old->conf : NULL;

	map_init(&b->old_upstreams);
	map_init(&b->old_sites);
	for (unsigned i = 0; conf && i < conf->n_upstreams; i++)
		map_put(&b->old_upstreams, str_from(conf->upstreams[i].name), (void *)(uintptr_t)(i + 1));
	for (unsigned i = 0; conf && i < conf->n_sites; i++)
		map_put(&b->old_sites, str_from(conf->sites[i].name), (void *)(uintptr_t)(i + 1));
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
	return snapshot_next(conf, tickets, NULL, out, fault);
}

enum err snapshot_next(struct conf *conf, struct tls_tickets *tickets, struct snapshot *old,
	struct snapshot **out, struct fault *fault)
{
	struct snapshot *s = mem_new(sizeof(*s));
	struct building b = { .s = s, .old = old, .tickets = tickets };
	enum err err;

	ASSERT(conf && out);
	atomic_init(&s->refs, 1);
	s->conf = conf_ref(conf);
	s->router = router_new(conf);
	s->limits = (struct http_limits){ conf->limits.head_bytes, conf->limits.headers };
	s->tls_upstream = mem_new((conf->n_upstreams + 1) * sizeof(*s->tls_upstream));
	s->operator_entries = mem_new((conf->n_sites + 1) * sizeof(*s->operator_entries));
	make_health(s);
	note_known(&b);
	err = build(&b, fault);
	map_fini(&b.old_upstreams);
	map_fini(&b.old_sites);
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
