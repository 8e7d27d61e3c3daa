/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * parse: rows and JSON into structs. The leaf types are a table; specials bring their own setter.
 */
#include "conf/parse.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/check.h"
#include "base/printable.h"
#include "conf/unit.h"

void parse_init(struct parse *p, struct conf *c, struct conf_problems *problems,
	char *const *environment)
{
	*p = (struct parse){ .conf = c, .problems = problems, .environment = environment };
	map_init(&p->places);
	map_init(&p->site_names);
	map_init(&p->upstream_names);
	p->source.name = "default";
}

void parse_fini(struct parse *p)
{
	map_fini(&p->places);
	map_fini(&p->site_names);
	map_fini(&p->upstream_names);
	mem_free(&p->sites);
	mem_free(&p->upstreams);
	mem_free(&p->line_starts);
}

void *parse_alloc(struct parse *p, size_t bytes)
{
	void *m = arena_alloc(&p->conf->arena, bytes);

	if (m)
		memset(m, 0, bytes);
	else
		p->out_of_memory = true;
	return m;
}

const char *parse_keep(struct parse *p, struct str s)
{
	const char *copy = arena_strndup(&p->conf->arena, s.at, s.len);

	if (!copy)
		p->out_of_memory = true;
	return copy;
}

/* So that the line of an offset is a search and not a walk from the top. */
static void index_lines(struct parse *p)
{
	struct str text = p->source.text;
	unsigned n = 1;

	for (size_t i = 0; i < text.len; i++)
		n += text.at[i] == '\n';
	mem_free(&p->line_starts);
	p->line_starts = mem_new(n * sizeof(*p->line_starts));
	p->n_lines = 1;
	for (size_t i = 0; i < text.len; i++)
		if (text.at[i] == '\n')
			p->line_starts[p->n_lines++] = (uint32_t)i + 1;
}

void parse_begin(struct parse *p, const char *name, struct str text, const struct json *root)
{
	const char *kept = parse_keep(p, str_from(name));

	p->source = (struct parse_source){ .name = kept ? kept : "", .text = text, .root = root,
		.number = ++p->n_sources };
	p->path_len = 0;
	p->path[0] = 0;
	index_lines(p);
}

static void locate(const struct parse *p, size_t offset, unsigned *line, unsigned *column)
{
	unsigned low = 0, high = p->n_lines;

	while (high - low > 1) {
		unsigned middle = low + (high - low) / 2;

		if (p->line_starts[middle] <= offset)
			low = middle;
		else
			high = middle;
	}
	*line = low + 1;
	*column = (unsigned)(offset - p->line_starts[low]) + 1;
}

static struct parse_place place_of(const struct parse *p, const struct json *node)
{
	struct parse_place place = { .source = p->source.name, .is_file = p->source.is_file };

	if (node && p->source.root)
		locate(p, json_offset(p->source.root, node), &place.line, &place.column);
	return place;
}

static size_t enter(struct parse *p, const char *before, struct str name, const char *after)
{
	size_t mark = p->path_len, left = sizeof(p->path) - mark;
	char text[PARSE_PATH];
	int n;

	printable_text(text, sizeof(text), name);
	n = snprintf(p->path + mark, left, "%s%s%s", before, text, after);
	p->path_len += (size_t)n < left ? (size_t)n : left - 1;
	return mark;
}

size_t parse_enter(struct parse *p, const char *key)
{
	return enter(p, p->path_len ? "." : "", str_from(key), "");
}

size_t parse_enter_name(struct parse *p, struct str name)
{
	return enter(p, "[\"", name, "\"]");
}

size_t parse_enter_index(struct parse *p, unsigned i)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", i);
	return enter(p, "[", str_from(text), "]");
}

void parse_leave(struct parse *p, size_t mark)
{
	ASSERT(mark <= p->path_len);
	p->path_len = mark;
	p->path[mark] = 0;
}

void parse_note(struct parse *p, const struct json *node)
{
	struct parse_place *place = parse_alloc(p, sizeof(*place));

	if (!place)
		return;
	*place = place_of(p, node);
	map_put(&p->places, str_from(p->path), place);
}

