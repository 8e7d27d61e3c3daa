/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * record: read without a table: records have a dozen lines.
 */
#include "acme/record.h"

#include <inttypes.h>

static struct str next_line(struct str *text)
{
	struct str line;
	*text = str_cut(*text, '\n', &line);
	if (line.len && line.at[line.len - 1] == '\r')
		line.len--;
	return line;
}

struct str record_get(struct str text, const char *name)
{
	while (text.at && text.len) {
		struct str key, line = next_line(&text);
		if (!line.len)
			break;
		struct str value = str_cut(line, ':', &key);
		if (value.at && str_is(str_trim(key), name))
			return str_trim(value);
	}
	return STR_NONE;
}

int64_t record_get_int(struct str text, const char *name, int64_t otherwise)
{
	uint64_t n;
	struct str value = record_get(text, name);
	return value.at && str_to_u64(value, &n) && n <= INT64_MAX ? (int64_t)n : otherwise;
}

bool record_copy(struct str text, const char *name, char *dst, size_t cap)
{
	struct str value = record_get(text, name);
	if (value.at)
		return str_copy(dst, cap, value);
	dst[0] = '\0';
	return false;
}

enum err record_add(struct buf *out, const char *name, struct str value)
{
	for (size_t i = 0; i < value.len; i++) {
		unsigned char c = (unsigned char)value.at[i];
		if (c < 0x20 || c == 0x7f)
			return E_PARSE;
	}
	return value.len ? buf_addf(out, "%s: %.*s\n", name, STR_FMT(value)) : E_OK;
}

enum err record_add_int(struct buf *out, const char *name, int64_t value)
{
	return value < 0 ? E_PARSE : buf_addf(out, "%s: %" PRId64 "\n", name, value);
}
