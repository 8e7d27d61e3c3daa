/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * json: the only door to cJSON. Text is validated by json_scan first, so cJSON meets only what is
 * well-formed and small enough.
 *
 * A parsed root is a document: the root node followed by the places of all nodes. Each node's
 * valueint, which nobody else needs (numbers are doubles here), is its index among the places.
 */
#include "base/json.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/mem.h"

/* In cJSON's type, above the bits that it uses. */
enum { HAS_PLACES = 1 << 20, PRINT_DEPTH = 64 };

struct document {
	cJSON root;  /* first: cJSON_Delete frees the whole document with it */
	size_t n;
	struct json_place places[];
};

const struct json_limits json_limits_default = { 256 * 1024, 16, 10000 };
const struct json_limits json_limits_config = { 16 * 1024 * 1024, 32, 1000000 };

static const cJSON *node(const struct json *n)
{
	return (const cJSON *)n;
}

static cJSON *node_rw(struct json *n)
{
	return (cJSON *)n;
}

static const struct json *wrap(const cJSON *n)
{
	return (const struct json *)n;
}

static cJSON *must(void *p)
{
	/* cJSON returns NULL only without memory. */
	if (!p)
		abort();
	return p;
}

/* The node after n in the order of the text. The path is on a stack bounded by the depth limit. */
static cJSON *walk(cJSON *n, cJSON **parents, unsigned *depth)
{
	if (n->child) {
		ASSERT(*depth < PRINT_DEPTH);
		parents[(*depth)++] = n;
		return n->child;
	}
	while (!n->next) {
		if (!*depth)
			return NULL;
		n = parents[--*depth];
		if (!*depth)
			return NULL;
	}
	return n->next;
}

/* False (and the node's index in *at) when a number is too large for a double. */
static bool number_nodes(struct document *d, size_t *at)
{
	cJSON *parents[PRINT_DEPTH];
	unsigned depth = 0;

	*at = 0;
	for (cJSON *n = &d->root; n; n = walk(n, parents, &depth)) {
		ASSERT(*at < d->n);
		if (cJSON_IsNumber(n) && !isfinite(n->valuedouble))
			return false;
		n->valueint = (int)(*at)++;
	}
	ASSERT(*at == d->n);
	return true;
}

static struct document *new_document(struct str text, const struct json_scan *scan)
{
	struct document *d = mem_try(sizeof(*d) + scan->n * sizeof(d->places[0]));
	cJSON *parsed = d ? cJSON_ParseWithLength(text.at, text.len) : NULL;

	if (!parsed) {
		mem_free(&d);
		return NULL;
	}
	/* The root moves into the document; nothing points back at it. */
	d->root = *parsed;
	cJSON_free(parsed);
	d->root.type |= HAS_PLACES;
	d->n = scan->n;
	memcpy(d->places, scan->places, scan->n * sizeof(d->places[0]));
	return d;
}

enum err json_parse(struct str text, const struct json_limits *limits, struct json **root,
	size_t *error_at)
{
	struct json_scan scan;
	struct document *d;
	size_t at;
	enum err e;

	ASSERT(limits->depth <= PRINT_DEPTH);
	*root = NULL;
	e = json_scan_text(&scan, text, limits, &at);
	if (error_at)
		*error_at = at;
	if (e)
		return e;
	d = new_document(text, &scan);
	json_scan_fini(&scan);
	if (!d)
		return E_NOMEM;
	if (!number_nodes(d, &at)) {
		if (error_at)
			*error_at = d->places[at].value_at;
		cJSON_Delete(&d->root);
		return E_PARSE;
	}
	*root = (struct json *)d;
	return E_OK;
}

enum err json_parse_relaxed(char *text, size_t len, const struct json_limits *limits,
	struct json **root, size_t *error_at)
{
	size_t at = 0;

	*root = NULL;
	if (json_scan_blank(text, len, &at)) {
		if (error_at)
			*error_at = at;
		return E_PARSE;
	}
	return json_parse(str_of(text, len), limits, root, error_at);
}