static void add_problem(struct parse *p, const struct parse_place *place, const char *path,
	const char *what)
{
	struct conf_problem *out;
	char where[32] = "", printable[sizeof(out->text)];

	if (p->problems->n == CONF_PROBLEMS)
		return;
	out = &p->problems->at[p->problems->n++];
	if (place->line)
		snprintf(where, sizeof(where), ":%u:%u", place->line, place->column);
	snprintf(out->text, sizeof(out->text), "%.200s%s: %s%s%s", place->source, where, path,
		path[0] ? ": " : "", what);
	/* Cut text may end in half a character. */
	printable_text(printable, sizeof(printable), str_from(out->text));
	memcpy(out->text, printable, sizeof(printable));
}

void parse_problem(struct parse *p, const struct json *node, const char *fmt, ...)
{
	struct parse_place place = place_of(p, node);
	char what[600];
	va_list args;

	va_start(args, fmt);
	vsnprintf(what, sizeof(what), fmt, args);
	va_end(args);
	add_problem(p, &place, p->path, what);
}

void parse_problem_key(struct parse *p, const struct json *node, const char *fmt, ...)
{
	struct parse_place place = place_of(p, node);
	char what[600];
	va_list args;

	if (node && p->source.root)
		locate(p, json_key_offset(p->source.root, node), &place.line, &place.column);
	va_start(args, fmt);
	vsnprintf(what, sizeof(what), fmt, args);
	va_end(args);
	add_problem(p, &place, p->path, what);
}

/* The place of path, or of the nearest thing above it that was set. */
static const struct parse_place *nearest_place(const struct parse *p, const char *path)
{
	static const struct parse_place nowhere = { .source = "configuration" };
	struct str s = str_from(path);

	while (s.len) {
		const struct parse_place *place = map_get(&p->places, s);

		if (place)
			return place;
		do
			s.len--;
		while (s.len && s.at[s.len] != '.' && s.at[s.len] != '[');
	}
	return &nowhere;
}

void parse_problem_at(struct parse *p, const char *path, const char *fmt, ...)
{
	char what[600];
	va_list args;

	va_start(args, fmt);
	vsnprintf(what, sizeof(what), fmt, args);
	va_end(args);
	add_problem(p, nearest_place(p, path), path, what);
}

struct str parse_variable(const struct parse *p, struct str name)
{
	for (char *const *e = p->environment; e && *e; e++) {
		struct str head, value = str_cut(str_from(*e), '=', &head);

		if (value.at && str_equal(head, name))
			return value;
	}
	return STR_NONE;
}

static bool is_variable_name(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!((s.at[i] >= 'a' && s.at[i] <= 'z') || (s.at[i] >= 'A' && s.at[i] <= 'Z') ||
		      s.at[i] == '_' || (i && s.at[i] >= '0' && s.at[i] <= '9')))
			return false;
	return s.len > 0;
}

/* What is between "${" and "}". False after reporting a problem. */
static bool expand_one(struct parse *p, const struct json *node, struct str inner, struct buf *out)
{
	struct str name = inner, otherwise = STR_NONE, value;
	size_t n = 0;

	while (n < inner.len && inner.at[n] != ':')
		n++;
	if (n < inner.len) {
		name = str_of(inner.at, n);
		otherwise = str_of(inner.at + n, inner.len - n);
	}
	if (!is_variable_name(name) || (otherwise.at && !str_has_prefix(otherwise, STR(":-")))) {
		parse_problem(p, node, "\"${%.*s}\" is not understood; write ${NAME} or "
			"${NAME:-default}, and $${ for the characters themselves", STR_FMT(inner));
		return false;
	}
	value = parse_variable(p, name);
	if (otherwise.at && !value.len)
		value = str_of(otherwise.at + 2, otherwise.len - 2);
	if (!value.at) {
		parse_problem(p, node, "the environment variable %.*s is not set; set it, or give a "
			"default: ${%.*s:-default}", STR_FMT(name), STR_FMT(name));
		return false;
	}
	if (!str_is_utf8(value)) {
		parse_problem(p, node, "the environment variable %.*s is not UTF-8", STR_FMT(name));
		return false;
	}
	return buf_add(out, value) == E_OK;
}

static bool expand(struct parse *p, const struct json *node, struct str s, struct buf *out)
{
	size_t i = 0;

	while (i < s.len) {
		struct str rest = str_of(s.at + i, s.len - i);
		ptrdiff_t end;

		if (str_has_prefix(rest, STR("$${"))) {
			buf_add(out, STR("${"));
			i += 3;
			continue;
		}
		if (!str_has_prefix(rest, STR("${"))) {
			buf_add(out, str_of(rest.at, 1));
			i++;
			continue;
		}
		end = str_find(rest, '}');
		if (end < 0) {
			parse_problem(p, node, "\"${\" without \"}\"; write $${ for the characters "
				"themselves");
			return false;
		}
		if (!expand_one(p, node, str_of(rest.at + 2, (size_t)end - 2), out))
			return false;
		i += (size_t)end + 1;
	}
	return true;
}

