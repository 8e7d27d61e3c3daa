/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * encode: base64url, base64, hex, percent, printable text.
 */
#include "base/encode.h"

#include "base/check.h"

static const char base64_digits[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char base64url_digits[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
static const char hex_digits[] = "0123456789abcdef";

static size_t encode64(char *dst, struct str s, const char *digits, bool pad)
{
	const unsigned char *p = (const unsigned char *)s.at;
	size_t o = 0;

	for (size_t i = 0; i < s.len; i += 3) {
		size_t left = s.len - i;
		unsigned v = (unsigned)p[i] << 16;

		if (left > 1)
			v |= (unsigned)p[i + 1] << 8;
		if (left > 2)
			v |= p[i + 2];
		dst[o++] = digits[v >> 18];
		dst[o++] = digits[v >> 12 & 63];
		if (left > 1 || pad)
			dst[o++] = left > 1 ? digits[v >> 6 & 63] : '=';
		if (left > 2 || pad)
			dst[o++] = left > 2 ? digits[v & 63] : '=';
	}
	dst[o] = 0;
	return o;
}

size_t encode_base64url(char *dst, struct str s)
{
	return encode64(dst, s, base64url_digits, false);
}

size_t encode_base64(char *dst, struct str s)
{
	return encode64(dst, s, base64_digits, true);
}

static int digit64(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+' || c == '-')
		return 62;
	return c == '/' || c == '_' ? 63 : -1;
}

/* Removes padding; false when it is not exactly what the length calls for. */
static bool strip_padding(struct str *s)
{
	size_t pad = 0;

	while (pad < s->len && s->at[s->len - 1 - pad] == '=')
		pad++;
	if (pad && (pad > 2 || s->len % 4 != 0))
		return false;
	s->len -= pad;
	return s->len % 4 != 1;
}

enum err encode_base64_decode(unsigned char *dst, size_t cap, size_t *len, struct str s)
{
	unsigned v = 0, bits = 0;
	size_t o = 0;

	*len = 0;
	if (!strip_padding(&s))
		return E_PARSE;
	for (size_t i = 0; i < s.len; i++) {
		int d = digit64(s.at[i]);

		if (d < 0)
			return E_PARSE;
		v = (v << 6 | (unsigned)d) & 0xffff;
		bits += 6;
		if (bits < 8)
			continue;
		bits -= 8;
		if (o == cap)
			return E_LIMIT;
		dst[o++] = (unsigned char)(v >> bits);
	}
	/* Left-over bits must be zero: one text for one value. */
	if (v & ((1u << bits) - 1))
		return E_PARSE;
	*len = o;
	return E_OK;
}

size_t encode_hex(char *dst, struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		dst[i * 2] = hex_digits[(unsigned char)s.at[i] >> 4];
		dst[i * 2 + 1] = hex_digits[(unsigned char)s.at[i] & 15];
	}
	dst[s.len * 2] = 0;
	return s.len * 2;
}

enum err encode_hex_decode(unsigned char *dst, size_t cap, size_t *len, struct str s)
{
	*len = 0;
	if (s.len % 2)
		return E_PARSE;
	for (size_t i = 0; i < s.len; i += 2) {
		uint64_t v;

		if (!str_to_hex_u64(str_of(s.at + i, 2), &v))
			return E_PARSE;
		if (i / 2 == cap)
			return E_LIMIT;
		dst[i / 2] = (unsigned char)v;
	}
	*len = s.len / 2;
	return E_OK;
}

static bool is_unreserved(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
		c == '-' || c == '.' || c == '_' || c == '~';
}

enum err encode_percent(struct buf *out, struct str s)
{
	static const char upper[] = "0123456789ABCDEF";

	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.at[i];
		char coded[3] = { '%', upper[c >> 4], upper[c & 15] };
		enum err e = buf_add(out, is_unreserved(s.at[i]) ? str_of(&s.at[i], 1) :
			str_of(coded, sizeof(coded)));

		if (e)
			return e;
	}
	return E_OK;
}