void json_free(struct json **root)
{
	if (!*root)
		return;
	cJSON_Delete(node_rw(*root));
	*root = NULL;
}

enum json_type json_type(const struct json *n)
{
	switch (node(n)->type & 0xff) {
	case cJSON_True:
	case cJSON_False:
		return JSON_BOOL;
	case cJSON_Number:
		return JSON_NUMBER;
	case cJSON_String:
		return JSON_STRING;
	case cJSON_Array:
		return JSON_ARRAY;
	case cJSON_Object:
		return JSON_OBJECT;
	default:
		return JSON_NULL;
	}
}

const char *json_type_name(enum json_type t)
{
	static const char *const names[] = { "null", "boolean", "number", "string", "array",
		"object" };

	ASSERT((unsigned)t <= JSON_OBJECT);
	return names[t];
}

const struct json *json_get(const struct json *object, const char *key)
{
	if (!object || json_type(object) != JSON_OBJECT)
		return NULL;
	return wrap(cJSON_GetObjectItemCaseSensitive(node(object), key));
}

const struct json *json_at(const struct json *array, size_t i)
{
	const cJSON *n = array && json_type(array) == JSON_ARRAY ? node(array)->child : NULL;

	while (n && i--)
		n = n->next;
	return wrap(n);
}

size_t json_count(const struct json *array_or_object)
{
	size_t count = 0;

	for (const struct json *n = json_first(array_or_object); n; n = json_next(n))
		count++;
	return count;
}

const struct json *json_first(const struct json *n)
{
	return n ? wrap(node(n)->child) : NULL;
}

const struct json *json_next(const struct json *n)
{
	return n ? wrap(node(n)->next) : NULL;
}

const char *json_key(const struct json *n)
{
	return n ? node(n)->string : NULL;
}

struct str json_str(const struct json *n)
{
	return n && json_type(n) == JSON_STRING ? str_from(node(n)->valuestring) : STR_NONE;
}

struct str json_get_str(const struct json *object, const char *key)
{
	return json_str(json_get(object, key));
}

bool json_bool(const struct json *n, bool otherwise)
{
	return n && json_type(n) == JSON_BOOL ? cJSON_IsTrue(node(n)) : otherwise;
}

double json_number(const struct json *n, double otherwise)
{
	return n && json_type(n) == JSON_NUMBER ? node(n)->valuedouble : otherwise;
}

static const struct json_place *place(const struct json *root, const struct json *n)
{
	static const struct json_place nowhere;
	const struct document *d = (const struct document *)root;

	if (!root || !n || !(d->root.type & HAS_PLACES))
		return &nowhere;
	ASSERT(node(n)->valueint >= 0 && (size_t)node(n)->valueint < d->n);
	return &d->places[node(n)->valueint];
}

size_t json_offset(const struct json *root, const struct json *n)
{
	return place(root, n)->value_at;
}

size_t json_key_offset(const struct json *root, const struct json *n)
{
	return place(root, n)->key_at;
}

struct json *json_new_object(void)
{
	return (struct json *)must(cJSON_CreateObject());
}

struct json *json_new_array(void)
{
	return (struct json *)must(cJSON_CreateArray());
}

/* cJSON holds C strings: what is no UTF-8 (or NUL) becomes U+FFFD, so that output is always JSON. */
static cJSON *new_string(struct str s)
{
	struct buf clean;
	cJSON *n;

	buf_init(&clean, 0);
	for (size_t i = 0, len; i < s.len; i += len ? len : 1) {
		len = s.at[i] ? str_utf8_length(s.at + i, s.len - i) : 0;
		if (buf_add(&clean, len ? str_of(s.at + i, len) : STR("\xef\xbf\xbd")))
			abort();
	}
	n = must(cJSON_CreateString(buf_cstring(&clean)));
	buf_fini(&clean);
	return n;
}