const char *parse_expand(struct parse *p, const struct json *node, struct str s)
{
	const char *kept = NULL;
	struct buf out;

	if (!p->source.expands || str_find(s, '$') < 0)
		return parse_keep(p, s);
	buf_init(&out, 0);
	if (expand(p, node, s, &out))
		kept = parse_keep(p, buf_str(&out));
	buf_fini(&out);
	return kept;
}

const char *parse_text(struct parse *p, const struct field_value *v, const char *wants)
{
	if (!v->node)
		return parse_keep(p, v->text);
	if (json_type(v->node) != JSON_STRING) {
		parse_problem(p, v->node, "wants %s, has %s", wants,
			json_type_name(json_type(v->node)));
		return NULL;
	}
	return parse_expand(p, v->node, json_str(v->node));
}

unsigned parse_count(const struct field_value *v)
{
	unsigned n = 1;

	if (v->node)
		return json_type(v->node) == JSON_ARRAY ? (unsigned)json_count(v->node) : 1;
	for (size_t i = 0; i < v->text.len; i++)
		n += v->text.at[i] == ',';
	return n;
}

static void each_element(struct parse *p, const struct json *array, void *context,
	void (*element)(struct parse *p, void *context, const struct field_value *v))
{
	unsigned i = 0;

	for (const struct json *n = json_first(array); n; n = json_next(n)) {
		size_t mark = parse_enter_index(p, i++);

		element(p, context, &(struct field_value){ .node = n });
		parse_leave(p, mark);
	}
}

void parse_each(struct parse *p, const struct field_value *v, void *context,
	void (*element)(struct parse *p, void *context, const struct field_value *v))
{
	struct str piece, rest = v->text;

	if (v->node && json_type(v->node) == JSON_ARRAY) {
		each_element(p, v->node, context, element);
		return;
	}
	if (v->node) {
		element(p, context, v);
		return;
	}
	while (rest.at) {
		rest = str_cut(rest, ',', &piece);
		element(p, context, &(struct field_value){ .text = str_trim(piece) });
	}
}

/* --- leaf types */

static void set_text(struct parse *p, const struct field *f, void *base, const struct field_value *v)
{
	const char *text = parse_text(p, v, "text"), *complaint;

	if (!text)
		return;
	complaint = !text[0] ? "wants some text; leave the key out for none" :
		f->complaint ? f->complaint(str_from(text)) : NULL;
	if (complaint && text[0] && !f->is_secret)
		parse_problem(p, v->node, "\"%.100s\" %s", text, complaint);
	else if (complaint)
		parse_problem(p, v->node, "%s", complaint);
	else
		*(const char **)FIELD_OF(f, base) = text;
}

static void set_bool(struct parse *p, const struct field *f, void *base, const struct field_value *v)
{
	bool *out = FIELD_OF(f, base);
	const char *text;

	if (v->node && json_type(v->node) == JSON_BOOL) {
		*out = json_bool(v->node, false);
		return;
	}
	text = parse_text(p, v, "true or false");
	if (!text)
		return;
	if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0)
		*out = text[0] == 't';
	else
		parse_problem(p, v->node, "wants true or false, has \"%.100s\"", text);
}

/* Compares by the numbers the texts stand for; reports and returns false when out of range. */
static bool in_range(struct parse *p, const struct field *f, const struct field_value *v,
	uint64_t n, uint64_t min, uint64_t max)
{
	if (f->min && n < min)
		parse_problem(p, v->node, "is below the least, %s", f->min);
	else if (f->max && n > max)
		parse_problem(p, v->node, "is above the most, %s", f->max);
	else
		return true;
	return false;
}

static uint64_t count_limit(const char *text, uint64_t otherwise)
{
	uint64_t n = otherwise;

	ASSERT(!text || str_to_u64(str_from(text), &n));
	return n;
}

