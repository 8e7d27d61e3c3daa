/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * rules: what must hold between fields.
 */
#include "conf/rules.h"

#include <stdio.h>

#include "base/check.h"
#include "conf/hostname.h"
#include "conf/known_ca.h"
#include "conf/link.h"
#include "conf/special_address.h"

/* --- rules about one site */

static void leads_somewhere(struct parse *p, const struct parse_site *s)
{
	bool to = s->direct.to || s->direct.upstream, redirect = s->direct.conf.redirect;

	if (!to && !redirect && !s->n_routes)
		parse_problem_at(p, s->path, "wants \"to\", \"routes\" or \"redirect\"");
	if (redirect && (to || s->n_routes))
		parse_problem_at(p, s->path, "has \"redirect\" and %s; a site does one of them",
			to ? "\"to\"" : "\"routes\"");
	for (unsigned i = 0; to && i < s->n_routes; i++)
		if (s->routes[i].conf.path && strcmp(s->routes[i].conf.path, "/*") == 0)
			parse_problem_at(p, s->path, "has \"to\" and a route \"/*\", which say the same "
				"thing differently; leave one out");
}

static void routes_lead_somewhere(struct parse *p, const struct parse_site *s)
{
	for (unsigned i = 0; i < s->n_routes; i++) {
		const struct parse_route *r = &s->routes[i];
		bool to = r->to || r->upstream;

		if (to == (r->conf.redirect != NULL))
			parse_problem_at(p, r->site_path, to ? "has \"to\" and \"redirect\"; a route does "
				"one of them" : "wants \"to\" or \"redirect\"");
	}
}

static void certificate_and_key_go_together(struct parse *p, const struct parse_site *s)
{
	const char *has = s->conf.cert ? "cert" : "key";

	if (!s->conf.cert != !s->conf.key)
		parse_problem_at(p, s->path, "has \"%s\" without \"%s\"", has,
			s->conf.cert ? "key" : "cert");
	if ((s->conf.cert || s->conf.key) && s->says_tls)
		parse_problem_at(p, s->path, "has \"tls\" and a certificate of its own; leave \"tls\" "
			"out, or \"cert\" and \"key\"");
}

static bool has_challenge(const struct conf_acme *acme, enum conf_challenge kind)
{
	for (unsigned i = 0; i < acme->n_challenges; i++)
		if (acme->challenges[i] == kind)
			return true;
	return false;
}

/* A challenge that a CA comes to us for. */
static bool can_answer(const struct parse *p)
{
	const struct conf_acme *acme = &p->conf->acme;

	return (has_challenge(acme, CONF_TLS_ALPN_01) && p->conf->listen.https.n) ||
		(has_challenge(acme, CONF_HTTP_01) && p->conf->listen.http.n);
}

static bool can_prove_zones(const struct conf_acme *acme)
{
	return has_challenge(acme, CONF_DNS_PERSIST_01) ||
		(has_challenge(acme, CONF_DNS_01) && conf_dns_is_set(&acme->dns));
}

/* Our own CA signs what no other of the list can, and asks for no proof. */
static bool is_signed_here(const struct conf_acme *acme, const char *name)
{
	bool has_internal = false, has_other = false;

	for (unsigned i = 0; i < acme->n_ca; i++) {
		has_internal |= acme->ca[i].is_internal;
		has_other |= !acme->ca[i].is_internal && !known_ca_objection(&acme->ca[i], name);
	}
	return has_internal && (!has_other || hostname_is_private(str_from(name)));
}

static void wildcards_need_a_certificate(struct parse *p, const struct parse_site *s)
{
	if (s->conf.tls != CONF_TLS_AUTO)
		return;
	if (strcmp(s->conf.name, "*") == 0)
		parse_problem_at(p, s->path, "\"*\" stands for any name, so it must say where "
			"certificates come from: \"tls\": \"on_demand\", or \"cert\" and \"key\", or "
			"\"tls\": \"off\"");
	else if (s->conf.name[0] == '*' && !can_prove_zones(&p->conf->acme) &&
		!is_signed_here(&p->conf->acme, s->conf.name))
		parse_problem_at(p, s->path, "a wildcard certificate needs the dns-01 challenge: say in "
			"\"acme.dns\" how records are set; or use \"tls\": \"on_demand\" (one certificate "
			"per name), or \"cert\" and \"key\"");
}

