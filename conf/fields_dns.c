/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fields_dns: how records for DNS challenges get into their zone, and who is asked whether they are
 * there.
 */
#include <stdio.h>

#include "base/check.h"
#include "base/encode.h"
#include "conf/address.h"
#include "conf/hostname.h"
#include "conf/parse.h"

/* ---- lists of texts ---- */

struct texts {
	const char **at;
	unsigned n;
	/* NULL: as it is. Brings the text into our form, or says what is wrong. */
	enum err (*form)(struct arena *a, struct str text, const char **out, const char **why);
};

static void set_one_text(struct parse *p, void *context, const struct field_value *v)
{
	struct texts *list = context;
	const char *text = parse_text(p, v, "text"), *why = "wants some text";

	if (!text)
		return;
	if (!text[0] || (list->form && list->form(&p->conf->arena, str_from(text), &text, &why)))
		parse_problem(p, v->node, "\"%.100s\" %s", text, why);
	else
		list->at[list->n++] = text;
}

static bool set_texts(struct parse *p, struct texts *list, const struct field_value *v)
{
	unsigned n = parse_count(v);

	if (!n) {
		parse_problem(p, v->node, "wants at least one text");
		return false;
	}
	list->at = parse_alloc(p, n * sizeof(*list->at));
	if (list->at)
		parse_each(p, v, list, set_one_text);
	return list->at;
}

static void print_texts(struct json *into, const char *key, const char *const *at, unsigned n)
{
	struct json *list = n ? json_put(into, key, json_new_array()) : NULL;

	for (unsigned i = 0; i < n; i++)
		json_append_str(list, str_from(at[i]));
}

static void set_exec(struct parse *p, void *base, const struct field_value *v)
{
	struct conf_dns *dns = base;
	struct texts list = { 0 };

	if (!set_texts(p, &list, v))
		return;
	dns->exec = list.at;
	dns->n_exec = list.n;
}

static void print_exec(const void *base, struct json *into, const char *key)
{
	const struct conf_dns *dns = base;

	print_texts(into, key, dns->exec, dns->n_exec);
}

#define TEXTS_SCHEMA "{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"array\",\"minItems\":1," \
	"\"items\":{\"type\":\"string\"}}]}"

static const struct field_special special_exec = {
	.set = set_exec, .print = print_exec, .schema = TEXTS_SCHEMA,
	.form = "program, or list of program and arguments",
};

static void set_nameservers(struct parse *p, void *base, const struct field_value *v)
{
	struct conf_dns *dns = base;
	struct texts list = { .form = address_resolver };

	if (!set_texts(p, &list, v))
		return;
	dns->nameservers = list.at;
	dns->n_nameservers = list.n;
}

static void print_nameservers(const void *base, struct json *into, const char *key)
{
	const struct conf_dns *dns = base;

	print_texts(into, key, dns->nameservers, dns->n_nameservers);
}

static const struct field_special special_nameservers = {
	.set = set_nameservers, .print = print_nameservers, .schema = TEXTS_SCHEMA,
	.form = "IP address with or without port, or list of these",
};

/* ---- rfc2136 ---- */

/* "ns1.example.com", "192.0.2.1", "[::1]:5353" */
static void set_server(struct parse *p, void *base, const struct field_value *v)
{
	struct conf_dns *dns = base;
	const char *text = parse_text(p, v, "the address of a DNS server"), *why;
	char ip[HOSTNAME_SIZE], whole[HOSTNAME_SIZE + 8];
	bool tls = false, is_ip;

	if (!text)
		return;
	is_ip = hostname_ip(ip, str_from(text));
	snprintf(whole, sizeof(whole), is_ip && strchr(ip, ':') ? "[%s]:53" :
		is_ip || !strchr(text, ':') ? "%s:53" : "%s", is_ip ? ip : text);
	if (address_server(&p->conf->arena, str_from(whole), &dns->server, &tls, &why))
		parse_problem(p, v->node, "\"%.100s\" %s", text, why);
	else if (tls || (dns->server.kind != CONF_ADDR_IP && dns->server.kind != CONF_ADDR_NAME))
		parse_problem(p, v->node, "\"%.100s\" wants \"ns1.example.com\" or \"192.0.2.1:53\"", text);
	else
		return;
	dns->server = (struct conf_addr){ 0 };
}

