/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * parse: rows and JSON into structs. Sources (defaults, file, environment, command line) are
 * applied one after the other; a later one overwrites. Problems are collected with their place.
 */
#ifndef CONF_PARSE_H
#define CONF_PARSE_H

#include "base/map.h"
#include "conf/field.h"
#include "conf/suggest.h"

enum { PARSE_PATH = 512 };

/* Where values come from at the moment. */
struct parse_source {
	const char *name;          /* "sallyport.json", "environment NAME", "command line" */
	struct str text;           /* what root was parsed from */
	const struct json *root;   /* NULL when there are no positions */
	bool expands;              /* ${NAME} in texts */
	bool is_file;
	unsigned number;           /* sources are counted: who set a site twice? */
};

/* Where a path was set. */
struct parse_place {
	const char *source;
	unsigned line, column;     /* 0: none */
	bool is_file;
};

/* A site or upstream while its final array does not exist yet. conf comes first: rows set it. */
struct parse_upstream {
	struct conf_upstream conf;
	unsigned index;
	const char *path;
};

struct parse_route {
	struct conf_route conf;
	const char *to;                   /* as written: name of an upstream or address */
	struct parse_upstream *upstream;  /* where "to" was an object, or when resolved */
	const char *site_path;
};

struct parse_site {
	struct conf_site conf;
	struct parse_route direct;        /* "to" and "redirect" of the site itself */
	struct parse_route *routes;
	unsigned n_routes, source;
	bool says_tls, says_http;         /* "tls", "http" were given */
	const char *path;
};

struct parse {
	struct conf *conf;
	struct conf_problems *problems;
	char *const *environment;
	struct parse_source source;
	unsigned n_sources;
	char path[PARSE_PATH];
	size_t path_len;
	uint32_t *line_starts;            /* of the source's text */
	unsigned n_lines;
	struct map places;                /* path -> struct parse_place */
	struct map site_names, upstream_names;
	struct parse_site **sites;
	struct parse_upstream **upstreams;
	unsigned n_sites, n_upstreams, sites_cap, upstreams_cap;
	bool out_of_memory;
};

void parse_init(struct parse *p, struct conf *c, struct conf_problems *problems,
	char *const *environment);
void parse_fini(struct parse *p);
/* Starts a source; text and root (both may be empty) must live until the next one. name is copied. */
void parse_begin(struct parse *p, const char *name, struct str text, const struct json *root);

/* Sets what rows say to their defaults. */
void parse_defaults(struct parse *p, const struct field *rows, void *base);
/* Members of an object to rows. */
void parse_object(struct parse *p, const struct field *rows, void *base, const struct json *node);
void parse_value(struct parse *p, const struct field *f, void *base, const struct field_value *v);
/* Text in the place of a value: environment, command line. Text that starts with a bracket is JSON
 * for rows that take more than one text. */
void parse_text_value(struct parse *p, const struct field *f, void *base, struct str text);

/* The path in messages: parse_enter returns what parse_leave takes. */
size_t parse_enter(struct parse *p, const char *key);
size_t parse_enter_name(struct parse *p, struct str name);
size_t parse_enter_index(struct parse *p, unsigned i);
void parse_leave(struct parse *p, size_t mark);
/* Notes that the current path is set here, for origins and for the messages of rules. */
void parse_note(struct parse *p, const struct json *node);

/* A problem at the current path and node (NULL: the source has no position). */
void parse_problem(struct parse *p, const struct json *node, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* The same, at the key of a member. */
void parse_problem_key(struct parse *p, const struct json *node, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* A problem with what was set at path, or above it. */
void parse_problem_at(struct parse *p, const char *path, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* The text of v with variables expanded, in the arena; NULL after reporting a problem. wants
 * completes "wants ...". */
const char *parse_text(struct parse *p, const struct field_value *v, const char *wants);
const char *parse_expand(struct parse *p, const struct json *node, struct str s);
/* A copy in the arena; NULL (and the parse fails) without memory. */
const char *parse_keep(struct parse *p, struct str s);
void *parse_alloc(struct parse *p, size_t bytes);
/* Value of an environment variable; STR_NONE when unset. */
struct str parse_variable(const struct parse *p, struct str name);

/* Calls element for each element of an array, each piece between commas of text from outside the
 * file, or the one value. */
void parse_each(struct parse *p, const struct field_value *v, void *context,
	void (*element)(struct parse *p, void *context, const struct field_value *v));
/* How many elements parse_each has. */
unsigned parse_count(const struct field_value *v);

#endif
