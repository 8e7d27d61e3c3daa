/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fields_keys: the types of certificates' keys: for all names ("acme.key"), for those of one site
 * ("key_type"). One, or an ECDSA and an RSA one.
 */
#include "base/check.h"
#include "conf/parse.h"

static const struct field_choice key_types[] = {
	{ "p256", CONF_KEY_P256 }, { "p384", CONF_KEY_P384 }, { "rsa2048", CONF_KEY_RSA2048 },
	{ "rsa3072", CONF_KEY_RSA3072 }, { "rsa4096", CONF_KEY_RSA4096 }, { NULL, 0 },
};

static const char *text_of(int type)
{
	return field_choice_text(key_types, type);
}

static void set_key(struct parse *p, void *context, const struct field_value *v)
{
	const struct field row = { .type = CONF_CHOICE, .choices = key_types };
	struct conf_keys *keys = context;
	int type = -1;

	parse_value(p, &row, &type, v);
	if (type < 0)
		return;
	if (keys->n == CONF_KEYS) {
		parse_problem(p, v->node, "is one too many: a name has one certificate, or two, one with an "
			"ECDSA and one with an RSA key");
		return;
	}
	if (keys->n && keys->at[0] == type) {
		parse_problem(p, v->node, "is here twice");
		return;
	}
	if (keys->n && conf_key_is_rsa(keys->at[0]) == conf_key_is_rsa((enum conf_key_type)type)) {
		parse_problem(p, v->node, "\"%s\" and \"%s\" are both %s: of two types, one is p256 or p384, "
			"the other rsa2048, rsa3072 or rsa4096", text_of(keys->at[0]), text_of(type),
			conf_key_is_rsa(keys->at[0]) ? "RSA" : "ECDSA");
		return;
	}
	keys->at[keys->n++] = (uint8_t)type;
}

static void set_keys(struct parse *p, struct conf_keys *keys, const struct field_value *v)
{
	*keys = (struct conf_keys){ 0 };
	parse_each(p, v, keys, set_key);
	if (!parse_count(v))
		parse_problem(p, v->node, "wants at least one key type");
}

static void print_keys(const struct conf_keys *keys, struct json *into, const char *key)
{
	struct json *list = keys->n > 1 ? json_put(into, key, json_new_array()) : NULL;

	for (unsigned i = 0; list && i < keys->n; i++)
		json_append_str(list, str_from(text_of(keys->at[i])));
	if (keys->n == 1)
		json_put_cstr(into, key, text_of(keys->at[0]));
}

static void set_acme_keys(struct parse *p, void *base, const struct field_value *v)
{
	set_keys(p, &((struct conf_acme *)base)->keys, v);
}

static void print_acme_keys(const void *base, struct json *into, const char *key)
{
	print_keys(&((const struct conf_acme *)base)->keys, into, key);
}

static void set_site_keys(struct parse *p, void *base, const struct field_value *v)
{
	set_keys(p, &((struct parse_site *)base)->conf.keys, v);
}

/* Of a struct conf_site, unlike set: sites are printed as they were built. */
static void print_site_keys(const void *base, struct json *into, const char *key)
{
	print_keys(&((const struct conf_site *)base)->keys, into, key);
}

#define KEY_TYPES "{\"enum\":[\"p256\",\"p384\",\"rsa2048\",\"rsa3072\",\"rsa4096\"]}"
#define SCHEMA "{\"anyOf\":[" KEY_TYPES ",{\"type\":\"array\",\"minItems\":1,\"maxItems\":2," \
	"\"uniqueItems\":true,\"items\":" KEY_TYPES "}]}"
#define FORM "`p256`, `p384`, `rsa2048`, `rsa3072`, `rsa4096`, or a list of two: an ECDSA and an RSA one"

const struct field_special special_acme_keys = {
	.set = set_acme_keys, .print = print_acme_keys, .schema = SCHEMA, .form = FORM,
};

const struct field_special special_site_keys = {
	.set = set_site_keys, .print = print_site_keys, .schema = SCHEMA, .form = FORM,
};
