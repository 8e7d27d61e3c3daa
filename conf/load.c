/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * load: file, environment and command line -> a checked conf. In this order, each overwriting what
 * came before: defaults, file, environment, command line.
 */
#include "conf/load.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/json_scan.h"
#include "base/printable.h"
#include "conf/environment.h"
#include "conf/link.h"
#include "conf/print.h"
#include "conf/rules.h"

enum { ARENA_MAX = 512 * 1024 * 1024, READ_STEP = 64 * 1024 };

static const char system_store[] = "/var/lib/sallyport";

static void position(struct str text, size_t at, unsigned *line, unsigned *column)
{
	*line = *column = 1;
	for (size_t i = 0; i < at && i < text.len; i++) {
		*column = text.at[i] == '\n' ? 1 : *column + 1;
		*line += text.at[i] == '\n';
	}
}

/* The last byte before at that is no white space; 0 when there is none. text has no comments. */
static char before(const char *text, size_t at)
{
	while (at && strchr(" \t\r\n", text[at - 1]))
		at--;
	return at ? text[at - 1] : 0;
}

/* What is wrong at this place, for somebody who typed it. blanked has no comments any more. */
static void explain(char *dst, size_t cap, struct str blanked, size_t at)
{
	char last = before(blanked.at, at), seen[64];
	char c = at < blanked.len ? blanked.at[at] : 0;
	size_t key = at + 1;

	while (key < blanked.len && key - at < 40 && blanked.at[key] != '"')
		key++;
	printable_text(seen, sizeof(seen), str_of(blanked.at + at, at < blanked.len));
	if (at >= blanked.len)
		snprintf(dst, cap, "the text ends too early: a bracket or quote is not closed");
	else if (c == '/' && at + 1 < blanked.len && blanked.at[at + 1] == '*')
		snprintf(dst, cap, "this comment is not closed");
	else if (c == '"' && last && strchr(",{", last)) {
		printable_text(seen, sizeof(seen), str_of(blanked.at + at + 1, key - at - 1));
		snprintf(dst, cap, "duplicate key \"%s\"; each key can be given once", seen);
	} else if (last && !strchr(":,{[", last) && (c == '"' || c == '{' || c == '[' || c == '-' ||
		 (c >= '0' && c <= '9')))
		snprintf(dst, cap, "a comma is missing before this");
	else if (c == '\'')
		snprintf(dst, cap, "text goes in double quotes");
	else if (c == '\\')
		snprintf(dst, cap, "this escape is not allowed in JSON; a backslash is written \\\\");
	else if (c == '\n' || c == '\r')
		snprintf(dst, cap, "the line ends inside a text, or a value is missing");
	else if (str_utf8_length(blanked.at + at, blanked.len - at) == 0)
		snprintf(dst, cap, "this byte (%s) is not UTF-8", seen);
	else
		snprintf(dst, cap, "\"%s\" is unexpected here", seen);
}

static void syntax_problem(struct parse *p, const char *name, struct str text, const char *blanked,
	enum err e, size_t at)
{
	struct conf_problem *out = &p->problems->at[0];
	char what[200], whole[sizeof(out->text) * 2];
	unsigned line, column;

	position(text, at, &line, &column);
	if (e == E_LIMIT)
		snprintf(what, sizeof(what), "too large, too deeply nested (32 levels), or too many "
			"values (a million)");
	else if (e == E_NOMEM)
		snprintf(what, sizeof(what), "out of memory");
	else
		explain(what, sizeof(what), str_of(blanked, text.len), at);
	snprintf(whole, sizeof(whole), "%.200s:%u:%u: %s", name, line, column, what);
	printable_text(out->text, sizeof(out->text), str_from(whole));
	p->problems->n = 1;
}

/* E_CONFIG only when the text is no JSON: nothing else makes sense then. */
static enum err apply_text(struct parse *p, struct str text, const char *name)
{
	char *blanked = mem_try(text.len + 1);
	struct json *root = NULL;
	size_t at = 0;
	enum err e;

	if (!blanked)
		return E_NOMEM;
	if (text.len)
		memcpy(blanked, text.at, text.len);
	blanked[text.len] = 0;
	e = json_parse_relaxed(blanked, text.len, &json_limits_config, &root, &at);
	if (e) {
		syntax_problem(p, name, text, blanked, e, at);
		mem_free(&blanked);
		return E_CONFIG;
	}
	parse_begin(p, name, text, root);
	p->source.expands = p->source.is_file = true;
	parse_object(p, fields_top, p->conf, root);
	p->source.root = NULL;
	json_free(&root);
	mem_free(&blanked);
	return E_OK;
}