struct json *json_put(struct json *object, const char *key, struct json *value)
{
	ASSERT(json_type(object) == JSON_OBJECT && value);
	must(cJSON_AddItemToObject(node_rw(object), key, node_rw(value)) ? value : NULL);
	return value;
}

void json_put_str(struct json *object, const char *key, struct str value)
{
	json_put(object, key, (struct json *)new_string(value));
}

void json_put_cstr(struct json *object, const char *key, const char *value)
{
	json_put_str(object, key, str_from(value));
}

void json_put_number(struct json *object, const char *key, double value)
{
	json_put(object, key, (struct json *)must(cJSON_CreateNumber(value)));
}

void json_put_bool(struct json *object, const char *key, bool value)
{
	json_put(object, key, (struct json *)must(cJSON_CreateBool(value)));
}

void json_append(struct json *array, struct json *value)
{
	ASSERT(json_type(array) == JSON_ARRAY && value);
	must(cJSON_AddItemToArray(node_rw(array), node_rw(value)) ? value : NULL);
}

void json_append_str(struct json *array, struct str value)
{
	json_append(array, (struct json *)new_string(value));
}

static enum err print_string(struct buf *out, const char *s)
{
	enum err e = buf_add(out, STR("\""));

	for (const char *p = s; *p && !e; p++) {
		unsigned char c = (unsigned char)*p;

		if (c == '"' || c == '\\')
			e = buf_addf(out, "\\%c", c);
		else if (c == '\n')
			e = buf_add(out, STR("\\n"));
		else if (c < 0x20 || c == 0x7f)
			e = buf_addf(out, "\\u%04x", c);
		else
			e = buf_add(out, str_of(p, 1));
	}
	return e ? e : buf_add(out, STR("\""));
}

static enum err print_number(struct buf *out, double d)
{
	if (!isfinite(d))
		return buf_add(out, STR("null"));
	if (fabs(d) < 9007199254740992.0 && d == (double)(long long)d)
		return buf_addf(out, "%lld", (long long)d);
	return buf_addf(out, "%.17g", d);
}

static enum err print_scalar(struct buf *out, const cJSON *n)
{
	switch (json_type(wrap(n))) {
	case JSON_STRING:
		return print_string(out, n->valuestring);
	case JSON_NUMBER:
		return print_number(out, n->valuedouble);
	case JSON_BOOL:
		return buf_add(out, cJSON_IsTrue(n) ? STR("true") : STR("false"));
	default:
		return buf_add(out, STR("null"));
	}
}

static enum err new_line(struct buf *out, unsigned depth, bool indented)
{
	enum err e = indented ? buf_add(out, STR("\n")) : E_OK;

	for (unsigned i = 0; indented && i < depth && !e; i++)
		e = buf_add(out, STR("  "));
	return e;
}

/* Recursion is bounded: by the depth limit for what was parsed, by ourselves for what we built. */
static enum err print(struct buf *out, const cJSON *n, unsigned depth, bool indented)
{
	bool is_object = cJSON_IsObject(n);
	enum err e;

	ASSERT(depth < PRINT_DEPTH);
	if (!is_object && !cJSON_IsArray(n))
		return print_scalar(out, n);
	e = buf_add(out, is_object ? STR("{") : STR("["));
	for (const cJSON *c = n->child; c && !e; c = c->next) {
		e = new_line(out, depth + 1, indented);
		if (!e && is_object)
			e = print_string(out, c->string);
		if (!e && is_object)
			e = buf_add(out, indented ? STR(": ") : STR(":"));
		if (!e)
			e = print(out, c, depth + 1, indented);
		if (!e && c->next)
			e = buf_add(out, STR(","));
	}
	if (!e && n->child)
		e = new_line(out, depth, indented);
	return e ? e : buf_add(out, is_object ? STR("}") : STR("]"));
}

enum err json_print(const struct json *n, struct buf *out, bool indented)
{
	return print(out, node(n), 0, indented);
}

const char *json_library_version(void)
{
	return cJSON_Version();
}