/* Why none of the CAs will: "letsencrypt certifies no ..., zerossl ..."; false: one may. */
static bool all_object(const struct conf_acme *acme, const char *name, char *why, size_t size)
{
	size_t len = 0;

	why[0] = '\0';
	for (unsigned i = 0; i < acme->n_ca; i++) {
		const char *objection = known_ca_objection(&acme->ca[i], name);

		if (!objection)
			return false;
		if (len < size)
			len += (size_t)snprintf(why + len, size - len, "%s%s %s", len ? ", " : "",
				acme->ca[i].name, objection);
	}
	return acme->n_ca > 0;
}

static void addresses_need_a_certificate(struct parse *p, const struct parse_site *s)
{
	const char *kind = special_address_kind(str_from(s->conf.name));
	char why[400];

	if (!s->conf.is_ip)
		return;
	if (s->conf.tls == CONF_TLS_ON_DEMAND)
		parse_problem_at(p, s->path, "\"on_demand\" is for names that clients ask for, and none asks for an "
			"address; leave \"tls\" out, and it has a certificate from the start");
	else if (s->conf.tls == CONF_TLS_AUTO && all_object(&p->conf->acme, s->conf.name, why, sizeof(why)))
		parse_problem_at(p, s->path, "no CA of \"acme.ca\" certifies %s%s%s: %s; add \"internal\" or "
			"the directory of a CA of your own, or use \"cert\" and \"key\", or \"tls\": \"off\"",
			s->conf.name, kind ? ", " : "", kind ? kind : "", why);
}

static void addresses_are_proved_here(struct parse *p, const struct parse_site *s)
{
	const struct conf_acme *acme = &p->conf->acme;

	if (!s->conf.is_ip || s->conf.tls != CONF_TLS_AUTO || is_signed_here(acme, s->conf.name)
		|| can_answer(p))
		return;
	if (acme->n_challenges)
		parse_problem_at(p, s->path, "an IP address has no record in the DNS to prove it by: "
			"\"acme.challenges\" wants tls-alpn-01 (with \"listen.https\") or http-01 (with \"listen.http\")");
}

static void on_demand_needs_ask(struct parse *p, const struct parse_site *s)
{
	const struct conf_on_demand *o = &p->conf->on_demand;

	if (s->conf.tls == CONF_TLS_ON_DEMAND && !o->n_ask && !o->names_file && !o->listed_only)
		parse_problem_at(p, s->path, "\"tls\": \"on_demand\" needs \"on_demand.ask\" (or "
			"SALLYPORT_ASK), the URL that says which names are yours, or \"on_demand.names_file\", "
			"or \"listed_only\"; without it anybody could make you order certificates");
}

static void tls_off_is_served_plainly(struct parse *p, const struct parse_site *s)
{
	if (s->conf.tls == CONF_TLS_OFF && !p->conf->listen.http.n)
		parse_problem_at(p, s->path, "has \"tls\": \"off\", but \"listen.http\" is off too");
	if (s->conf.tls == CONF_TLS_OFF && s->conf.http != CONF_HTTP_SERVE)
		parse_problem_at(p, s->path, "has \"tls\": \"off\", so \"http\" can only be \"serve\"");
}

static void certificates_need_the_tls_listener(struct parse *p, const struct parse_site *s)
{
	if (s->conf.tls != CONF_TLS_OFF && !p->conf->listen.https.n && p->conf->listen.http.n)
		parse_problem_at(p, s->path, "\"listen.https\" is off; say \"tls\": \"off\" to serve "
			"this site in plain HTTP");
}

