/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fields_top: the keys of the configuration's outermost object, and its small sections.
 */
#include "base/check.h"
#include "base/log.h"
#include "conf/address.h"
#include "conf/parse.h"

static void set_resolver(struct parse *p, void *base, const struct field_value *v)
{
	struct conf *c = base;
	const char *text = parse_text(p, v, "the address of a DNS server"), *why;

	if (text && address_resolver(&c->arena, str_from(text), &c->resolver, &why))
		parse_problem(p, v->node, "\"%.100s\" %s", text, why);
}

static void print_resolver(const void *base, struct json *into, const char *key)
{
	const struct conf *c = base;

	if (c->resolver)
		json_put_cstr(into, key, c->resolver);
}

/* The look-ups read it without a lock. */
static void hold_resolver(const struct conf *from, struct conf *into)
{
	into->resolver = from->resolver ?
		arena_strndup(&into->arena, from->resolver, strlen(from->resolver)) : NULL;
}

const struct field_special special_resolver = {
	.set = set_resolver, .print = print_resolver, .hold = hold_resolver, .schema = "{\"type\":\"string\"}",
	.form = "`address:port` of a DNS server",
};

struct cidr_list {
	struct conf_cidr *at;
	unsigned n, cap;
};

static void add_cidr(struct parse *p, struct cidr_list *list, const struct field_value *v,
	struct str text)
{
	const char *why;

	ASSERT(list->n < list->cap);
	if (address_cidr(text, &list->at[list->n], &why))
		parse_problem(p, v->node, "\"%.*s\" %s", (int)(text.len < 100 ? text.len : 100), text.at,
			why);
	else
		list->n++;
}

/* What "private" stands for. */
static const char *const private_networks[] = { "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16",
	"127.0.0.0/8", "169.254.0.0/16", "fc00::/7", "fe80::/10", "::1/128" };

static void set_proxy(struct parse *p, void *context, const struct field_value *v)
{
	const char *text = parse_text(p, v, "a network such as \"10.0.0.0/8\"");

	if (!text)
		return;
	if (strcmp(text, "private") != 0) {
		add_cidr(p, context, v, str_from(text));
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(private_networks); i++)
		add_cidr(p, context, v, str_from(private_networks[i]));
}

static void set_trusted_proxies(struct parse *p, void *base, const struct field_value *v)
{
	struct conf *c = base;
	struct cidr_list list = { .cap = parse_count(v) * (unsigned)ARRAY_LEN(private_networks) };

	if (!v->node && !v->text.len)
		list.cap = 0;
	list.at = parse_alloc(p, (list.cap + 1) * sizeof(*list.at));
	if (!list.at)
		return;
	if (list.cap)
		parse_each(p, v, &list, set_proxy);
	c->trusted_proxies = list.at;
	c->n_trusted_proxies = list.n;
}

static void print_trusted_proxies(const void *base, struct json *into, const char *key)
{
	const struct conf *c = base;
	struct json *list = json_put(into, key, json_new_array());
	char text[64];

	for (unsigned i = 0; i < c->n_trusted_proxies; i++) {
		address_cidr_text(text, &c->trusted_proxies[i]);
		json_append_str(list, str_from(text));
	}
}

const struct field_special special_trusted_proxies = {
	.set = set_trusted_proxies, .print = print_trusted_proxies,
	.schema = "{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"array\",\"items\":{\"type\":\"string\"}}]}",
	.form = "network, or list of networks, or `private`",
};

static const struct field_choice tls_versions[] = { { "1.2", 12 }, { "1.3", 13 }, { NULL, 0 } };

static void set_tls_min(struct parse *p, void *base, const struct field_value *v)
{
	int value = 0;
	const struct field row = { .type = CONF_CHOICE, .choices = tls_versions };

	parse_value(p, &row, &value, v);
	if (value)
		((struct conf *)base)->tls_min = field_choice_text(tls_versions, value);
}

static void print_tls_min(const void *base, struct json *into, const char *key)
{
	json_put_cstr(into, key, ((const struct conf *)base)->tls_min);
}

static const struct field_special special_tls_min = {
	.set = set_tls_min, .print = print_tls_min, .schema = "{\"enum\":[\"1.2\",\"1.3\"]}",
	.form = "`1.2` or `1.3`",
};

const struct field fields_tls[] = {
	{ "min", CONF_SPECIAL, 0, .dflt = "1.2", .special = &special_tls_min,
		.help = "Oldest TLS version clients may use." },
	{ 0 },
};

