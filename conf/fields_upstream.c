/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fields_upstream: groups of backend servers, named in "upstreams" or written into a site.
 */
#include "conf/fields_upstream.h"

#include "base/check.h"
#include "conf/address.h"
#include "conf/hostname.h"

/* conf_server with its address still as text; conf first, rows set it. */
struct server {
	struct conf_server conf;
	const char *at;
};

const struct field fields_server[] = {
	{ "at", CONF_TEXT, FIELD(server, at),
		.help = "Address: `127.0.0.1:3000`, `3000`, `web:3000`, `unix:/run/app.sock`, `https://host`." },
	{ "weight", CONF_COUNT, FIELD(server, conf.weight), .dflt = "1", .min = "1", .max = "1000",
		.help = "Share of the requests, relative to the others." },
	{ "backup", CONF_BOOL, FIELD(server, conf.backup), .dflt = "false",
		.help = "Used only when no other server is up." },
	{ 0 },
};

struct server_list {
	struct conf_upstream *upstream;
	struct conf_server *at;
	unsigned n, cap;
};

static const char *address_of(struct parse *p, struct server *s, const struct field_value *v)
{
	parse_defaults(p, fields_server, s);
	if (!v->node || json_type(v->node) != JSON_OBJECT)
		return parse_text(p, v, "an address such as \"127.0.0.1:3000\", or an object");
	parse_object(p, fields_server, s, v->node);
	if (!s->at && !json_get(v->node, "at"))
		parse_problem(p, v->node, "wants an address: \"at\"");
	return s->at;
}

static void set_server(struct parse *p, void *context, const struct field_value *v)
{
	struct server_list *list = context;
	struct server s = { .at = NULL };
	const char *text = address_of(p, &s, v), *why;
	enum err e;
	bool tls;

	if (!text)
		return;
	ASSERT(list->n < list->cap);
	e = address_server(&p->conf->arena, str_from(text), &s.conf.addr, &tls, &why);
	if (e == E_CONFIG)
		parse_problem(p, v->node, "\"%.100s\" %s", text, why);
	else if (list->n && list->upstream->tls != tls)
		parse_problem(p, v->node, "\"%.100s\" is %s and the servers before it are not; an "
			"upstream is all https or all plain", text, tls ? "https" : "plain");
	if (e || (list->n && list->upstream->tls != tls))
		return;
	list->upstream->tls = tls;
	list->at[list->n++] = s.conf;
}

static void set_servers(struct parse *p, void *base, const struct field_value *v)
{
	struct server_list list = { .upstream = base, .cap = parse_count(v) };

	if (!list.cap) {
		parse_problem(p, v->node, "wants at least one server");
		return;
	}
	list.at = parse_alloc(p, list.cap * sizeof(*list.at));
	if (!list.at)
		return;
	parse_each(p, v, &list, set_server);
	list.upstream->servers = list.at;
	list.upstream->n_servers = list.n;
}

static void print_servers(const void *base, struct json *into, const char *key)
{
	const struct conf_upstream *u = base;
	struct json *list = json_put(into, key, json_new_array());

	for (unsigned i = 0; i < u->n_servers; i++) {
		struct json *o = json_new_object();

		json_put_cstr(o, "at", u->servers[i].addr.text);
		json_put_number(o, "weight", u->servers[i].weight);
		json_put_bool(o, "backup", u->servers[i].backup);
		json_append(list, o);
	}
}

const struct field_special special_servers = {
	.set = set_servers, .print = print_servers, .rows = fields_server,
	.schema = "{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"array\",\"minItems\":1,"
		"\"items\":{\"anyOf\":[{\"type\":\"string\"},\"@rows\"]}}]}",
	.form = "address, or list of addresses and objects",
};