static void key_types_are_of_certificates_we_obtain(struct parse *p, const struct parse_site *s)
{
	const struct parse_site *above = link_wildcard(p, s);

	if (s->conf.keys.n && (s->conf.tls == CONF_TLS_OFF || s->conf.tls == CONF_TLS_FILE))
		parse_problem_at(p, s->path, "has \"key_type\", but %s; leave one of them out",
			s->conf.tls == CONF_TLS_OFF ? "\"tls\" is \"off\"" : "a certificate of its own");
	/* One that says nothing has got those of its wildcard by now. */
	if (above && memcmp(&above->conf.keys, &s->conf.keys, sizeof(s->conf.keys)) != 0)
		parse_problem_at(p, s->path, "is served by the certificate of \"%s\"; say \"key_type\" there",
			above->conf.name);
}

static const struct {
	const char *name;
	void (*check)(struct parse *p, const struct parse_site *s);
} site_rules[] = {
	{ "a site leads somewhere", leads_somewhere },
	{ "a route leads somewhere", routes_lead_somewhere },
	{ "certificate and key go together", certificate_and_key_go_together },
	{ "key types are of certificates we obtain", key_types_are_of_certificates_we_obtain },
	{ "wildcards need a certificate", wildcards_need_a_certificate },
	{ "addresses need a certificate", addresses_need_a_certificate },
	{ "addresses are proved here", addresses_are_proved_here },
	{ "on_demand needs ask", on_demand_needs_ask },
	{ "tls off is served plainly", tls_off_is_served_plainly },
	{ "certificates need the tls listener", certificates_need_the_tls_listener },
};

/* --- rules about the whole */

static void something_is_listened_on(struct parse *p)
{
	if (!p->conf->listen.https.n && !p->conf->listen.http.n)
		parse_problem_at(p, "listen", "both listeners are off; nothing would be served");
}

/* Whether two listen addresses are the same socket. */
static bool is_same(const struct conf_addr *a, const struct conf_addr *b)
{
	if (a->kind != b->kind || a->port != b->port)
		return false;
	if (a->kind != CONF_ADDR_UNIX && a->port == 0)
		return false;  /* the kernel chooses two */
	return a->kind == CONF_ADDR_ANY || strcmp(a->host, b->host) == 0;
}

static void listeners_differ(struct parse *p)
{
	const struct conf_listen *l = &p->conf->listen;
	unsigned n = l->https.n + l->http.n;

	for (unsigned i = 0; i < n; i++) {
		const struct conf_addr *a = i < l->https.n ? &l->https.at[i] :
			&l->http.at[i - l->https.n];

		for (unsigned j = i + 1; j < n; j++) {
			const struct conf_addr *b = j < l->https.n ? &l->https.at[j] :
				&l->http.at[j - l->https.n];

			if (is_same(a, b)) {
				parse_problem_at(p, j < l->https.n ? "listen.https" : "listen.http",
					"\"%.100s\" is listened on twice", b->text);
				return;
			}
		}
	}
}

static void one_site_is_default(struct parse *p)
{
	const struct parse_site *first = NULL;

	for (unsigned i = 0; i < p->n_sites; i++) {
		if (!p->sites[i]->conf.is_default)
			continue;
		if (first)
			parse_problem_at(p, p->sites[i]->path, "is \"default\" and so is %s; there can be "
				"one", first->path);
		first = p->sites[i];
	}
}

static void upstreams_have_servers(struct parse *p)
{
	for (unsigned i = 0; i < p->n_upstreams; i++) {
		const struct parse_upstream *u = p->upstreams[i];

		if (!u->conf.n_servers && !p->problems->n)
			parse_problem_at(p, u->path, "wants \"servers\"");
		if (!u->conf.tls && (u->conf.tls_name || u->conf.tls_trust))
			parse_problem_at(p, u->path, "has \"%s\", but its servers are not https://",
				u->conf.tls_name ? "tls_name" : "tls_trust");
	}
}