/* Editors find the schema by it. */
static void ignore(struct parse *p, void *base, const struct field_value *v)
{
	(void)base;
	parse_text(p, v, "the URL of a schema");
}

static void print_nothing(const void *base, struct json *into, const char *key)
{
	(void)base;
	(void)into;
	(void)key;
}

static const struct field_special special_ignored = {
	.set = ignore, .print = print_nothing, .schema = "{\"type\":\"string\"}", .form = "text",
};

static const struct field_choice levels[] = {
	{ "error", LOG_ERROR }, { "warn", LOG_WARN }, { "info", LOG_INFO }, { "debug", LOG_DEBUG },
	{ "trace", LOG_TRACE }, { NULL, 0 },
};
static const struct field_choice formats[] = {
	{ "auto", CONF_LOG_AUTO }, { "text", CONF_LOG_TEXT }, { "json", CONF_LOG_JSON }, { NULL, 0 },
};

const struct field fields_log[] = {
	{ "level", CONF_CHOICE, FIELD(conf_log, level), .dflt = "info", .choices = levels,
		.help = "How much is logged." },
	{ "format", CONF_CHOICE, FIELD(conf_log, format), .dflt = "auto", .choices = formats,
		.help = "`auto` is text on a terminal and JSON otherwise." },
	{ "access", CONF_BOOL, FIELD(conf_log, access), .dflt = "true",
		.help = "One line per request." },
	{ 0 },
};

const struct field fields_admin[] = {
	{ "socket", CONF_TEXT, FIELD(conf_admin, socket),
		.help = "Unix socket that `sallyport status`, `why` and the like talk to; only the same user may. `off`: none. Default: `control.sock` in the store." },
	{ 0 },
};

const struct field fields_timeouts[] = {
	{ "client_hello", CONF_DURATION, FIELD(conf_timeouts, client_hello_ms), .dflt = "10s", .min = "100ms", .max = "10m",
		.help = "From accepting a connection to its complete ClientHello." },
	{ "handshake", CONF_DURATION, FIELD(conf_timeouts, handshake_ms), .dflt = "10s", .min = "100ms", .max = "10m",
		.help = "The rest of the handshake, without the wait for a certificate." },
	{ "head", CONF_DURATION, FIELD(conf_timeouts, head_ms), .dflt = "30s", .min = "100ms", .max = "1h",
		.help = "From the first byte of a request to the end of its head." },
	{ "body", CONF_DURATION, FIELD(conf_timeouts, body_ms), .dflt = "60s", .min = "100ms", .max = "1d",
		.help = "Longest silence in a body, in either direction, while bytes are wanted." },
	{ "idle", CONF_DURATION, FIELD(conf_timeouts, idle_ms), .dflt = "75s", .min = "100ms", .max = "1d",
		.help = "Close a client connection after this long without a request." },
	{ "write", CONF_DURATION, FIELD(conf_timeouts, write_ms), .dflt = "60s", .min = "100ms", .max = "1d",
		.help = "Longest time a client or upstream takes none of the bytes waiting for it." },
	{ "connect", CONF_DURATION, FIELD(conf_timeouts, connect_ms), .dflt = "5s", .min = "10ms", .max = "10m",
		.help = "Connecting to an upstream, with DNS and TLS." },
	{ "response", CONF_DURATION, FIELD(conf_timeouts, response_ms), .dflt = "60s", .min = "10ms", .max = "1d",
		.help = "From the request sent to the head of the upstream's answer." },
	{ "upstream_idle", CONF_DURATION, FIELD(conf_timeouts, upstream_idle_ms), .dflt = "60s", .min = "0", .max = "1d",
		.help = "Close a pooled upstream connection after this long; keep it below the backend's own limit. 0: no pooling." },
	{ "tunnel", CONF_DURATION, FIELD(conf_timeouts, tunnel_ms), .dflt = "1h", .min = "1s", .max = "30d",
		.help = "Silence in both directions of an upgraded connection (WebSocket)." },
	{ "drain", CONF_DURATION, FIELD(conf_timeouts, drain_ms), .dflt = "30s", .min = "0", .max = "1d",
		.help = "From SIGTERM to the end, for requests that are under way." },
	{ 0 },
};