static const struct field_choice balances[] = {
	{ "random_two", CONF_BALANCE_RANDOM_TWO }, { "round_robin", CONF_BALANCE_ROUND_ROBIN },
	{ "least_requests", CONF_BALANCE_LEAST_REQUESTS }, { "first", CONF_BALANCE_FIRST }, { NULL, 0 },
};

static const char *path_complaint(struct str text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.at[i] <= ' ' || text.at[i] > '~' || text.at[i] == '#')
			return "has a character that a path must have percent-encoded";
	return text.at[0] == '/' ? NULL : "wants a path that starts with /";
}

static const char *name_complaint(struct str text)
{
	char ip[HOSTNAME_SIZE];
	const char *why = NULL;

	if (!hostname_ip(ip, text))
		hostname_is_valid(text, &why);
	return why;
}

static const char *host_complaint(struct str text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.at[i] <= ' ' || text.at[i] > '~' || strchr("/?#@\\", text.at[i]))
			return "is no host";
	return NULL;
}

static const struct field fields_health[] = {
	{ "path", CONF_TEXT, FIELD(conf_health, path), .complaint = path_complaint,
		.help = "Path to ask; without it there are no active checks." },
	{ "every", CONF_DURATION, FIELD(conf_health, every_ms), .dflt = "5s", .min = "100ms", .max = "1d",
		.help = "How often." },
	{ "timeout", CONF_DURATION, FIELD(conf_health, timeout_ms), .dflt = "2s", .min = "10ms", .max = "10m",
		.help = "How long an answer may take." },
	{ "down_after", CONF_COUNT, FIELD(conf_health, down_after), .dflt = "2", .min = "1", .max = "1000",
		.help = "Failures in a row until the server counts as down." },
	{ "up_after", CONF_COUNT, FIELD(conf_health, up_after), .dflt = "2", .min = "1", .max = "1000",
		.help = "Successes in a row until it counts as up again." },
	{ 0 },
};

static const struct field fields_eject[] = {
	{ "after", CONF_COUNT, FIELD(conf_eject, after), .dflt = "5", .max = "10000",
		.help = "Failed connects in a row until a server is left alone; 0: never." },
	{ "for", CONF_DURATION, FIELD(conf_eject, for_ms), .dflt = "30s", .min = "100ms", .max = "1d",
		.help = "For how long." },
	{ 0 },
};

const struct field fields_upstream[] = {
	{ "servers", CONF_SPECIAL, 0, .special = &special_servers, .help = "The backend servers." },
	{ "balance", CONF_CHOICE, FIELD(conf_upstream, balance), .dflt = "random_two", .choices = balances,
		.help = "How a server is chosen." },
	{ "health", CONF_OBJECT, FIELD(conf_upstream, health), .rows = fields_health,
		.help = "Active checks." },
	{ "eject", CONF_OBJECT, FIELD(conf_upstream, eject), .rows = fields_eject,
		.help = "Leaving out servers that cannot be connected to." },
	{ "host", CONF_TEXT, FIELD(conf_upstream, host), .complaint = host_complaint,
		.help = "Host to send instead of the client's." },
	{ "tls_name", CONF_TEXT, FIELD(conf_upstream, tls_name), .complaint = name_complaint,
		.help = "Name to ask for and verify instead of the server's own, with https servers." },
	{ "tls_trust", CONF_TEXT, FIELD(conf_upstream, tls_trust),
		.help = "PEM file with the roots that https servers are verified by, instead of the system's." },
	{ "resolve_every", CONF_DURATION, FIELD(conf_upstream, resolve_every_ms), .dflt = "30s", .min = "1s", .max = "1d",
		.help = "Host names are looked up again after this long." },
	{ "timeouts", CONF_OBJECT, FIELD(conf_upstream, timeouts), .rows = fields_timeouts,
		.help = "Instead of the global ones." },
	{ 0 },
};

struct parse_upstream *fields_upstream_new(struct parse *p, const char *name)
{
	struct parse_upstream *u = parse_alloc(p, sizeof(*u));