static void set_count(struct parse *p, const struct field *f, void *base, const struct field_value *v)
{
	uint64_t n;

	if (v->node && json_type(v->node) == JSON_NUMBER) {
		double d = json_number(v->node, 0);

		if (!(d >= 0 && d <= INT_MAX) || d != (double)(uint64_t)d) {
			parse_problem(p, v->node, "wants a whole number from %s to %s",
				f->min ? f->min : "0", f->max ? f->max : "2147483647");
			return;
		}
		n = (uint64_t)d;
	} else {
		const char *text = parse_text(p, v, "a whole number");

		if (!text)
			return;
		if (!str_to_u64(str_from(text), &n) || n > INT_MAX) {
			parse_problem(p, v->node, "wants a whole number, has \"%.100s\"", text);
			return;
		}
	}
	if (in_range(p, f, v, n, count_limit(f->min, 0), count_limit(f->max, INT_MAX)))
		*(unsigned *)FIELD_OF(f, base) = (unsigned)n;
}

/* A number without unit may only be 0: "none" is the same in all units. */
static const char *text_with_unit(struct parse *p, const struct field_value *v, const char *wants)
{
	if (v->node && json_type(v->node) == JSON_NUMBER) {
		double d = json_number(v->node, 1);

		if (d == 0)
			return "0";
		parse_problem(p, v->node, "wants %s, has the number %g without a unit", wants, d);
		return NULL;
	}
	return parse_text(p, v, wants);
}

static void set_duration(struct parse *p, const struct field *f, void *base,
	const struct field_value *v)
{
	const char *text = text_with_unit(p, v, "a duration such as \"20s\"");
	int64_t ms, min = 0, max = INT64_MAX;

	if (!text)
		return;
	if (!unit_duration(str_from(text), &ms)) {
		parse_problem(p, v->node, "\"%.100s\" is no duration; write \"500ms\", \"20s\", "
			"\"5m\", \"1h\" or \"7d\"", text);
		return;
	}
	ASSERT(!f->min || unit_duration(str_from(f->min), &min));
	ASSERT(!f->max || unit_duration(str_from(f->max), &max));
	if (in_range(p, f, v, (uint64_t)ms, (uint64_t)min, (uint64_t)max))
		*(int64_t *)FIELD_OF(f, base) = ms;
}

static void set_size(struct parse *p, const struct field *f, void *base, const struct field_value *v)
{
	const char *text = text_with_unit(p, v, "a size such as \"16KiB\"");
	uint64_t bytes, min = 0, max = UINT64_MAX;

	if (!text)
		return;
	if (!unit_size(str_from(text), &bytes)) {
		parse_problem(p, v->node, "\"%.100s\" is no size; write \"512B\", \"16KiB\", \"1MiB\" "
			"or \"2GiB\"", text);
		return;
	}
	ASSERT(!f->min || unit_size(str_from(f->min), &min));
	ASSERT(!f->max || unit_size(str_from(f->max), &max));
	if (in_range(p, f, v, bytes, min, max))
		*(uint64_t *)FIELD_OF(f, base) = bytes;
}

static void set_rate(struct parse *p, const struct field *f, void *base, const struct field_value *v)
{
	const char *text = text_with_unit(p, v, "a rate such as \"10/m\"");
	unsigned n;

	if (!text)
		return;
	if (unit_rate(str_from(text), &n))
		*(unsigned *)FIELD_OF(f, base) = n;
	else
		parse_problem(p, v->node, "\"%.100s\" is no rate; write \"1/s\", \"10/m\" or "
			"\"600/h\" (a whole number per minute)", text);
}

static void set_quota(struct parse *p, const struct field *f, void *base, const struct field_value *v)
{
	const char *text = text_with_unit(p, v, "a quota such as \"20/h\" or \"30/7d\"");
	struct conf_quota quota = { .is_given = true };

	if (!text)
		return;
	if (unit_quota(str_from(text), &quota.n, &quota.per_ms))
		*(struct conf_quota *)FIELD_OF(f, base) = quota;
	else
		parse_problem(p, v->node, "\"%.100s\" is no quota; write \"20/h\", \"30/7d\" or \"0\" "
			"(no limit)", text);
}