/* Where keys are kept when nobody says: a user's own place when we are not root. */
static void set_default_store(struct parse *p)
{
	struct str base = parse_variable(p, STR("XDG_DATA_HOME"));
	struct str home = parse_variable(p, STR("HOME"));
	char path[4096];

	p->conf->store = system_store;
	if (geteuid() == 0)
		return;
	if (base.len && base.at[0] == '/')
		snprintf(path, sizeof(path), "%.*s/sallyport", STR_FMT(base));
	else if (home.len && home.at[0] == '/')
		snprintf(path, sizeof(path), "%.*s/.local/share/sallyport", STR_FMT(home));
	else
		return;
	p->conf->store = parse_keep(p, str_from(path));
}

static void apply_proxy(struct parse *p, const struct load_args *args)
{
	struct buf pair;

	if (!args->proxy_host)
		return;
	buf_init(&pair, 8192);
	parse_begin(p, "command line", STR_NONE, NULL);
	parse_enter(p, "sites");
	if (buf_addf(&pair, "%s=%s", args->proxy_host, args->proxy_to ? args->proxy_to : ""))
		parse_problem(p, NULL, "host or upstream is too long");
	else
		special_sites.set(p, p->conf, &(struct field_value){ .text = buf_str(&pair) });
	buf_fini(&pair);
}

static int compare_origins(const void *a, const void *b)
{
	return strcmp(((const struct conf_origin *)a)->path, ((const struct conf_origin *)b)->path);
}

static void keep_origins(struct parse *p)
{
	struct conf *c = p->conf;
	size_t cursor = 0;
	struct str path;
	void *value;
	char text[300];

	c->origins = parse_alloc(p, (map_count(&p->places) + 1) * sizeof(*c->origins));
	while (c->origins && map_next(&p->places, &cursor, &path, &value)) {
		const struct parse_place *place = value;
		struct conf_origin *o = &c->origins[c->n_origins];

		if (place->is_file)
			snprintf(text, sizeof(text), "%.250s:%u", place->source, place->line);
		o->path = parse_keep(p, path);
		o->origin = place->is_file ? parse_keep(p, str_from(text)) : place->source;
		if (o->path && o->origin)
			c->n_origins++;
	}
	if (c->n_origins)
		qsort(c->origins, c->n_origins, sizeof(*c->origins), compare_origins);
}

static enum err load_sources(struct parse *p, struct str text, const char *name,
	const struct load_args *args)
{
	enum err e;

	parse_defaults(p, fields_top, p->conf);
	ASSERT(!p->problems->n);
	set_default_store(p);
	e = text.at ? apply_text(p, text, name) : E_OK;
	if (e)
		return e;
	if (args)
		environment_apply(p, args->environment);
	if (args)
		environment_apply_overrides(p, args->overrides);
	if (args)
		apply_proxy(p, args);
	if (p->out_of_memory)
		return E_NOMEM;
	/* Rules on half a configuration would complain about what was reported already. */
	link_resolve(p);
	if (!p->problems->n)
		rules_check(p);
	if (p->problems->n)
		return E_CONFIG;
	link_build(p);
	keep_origins(p);
	return p->out_of_memory ? E_NOMEM : E_OK;
}

enum err load_text(struct str text, const char *name, const struct load_args *args, struct conf **out,
	struct conf_problems *problems)
{
	struct conf *c = mem_new(sizeof(*c));
	struct parse p;
	enum err e;

	*out = NULL;
	problems->n = 0;
	atomic_init(&c->refs, 1);
	arena_init(&c->arena, ARENA_MAX);
	parse_init(&p, c, problems, args ? args->environment : NULL);
	e = load_sources(&p, text, name, args);
	parse_fini(&p);
	if (e)
		conf_unref(&c);
	*out = c;
	return e;
}

/* ---- finding the instance of a broken configuration ---- */

enum { WHERE_DEPTH = 32, WHERE_TEXT = 4096 };

struct where {
	struct conf *conf;
	struct str keys[WHERE_DEPTH];   /* the last key at each depth */
	unsigned depth;
};

static void note_text(struct where *w, struct str text)
{
	char plain[WHERE_TEXT];

	if (memchr(text.at, '\\', text.len) || str_find(text, '$') >= 0 || !str_copy(plain, sizeof(plain), text))
		return;
	if (w->depth == 1 && str_is(w->keys[1], "store"))
		w->conf->store = arena_strndup(&w->conf->arena, plain, text.len);
	else if (w->depth == 2 && str_is(w->keys[1], "admin") && str_is(w->keys[2], "socket"))
		w->conf->admin.socket = arena_strndup(&w->conf->arena, plain, text.len);
}

