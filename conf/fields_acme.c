/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fields_acme: the CAs and how certificates are obtained from them.
 */
#include "base/check.h"
#include "base/encode.h"
#include "conf/address.h"
#include "conf/known_ca.h"
#include "conf/parse.h"
#include "conf/unit.h"

static const char *directory_complaint(struct str text)
{
	return address_url_complaint(text, true);
}

static const char *hmac_complaint(struct str text)
{
	unsigned char key[256];
	size_t len;

	if (encode_base64_decode(key, sizeof(key), &len, text) || len < 16)
		return "is no key: wants at least 16 bytes in base64url or base64, as the CA shows it";
	return NULL;
}

static const struct field fields_eab[] = {
	{ "kid", CONF_TEXT, FIELD(conf_ca, eab_kid), .help = "Key identifier." },
	{ "hmac", CONF_TEXT, FIELD(conf_ca, eab_hmac), .is_secret = true, .complaint = hmac_complaint,
		.help = "HMAC key, base64url." },
	{ 0 },
};

static const struct field fields_ca_limits[] = {
	{ "orders", CONF_QUOTA, FIELD(conf_ca_limits, orders), .help = "Orders of the account." },
	{ "per_registered_domain", CONF_QUOTA, FIELD(conf_ca_limits, registered_domain),
		.help = "New certificates below one registered domain (`example.co.uk`)." },
	{ "per_name", CONF_QUOTA, FIELD(conf_ca_limits, same_names),
		.help = "Certificates for exactly the same names." },
	{ "failures", CONF_QUOTA, FIELD(conf_ca_limits, failures),
		.help = "Failed validations of one name." },
	{ 0 },
};

const struct field fields_ca[] = {
	{ "name", CONF_TEXT, FIELD(conf_ca, name),
		.help = "Name in messages and in the store; of a known CA, its directory is known too." },
	{ "directory", CONF_TEXT, FIELD(conf_ca, directory), .complaint = directory_complaint,
		.help = "URL of the ACME directory." },
	{ "trust", CONF_TEXT, FIELD(conf_ca, trust),
		.help = "PEM file with the roots of the CA's own API, instead of the system's." },
	{ "eab", CONF_OBJECT, 0, .rows = fields_eab,
		.help = "External account binding, for CAs that require it." },
	{ "profile", CONF_TEXT, FIELD(conf_ca, profile), .help = "Certificate profile to ask for. "
		"For IP addresses Let's Encrypt has `shortlived` alone: it is asked for them when this says nothing." },
	{ "profile_required", CONF_BOOL, FIELD(conf_ca, profile_required), .dflt = "false",
		.help = "Fail when the CA does not offer `profile`, instead of ordering without." },
	{ "preferred_chain", CONF_TEXT, FIELD(conf_ca, preferred_chain),
		.help = "Common name of the root (or issuer) that the chain should lead to; the CA's default when it offers none." },
	{ "lifetime", CONF_DURATION, FIELD(conf_ca, lifetime_ms), .min = "10s", .max = "30d",
		.help = "How long certificates of the internal CA live; `7d` if not given." },
	{ "limits", CONF_OBJECT, FIELD(conf_ca, limits), .rows = fields_ca_limits,
		.help = "What the CA allows, such as `300/3h`, where it differs from what is known of it; `0`: no limit." },
	{ "staging", CONF_SPECIAL, 0, .special = &special_staging,
		.help = "Its directory for tests: a name whose validation failed orders there first, and here only "
			"when that went well. Known of some CAs; see `acme.rehearse`." },
	{ 0 },
};

const struct field fields_staging[] = {
	{ "name", CONF_TEXT, FIELD(conf_ca, name), .help = "Name in messages; of a known CA, its directory is known too." },
	{ "directory", CONF_TEXT, FIELD(conf_ca, directory), .complaint = directory_complaint,
		.help = "URL of the ACME directory." },
	{ "trust", CONF_TEXT, FIELD(conf_ca, trust),
		.help = "PEM file with the roots of its own API, instead of those of the CA it belongs to." },
	{ "eab", CONF_OBJECT, 0, .rows = fields_eab, .help = "External account binding; it has accounts of its own." },
	{ "limits", CONF_OBJECT, FIELD(conf_ca, limits), .rows = fields_ca_limits, .help = "What it allows." },
	{ 0 },
};

