/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * head: header lists, and what of a head's grammar every HTTP version shares.
 */
#include "net/http/head.h"

#include <arpa/inet.h>
#include <endian.h>

#include "base/check.h"

enum { HEADERS_FIRST = 16, HOST_MAX = 255 };

enum {
	C_TOKEN = 1,   /* RFC 9110 5.6.2 tchar */
	C_HOST = 2,    /* RFC 3986 unreserved: what a reg-name of ours may hold */
	C_BOTH = C_TOKEN | C_HOST,
};

static const unsigned char classes[256] = {
	['!'] = C_TOKEN, ['#' ... '\''] = C_TOKEN, ['*'] = C_TOKEN, ['+'] = C_TOKEN,
	['-'] = C_BOTH, ['.'] = C_BOTH, ['0' ... '9'] = C_BOTH, ['A' ... 'Z'] = C_BOTH,
	['^'] = C_TOKEN, ['_'] = C_BOTH, ['`'] = C_TOKEN, ['a' ... 'z'] = C_BOTH,
	['|'] = C_TOKEN, ['~'] = C_BOTH,
};

static bool is_all(struct str s, unsigned char class)
{
	unsigned char all = class;

	for (size_t i = 0; i < s.len; i++)
		all &= classes[(unsigned char)s.at[i]];
	return all;
}

bool head_is_token(struct str s)
{
	return s.len && is_all(s, C_TOKEN);
}

bool header_name_is_valid(struct str name)
{
	return head_is_token(name);
}

/* How many of eight bytes come before the first below SP or DEL. */
static size_t plain_of_8(const char *at)
{
	const uint64_t ones = 0x0101010101010101, tops = 0x8080808080808080;
	uint64_t bytes, dels, found;

	memcpy(&bytes, at, sizeof(bytes));
	bytes = le64toh(bytes);
	dels = bytes ^ ones * 0x7f;
	/* A borrow may mark bytes above the first one, never below it. */
	found = (((bytes - ones * ' ') & ~bytes) | ((dels - ones) & ~dels)) & tops;
	return found ? (size_t)__builtin_ctzll(found) / 8 : 8;
}

size_t head_plain_length(struct str s)
{
	size_t i = 0, n;

	for (; i + 8 <= s.len; i += 8)
		if ((n = plain_of_8(s.at + i)) < 8)
			return i + n;
	/* the last eight once more rather than the rest one by one */
	if (i)
		return s.len - 8 + plain_of_8(s.at + s.len - 8);
	while (i < s.len && (unsigned char)s.at[i] >= ' ' && s.at[i] != 0x7f)
		i++;
	return i;
}

bool header_value_is_valid(struct str value)
{
	for (size_t i = 0; i < value.len; i++) {
		i += head_plain_length(str_of(value.at + i, value.len - i));
		if (i < value.len && value.at[i] != '\t')
			return false;
	}
	return true;
}

enum err headers_add(struct headers *h, struct arena *a, struct str name, struct str value)
{
	ASSERT(h->n <= h->cap);
	if (h->n == h->cap) {
		unsigned cap = h->cap ? h->cap * 2 : HEADERS_FIRST;
		struct header *at = arena_alloc(a, cap * sizeof(*at));

		if (!at)
			return E_NOMEM;
		if (h->n)
			memcpy(at, h->at, h->n * sizeof(*at));
		h->at = at;
		h->cap = cap;
	}
	h->at[h->n++] = (struct header){ name, value };
	return E_OK;
}

static bool is_named(const struct header *h, struct str name)
{
	return h->name.len == name.len && str_equal_nocase(h->name, name);
}

struct str headers_get(const struct headers *h, const char *name)
{
	struct str wanted = str_from(name);

	for (unsigned i = 0; i < h->n; i++)
		if (is_named(&h->at[i], wanted))
			return h->at[i].value;
	return STR_NONE;
}

unsigned headers_count(const struct headers *h, const char *name)
{
	struct str wanted = str_from(name);
	unsigned count = 0;

	for (unsigned i = 0; i < h->n; i++)
		count += is_named(&h->at[i], wanted);
	return count;
}

void headers_compact(struct headers *h)
{
	unsigned kept = 0, checked = 0;

	for (unsigned i = 0; i < h->n; i++) {
		if (!h->at[i].name.len)
			continue;
		checked += i < h->n_checked;
		h->at[kept++] = h->at[i];
	}
	h->n = kept;
	h->n_checked = checked;
}

unsigned headers_remove(struct headers *h, const char *name)
{
	struct str unwanted = str_from(name);
	unsigned removed = 0;

	for (unsigned i = 0; i < h->n; i++) {
		if (!is_named(&h->at[i], unwanted))
			continue;
		h->at[i].name.len = 0;
		removed++;
	}
	if (removed)
		headers_compact(h);
	return removed;
}

enum err headers_set(struct headers *h, struct arena *a, const char *name, struct str value)
{
	headers_remove(h, name);
	return headers_add(h, a, str_from(name), value);
}

struct str headers_join(const struct headers *h, struct arena *a, const char *name)
{
	struct str wanted = str_from(name);
	size_t len = 0;
	char *to, *at;

	if (headers_count(h, name) < 2)
		return headers_get(h, name);
	for (unsigned i = 0; i < h->n; i++)
		if (str_equal_nocase(h->at[i].name, wanted))
			len += h->at[i].value.len + 2;
	at = to = arena_alloc(a, len);
	if (!at)
		return STR_NONE;
	for (unsigned i = 0; i < h->n; i++) {
		struct str v = h->at[i].value;

		if (!str_equal_nocase(h->at[i].name, wanted))
			continue;
		if (to != at) {
			memcpy(to, ", ", 2);
			to += 2;
		}
		if (v.len)
			memcpy(to, v.at, v.len);
		to += v.len;
	}
	return str_of(at, (size_t)(to - at));
}

