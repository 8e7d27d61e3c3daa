/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fields_listen: addresses that clients connect to.
 */
#include "base/check.h"
#include "conf/address.h"
#include "conf/parse.h"

struct addr_list {
	struct conf_addrs addrs;
	unsigned cap;
};

static void set_addr(struct parse *p, void *context, const struct field_value *v)
{
	struct addr_list *list = context;
	const char *text = parse_text(p, v, "an address such as \":443\""), *why;
	enum err e;

	if (!text)
		return;
	ASSERT(list->addrs.n < list->cap);
	e = address_listen(&p->conf->arena, str_from(text), &list->addrs.at[list->addrs.n], &why);
	if (e == E_CONFIG)
		parse_problem(p, v->node, "\"%.100s\" %s", text, why);
	else if (!e)
		list->addrs.n++;
}

static void set_addrs(struct parse *p, struct conf_addrs *out, const struct field_value *v)
{
	struct str text = v->node ? json_str(v->node) : v->text;
	struct addr_list list = { .cap = parse_count(v) };

	if (str_is(text, "off")) {
		*out = (struct conf_addrs){ 0 };
		return;
	}
	list.addrs.at = parse_alloc(p, (list.cap + 1) * sizeof(*list.addrs.at));
	if (!list.addrs.at)
		return;
	parse_each(p, v, &list, set_addr);
	*out = list.addrs;
}

static void print_addrs(const struct conf_addrs *addrs, struct json *into, const char *key)
{
	struct json *list;

	if (!addrs->n) {
		json_put_cstr(into, key, "off");
		return;
	}
	list = json_put(into, key, json_new_array());
	for (unsigned i = 0; i < addrs->n; i++)
		json_append_str(list, str_from(addrs->at[i].text));
}

static void set_https(struct parse *p, void *base, const struct field_value *v)
{
	set_addrs(p, &((struct conf_listen *)base)->https, v);
}

static void set_http(struct parse *p, void *base, const struct field_value *v)
{
	set_addrs(p, &((struct conf_listen *)base)->http, v);
}

static void print_https(const void *base, struct json *into, const char *key)
{
	print_addrs(&((const struct conf_listen *)base)->https, into, key);
}

static void print_http(const void *base, struct json *into, const char *key)
{
	print_addrs(&((const struct conf_listen *)base)->http, into, key);
}

#define ADDRS_SCHEMA \
	"{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"array\",\"items\":{\"type\":\"string\"}}]}"
#define ADDRS_FORM "address, list of addresses, or `off`"

const struct field_special special_listen_https = {
	.set = set_https, .print = print_https, .schema = ADDRS_SCHEMA, .form = ADDRS_FORM,
};

const struct field_special special_listen_http = {
	.set = set_http, .print = print_http, .schema = ADDRS_SCHEMA, .form = ADDRS_FORM,
};

const struct field fields_listen[] = {
	{ "https", CONF_SPECIAL, 0, .dflt = ":443", .special = &special_listen_https,
		.help = "TLS. `:443` is every address of the machine, in both families." },
	{ "http", CONF_SPECIAL, 0, .dflt = ":80", .special = &special_listen_http,
		.help = "Plain HTTP: answers http-01 challenges and redirects the rest." },
	{ "backlog", CONF_COUNT, FIELD(conf_listen, backlog), .dflt = "4096", .min = "1", .max = "65535",
		.help = "Connections the kernel holds until they are accepted." },
	{ 0 },
};