const struct field fields_limits[] = {
	{ "head", CONF_SIZE, FIELD(conf_limits, head_bytes), .dflt = "32KiB", .min = "1KiB", .max = "1MiB",
		.help = "Head of a request or response." },
	{ "headers", CONF_COUNT, FIELD(conf_limits, headers), .dflt = "128", .min = "8", .max = "10000",
		.help = "Header fields in one head." },
	{ "body", CONF_SIZE, FIELD(conf_limits, body_bytes), .dflt = "0",
		.help = "Request body; 0: no limit." },
	{ "connections", CONF_COUNT, FIELD(conf_limits, connections), .dflt = "0", .max = "10000000",
		.help = "Client connections at a time; 0: as many as file descriptors allow." },
	{ "upstream_idle", CONF_COUNT, FIELD(conf_limits, upstream_idle), .dflt = "64", .max = "100000",
		.help = "Pooled idle connections per upstream server and worker." },
	{ "buffer", CONF_SIZE, FIELD(conf_limits, buffer_bytes), .dflt = "64KiB", .min = "4KiB", .max = "16MiB",
		.help = "Bytes held per direction of one request." },
	{ "cert_cache", CONF_SIZE, FIELD(conf_limits, cert_cache_bytes), .dflt = "64MiB", .min = "64KiB", .max = "1024GiB",
		.help = "Certificates kept in memory, all workers together." },
	{ "requests_per_connection", CONF_COUNT, FIELD(conf_limits, requests_per_connection), .dflt = "0",
		.help = "Then the connection is closed; 0: no limit." },
	{ 0 },
};

const struct field fields_top[] = {
	{ "email", CONF_TEXT, FIELD(conf, email), .reload = RELOAD_LIVE, .complaint = address_email_complaint,
		.help = "Where CAs reach you. Some require it." },
	{ "sites", CONF_SPECIAL, 0, .reload = RELOAD_LIVE, .special = &special_sites,
		.help = "Host names and what answers for them. Names: `app.example.com`, `*.example.com`, `*` (every other), or an IP address "
			"(`203.0.113.7`, `2001:db8::1`), which also answers clients that send no name to it." },
	{ "upstreams", CONF_SPECIAL, 0, .reload = RELOAD_LIVE, .special = &special_upstreams,
		.help = "Named groups of backend servers that sites refer to." },
	{ "listen", CONF_OBJECT, FIELD(conf, listen), .reload = RELOAD_LIVE, .rows = fields_listen,
		.help = "Addresses that clients connect to." },
	{ "acme", CONF_OBJECT, FIELD(conf, acme), .reload = RELOAD_LIVE, .rows = fields_acme,
		.help = "How certificates are obtained." },
	{ "on_demand", CONF_OBJECT, FIELD(conf, on_demand), .reload = RELOAD_LIVE, .rows = fields_on_demand,
		.help = "Certificates for names first seen in a handshake." },
	{ "tls", CONF_OBJECT, 0, .reload = RELOAD_LIVE, .rows = fields_tls, .help = "TLS towards clients." },
	{ "timeouts", CONF_OBJECT, FIELD(conf, timeouts), .reload = RELOAD_LIVE, .rows = fields_timeouts,
		.help = "How long we wait." },
	{ "limits", CONF_OBJECT, FIELD(conf, limits), .reload = RELOAD_LIVE, .rows = fields_limits,
		.help = "How much we hold." },
	{ "trusted_proxies", CONF_SPECIAL, 0, .reload = RELOAD_LIVE, .dflt = "", .special = &special_trusted_proxies,
		.help = "Clients whose X-Forwarded-* and Forwarded headers are believed." },
	{ "log", CONF_OBJECT, FIELD(conf, log), .reload = RELOAD_LIVE, .rows = fields_log, .help = "What is logged." },
	{ "admin", CONF_OBJECT, FIELD(conf, admin), .reload = RELOAD_RESTART, .rows = fields_admin, .help = "How a running instance is asked and told." },
	{ "store", CONF_TEXT, FIELD(conf, store), .reload = RELOAD_RESTART,
		.help = "Directory for keys, certificates and accounts. Default: `/var/lib/sallyport`, or `sallyport` in the user's data directory when not root." },
	{ "$schema", CONF_SPECIAL, 0, .reload = RELOAD_LIVE, .special = &special_ignored,
		.help = "For editors; ignored. `sallyport schema` prints the schema." },
	{ "workers", CONF_COUNT, FIELD(conf, workers), .reload = RELOAD_RESTART, .dflt = "0", .max = "1024",
		.help = "Worker threads; 0: one per core." },
	{ "resolver", CONF_SPECIAL, 0, .reload = RELOAD_RESTART, .special = &special_resolver,
		.help = "A DNS server to ask instead of the system's." },
	{ 0 },
};
