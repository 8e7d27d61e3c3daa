/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * schema: the rows as JSON Schema (draft 2020-12). Texts with ${NAME} are allowed wherever the
 * loader expands them, so numbers and booleans may be texts too.
 */
#include "conf/schema.h"

#include <stdio.h>

#include "base/check.h"
#include "conf/field.h"

/* By field_type; choices, objects and specials are made from their rows. */
static const char *const types[] = {
	[CONF_TEXT] = "{\"type\":\"string\",\"minLength\":1}",
	[CONF_BOOL] = "{\"anyOf\":[{\"type\":\"boolean\"},{\"$ref\":\"#/$defs/variable\"}]}",
	[CONF_COUNT] = "{\"anyOf\":[{\"type\":\"integer\"},{\"type\":\"string\","
		"\"pattern\":\"^[0-9]+$\"},{\"$ref\":\"#/$defs/variable\"}]}",
	[CONF_DURATION] = "{\"$ref\":\"#/$defs/duration\"}",
	[CONF_SIZE] = "{\"$ref\":\"#/$defs/size\"}",
	[CONF_RATE] = "{\"$ref\":\"#/$defs/rate\"}",
	[CONF_QUOTA] = "{\"$ref\":\"#/$defs/quota\"}",
};

static const char definitions[] = "{"
	"\"variable\":{\"type\":\"string\",\"pattern\":\"\\\\$\\\\{\"},"
	"\"duration\":{\"anyOf\":[{\"const\":0},{\"type\":\"string\",\"pattern\":"
		"\"^(0|([0-9]+(ms|s|m|h|d|w))+)$\"},{\"$ref\":\"#/$defs/variable\"}]},"
	"\"size\":{\"anyOf\":[{\"const\":0},{\"type\":\"string\",\"pattern\":"
		"\"^(0|[0-9]+(B|KiB|MiB|GiB|KB|kB|MB|GB))$\"},{\"$ref\":\"#/$defs/variable\"}]},"
	"\"rate\":{\"anyOf\":[{\"const\":0},{\"type\":\"string\",\"pattern\":"
		"\"^(0|[0-9]+/[smh])$\"},{\"$ref\":\"#/$defs/variable\"}]},"
	"\"quota\":{\"anyOf\":[{\"const\":0},{\"type\":\"string\",\"pattern\":"
		"\"^(0|[1-9][0-9]*/(ms|s|m|h|d|w|([0-9]+(ms|s|m|h|d|w))+))$\"},"
		"{\"$ref\":\"#/$defs/variable\"}]}}";

/* Objects that several places refer to; everything else stands where it is used. */
static const struct {
	const struct field *rows;
	const char *name;
} shared[] = {
	{ fields_upstream, "upstream" }, { fields_server, "server" }, { fields_site, "site" },
	{ fields_route, "route" }, { fields_ca, "ca" }, { fields_staging, "staging" },
	{ fields_timeouts, "timeouts" },
};

static struct json *parse_own(const char *text)
{
	struct json *root;

	/* Our own text: when it does not parse, that is a bug. */
	ASSERT(json_parse(str_from(text), &json_limits_default, &root, NULL) == E_OK);
	return root;
}

static const char *shared_name(const struct field *rows)
{
	for (size_t i = 0; i < ARRAY_LEN(shared); i++)
		if (shared[i].rows == rows)
			return shared[i].name;
	return NULL;
}

/* text with each "@rows" replaced by the reference to the rows. */
static struct json *special_schema(const struct field_special *s)
{
	static const char mark[] = "\"@rows\"";
	const char *rest = s->schema, *at;
	struct buf text;
	struct json *root;

	buf_init(&text, 0);
	while ((at = strstr(rest, mark)) != NULL) {
		buf_add(&text, str_of(rest, (size_t)(at - rest)));
		buf_addf(&text, "{\"$ref\":\"#/$defs/%s\"}", shared_name(s->rows));
		rest = at + sizeof(mark) - 1;
	}
	buf_add(&text, str_from(rest));
	root = parse_own(buf_cstring(&text));
	buf_fini(&text);
	return root;
}

static struct json *choice_schema(const struct field_choice *choices)
{
	struct json *o = json_new_object(), *list;
	const struct field_choice *c = choices;
	bool numbers = c->text[0] >= '0' && c->text[0] <= '9';

	list = json_put(o, "enum", json_new_array());
	for (; c->text; c++)
		json_append_str(list, str_from(c->text));
	for (c = choices; numbers && c->text; c++) {
		struct json *number = parse_own(c->text);

		json_append(list, number);
	}
	return o;
}

static struct json *object_schema(const struct field *rows);

static struct json *field_schema(const struct field *f)
{
	struct json *o;

	if (f->type == CONF_OBJECT && shared_name(f->rows)) {
		char reference[64];

		snprintf(reference, sizeof(reference), "#/$defs/%s", shared_name(f->rows));
		o = json_new_object();
		json_put_cstr(o, "$ref", reference);
	} else if (f->type == CONF_OBJECT) {
		o = object_schema(f->rows);
	} else if (f->type == CONF_SPECIAL) {
		o = special_schema(f->special);
	} else if (f->type == CONF_CHOICE) {
		o = choice_schema(f->choices);
	} else {
		o = parse_own(types[f->type]);
	}
	json_put_cstr(o, "description", f->help);
	if (f->dflt && f->dflt[0])
		json_put_cstr(o, "default", f->dflt);
	return o;
}

static struct json *object_schema(const struct field *rows)
{
	struct json *o = json_new_object(), *properties;

	json_put_cstr(o, "type", "object");
	json_put_bool(o, "additionalProperties", false);
	properties = json_put(o, "properties", json_new_object());
	for (const struct field *f = rows; f->key; f++)
		json_put(properties, f->key, field_schema(f));
	return o;
}

enum err schema_print(struct buf *out)
{
	struct json *root = object_schema(fields_top), *defs;
	enum err e;

	json_put_cstr(root, "$schema", "https://json-schema.org/draft/2020-12/schema");
	json_put_cstr(root, "title", "sallyport configuration");
	defs = json_put(root, "$defs", parse_own(definitions));
	for (size_t i = 0; i < ARRAY_LEN(shared); i++)
		json_put(defs, shared[i].name, object_schema(shared[i].rows));
	e = json_print(root, out, true);
	json_free(&root);
	return e ? e : buf_add(out, STR("\n"));
}