static void waits_grow(struct parse *p)
{
	if (p->conf->acme.retry_min_ms > p->conf->acme.retry_max_ms)
		parse_problem_at(p, "acme.retry_min", "is longer than acme.retry_max");
}

static void authorities_are_alive(struct parse *p)
{
	for (unsigned i = 0; i < p->conf->acme.n_ca; i++) {
		const struct conf_ca *ca = &p->conf->acme.ca[i];

		if (known_ca_of(ca->directory)->gone)
			parse_problem_at(p, "acme.ca", "%s: %s", ca->name, known_ca_of(ca->directory)->gone);
	}
}

/* These CAs cannot be asked for anything without it. */
static void binding_is_there(struct parse *p, const struct conf_ca *ca)
{
	const struct known_ca *known = known_ca_of(ca->directory);

	if (!known->eab_from || ca->eab_kid)
		return;
	parse_problem_at(p, "acme.ca", "%s requires external account binding: { \"name\": \"%s\", "
		"\"eab\": { \"kid\": ..., \"hmac\": ... } }; both come from %s", known->name, known->name,
		known->eab_from);
}

static void required_account_binding_is_there(struct parse *p)
{
	for (unsigned i = 0; i < p->conf->acme.n_ca; i++) {
		const struct conf_ca *ca = &p->conf->acme.ca[i];

		binding_is_there(p, ca);
		if (ca->staging)
			binding_is_there(p, ca->staging);
	}
}

static bool has_same_directory(const struct conf_ca *a, const struct conf_ca *b)
{
	return strcmp(a->directory, b->directory) == 0;
}

static void authorities_differ(struct parse *p)
{
	const struct conf_acme *acme = &p->conf->acme;

	for (unsigned i = 0; i < acme->n_ca; i++)
		for (unsigned j = i + 1; j < acme->n_ca; j++)
			if (has_same_directory(&acme->ca[i], &acme->ca[j])) {
				parse_problem_at(p, "acme.ca", "%s is listed twice", acme->ca[j].name);
				return;
			}
}

static bool has_family(const struct conf_keys *keys, bool is_rsa)
{
	for (unsigned i = 0; i < keys->n; i++)
		if (conf_key_is_rsa(keys->at[i]) == is_rsa)
			return true;
	return false;
}

/* Which of its directories is asked, the keys of all sites decide together. */
static void directories_fit_the_keys(struct parse *p)
{
	const struct conf_acme *acme = &p->conf->acme;
	bool has_rsa = has_family(&acme->keys, true), has_other = has_family(&acme->keys, false);

	for (unsigned i = 0; i < p->n_sites; i++) {
		has_rsa = has_rsa || has_family(&p->sites[i]->conf.keys, true);
		has_other = has_other || has_family(&p->sites[i]->conf.keys, false);
	}
	for (unsigned i = 0; i < acme->n_ca && has_rsa && has_other; i++)
		if (known_ca_of(acme->ca[i].directory)->rsa_directory)
			parse_problem_at(p, "acme.ca", "%s has one directory for ECDSA and one for RSA keys, and "
				"\"key\" asks for both kinds; take one kind, or another CA", acme->ca[i].name);
}

static void stagings_are_none_of_them(struct parse *p)
{
	const struct conf_acme *acme = &p->conf->acme;

	for (unsigned i = 0; i < acme->n_ca; i++)
		for (unsigned j = 0; acme->ca[i].staging && j < acme->n_ca; j++)
			if (has_same_directory(acme->ca[i].staging, &acme->ca[j]))
				parse_problem_at(p, "acme.ca", "the \"staging\" of %s is listed as a CA: "
					"certificates of a staging are of no use to clients", acme->ca[i].name);
}

/* Whether any site needs a certificate from a CA. */
static bool obtains_certificates(const struct parse *p)
{
	for (unsigned i = 0; i < p->n_sites; i++)
		if (p->sites[i]->conf.tls == CONF_TLS_AUTO ||
		    p->sites[i]->conf.tls == CONF_TLS_ON_DEMAND)
			return true;
	return false;
}

