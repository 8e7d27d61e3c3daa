/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fields_site: host names and what answers for them. Where a route leads is kept as text until all
 * sources are read (link.c): an upstream may be named before it is described.
 */
#include "base/check.h"
#include "conf/address.h"
#include "conf/fields_upstream.h"
#include "conf/hostname.h"

static const char *redirect_complaint(struct str text)
{
	return address_url_complaint(text, false);
}

static const struct field_choice statuses[] = {
	{ "301", 301 }, { "302", 302 }, { "307", 307 }, { "308", 308 }, { NULL, 0 },
};

static const struct field_choice tls_modes[] = {
	{ "auto", CONF_TLS_AUTO }, { "on_demand", CONF_TLS_ON_DEMAND }, { "off", CONF_TLS_OFF },
	{ NULL, 0 },
};

static const struct field_choice http_modes[] = {
	{ "redirect", CONF_HTTP_REDIRECT }, { "serve", CONF_HTTP_SERVE }, { "refuse", CONF_HTTP_REFUSE },
	{ NULL, 0 },
};

static void set_route_to(struct parse *p, void *base, const struct field_value *v)
{
	struct parse_route *r = base;

	r->upstream = NULL;
	if (v->node && (json_type(v->node) == JSON_OBJECT || json_type(v->node) == JSON_ARRAY)) {
		r->upstream = fields_upstream_new(p, NULL);
		if (r->upstream)
			fields_upstream_set(p, r->upstream, v);
	} else {
		r->to = parse_text(p, v, "an address, the name of an upstream, or an object");
	}
}

/* Sites are printed whole (print_sites); single routes never are. */
static void print_nothing(const void *base, struct json *into, const char *key)
{
	(void)base;
	(void)into;
	(void)key;
}

const struct field_special special_route_to = {
	.set = set_route_to, .print = print_nothing, .rows = fields_upstream,
	.schema = "{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"array\"},\"@rows\"]}",
	.form = "address, name of an upstream, list of addresses, or an upstream's object",
};

const struct field fields_route[] = {
	{ "to", CONF_SPECIAL, 0, .special = &special_route_to, .help = "Where requests go." },
	{ "redirect", CONF_TEXT, FIELD(parse_route, conf.redirect), .complaint = redirect_complaint,
		.help = "URL to redirect to; path and query of the request are added unless it has a path." },
	{ "status", CONF_CHOICE, FIELD(parse_route, conf.redirect_status), .dflt = "308", .choices = statuses,
		.help = "Status of the redirect." },
	{ 0 },
};

static const char *route_complaint(struct str path)
{
	ptrdiff_t star = str_find(path, '*');

	if (!path.len || path.at[0] != '/')
		return "wants a path that starts with /";
	if (star >= 0 && (size_t)star + 1 != path.len)
		return "has an asterisk that is not at the end";
	for (size_t i = 0; i < path.len; i++)
		if (path.at[i] <= ' ' || path.at[i] > '~' || strchr("?#\\", path.at[i]))
			return "has a character that no path of a request has";
	return NULL;
}

static void set_route(struct parse *p, struct parse_route *r, const struct json *n)
{
	const char *path = parse_expand(p, n, str_from(json_key(n)));
	const char *complaint = path ? route_complaint(str_from(path)) : NULL;

	parse_note(p, n);
	if (complaint)
		parse_problem_key(p, n, "%s", complaint);
	r->conf.path = path;
	r->site_path = parse_keep(p, str_from(p->path));
	parse_defaults(p, fields_route, r);
	if (json_type(n) == JSON_OBJECT &&
	    (json_get(n, "to") || json_get(n, "redirect") || !json_get(n, "servers")))
		parse_object(p, fields_route, r, n);
	else
		set_route_to(p, r, &(struct field_value){ .node = n });
}

static void set_routes(struct parse *p, void *base, const struct field_value *v)
{
	struct parse_site *s = base;

	if (!v->node || json_type(v->node) != JSON_OBJECT) {
		parse_problem(p, v->node, "wants an object: { \"/path/*\": \"address\" }");
		return;
	}
	s->routes = parse_alloc(p, (json_count(v->node) + 1) * sizeof(*s->routes));
	if (!s->routes)
		return;
	s->n_routes = 0;
	for (const struct json *n = json_first(v->node); n; n = json_next(n)) {
		size_t mark = parse_enter_name(p, str_from(json_key(n)));

		set_route(p, &s->routes[s->n_routes++], n);
		parse_leave(p, mark);
	}
	if (!s->n_routes)
		parse_problem(p, v->node, "wants at least one route");
}

