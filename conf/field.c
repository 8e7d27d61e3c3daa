/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * field: looking things up in rows, and printing what rows describe.
 */
#include "conf/field.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/check.h"
#include "conf/unit.h"

const struct field *field_find(const struct field *rows, struct str key)
{
	for (const struct field *f = rows; f->key; f++)
		if (str_is(key, f->key))
			return f;
	return NULL;
}

const char *field_choice_text(const struct field_choice *choices, int value)
{
	for (const struct field_choice *c = choices; c->text; c++)
		if (c->value == value)
			return c->text;
	return "";
}

size_t field_bytes(enum field_type type)
{
	switch (type) {
	case CONF_TEXT: return sizeof(const char *);
	case CONF_BOOL: return sizeof(bool);
	case CONF_COUNT: case CONF_RATE: return sizeof(unsigned);
	case CONF_DURATION: return sizeof(int64_t);
	case CONF_SIZE: return sizeof(uint64_t);
	case CONF_QUOTA: return sizeof(struct conf_quota);
	case CONF_CHOICE: return sizeof(int);
	case CONF_OBJECT: case CONF_SPECIAL: break;
	}
	UNREACHABLE();
}

bool field_has_names(const char *path)
{
	return strcmp(path, "sites") == 0 || strcmp(path, "upstreams") == 0 ||
		str_has_suffix(str_from(path), STR(".routes"));
}

/* Printing goes through functions of rows that know nothing of this. */
static _Thread_local bool is_marking;

void field_put_secret(struct json *into, const char *key, const char *secret)
{
	char text[32] = "(set)";

	if (is_marking)
		snprintf(text, sizeof(text), "(set %016" PRIx64 ")", str_hash(str_from(secret)));
	json_put_cstr(into, key, text);
}

void field_print_marked(const struct field *rows, const void *base, struct json *into)
{
	is_marking = true;
	field_print(rows, base, into);
	is_marking = false;
}

static void print_leaf(const struct field *f, const void *at, struct json *into)
{
	char text[UNIT_TEXT];

	switch (f->type) {
	case CONF_BOOL:
		json_put_bool(into, f->key, *(const bool *)at);
		return;
	case CONF_COUNT:
		json_put_number(into, f->key, *(const unsigned *)at);
		return;
	case CONF_DURATION:
		unit_duration_text(text, *(const int64_t *)at);
		break;
	case CONF_SIZE:
		unit_size_text(text, *(const uint64_t *)at);
		break;
	case CONF_RATE:
		unit_rate_text(text, *(const unsigned *)at);
		break;
	case CONF_QUOTA:
		unit_quota_text(text, ((const struct conf_quota *)at)->n,
			((const struct conf_quota *)at)->per_ms);
		break;
	default:
		UNREACHABLE();
	}
	json_put_cstr(into, f->key, text);
}

void field_print(const struct field *rows, const void *base, struct json *into)
{
	for (const struct field *f = rows; f->key; f++) {
		const void *at = (const char *)base + f->offset;
		const char *text;

		if (f->type == CONF_OBJECT) {
			field_print(f->rows, at, json_put(into, f->key, json_new_object()));
		} else if (f->type == CONF_SPECIAL) {
			f->special->print(at, into, f->key);
		} else if (f->type == CONF_CHOICE) {
			json_put_cstr(into, f->key, field_choice_text(f->choices, *(const int *)at));
		} else if (f->type == CONF_TEXT) {
			text = *(const char *const *)at;
			if (text && f->is_secret)
				field_put_secret(into, f->key, text);
			else if (text)
				json_put_cstr(into, f->key, text);
		} else {
			print_leaf(f, at, into);
		}
	}
}
