/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fields_on_demand: certificates for names first seen in a handshake.
 */
#include "conf/address.h"
#include "conf/hostname.h"
#include "conf/parse.h"

static void set_ask_url(struct parse *p, struct conf_on_demand *o, const struct field_value *v)
{
	const char *text = parse_text(p, v, "a URL, or a list of URLs");
	const char *complaint = text ? address_url_complaint(str_from(text), false) : NULL;

	if (complaint)
		parse_problem(p, v->node, "\"%.100s\" %s", text, complaint);
	for (unsigned i = 0; text && i < o->n_ask; i++)
		if (strcmp(o->ask[i], text) == 0)
			parse_problem(p, v->node, "\"%.100s\" is listed twice; another URL helps when this "
				"one is down, the same one does not", text);
	if (text)
		o->ask[o->n_ask++] = text;
}

/* A URL may contain commas, so text from outside the file is always one. */
static void set_ask(struct parse *p, void *base, const struct field_value *v)
{
	struct conf_on_demand *o = base;
	unsigned i = 0;

	o->n_ask = 0;
	if (!v->node || json_type(v->node) != JSON_ARRAY) {
		set_ask_url(p, o, v);
		return;
	}
	if (!json_count(v->node) || json_count(v->node) > CONF_ASK_MAX) {
		parse_problem(p, v->node, "wants one to %d URLs", CONF_ASK_MAX);
		return;
	}
	for (const struct json *n = json_first(v->node); n; n = json_next(n)) {
		size_t mark = parse_enter_index(p, i++);

		set_ask_url(p, o, &(struct field_value){ .node = n });
		parse_leave(p, mark);
	}
}

static void print_ask(const void *base, struct json *into, const char *key)
{
	const struct conf_on_demand *o = base;
	struct json *list;

	if (o->n_ask == 1)
		json_put_cstr(into, key, o->ask[0]);
	if (o->n_ask < 2)
		return;
	list = json_put(into, key, json_new_array());
	for (unsigned i = 0; i < o->n_ask; i++)
		json_append_str(list, str_from(o->ask[i]));
}

static const struct field_special special_ask = {
	.set = set_ask, .print = print_ask,
	.schema = "{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"array\",\"minItems\":1,\"maxItems\":4,"
		"\"items\":{\"type\":\"string\"}}]}",
	.form = "URL, or list of up to 4 URLs",
};

/* A network has a slash or is an IP address, anything else is the name of an upstream (a rule sees to it that
 * there is one). */
static void set_one_to(struct parse *p, void *context, const struct field_value *v)
{
	struct conf_on_demand *o = context;
	const char *text = parse_text(p, v, "a network, or the name of an upstream"), *why;
	struct conf_cidr net;
	char ip[HOSTNAME_SIZE];

	if (!text)
		return;
	if (!strchr(text, '/') && !hostname_ip(ip, str_from(text))) {
		o->to_upstreams[o->n_to_upstreams++] = text;
		return;
	}
	if (address_cidr(str_from(text), &net, &why))
		parse_problem(p, v->node, "\"%.100s\" %s", text, why);
	else
		o->to_networks[o->n_to_networks++] = net;
}

static void set_allow_to(struct parse *p, void *base, const struct field_value *v)
{
	struct conf_on_demand *o = base;
	unsigned n = parse_count(v);

	o->n_to_networks = o->n_to_upstreams = 0;
	o->to_networks = parse_alloc(p, (n + 1) * sizeof(*o->to_networks));
	o->to_upstreams = parse_alloc(p, (n + 1) * sizeof(*o->to_upstreams));
	if (o->to_networks && o->to_upstreams && n)
		parse_each(p, v, o, set_one_to);
}

static void print_allow_to(const void *base, struct json *into, const char *key)
{
	const struct conf_on_demand *o = base;
	struct json *list;
	char text[64];

	if (!o->n_to_networks && !o->n_to_upstreams)
		return;
	list = json_put(into, key, json_new_array());
	for (unsigned i = 0; i < o->n_to_networks; i++) {
		address_cidr_text(text, &o->to_networks[i]);
		json_append_str(list, str_from(text));
	}
	for (unsigned i = 0; i < o->n_to_upstreams; i++)
		json_append_str(list, str_from(o->to_upstreams[i]));
}

static const struct field_special special_allow_to = {
	.set = set_allow_to, .print = print_allow_to,
	.schema = "{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"array\",\"items\":{\"type\":\"string\"}}]}",
	.form = "network or name of an upstream, or list of these",
};

static const struct field_choice canaries[] = {
	{ "warn", CONF_CANARY_WARN }, { "refuse", CONF_CANARY_REFUSE }, { "off", CONF_CANARY_OFF },
	{ NULL, 0 },
};