const struct field_special special_routes = {
	.set = set_routes, .print = print_nothing, .rows = fields_route,
	.schema = "{\"type\":\"object\",\"minProperties\":1,\"additionalProperties\":"
		"{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"array\"},\"@rows\"]}}",
	.form = "object: path (or prefix ending in `*`) to address, name of an upstream, or object",
};

const struct field fields_site[] = {
	{ "to", CONF_SPECIAL, FIELD(parse_site, direct), .special = &special_route_to,
		.help = "Where requests go that no route takes." },
	{ "routes", CONF_SPECIAL, 0, .special = &special_routes,
		.help = "By path; an exact path wins over a prefix, a longer prefix over a shorter one." },
	{ "redirect", CONF_TEXT, FIELD(parse_site, direct.conf.redirect), .complaint = redirect_complaint,
		.help = "URL to redirect to; path and query of the request are added unless it has a path." },
	{ "status", CONF_CHOICE, FIELD(parse_site, direct.conf.redirect_status), .dflt = "308", .choices = statuses,
		.help = "Status of the redirect." },
	{ "tls", CONF_CHOICE, FIELD(parse_site, conf.tls), .choices = tls_modes,
		.help = "`auto` (default): a certificate is obtained at start. `on_demand`: at the first handshake, if the ask endpoint allows; "
			"never for IP addresses, which no client names: a site of their own has them. `off`: plain HTTP only." },
	{ "cert", CONF_TEXT, FIELD(parse_site, conf.cert),
		.help = "PEM file with a certificate chain of your own." },
	{ "key", CONF_TEXT, FIELD(parse_site, conf.key), .help = "PEM file with its key." },
	{ "key_type", CONF_SPECIAL, 0, .special = &special_site_keys,
		.help = "As `acme.key`, for the certificates of this site alone." },
	{ "http", CONF_CHOICE, FIELD(parse_site, conf.http), .choices = http_modes,
		.help = "What the plain listener does: `redirect` to https (default), `serve` (default with `tls` off), or `refuse`." },
	{ "default", CONF_BOOL, FIELD(parse_site, conf.is_default), .dflt = "false",
		.help = "Serves clients that send no server name, where no site is named by the address they came to; "
			"so one named by an address that a NAT translates wants it." },
	{ 0 },
};

static bool add_site(struct parse *p, struct parse_site *s)
{
	if (p->n_sites == p->sites_cap) {
		unsigned cap = p->sites_cap ? p->sites_cap * 2 : 16;
		void *at = mem_try_resize(p->sites, cap * sizeof(s));

		p->out_of_memory |= !at;
		if (!at)
			return false;
		p->sites = at;
		p->sites_cap = cap;
	}
	p->sites[p->n_sites++] = s;
	return true;
}

/* The site of this name with nothing but defaults in it; NULL after reporting a problem. */
static struct parse_site *fresh_site(struct parse *p, const struct json *node, const char *written)
{
	char name[HOSTNAME_SIZE];
	enum hostname_kind kind;
	struct parse_site *s;
	const char *why;

	if (hostname_normalise(name, str_from(written), &kind, &why)) {
		parse_problem_key(p, node, "the name %s", why);
		return NULL;
	}
	s = map_get(&p->site_names, str_from(name));
	if (s && s->source == p->source.number) {
		parse_problem_key(p, node, "is the same site as %s", s->path);
		return NULL;
	}
	if (!s) {
		s = parse_alloc(p, sizeof(*s));
		if (!s || !add_site(p, s))
			return NULL;
		map_put(&p->site_names, str_from(name), s);
	}
	/* What a later source says about a site replaces what an earlier one said. */
	*s = (struct parse_site){ .source = p->source.number };
	s->conf.name = parse_keep(p, str_from(name));
	s->conf.is_ip = kind == HOSTNAME_IP;
	s->path = parse_keep(p, str_from(p->path));
	s->direct.site_path = s->path;
	s->direct.conf.path = "/*";
	parse_defaults(p, fields_site, s);
	return s;
}

