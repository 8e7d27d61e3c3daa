/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * environment: SALLYPORT_ACME__EMAIL sets acme.email; SALLYPORT_ACME__EMAIL_FILE names a file that
 * holds the value.
 */
#include "conf/environment.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/check.h"

enum { FILE_MAX_BYTES = 64 * 1024, DEPTH = 8, NAME_SIZE = 256 };

/* Short names for the sidecar, in the form of the long ones. */
static const char *const aliases[][2] = {
	{ "ask", "on_demand__ask" },
	{ "data", "store" },
};

/* Variables of the build and the tests, which the same shell may have set. */
static const char *const foreign[] = { "SALLYPORT_BINARY", "SALLYPORT_CACHE",
	"SALLYPORT_WOLFSSL_SOURCE", "SALLYPORT_LLHTTP_SOURCE", "SALLYPORT_SANITIZE",
	"SALLYPORT_WERROR", "SALLYPORT_GENERATE" };

/* Takes what is before the separator off the front. */
static struct str take_segment(struct str *rest, const char *separator)
{
	size_t len = strlen(separator);
	struct str head = *rest;

	for (size_t i = 0; i + len <= rest->len; i++) {
		if (memcmp(rest->at + i, separator, len) == 0) {
			head = str_of(rest->at, i);
			*rest = str_of(rest->at + i + len, rest->len - i - len);
			return head;
		}
	}
	*rest = STR_NONE;
	return head;
}

/* The row that a path leads to and the struct it belongs to; NULL when there is none. Making the
 * entries of maps on the way is the reason for p; without it (p NULL) base is not followed. */
static const struct field *follow(struct parse *p, struct str path, const char *separator,
	void **base)
{
	const struct field *rows = fields_top, *f = NULL;

	while (path.at) {
		struct str key = take_segment(&path, separator);

		f = rows ? field_find(rows, key) : NULL;
		if (!f)
			return NULL;
		if (p)
			parse_enter(p, f->key);
		if (!path.at)
			return f;
		rows = f->rows;
		if (p && f->type == CONF_OBJECT)
			*base = FIELD_OF(f, *base);
		if (f->type != CONF_SPECIAL)
			continue;
		rows = f->special->entry ? f->special->rows : NULL;
		key = take_segment(&path, separator);
		if (!rows || !key.len || !path.at)
			return NULL;
		if (p) {
			parse_enter_name(p, key);
			*base = f->special->entry(p, *base, key);
			if (!*base)
				return NULL;
		}
	}
	return NULL;
}

static void set(struct parse *p, struct str path, const char *separator, struct str text)
{
	void *base = p->conf;
	const struct field *f = follow(p, path, separator, &base);

	if (!str_is_utf8(text))
		parse_problem(p, NULL, "is not UTF-8");
	else if (f)
		parse_text_value(p, f, base, text);
	parse_leave(p, 0);
}

/* All of a small file without the last line end; false after reporting a problem. */
static bool read_value(struct parse *p, const char *path, struct buf *out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = -1;

	if (fd >= 0) {
		do {
			if (buf_reserve(out, 4096))
				break;
			n = read(fd, out->at + out->len, 4096);
			if (n > 0)
				out->len += (size_t)n;
		} while ((n > 0 && out->len <= FILE_MAX_BYTES) || (n < 0 && errno == EINTR));
	}
	if (n < 0)
		parse_problem(p, NULL, "the file \"%.200s\" cannot be read: %s", path, strerror(errno));
	else if (out->len > FILE_MAX_BYTES)
		parse_problem(p, NULL, "the file \"%.200s\" is larger than 64 KiB", path);
	if (fd >= 0)
		close(fd);
	if (n < 0 || out->len > FILE_MAX_BYTES)
		return false;
	if (out->len && out->at[out->len - 1] == '\n')
		out->len--;
	if (out->len && out->at[out->len - 1] == '\r')
		out->len--;
	return true;
}

static void set_from_file(struct parse *p, struct str path, const char *file)
{
	struct buf value;

	buf_init(&value, 0);
	if (read_value(p, file, &value))
		set(p, path, "__", str_of(buf_cstring(&value), value.len));
	buf_fini(&value);
}