static void unknown_ca(struct parse *p, const struct field_value *v, const char *text)
{
	char hint[SUGGEST_TEXT];
	struct suggest s;

	suggest_init(&s, str_from(text));
	for (unsigned i = 0; known_ca_at(i); i++)
		suggest_add(&s, known_ca_at(i)->name);
	suggest_text(&s, hint);
	parse_problem(p, v->node, "\"%.100s\" is neither the name of a known CA nor the https:// URL "
		"of a directory; %s", text, hint);
}

/* "https://ca.example:14000/dir" -> "ca.example:14000": names the CA in messages and the store. */
static const char *host_of(struct parse *p, const char *url)
{
	struct str rest = str_from(url + strlen("https://")), host;

	str_cut(rest, '/', &host);
	return parse_keep(p, host);
}

static void ca_from_text(struct parse *p, struct conf_ca *ca, const struct field_value *v)
{
	const char *text = parse_text(p, v, "the name of a CA, a directory URL or an object");
	const struct known_ca *known = text ? known_ca_named(text) : NULL;
	const char *complaint;

	if (!text)
		return;
	ca->name = text;
	if (known) {
		ca->directory = known->directory;
		ca->is_internal = strcmp(known->directory, CONF_CA_INTERNAL) == 0;
		return;
	}
	if (!str_has_prefix(str_from(text), STR("https://"))) {
		unknown_ca(p, v, text);
		return;
	}
	complaint = directory_complaint(str_from(text));
	if (complaint) {
		parse_problem(p, v->node, "\"%.100s\" %s", text, complaint);
		return;
	}
	ca->directory = text;
	ca->name = host_of(p, text);
}

static void ca_from_object(struct parse *p, struct conf_ca *ca, const struct field *rows,
	const struct field_value *v)
{
	const struct known_ca *known;

	parse_object(p, rows, ca, v->node);
	known = ca->name ? known_ca_named(ca->name) : NULL;
	if (!ca->directory && known)
		ca->directory = known->directory;
	if (!ca->directory && ca->name)
		parse_problem(p, v->node, "wants a \"directory\": \"%.100s\" is no known CA", ca->name);
	else if (!ca->directory && !json_get(v->node, "directory"))
		parse_problem(p, v->node, "wants a \"directory\", or the \"name\" of a known CA");
	if (ca->directory && !ca->name)
		ca->name = host_of(p, ca->directory);
	if (!ca->eab_kid != !ca->eab_hmac)
		parse_problem(p, v->node, "\"eab\" wants both \"kid\" and \"hmac\"");
	ca->is_internal = ca->directory && strcmp(ca->directory, CONF_CA_INTERNAL) == 0;
	if (ca->is_internal && ca->staging)
		parse_problem(p, v->node, "the internal CA needs no \"staging\"");
	if (ca->lifetime_ms && !ca->is_internal)
		parse_problem(p, v->node, "\"lifetime\" is for the internal CA; others decide themselves");
}

static void ca_from_value(struct parse *p, struct conf_ca *ca, const struct field *rows,
	const struct field_value *v)
{
	if (v->node && json_type(v->node) == JSON_OBJECT)
		ca_from_object(p, ca, rows, v);
	else
		ca_from_text(p, ca, v);
}

static void set_staging(struct parse *p, void *base, const struct field_value *v)
{
	struct conf_ca *ca = base, *staging = parse_alloc(p, sizeof(*staging));

	if (!staging)
		return;
	ca_from_value(p, staging, fields_staging, v);
	if (staging->is_internal)
		parse_problem(p, v->node, "wants an ACME directory; the internal CA has nothing to rehearse");
	else if (staging->directory && staging->name)
		ca->staging = staging;
}

struct ca_list {
	struct conf_ca *at;
	unsigned n, cap;
};

static void set_one_ca(struct parse *p, void *context, const struct field_value *v)
{
	struct ca_list *list = context;
	struct conf_ca *ca = &list->at[list->n];

	ASSERT(list->n < list->cap);
	ca_from_value(p, ca, fields_ca, v);
	if (ca->directory && ca->name)
		list->n++;
}