static bool list_has_token(struct str list, struct str token)
{
	while (list.at) {
		struct str element;

		list = str_cut(list, ',', &element);
		if (str_equal_nocase(str_trim(element), token))
			return true;
	}
	return false;
}

bool headers_has_token(const struct headers *h, const char *name, struct str token)
{
	struct str wanted = str_from(name);

	for (unsigned i = 0; i < h->n; i++)
		if (str_equal_nocase(h->at[i].name, wanted) &&
			list_has_token(h->at[i].value, token))
			return true;
	return false;
}

bool head_method_is_idempotent(struct str method)
{
	static const char *const methods[] = { "GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE" };

	for (size_t i = 0; i < ARRAY_LEN(methods); i++)
		if (str_is(method, methods[i]))
			return true;
	return false;
}

static bool is_ipv6(struct str host)
{
	unsigned char ip[16];
	char text[64];

	return str_copy(text, sizeof(text), host) && inet_pton(AF_INET6, text, ip) == 1;
}

static enum err parse_port(struct str text, uint16_t *port)
{
	uint64_t n;

	if (text.len > 5 || !str_to_u64(text, &n) || !n || n > 65535)
		return E_PARSE;
	*port = (uint16_t)n;
	return E_OK;
}

/* Cuts "[v6]" or a name off the front; *rest is "" or begins with a colon. */
static enum err cut_host(struct str authority, struct str *host, struct str *rest)
{
	bool has_bracket = authority.len && authority.at[0] == '[';
	ptrdiff_t end = str_find(authority, has_bracket ? ']' : ':');
	size_t skip = has_bracket ? 1 : 0;

	if (end < 0 && has_bracket)
		return E_PARSE;
	if (end < 0)
		end = (ptrdiff_t)authority.len;
	*host = str_of(authority.at + skip, (size_t)end - skip);
	*rest = str_of(authority.at + end + skip, authority.len - (size_t)end - skip);
	if (!host->len || host->len > HOST_MAX)
		return E_PARSE;
	if (has_bracket ? !is_ipv6(*host) : !is_all(*host, C_HOST))
		return E_PARSE;
	return E_OK;
}

enum err head_parse_authority(struct str authority, struct arena *a, struct str *host, uint16_t *port)
{
	struct str name, rest;
	char *lower;

	*port = 0;
	if (cut_host(authority, &name, &rest))
		return E_PARSE;
	if (rest.len && (rest.at[0] != ':' || parse_port(str_of(rest.at + 1, rest.len - 1), port)))
		return E_PARSE;
	if (name.at[name.len - 1] == '.')
		name.len--;
	if (!name.len || name.at[name.len - 1] == '.')
		return E_PARSE;
	lower = arena_alloc(a, name.len);
	if (!lower)
		return E_NOMEM;
	str_lower(lower, name);
	*host = str_of(lower, name.len);
	return E_OK;
}

struct reason {
	unsigned status;
	const char *text;
};

static const struct reason reasons[] = {
	{ 100, "Continue" }, { 101, "Switching Protocols" }, { 102, "Processing" },
	{ 103, "Early Hints" }, { 200, "OK" }, { 201, "Created" }, { 202, "Accepted" },
	{ 203, "Non-Authoritative Information" }, { 204, "No Content" }, { 205, "Reset Content" },
	{ 206, "Partial Content" }, { 207, "Multi-Status" }, { 208, "Already Reported" },
	{ 226, "IM Used" }, { 300, "Multiple Choices" }, { 301, "Moved Permanently" },
	{ 302, "Found" }, { 303, "See Other" }, { 304, "Not Modified" }, { 305, "Use Proxy" },
	{ 307, "Temporary Redirect" }, { 308, "Permanent Redirect" }, { 400, "Bad Request" },
	{ 401, "Unauthorized" }, { 402, "Payment Required" }, { 403, "Forbidden" },
	{ 404, "Not Found" }, { 405, "Method Not Allowed" }, { 406, "Not Acceptable" },
	{ 407, "Proxy Authentication Required" }, { 408, "Request Timeout" }, { 409, "Conflict" },
	{ 410, "Gone" }, { 411, "Length Required" }, { 412, "Precondition Failed" },
	{ 413, "Content Too Large" }, { 414, "URI Too Long" }, { 415, "Unsupported Media Type" },
	{ 416, "Range Not Satisfiable" }, { 417, "Expectation Failed" },
	{ 421, "Misdirected Request" }, { 422, "Unprocessable Content" }, { 423, "Locked" },
	{ 424, "Failed Dependency" }, { 425, "Too Early" }, { 426, "Upgrade Required" },
	{ 428, "Precondition Required" }, { 429, "Too Many Requests" },
	{ 431, "Request Header Fields Too Large" }, { 451, "Unavailable For Legal Reasons" },
	{ 500, "Internal Server Error" }, { 501, "Not Implemented" }, { 502, "Bad Gateway" },
	{ 503, "Service Unavailable" }, { 504, "Gateway Timeout" },
	{ 505, "HTTP Version Not Supported" }, { 506, "Variant Also Negotiates" },
	{ 507, "Insufficient Storage" }, { 508, "Loop Detected" },
	{ 511, "Network Authentication Required" },
};

const char *head_reason(unsigned status)
{
	for (size_t i = 0; i < ARRAY_LEN(reasons); i++)
		if (reasons[i].status == status)
			return reasons[i].text;
	return "";
}