/* The end of the quoted text that begins at i. */
static size_t end_of_text(struct str text, size_t i)
{
	for (i++; i < text.len && text.at[i] != '"'; i++)
		i += text.at[i] == '\\';
	return i < text.len ? i : text.len;
}

/* What can be read of a text whose JSON is wrong somewhere: brackets, keys and texts. */
static void salvage(struct conf *c, struct str text)
{
	struct where w = { .conf = c };

	for (size_t i = 0; i < text.len; i++) {
		size_t end, next;

		if (text.at[i] == '{' || text.at[i] == '[')
			w.depth++;
		else if ((text.at[i] == '}' || text.at[i] == ']') && w.depth)
			w.depth--;
		if (text.at[i] != '"' || w.depth >= WHERE_DEPTH)
			continue;
		end = end_of_text(text, i);
		for (next = end + 1; next < text.len && strchr(" \t\r\n", text.at[next]);)
			next++;
		if (next < text.len && text.at[next] == ':')
			w.keys[w.depth] = str_of(text.at + i + 1, end - i - 1);
		else
			note_text(&w, str_of(text.at + i + 1, end - i - 1));
		i = end;
	}
}

static void apply_where(struct parse *p, struct str text, const char *name)
{
	char *blanked = mem_try(text.len + 1);
	size_t at;

	if (apply_text(p, text, name) == E_OK || !blanked) {
		mem_free(&blanked);
		return;
	}
	if (text.len)
		memcpy(blanked, text.at, text.len);
	(void)json_scan_blank(blanked, text.len, &at);
	salvage(p->conf, str_of(blanked, text.len));
	mem_free(&blanked);
}

static enum err read_file(const char *path, struct buf *text);

struct conf *load_where(const struct load_args *args)
{
	struct conf *c = mem_new(sizeof(*c));
	struct conf_problems ignored = { 0 };
	struct parse p;
	struct buf text;

	atomic_init(&c->refs, 1);
	arena_init(&c->arena, ARENA_MAX);
	parse_init(&p, c, &ignored, args->environment);
	parse_defaults(&p, fields_top, c);
	set_default_store(&p);
	buf_init(&text, json_limits_config.bytes + READ_STEP * 2);
	if (args->file && read_file(args->file, &text) == E_OK && text.len)
		apply_where(&p, buf_str(&text), args->file);
	environment_apply(&p, args->environment);
	environment_apply_overrides(&p, args->overrides);
	parse_fini(&p);
	buf_fini(&text);
	return c;
}

/* ---- files ---- */

static enum err read_file(const char *path, struct buf *text)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = -1;
	enum err e = E_OK;

	if (fd < 0)
		return E_FILE;
	do {
		e = buf_reserve(text, READ_STEP);
		if (e)
			break;
		n = read(fd, text->at + text->len, READ_STEP);
		if (n > 0)
			text->len += (size_t)n;
	} while (n > 0 || (n < 0 && errno == EINTR));
	close(fd);
	return e ? e : n < 0 ? E_FILE : E_OK;
}

enum err load_conf(const struct load_args *args, struct conf **out, struct conf_problems *problems)
{
	struct buf text;
	enum err e;

	*out = NULL;
	problems->n = 0;
	if (!args->file)
		return load_text(STR_NONE, "", args, out, problems);
	buf_init(&text, json_limits_config.bytes + READ_STEP * 2);
	e = read_file(args->file, &text);
	if (!e) {
		/* An empty file is text as well, and wrong. */
		e = load_text(str_of(text.at ? text.at : "", text.len), args->file, args, out, problems);
	} else {
		snprintf(problems->at[0].text, sizeof(problems->at[0].text), "%.400s: %s", args->file,
			e == E_FILE ? strerror(errno) : "larger than 16 MiB");
		problems->n = 1;
		e = e == E_FILE ? E_FILE : E_CONFIG;
	}
	buf_fini(&text);
	return e;
}

const char *load_default_file(void)
{
	static const char *const places[] = { "sallyport.json", "/etc/sallyport/sallyport.json" };

	for (size_t i = 0; i < ARRAY_LEN(places); i++)
		if (access(places[i], F_OK) == 0)
			return places[i];
	return NULL;
}

enum err load_print(const struct conf *c, bool with_origin, struct buf *out)
{
	return print_conf(c, with_origin, out);
}