static void set_ca(struct parse *p, void *base, const struct field_value *v)
{
	struct conf_acme *acme = base;
	struct ca_list list = { .cap = parse_count(v) };

	if (!list.cap) {
		parse_problem(p, v->node, "wants at least one CA");
		return;
	}
	list.at = parse_alloc(p, list.cap * sizeof(*list.at));
	if (!list.at)
		return;
	parse_each(p, v, &list, set_one_ca);
	acme->ca = list.at;
	acme->n_ca = list.n;
}

static void put_if(struct json *into, const char *key, const char *text)
{
	if (text)
		json_put_cstr(into, key, text);
}

static void put_limits(struct json *into, const struct conf_ca_limits *limits)
{
	for (const struct field *f = fields_ca_limits; f->key; f++) {
		const struct conf_quota *q = (const void *)((const char *)limits + f->offset);
		char text[UNIT_TEXT];

		if (!q->is_given)
			continue;
		if (!json_get(into, "limits"))
			json_put(into, "limits", json_new_object());
		unit_quota_text(text, q->n, q->per_ms);
		json_put_cstr((struct json *)json_get(into, "limits"), f->key, text);
	}
}

static void put_ca(struct json *o, const struct conf_ca *ca)
{
	put_if(o, "name", ca->name);
	put_if(o, "directory", ca->is_internal ? NULL : ca->directory);
	put_if(o, "trust", ca->trust);
	if (ca->eab_kid) {
		struct json *eab = json_put(o, "eab", json_new_object());

		json_put_cstr(eab, "kid", ca->eab_kid);
		field_put_secret(eab, "hmac", ca->eab_hmac ? ca->eab_hmac : "");
	}
	put_limits(o, &ca->limits);
}

static void print_ca(const void *base, struct json *into, const char *key)
{
	const struct conf_acme *acme = base;
	struct json *list = json_put(into, key, json_new_array());

	for (unsigned i = 0; i < acme->n_ca; i++) {
		const struct conf_ca *ca = &acme->ca[i];
		struct json *o = json_new_object();

		put_ca(o, ca);
		put_if(o, "profile", ca->profile);
		if (ca->profile_required)
			json_put_bool(o, "profile_required", true);
		put_if(o, "preferred_chain", ca->preferred_chain);
		if (ca->lifetime_ms) {
			char text[UNIT_TEXT];

			unit_duration_text(text, ca->lifetime_ms);
			json_put_cstr(o, "lifetime", text);
		}
		if (ca->staging)
			put_ca(json_put(o, "staging", json_new_object()), ca->staging);
		json_append(list, o);
	}
}

static void print_staging(const void *base, struct json *into, const char *key)
{
	const struct conf_ca *ca = base;

	if (ca->staging)
		put_ca(json_put(into, key, json_new_object()), ca->staging);
}

const struct field_special special_staging = {
	.set = set_staging, .print = print_staging, .rows = fields_staging,
	.schema = "{\"anyOf\":[{\"type\":\"string\"},\"@rows\"]}",
	.form = "name of a known CA, directory URL, or object",
};

const struct field_special special_ca = {
	.set = set_ca, .print = print_ca, .rows = fields_ca,
	.schema = "{\"anyOf\":[{\"type\":\"string\"},\"@rows\",{\"type\":\"array\","
		"\"minItems\":1,\"items\":{\"anyOf\":[{\"type\":\"string\"},\"@rows\"]}}]}",
	.form = "name of a known CA (see below), directory URL, object, or list of these, tried in order",
};

const struct field_choice field_challenges[] = {
	{ "tls-alpn-01", CONF_TLS_ALPN_01 }, { "http-01", CONF_HTTP_01 }, { "dns-01", CONF_DNS_01 },
	{ "dns-persist-01", CONF_DNS_PERSIST_01 }, { NULL, 0 },
};

static void set_challenge(struct parse *p, void *context, const struct field_value *v)
{
	const struct field row = { .type = CONF_CHOICE, .choices = field_challenges };
	struct conf_acme *acme = context;
	int value = -1;

	parse_value(p, &row, &value, v);
	for (unsigned i = 0; i < acme->n_challenges; i++) {
		if (value == (int)acme->challenges[i]) {
			parse_problem(p, v->node, "is here twice");
			return;
		}
	}
	if (value >= 0)
		acme->challenges[acme->n_challenges++] = (enum conf_challenge)value;
}