static void set_choice(struct parse *p, const struct field *f, void *base,
	const struct field_value *v)
{
	char hint[SUGGEST_TEXT], number[24];
	struct suggest s;
	const char *text;

	if (v->node && json_type(v->node) == JSON_NUMBER) {
		snprintf(number, sizeof(number), "%g", json_number(v->node, 0));
		text = number;
	} else {
		text = parse_text(p, v, "text");
	}
	if (!text)
		return;
	suggest_init(&s, str_from(text));
	for (const struct field_choice *c = f->choices; c->text; c++) {
		if (strcmp(c->text, text) == 0) {
			*(int *)FIELD_OF(f, base) = c->value;
			return;
		}
		suggest_add(&s, c->text);
	}
	suggest_text(&s, hint);
	parse_problem(p, v->node, "\"%.100s\" is not known here; %s", text, hint);
}

static void set_object(struct parse *p, const struct field *f, void *base,
	const struct field_value *v)
{
	if (v->node)
		parse_object(p, f->rows, FIELD_OF(f, base), v->node);
	else
		parse_problem(p, NULL, "wants an object: { ... }");
}

static void set_special(struct parse *p, const struct field *f, void *base,
	const struct field_value *v)
{
	f->special->set(p, FIELD_OF(f, base), v);
}

void parse_value(struct parse *p, const struct field *f, void *base, const struct field_value *v)
{
	static void (*const setters[])(struct parse *, const struct field *, void *,
		const struct field_value *) = {
		[CONF_TEXT] = set_text, [CONF_BOOL] = set_bool, [CONF_COUNT] = set_count,
		[CONF_DURATION] = set_duration, [CONF_SIZE] = set_size, [CONF_RATE] = set_rate,
		[CONF_QUOTA] = set_quota,
		[CONF_CHOICE] = set_choice, [CONF_OBJECT] = set_object, [CONF_SPECIAL] = set_special,
	};

	ASSERT((unsigned)f->type < ARRAY_LEN(setters));
	if (p->source.number)
		parse_note(p, v->node);
	setters[f->type](p, f, base, v);
}

void parse_defaults(struct parse *p, const struct field *rows, void *base)
{
	for (const struct field *f = rows; f->key; f++) {
		size_t mark = parse_enter(p, f->key);
		struct parse_source source = p->source;

		/* A default is the operator's text, but from nowhere. */
		p->source = (struct parse_source){ .name = "default" };
		if (f->type == CONF_OBJECT)
			parse_defaults(p, f->rows, FIELD_OF(f, base));
		else if (f->dflt)
			parse_value(p, f, base, &(struct field_value){ .text = str_from(f->dflt) });
		p->source = source;
		parse_leave(p, mark);
	}
}

static void unknown_key(struct parse *p, const struct field *rows, const struct json *node)
{
	char hint[SUGGEST_TEXT];
	struct suggest s;

	suggest_init(&s, str_from(json_key(node)));
	for (const struct field *f = rows; f->key; f++)
		suggest_add(&s, f->key);
	suggest_text(&s, hint);
	parse_problem_key(p, node, "unknown key; %s", hint);
}

void parse_object(struct parse *p, const struct field *rows, void *base, const struct json *node)
{
	if (json_type(node) != JSON_OBJECT) {
		parse_problem(p, node, "wants an object { ... }, has %s",
			json_type_name(json_type(node)));
		return;
	}
	for (const struct json *n = json_first(node); n; n = json_next(n)) {
		const struct field *f = field_find(rows, str_from(json_key(n)));
		size_t mark = parse_enter(p, json_key(n));

		if (f)
			parse_value(p, f, base, &(struct field_value){ .node = n });
		else
			unknown_key(p, rows, n);
		parse_leave(p, mark);
	}
}

static void parse_json_text(struct parse *p, const struct field *f, void *base, struct str text)
{
	char *copy = mem_copy(text.at, text.len);
	struct json *root;
	size_t at;

	if (json_parse_relaxed(copy, text.len, &json_limits_config, &root, &at)) {
		parse_problem(p, NULL, "is no valid JSON at byte %zu", at + 1);
	} else {
		p->source.root = root;
		p->source.text = text;
		index_lines(p);
		parse_value(p, f, base, &(struct field_value){ .node = root });
		p->source.root = NULL;
		json_free(&root);
	}
	mem_free(&copy);
}

void parse_text_value(struct parse *p, const struct field *f, void *base, struct str text)
{
	if ((f->type == CONF_OBJECT || f->type == CONF_SPECIAL) && text.len &&
	    (text.at[0] == '{' || (text.at[0] == '[' && str_find(text, '"') >= 0)))
		parse_json_text(p, f, base, text);
	else
		parse_value(p, f, base, &(struct field_value){ .text = text });
}