static void print_server(const void *base, struct json *into, const char *key)
{
	const struct conf_dns *dns = base;

	if (dns->server.text)
		json_put_cstr(into, key, dns->server.text);
}

static const struct field_special special_server = {
	.set = set_server, .print = print_server, .schema = "{\"type\":\"string\"}",
	.form = "host name or IP address, with or without port",
};

static const char *name_complaint(struct str text)
{
	const char *why;

	if (text.len > 1 && text.at[text.len - 1] == '.')
		text.len--;
	return hostname_is_valid(text, &why) ? NULL : why;
}

static const char *secret_complaint(struct str text)
{
	unsigned char key[256];
	size_t len;

	if (encode_base64_decode(key, sizeof(key), &len, text) || len < 16)
		return "is no key: wants at least 16 bytes in base64, as tsig-keygen prints it";
	return NULL;
}

static const struct field_choice algorithms[] = { { "hmac-sha256", 1 }, { NULL, 0 } };

static const struct field fields_tsig[] = {
	{ "name", CONF_TEXT, FIELD(conf_dns, tsig_name), .complaint = name_complaint,
		.help = "Name of the key, as the server knows it." },
	{ "secret", CONF_TEXT, FIELD(conf_dns, tsig_secret), .is_secret = true,
		.complaint = secret_complaint, .help = "The key, base64." },
	{ "algorithm", CONF_CHOICE, FIELD(conf_dns, tsig_algorithm), .dflt = "hmac-sha256",
		.choices = algorithms, .help = "What signs." },
	{ 0 },
};

static const struct field fields_rfc2136[] = {
	{ "server", CONF_SPECIAL, 0, .special = &special_server,
		.help = "The zone's primary server." },
	{ "zone", CONF_TEXT, FIELD(conf_dns, zone), .complaint = name_complaint,
		.help = "The zone to update; found by its SOA record by default." },
	{ "tsig", CONF_OBJECT, 0, .rows = fields_tsig, .help = "The key that signs updates." },
	{ 0 },
};

const struct field fields_dns[] = {
	{ "exec", CONF_SPECIAL, 0, .special = &special_exec,
		.help = "Program that sets and removes records, never run by a shell. It is called with `present` or `cleanup`, the record's name and its value as last arguments, and has them as `SALLYPORT_DNS_ACTION`, `SALLYPORT_DNS_NAME` and `SALLYPORT_DNS_VALUE`, with `SALLYPORT_DNS_ZONE`, `SALLYPORT_DNS_DOMAIN` and `SALLYPORT_DNS_TTL`." },
	{ "exec_timeout", CONF_DURATION, FIELD(conf_dns, exec_ms), .dflt = "60s", .min = "1s", .max = "10m",
		.help = "The program is killed after this long." },
	{ "rfc2136", CONF_OBJECT, 0, .rows = fields_rfc2136,
		.help = "Dynamic updates (RFC 2136), signed by TSIG." },
	{ "ttl", CONF_DURATION, FIELD(conf_dns, ttl_ms), .dflt = "60s", .min = "1s", .max = "1d",
		.help = "Time to live of the records." },
	{ "propagation_timeout", CONF_DURATION, FIELD(conf_dns, propagation_ms), .dflt = "2m", .max = "1h",
		.help = "How long to wait for the record at all name servers of the zone; 0: the CA is told at once." },
	{ "propagation_every", CONF_DURATION, FIELD(conf_dns, every_ms), .dflt = "2s", .min = "100ms",
		.max = "5m", .help = "Pause between two looks." },
	{ "nameservers", CONF_SPECIAL, 0, .special = &special_nameservers,
		.help = "Servers to ask for the record instead of those the zone names." },
	{ 0 },
};