static void set_challenges(struct parse *p, void *base, const struct field_value *v)
{
	struct conf_acme *acme = base;

	acme->n_challenges = 0;
	parse_each(p, v, acme, set_challenge);
	if (!parse_count(v))
		parse_problem(p, v->node, "wants at least one challenge");
}

static void print_challenges(const void *base, struct json *into, const char *key)
{
	const struct conf_acme *acme = base;
	struct json *list = json_put(into, key, json_new_array());

	for (unsigned i = 0; i < acme->n_challenges; i++)
		json_append_str(list,
			str_from(field_choice_text(field_challenges, (int)acme->challenges[i])));
}

const struct field_special special_challenges = {
	.set = set_challenges, .print = print_challenges,
	.schema = "{\"type\":\"array\",\"minItems\":1,\"uniqueItems\":true,"
		"\"items\":{\"enum\":[\"tls-alpn-01\",\"http-01\",\"dns-01\",\"dns-persist-01\"]}}",
	.form = "list of `tls-alpn-01`, `http-01`, `dns-01`, `dns-persist-01`",
};

const struct field fields_acme[] = {
	{ "ca", CONF_SPECIAL, 0, .dflt = "letsencrypt, internal", .special = &special_ca,
		.help = "Where certificates come from. `internal` is a CA of our own, in the store: it serves names "
			"that no public CA can certify (`localhost`, `app.internal`, `10.0.0.7`), and all others "
			"only if it is the only one." },
	{ "challenges", CONF_SPECIAL, 0, .dflt = "tls-alpn-01, http-01", .special = &special_challenges,
		.help = "How we prove control of a name, in the order we prefer. With `dns`, `dns-01` is added as the last. Wildcards need one of the DNS challenges; `dns-persist-01` works without `dns`, by a record that you set once." },
	{ "dns", CONF_OBJECT, FIELD(conf_acme, dns), .rows = fields_dns,
		.help = "How records for DNS challenges are set." },
	{ "key", CONF_SPECIAL, 0, .dflt = "p256", .special = &special_acme_keys,
		.help = "Type of the certificates' keys. With two types, every name has two certificates, each renewed in "
			"its own time, and each client gets the one it can verify; the first type where it can verify both." },
	{ "email", CONF_TEXT, FIELD(conf_acme, email), .complaint = address_email_complaint,
		.help = "Contact of the accounts; the top-level `email` by default." },
	{ "trust", CONF_TEXT, FIELD(conf_acme, trust),
		.help = "PEM file with the roots of the CAs' own API, for those in `ca` without a `trust` of their own." },
	{ "retry_min", CONF_DURATION, FIELD(conf_acme, retry_min_ms), .dflt = "1m", .min = "1s", .max = "1d",
		.help = "First wait of a name that failed; it grows from there." },
	{ "retry_max", CONF_DURATION, FIELD(conf_acme, retry_max_ms), .dflt = "1d", .min = "1s", .max = "30d",
		.help = "Longest wait of a name that keeps failing." },
	{ "max_orders", CONF_COUNT, FIELD(conf_acme, max_orders), .dflt = "16", .min = "1", .max = "1000",
		.help = "Orders under way at a time." },
	{ "self_check", CONF_DURATION, FIELD(conf_acme, self_check_ms), .dflt = "5m", .min = "0", .max = "1d",
		.help = "How often some names are tried by a handshake with ourselves, whether the certificate of the "
			"store is the one served; each new certificate is tried anyway. 0: never." },
	{ "rehearse", CONF_BOOL, FIELD(conf_acme, rehearse), .dflt = "true",
		.help = "After a name failed a validation, order at the CA's staging first, so that attempts spend "
			"nothing of what the CA allows. What a staging issues is thrown away." },
	{ "ari", CONF_BOOL, FIELD(conf_acme, ari), .dflt = "true",
		.help = "Ask the CAs when certificates should be renewed (ARI, RFC 9773), and do so." },
	{ 0 },
};
