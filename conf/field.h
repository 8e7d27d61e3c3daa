/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * field: the row. One row per option drives parser, default, validation, "config", JSON Schema and
 * manual. Rows live in fields_<section>.c; a table ends with a row whose key is NULL.
 */
#ifndef CONF_FIELD_H
#define CONF_FIELD_H

#include "base/json.h"
#include "conf/conf.h"

struct parse;

/* What a reload does about a row. A row that says nothing is as the section it is in. */
enum field_reload {
	RELOAD_INHERITED,
	RELOAD_LIVE,     /* in force as soon as the reload is done */
	RELOAD_RESTART,  /* the running value stays until the next start */
};

/* What a row sets: the type of the member at its offset. */
enum field_type {
	CONF_TEXT,      /* const char * */
	CONF_BOOL,      /* bool */
	CONF_COUNT,     /* unsigned or int */
	CONF_DURATION,  /* int64_t, milliseconds */
	CONF_SIZE,      /* uint64_t, bytes */
	CONF_RATE,      /* unsigned, per minute */
	CONF_QUOTA,     /* struct conf_quota */
	CONF_CHOICE,    /* an enum or int */
	CONF_OBJECT,    /* a struct with rows of its own */
	CONF_SPECIAL,   /* what no other type can say */
};

struct field_choice {
	const char *text;
	int value;
};

/* One value on its way in: a node of JSON, or text from environment or command line. */
struct field_value {
	const struct json *node;  /* NULL: text */
	struct str text;
};

struct field_special {
	/* base is the struct the table is about. Problems are reported to p. */
	void (*set)(struct parse *p, void *base, const struct field_value *v);
	/* Puts the value in long form into the object, or nothing when it is not given. */
	void (*print)(const void *base, struct json *into, const char *key);
	/* Rows of one entry of a map (for schema, manual and environment), and where to find or make
	 * the entry by name; NULL for other shapes. */
	const struct field *rows;
	void *(*entry)(struct parse *p, void *base, struct str name);
	/* JSON Schema of the value as JSON text; "@rows" stands for the object of the rows. */
	const char *schema;
	/* RELOAD_RESTART: into has the value of from afterwards, in its own arena. */
	void (*hold)(const struct conf *from, struct conf *into);
	/* For the manual: "text, or list of texts". */
	const char *form;
};

struct field {
	const char *key;
	enum field_type type;
	size_t offset;
	const char *dflt, *min, *max;        /* in the operator's own text form */
	const struct field_choice *choices;  /* ends with text NULL */
	const struct field *rows;            /* CONF_OBJECT */
	const struct field_special *special;
	/* CONF_TEXT: NULL when the text is good, else what is wrong with it. */
	const char *(*complaint)(struct str text);
	bool is_secret;
	enum field_reload reload;
	const char *help;
};

#define FIELD(type, member) offsetof(struct type, member)
#define FIELD_OF(f, base) ((void *)((char *)(base) + (f)->offset))

extern const struct field fields_top[];
extern const struct field fields_listen[];
extern const struct field fields_timeouts[];
extern const struct field fields_limits[];
extern const struct field fields_tls[];
extern const struct field fields_log[];
extern const struct field fields_admin[];
extern const struct field fields_acme[];
extern const struct field fields_ca[];
extern const struct field fields_staging[];
extern const struct field fields_dns[];
extern const struct field fields_on_demand[];
extern const struct field fields_upstream[];
extern const struct field fields_server[];
extern const struct field fields_site[];
extern const struct field fields_route[];

extern const struct field_special special_listen_https, special_listen_http;
extern const struct field_special special_trusted_proxies;
extern const struct field_special special_resolver;
extern const struct field_special special_ca, special_staging, special_challenges;
extern const struct field_special special_acme_keys, special_site_keys;
extern const struct field_choice field_challenges[];   /* enum conf_challenge */
extern const struct field_special special_upstreams, special_servers;
extern const struct field_special special_sites, special_routes, special_route_to;

/* The row of this key, or NULL. */
const struct field *field_find(const struct field *rows, struct str key);
/* The text of a choice's value; "" when no choice has it. */
const char *field_choice_text(const struct field_choice *choices, int value);
/* The size of the member of a row of this type; not for objects and what is special. */
size_t field_bytes(enum field_type type);
/* Whether the members of what is at this path are entries with names of their own. */
bool field_has_names(const char *path);
/* Puts the values of all rows into the object, in the operator's text form and long form. Secrets
 * become "(set)", what is not given is left out. */
void field_print(const struct field *rows, const void *base, struct json *into);
/* The same for comparing: secrets become "(set MARK)", which tells two apart in this process and nothing
 * else. Not for anybody's eyes. */
void field_print_marked(const struct field *rows, const void *base, struct json *into);
/* A secret, for those who print by themselves. */
void field_put_secret(struct json *into, const char *key, const char *secret);

#endif
