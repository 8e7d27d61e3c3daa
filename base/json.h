/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * json: the only door to cJSON. Hostile input is bounded before it is parsed: size, depth, nodes,
 * duplicate keys, NUL and invalid UTF-8 are refused. Reading is by typed getters that never crash
 * on a wrong type.
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "base/buf.h"
#include "base/json_scan.h"

struct json;  /* a node; the root owns all */

extern const struct json_limits json_limits_default;  /* 256 KiB, depth 16, 10,000 nodes */
extern const struct json_limits json_limits_config;   /* 16 MiB, depth 32, 1,000,000 nodes */

/* *error_at gets the byte offset of the problem (may be NULL). Root freed by json_free. */
enum err json_parse(struct str text, const struct json_limits *limits, struct json **root,
	size_t *error_at);
/* The same after blanking comments (two slashes, slash-star) and trailing commas in place: text is
 * modified, offsets stay true. Unterminated comments are E_PARSE. */
enum err json_parse_relaxed(char *text, size_t len, const struct json_limits *limits,
	struct json **root, size_t *error_at);
void json_free(struct json **root);

enum json_type { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };
enum json_type json_type(const struct json *n);
const char *json_type_name(enum json_type t);

/* Members and elements; NULL when absent or n is NULL or of another type. */
const struct json *json_get(const struct json *object, const char *key);
const struct json *json_at(const struct json *array, size_t i);
size_t json_count(const struct json *array_or_object);
/* First child and next sibling, for walking; json_key is the member's name or NULL. */
const struct json *json_first(const struct json *n);
const struct json *json_next(const struct json *n);
const char *json_key(const struct json *n);

/* STR_NONE (at NULL) when it is no string. */
struct str json_str(const struct json *n);
/* Shorthands for json_str(json_get(o, key)) and so on. */
struct str json_get_str(const struct json *object, const char *key);
bool json_bool(const struct json *n, bool otherwise);
double json_number(const struct json *n, double otherwise);

/*
 * Where a node stands in the text it was parsed from: byte offset of its value (and of its key), so
 * that configuration errors can name line and column. Only for roots from json_parse_relaxed.
 */
size_t json_offset(const struct json *root, const struct json *n);
size_t json_key_offset(const struct json *root, const struct json *n);

/* Building. Objects take ownership of what is added; all die without memory. */
struct json *json_new_object(void);
struct json *json_new_array(void);
struct json *json_put(struct json *object, const char *key, struct json *value);
void json_put_str(struct json *object, const char *key, struct str value);
void json_put_cstr(struct json *object, const char *key, const char *value);
void json_put_number(struct json *object, const char *key, double value);
void json_put_bool(struct json *object, const char *key, bool value);
void json_append(struct json *array, struct json *value);
void json_append_str(struct json *array, struct str value);
/* Compact (no white space) or indented text. */
enum err json_print(const struct json *n, struct buf *out, bool indented);

/* cJSON's. */
const char *json_library_version(void);

#endif
