/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * link: read as it comes; what is malformed ends it.
 */
#include "acme/link.h"

/* Up to the next ';' or ',' that is not within quotes; *stop is that character, 0 at the end. */
static struct str next_part(struct str *value, char *stop)
{
	size_t i = 0;
	bool is_quoted = false;
	for (; i < value->len; i++) {
		char c = value->at[i];
		if (c == '"')
			is_quoted = !is_quoted;
		else if (!is_quoted && (c == ';' || c == ','))
			break;
	}
	struct str part = str_trim(str_of(value->at, i));
	*stop = i < value->len ? value->at[i] : '\0';
	size_t used = i < value->len ? i + 1 : i;
	*value = str_of(value->at + used, value->len - used);
	return part;
}

static bool is_relation(struct str parameter, const char *rel)
{
	struct str key, value = str_trim(str_cut(parameter, '=', &key));
	if (!str_equal_nocase(str_trim(key), STR("rel")))
		return false;
	if (value.len >= 2 && value.at[0] == '"' && value.at[value.len - 1] == '"')
		value = str_of(value.at + 1, value.len - 2);
	while (value.len) {
		struct str word, rest = str_cut(value, ' ', &word);
		if (str_equal_nocase(word, str_from(rel)))
			return true;
		value = rest.at ? rest : STR_NONE;
	}
	return false;
}

bool link_next(struct str *value, const char *rel, struct str *url)
{
	struct str target;
	char stop = ';';
	*url = STR_NONE;
	*value = str_trim(*value);
	if (!value->len)
		return false;
	struct str rest = value->at[0] == '<'
		? str_cut(str_of(value->at + 1, value->len - 1), '>', &target) : STR_NONE;
	if (!rest.at) {
		*value = STR_NONE;
		return false;
	}
	*value = rest;
	bool is_wanted = false;
	while (stop == ';' && value->len) {
		struct str parameter = next_part(value, &stop);
		is_wanted |= is_relation(parameter, rel);
	}
	if (is_wanted)
		*url = target;
	return true;
}