	if (!u)
		return NULL;
	if (p->n_upstreams == p->upstreams_cap) {
		unsigned cap = p->upstreams_cap ? p->upstreams_cap * 2 : 16;
		void *at = mem_try_resize(p->upstreams, cap * sizeof(u));

		p->out_of_memory |= !at;
		if (!at)
			return NULL;
		p->upstreams = at;
		p->upstreams_cap = cap;
	}
	parse_defaults(p, fields_upstream, &u->conf);
	/* Not given: filled from the global ones when those are final. */
	for (const struct field *f = fields_timeouts; f->key; f++)
		*(int64_t *)FIELD_OF(f, &u->conf.timeouts) = -1;
	u->conf.name = name;
	u->index = p->n_upstreams;
	u->path = parse_keep(p, str_from(p->path));
	p->upstreams[p->n_upstreams++] = u;
	return u;
}

void fields_upstream_set(struct parse *p, struct parse_upstream *u, const struct field_value *v)
{
	size_t mark;

	if (v->node && json_type(v->node) == JSON_OBJECT) {
		parse_object(p, fields_upstream, &u->conf, v->node);
		return;
	}
	mark = parse_enter(p, "servers");
	set_servers(p, &u->conf, v);
	parse_leave(p, mark);
}

static void *upstream_entry(struct parse *p, void *base, struct str name)
{
	struct parse_upstream *u = map_get(&p->upstream_names, name);
	const char *kept;

	(void)base;
	/* Environment variables cannot tell case: API finds "api" and "Api". */
	for (unsigned i = 0; !u && i < p->n_upstreams; i++)
		if (p->upstreams[i]->conf.name &&
		    str_equal_nocase(str_from(p->upstreams[i]->conf.name), name))
			u = p->upstreams[i];
	if (u)
		return u;
	kept = parse_keep(p, name);
	u = kept ? fields_upstream_new(p, kept) : NULL;
	if (u)
		map_put(&p->upstream_names, name, u);
	return u;
}

static void set_member(struct parse *p, const struct json *n)
{
	const char *name = parse_expand(p, n, str_from(json_key(n)));
	struct parse_upstream *u;

	if (!name)
		return;
	parse_note(p, n);
	u = map_get(&p->upstream_names, str_from(name));
	if (!name[0] || strlen(name) > 128) {
		parse_problem_key(p, n, "wants a name of 1 to 128 bytes");
		return;
	}
	if (!u)
		u = fields_upstream_new(p, name);
	if (!u)
		return;
	map_put(&p->upstream_names, str_from(name), u);
	fields_upstream_set(p, u, &(struct field_value){ .node = n });
}

static void set_upstreams(struct parse *p, void *base, const struct field_value *v)
{
	(void)base;
	if (!v->node || json_type(v->node) != JSON_OBJECT) {
		parse_problem(p, v->node, "wants an object: { \"name\": { \"servers\": [...] } }");
		return;
	}
	for (const struct json *n = json_first(v->node); n; n = json_next(n)) {
		size_t mark = parse_enter_name(p, str_from(json_key(n)));

		set_member(p, n);
		parse_leave(p, mark);
	}
}

static void print_upstreams(const void *base, struct json *into, const char *key)
{
	const struct conf *c = base;
	struct json *o = json_put(into, key, json_new_object());

	for (unsigned i = 0; i < c->n_upstreams; i++)
		field_print(fields_upstream, &c->upstreams[i],
			json_put(o, c->upstreams[i].name, json_new_object()));
}

const struct field_special special_upstreams = {
	.set = set_upstreams, .print = print_upstreams, .rows = fields_upstream, .entry = upstream_entry,
	.schema = "{\"type\":\"object\",\"additionalProperties\":{\"anyOf\":[{\"type\":\"string\"},"
		"{\"type\":\"array\"},\"@rows\"]}}",
	.form = "object: name to address, list of addresses, or object",
};