static void suggest_rows(struct suggest *s, const struct field *rows, const char *prefix,
	char texts[][NAME_SIZE], unsigned *n, unsigned max)
{
	for (const struct field *f = rows; f->key && *n < max; f++) {
		char *text = texts[(*n)++];

		snprintf(text, NAME_SIZE, "%s%s", prefix, f->key);
		for (char *c = text; *c; c++)
			if (*c >= 'a' && *c <= 'z')
				*c = (char)(*c - ('a' - 'A'));
		suggest_add(s, text);
		if (f->type == CONF_OBJECT) {
			char inner[NAME_SIZE];

			snprintf(inner, sizeof(inner), "%.240s__", text);
			suggest_rows(s, f->rows, inner, texts, n, max);
		}
	}
}

static void unknown_variable(struct parse *p, struct str name)
{
	enum { NAMES = 160 };
	char (*texts)[NAME_SIZE] = mem_new(NAMES * NAME_SIZE);
	char hint[SUGGEST_TEXT];
	struct suggest s;
	unsigned n = 0;

	suggest_init(&s, name);
	for (size_t i = 0; i < ARRAY_LEN(aliases); i++, n++) {
		snprintf(texts[n], NAME_SIZE, "SALLYPORT_%s", i ? "DATA" : "ASK");
		suggest_add(&s, texts[n]);
	}
	suggest_rows(&s, fields_top, "SALLYPORT_", texts, &n, NAMES);
	suggest_text(&s, hint);
	parse_problem(p, NULL, "no setting has this name; %s", hint);
	mem_free(&texts);
}

/* Aliases become long names. */
static struct str long_name(struct str path)
{
	for (size_t i = 0; i < ARRAY_LEN(aliases); i++)
		if (str_is(path, aliases[i][0]))
			return str_from(aliases[i][1]);
	return path;
}

static bool is_foreign(struct str name)
{
	for (size_t i = 0; i < ARRAY_LEN(foreign); i++)
		if (str_is(name, foreign[i]))
			return true;
	return false;
}

static void apply_variable(struct parse *p, struct str name, struct str text)
{
	char lower[NAME_SIZE] = "", source[NAME_SIZE + 32];
	struct str path, without = STR_NONE;
	void *nowhere = NULL;

	snprintf(source, sizeof(source), "environment %.*s",
		(int)(name.len < NAME_SIZE ? name.len : NAME_SIZE), name.at);
	parse_begin(p, source, STR_NONE, NULL);
	if (name.len - strlen("SALLYPORT_") < sizeof(lower))
		str_lower(lower, str_of(name.at + 10, name.len - 10));
	path = long_name(str_from(lower));
	if (str_has_suffix(path, STR("_file")))
		without = long_name(str_of(path.at, path.len - strlen("_file")));
	if (path.len && follow(NULL, path, "__", &nowhere))
		set(p, path, "__", text);
	else if (without.len && follow(NULL, without, "__", &nowhere))
		set_from_file(p, without, text.at);
	else
		unknown_variable(p, name);
}

void environment_apply(struct parse *p, char *const *environment)
{
	for (char *const *e = environment; e && *e; e++) {
		struct str name, text = str_cut(str_from(*e), '=', &name);

		if (text.at && str_has_prefix(name, STR("SALLYPORT_")) && !is_foreign(name))
			apply_variable(p, name, text);
	}
}

void environment_apply_overrides(struct parse *p, const char *const *overrides)
{
	for (const char *const *o = overrides; o && *o; o++) {
		struct str path, text = str_cut(str_from(*o), '=', &path);
		void *nowhere = NULL;

		parse_begin(p, "command line", STR_NONE, NULL);
		if (text.at && path.len && follow(NULL, path, ".", &nowhere))
			set(p, path, ".", text);
		else
			parse_problem(p, NULL, "\"%.*s\" is no setting", (int)(path.len < 100 ?
				path.len : 100), path.at);
	}
}
