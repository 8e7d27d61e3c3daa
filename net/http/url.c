/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * url: absolute http and https URLs.
 */
#include "net/http/url.h"

#include "net/http/head.h"

static bool has_only_url_bytes(struct str text)
{
	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.at[i] <= ' ' || (unsigned char)text.at[i] >= 0x7f ||
			text.at[i] == '#')
			return false;
	return true;
}

static enum err read_scheme(struct str scheme, struct url *out)
{
	if (str_equal_nocase(scheme, STR("https"))) {
		out->scheme = STR("https");
		out->port = 443;
		return E_OK;
	}
	out->scheme = STR("http");
	out->port = 80;
	return str_equal_nocase(scheme, STR("http")) ? E_OK : E_PARSE;
}

static enum err read_authority(struct str authority, struct url *out)
{
	struct arena scratch;
	struct str lowered;
	uint16_t port;
	enum err e;

	arena_init(&scratch, 0);
	e = head_parse_authority(authority, &scratch, &lowered, &port);
	if (!e) {
		out->is_ipv6 = authority.at[0] == '[';
		out->host = str_of(authority.at + (out->is_ipv6 ? 1 : 0), lowered.len);
		if (port)
			out->port = port;
	}
	arena_reset(&scratch);
	return e;
}

enum err url_parse(struct str text, struct url *out)
{
	struct str scheme, rest = str_cut(text, ':', &scheme);
	size_t end = 2;

	*out = (struct url){ 0 };
	if (!rest.at || !has_only_url_bytes(text) || !str_has_prefix(rest, STR("//")) ||
		read_scheme(scheme, out))
		return E_PARSE;
	while (end < rest.len && rest.at[end] != '/' && rest.at[end] != '?')
		end++;
	out->path = end < rest.len ? str_of(rest.at + end, rest.len - end) : STR("/");
	if (out->path.at[0] != '/')
		return E_PARSE;
	return read_authority(str_of(rest.at + 2, end - 2), out);
}
