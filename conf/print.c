/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * print: the effective configuration as text. Origins are comments, so that the output is still a
 * configuration.
 */
#include "conf/print.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "conf/field.h"

enum { PATH_SIZE = 1024, COMMENT_COLUMN = 48 };

struct printer {
	const struct conf *conf;
	struct buf *out;
	enum err e;
	char path[PATH_SIZE];
};

static int compare_origins(const void *path, const void *origin)
{
	return strcmp(path, ((const struct conf_origin *)origin)->path);
}

/* NULL when nobody set the path. */
static const char *origin_of(const struct conf *c, const char *path)
{
	const struct conf_origin *o = !c->n_origins ? NULL :
		bsearch(path, c->origins, c->n_origins, sizeof(*o), compare_origins);

	return o ? o->origin : NULL;
}

static void put(struct printer *p, struct str s)
{
	if (!p->e)
		p->e = buf_add(p->out, s);
}

static void put_indent(struct printer *p, unsigned depth)
{
	for (unsigned i = 0; i < depth; i++)
		put(p, STR("  "));
}

/* A comment in one column where there is room; line_at is where the line began. */
static void put_comment(struct printer *p, size_t line_at, const char *text)
{
	if (!text)
		return;
	put(p, STR("  "));
	while (!p->e && p->out->len - line_at < COMMENT_COLUMN)
		put(p, STR(" "));
	put(p, STR("// "));
	put(p, str_from(text));
}

static size_t enter(struct printer *p, const char *key)
{
	size_t mark = strlen(p->path), left = sizeof(p->path) - mark;

	if (!key)
		return mark;
	if (field_has_names(p->path))
		snprintf(p->path + mark, left, "[\"%s\"]", key);
	else
		snprintf(p->path + mark, left, "%s%s", mark ? "." : "", key);
	return mark;
}

/* What is inside a value that was written in one piece has no origin of its own. */
static const char *leaf_origin(const struct printer *p, bool in_list)
{
	const char *origin = origin_of(p->conf, p->path);

	if (origin)
		return origin;
	return in_list || strstr(p->path, ".routes[") ? NULL : "default";
}

static void put_key(struct printer *p, const char *key)
{
	struct json *holder;

	if (!key)
		return;
	/* The printer of json escapes keys as well: {"key":null} without what surrounds it. */
	holder = json_new_object();
	json_put_cstr(holder, "k", key);
	if (!p->e) {
		struct buf text;

		buf_init(&text, 0);
		p->e = json_print(json_get(holder, "k"), &text, false);
		put(p, buf_str(&text));
		buf_fini(&text);
	}
	put(p, STR(": "));
	json_free(&holder);
}

static void put_value(struct printer *p, const struct json *n, unsigned depth, bool in_list);

static void put_children(struct printer *p, const struct json *n, unsigned depth, bool in_list)
{
	for (const struct json *c = json_first(n); c; c = json_next(c)) {
		size_t mark = enter(p, json_key(c));

		put_value(p, c, depth + 1, in_list);
		p->path[mark] = 0;
	}
}

static void put_value(struct printer *p, const struct json *n, unsigned depth, bool in_list)
{
	bool is_list = json_type(n) == JSON_ARRAY, is_object = json_type(n) == JSON_OBJECT;
	const char *comma = json_next(n) ? "," : "";
	size_t line_at = p->out->len;

	put_indent(p, depth);
	put_key(p, json_key(n));
	if (is_object || (is_list && json_first(n) && json_type(json_first(n)) == JSON_OBJECT)) {
		put(p, is_list ? STR("[") : STR("{"));
		put_comment(p, line_at, origin_of(p->conf, p->path));
		put(p, STR("\n"));
		put_children(p, n, depth, in_list || is_list);
		put_indent(p, depth);
		put(p, is_list ? STR("]") : STR("}"));
		put(p, str_from(comma));
	} else {
		if (!p->e)
			p->e = json_print(n, p->out, false);
		put(p, str_from(comma));
		put_comment(p, line_at, leaf_origin(p, in_list));
	}
	put(p, STR("\n"));
}

enum err print_conf(const struct conf *c, bool with_origin, struct buf *out)
{
	struct json *root = json_new_object();
	struct printer p = { .conf = c, .out = out };

	field_print(fields_top, c, root);
	if (with_origin)
		put_value(&p, root, 0, false);
	else
		p.e = json_print(root, out, true);
	if (!with_origin)
		put(&p, STR("\n"));
	json_free(&root);
	return p.e;
}
