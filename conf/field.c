/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * field: looking things up in rows, and printing what rows describe.
 */
#include "conf/field.h"

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
			if (text)
				json_put_cstr(into, f->key, f->is_secret ? "(set)" : text);
		} else {
			print_leaf(f, at, into);
		}
	}
}