static const struct field fields_remember[] = {
	{ "allow", CONF_DURATION, FIELD(conf_on_demand, allow_ms), .dflt = "1h", .min = "0", .max = "30d",
		.help = "How long a yes of the ask endpoint holds." },
	{ "deny", CONF_DURATION, FIELD(conf_on_demand, deny_ms), .dflt = "10m", .min = "0", .max = "30d",
		.help = "How long a no of the ask endpoint holds." },
	{ "if_ask_is_down", CONF_DURATION, FIELD(conf_on_demand, if_ask_is_down_ms), .dflt = "7d", .min = "0", .max = "365d",
		.help = "How long the last yes holds while the endpoint gives no usable answer." },
	{ 0 },
};

static const struct field fields_budget[] = {
	{ "per_tenant", CONF_QUOTA, FIELD(conf_on_demand, per_tenant), .dflt = "0",
		.help = "New names of one tenant, as the ask endpoint names it; `20/h`. 0: no limit." },
	{ "per_registered_domain", CONF_QUOTA, FIELD(conf_on_demand, per_registered_domain), .dflt = "0",
		.help = "New names below one registered domain (`example.co.uk`); `30/7d`. 0: no limit." },
	{ 0 },
};

const struct field fields_on_demand[] = {
	{ "ask", CONF_SPECIAL, 0, .special = &special_ask,
		.help = "URL that decides: GET with `domain` and `ip` added to the query. 200 allows, 403, 404 and 410 deny; anything else is no verdict, and the next URL of a list is asked." },
	{ "ask_timeout", CONF_DURATION, FIELD(conf_on_demand, ask_timeout_ms), .dflt = "5s", .min = "10ms", .max = "5m",
		.help = "How long a verdict may take, all URLs together." },
	{ "allow_to", CONF_SPECIAL, 0, .special = &special_allow_to,
		.help = "Where the `to` of a reply (`{\"to\": \"10.0.0.5:8080\"}`) may lead the requests of a name, instead of its site's `to`: upstreams by name, and networks. Without it `to` is not heeded; a reply that leads elsewhere is no verdict." },
	{ "names_file", CONF_TEXT, FIELD(conf_on_demand, names_file),
		.help = "File that lists allowed names, one per line, perhaps with `tenant=NAME` after it; `*.example.com` allows any one label in that place, `#` begins a comment. It is read again when it changed. A listed name is allowed without asking; with no `ask` all others are denied." },
	{ "listed_only", CONF_BOOL, FIELD(conf_on_demand, listed_only), .dflt = "false",
		.help = "Nobody is asked and there need be no `names_file`: names are those told by `sallyport allow`." },
	{ "canary", CONF_CHOICE, FIELD(conf_on_demand, canary), .dflt = "warn", .choices = canaries,
		.help = "Each URL is asked about a name that cannot exist (`canary-….invalid`) at start, daily and after an outage; one that allows it would allow anybody's. `warn`: that is an error in log and status, names are ordered all the same. `refuse`: it allows nothing until it denies such a name. `off`: it is not asked." },
	{ "remember", CONF_OBJECT, 0, .rows = fields_remember,
		.help = "How long answers of the ask endpoint hold." },
	{ "wait", CONF_DURATION, FIELD(conf_on_demand, wait_ms), .dflt = "30s", .min = "0", .max = "10m",
		.help = "How long a first visitor's handshake may wait for the certificate." },
	{ "max_waiting", CONF_COUNT, FIELD(conf_on_demand, max_waiting), .dflt = "1024", .max = "1000000",
		.help = "Handshakes waiting for certificates at a time." },
	{ "max_waiting_per_name", CONF_COUNT, FIELD(conf_on_demand, max_waiting_per_name), .dflt = "256", .max = "1000000",
		.help = "The same for one name." },
	{ "max_labels", CONF_COUNT, FIELD(conf_on_demand, max_labels), .dflt = "10", .min = "1", .max = "127",
		.help = "Names with more labels are refused without asking." },
	{ "negative_names", CONF_COUNT, FIELD(conf_on_demand, negative_names), .dflt = "10000", .min = "16", .max = "10000000",
		.help = "Refused names that are remembered." },
	{ "forget_after", CONF_DURATION, FIELD(conf_on_demand, forget_after_ms), .dflt = "30d", .min = "0", .max = "3650d",
		.help = "A name that is neither configured nor announced lapses so long after the end of its last "
			"certificate: it is renewed no more, and what the store has of it is removed. Time is judged by the "
			"newest certificate, not by the clock alone. `0`: never." },
	{ "new_names", CONF_RATE, FIELD(conf_on_demand, new_names_per_minute), .dflt = "0",
		.help = "New names that may be ordered, such as `10/m`; 0: no limit." },
	{ "budget", CONF_OBJECT, 0, .rows = fields_budget,
		.help = "New names that may be ordered for one tenant or below one domain; renewals do not count." },
	{ 0 },
};