static void a_challenge_can_be_answered(struct parse *p)
{
	const struct conf_acme *acme = &p->conf->acme;

	if (!obtains_certificates(p))
		return;
	if (can_answer(p) || can_prove_zones(acme))
		return;
	if (acme->n_challenges && (p->conf->listen.https.n || p->conf->listen.http.n))
		parse_problem_at(p, "acme.challenges", "none of them can be answered: tls-alpn-01 needs "
			"\"listen.https\", http-01 needs \"listen.http\"");
}

static void records_can_be_set(struct parse *p)
{
	const struct conf_dns *dns = &p->conf->acme.dns;

	if (has_challenge(&p->conf->acme, CONF_DNS_01) && !conf_dns_is_set(dns))
		parse_problem_at(p, "acme.challenges", "dns-01 needs \"acme.dns\", which says how "
			"records are set: \"exec\" or \"rfc2136\"");
	if (dns->n_exec && dns->server.text)
		parse_problem_at(p, "acme.dns", "has \"exec\" and \"rfc2136\"; records are set by one "
			"of them");
	if (!dns->tsig_name != !dns->tsig_secret)
		parse_problem_at(p, "acme.dns.rfc2136", "\"tsig\" wants both \"name\" and \"secret\"");
	if ((dns->tsig_name || dns->zone) && !dns->server.text)
		parse_problem_at(p, "acme.dns.rfc2136", "wants a \"server\"");
}

/* The reply came with the certificate; a plain request has none, so it would end up with the site's own upstream. */
static void placed_names_are_served_over_tls(struct parse *p)
{
	const struct conf_on_demand *o = &p->conf->on_demand;

	if (!o->n_to_networks && !o->n_to_upstreams)
		return;
	for (unsigned i = 0; i < p->n_sites; i++)
		if (p->sites[i]->conf.tls == CONF_TLS_ON_DEMAND && p->sites[i]->conf.http == CONF_HTTP_SERVE)
			parse_problem_at(p, p->sites[i]->path, "serves plain HTTP, where it is not known which "
				"upstream \"on_demand.allow_to\" chose; say \"http\": \"redirect\" or \"refuse\"");
	for (unsigned i = 0; i < o->n_to_upstreams; i++)
		if (!map_get(&p->upstream_names, str_from(o->to_upstreams[i])))
			parse_problem_at(p, "on_demand.allow_to", "\"%.100s\" is neither a network nor the name of an "
				"upstream", o->to_upstreams[i]);
}

static void those_who_are_only_listed_are_not_asked_about(struct parse *p)
{
	if (p->conf->on_demand.listed_only && p->conf->on_demand.n_ask)
		parse_problem_at(p, "on_demand.listed_only", "says that nobody is asked, but \"on_demand.ask\" has "
			"a URL; leave one of them out");
}

static const struct {
	const char *name;
	void (*check)(struct parse *p);
} rules[] = {
	{ "something is listened on", something_is_listened_on },
	{ "listeners differ", listeners_differ },
	{ "one site is default", one_site_is_default },
	{ "upstreams have servers", upstreams_have_servers },
	{ "waits grow", waits_grow },
	{ "authorities are alive", authorities_are_alive },
	{ "required account binding is there", required_account_binding_is_there },
	{ "authorities differ", authorities_differ },
	{ "stagings are none of them", stagings_are_none_of_them },
	{ "directories fit the keys", directories_fit_the_keys },
	{ "a challenge can be answered", a_challenge_can_be_answered },
	{ "records can be set", records_can_be_set },
	{ "placed names are served over tls", placed_names_are_served_over_tls },
	{ "those who are only listed are not asked about", those_who_are_only_listed_are_not_asked_about },
};

void rules_check(struct parse *p)
{
	for (size_t i = 0; i < ARRAY_LEN(rules); i++)
		rules[i].check(p);
	for (unsigned i = 0; i < p->n_sites; i++)
		for (size_t r = 0; r < ARRAY_LEN(site_rules); r++)
			site_rules[r].check(p, p->sites[i]);
}