static void set_site(struct parse *p, const char *written, const struct field_value *v)
{
	const int not_said = -1;
	struct parse_site *s;

	if (!written)
		return;
	parse_note(p, v->node);
	s = fresh_site(p, v->node, written);
	if (!s)
		return;
	memcpy(&s->conf.tls, &not_said, sizeof(not_said));
	memcpy(&s->conf.http, &not_said, sizeof(not_said));
	if (v->node && json_type(v->node) == JSON_OBJECT)
		parse_object(p, fields_site, s, v->node);
	else
		set_route_to(p, &s->direct, v);
	s->says_tls = (int)s->conf.tls != not_said;
	if (!s->says_tls)
		s->conf.tls = s->conf.cert || s->conf.key ? CONF_TLS_FILE : CONF_TLS_AUTO;
	s->says_http = (int)s->conf.http != not_said;
	if (!s->says_http)
		s->conf.http = s->conf.tls == CONF_TLS_OFF ? CONF_HTTP_SERVE : CONF_HTTP_REDIRECT;
}

/* "a.example=web:3000", as in SALLYPORT_SITES. */
static void set_site_text(struct parse *p, void *context, const struct field_value *v)
{
	struct str name, to = str_cut(v->text, '=', &name);
	size_t mark;

	(void)context;
	if (!v->text.len)
		return;
	if (!to.at || v->node) {
		parse_problem(p, v->node, "\"%.*s\" wants the form host=upstream",
			(int)(v->text.len < 100 ? v->text.len : 100), v->text.at);
		return;
	}
	name = str_trim(name);
	mark = parse_enter_name(p, name);
	set_site(p, parse_keep(p, name), &(struct field_value){ .text = str_trim(to) });
	parse_leave(p, mark);
}

static void set_sites(struct parse *p, void *base, const struct field_value *v)
{
	(void)base;
	if (!v->node) {
		parse_each(p, v, NULL, set_site_text);
		return;
	}
	if (json_type(v->node) != JSON_OBJECT) {
		parse_problem(p, v->node, "wants an object: { \"app.example.com\": \"127.0.0.1:3000\" }");
		return;
	}
	for (const struct json *n = json_first(v->node); n; n = json_next(n)) {
		size_t mark = parse_enter_name(p, str_from(json_key(n)));

		set_site(p, parse_expand(p, n, str_from(json_key(n))),
			&(struct field_value){ .node = n });
		parse_leave(p, mark);
	}
}

static struct json *print_route(const struct conf_route *r, struct json *o)
{
	if (r->to)
		json_put_cstr(o, "to", r->to->name);
	if (r->redirect) {
		json_put_cstr(o, "redirect", r->redirect);
		json_put_number(o, "status", r->redirect_status);
	}
	return o;
}

static void print_site(const struct conf_site *s, struct json *o)
{
	struct json *routes = json_put(o, "routes", json_new_object());

	for (unsigned i = 0; i < s->n_routes; i++)
		print_route(&s->routes[i], json_put(routes, s->routes[i].path, json_new_object()));
	if (s->tls != CONF_TLS_FILE)
		json_put_cstr(o, "tls", field_choice_text(tls_modes, (int)s->tls));
	if (s->cert)
		json_put_cstr(o, "cert", s->cert);
	if (s->key)
		json_put_cstr(o, "key", s->key);
	special_site_keys.print(s, o, "key_type");
	json_put_cstr(o, "http", field_choice_text(http_modes, (int)s->http));
	json_put_bool(o, "default", s->is_default);
}

static void print_sites(const void *base, struct json *into, const char *key)
{
	const struct conf *c = base;
	struct json *o = json_put(into, key, json_new_object());

	for (unsigned i = 0; i < c->n_sites; i++)
		print_site(&c->sites[i], json_put(o, c->sites[i].name, json_new_object()));
}

const struct field_special special_sites = {
	.set = set_sites, .print = print_sites, .rows = fields_site,
	.schema = "{\"type\":\"object\",\"additionalProperties\":{\"anyOf\":[{\"type\":\"string\"},"
		"{\"type\":\"array\"},\"@rows\"]}}",
	.form = "object: host name to address, name of an upstream, list of addresses, or object",
};
