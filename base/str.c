/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * str: slices of bytes. The hash is SipHash-1-3 under a key drawn once per process.
 */
#include "base/str.h"

#include <pthread.h>
#include <sys/random.h>

#include "base/check.h"

static uint64_t hash_key[2];
static pthread_once_t hash_once = PTHREAD_ONCE_INIT;

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

bool str_equal(struct str a, struct str b)
{
	return a.len == b.len && (!a.len || memcmp(a.at, b.at, a.len) == 0);
}

static uint64_t lower8(const char *at)
{
	const uint64_t ones = 0x0101010101010101, tops = 0x8080808080808080;
	uint64_t w, low;

	memcpy(&w, at, sizeof(w));
	low = w & ~tops;
	/* The top bit of a byte of the sums says "at least A" and "above Z". */
	return w | ((((low + ones * (0x80 - 'A')) ^ (low + ones * (0x7f - 'Z'))) & ~w & tops) >> 2);
}

/* Eight bytes at a time, the last of them perhaps twice. */
static bool equal_nocase_long(const char *a, const char *b, size_t len)
{
	for (size_t i = 0; i + 8 < len; i += 8)
		if (lower8(a + i) != lower8(b + i))
			return false;
	return lower8(a + len - 8) == lower8(b + len - 8);
}

bool str_equal_nocase(struct str a, struct str b)
{
	if (a.len != b.len)
		return false;
	if (a.len >= 8)
		return equal_nocase_long(a.at, b.at, a.len);
	for (size_t i = 0; i < a.len; i++)
		if (lower(a.at[i]) != lower(b.at[i]))
			return false;
	return true;
}

bool str_is(struct str a, const char *cstring)
{
	return str_equal(a, str_from(cstring));
}

bool str_has_prefix(struct str s, struct str prefix)
{
	return s.len >= prefix.len && str_equal(str_of(s.at, prefix.len), prefix);
}

bool str_has_suffix(struct str s, struct str suffix)
{
	if (!suffix.len)
		return true;
	return s.len >= suffix.len &&
		str_equal(str_of(s.at + s.len - suffix.len, suffix.len), suffix);
}

ptrdiff_t str_find(struct str s, char c)
{
	const char *p = s.len ? memchr(s.at, c, s.len) : NULL;

	return p ? p - s.at : -1;
}

struct str str_trim(struct str s)
{
	while (s.len && (s.at[0] == ' ' || s.at[0] == '\t')) {
		s.at++;
		s.len--;
	}
	while (s.len && (s.at[s.len - 1] == ' ' || s.at[s.len - 1] == '\t'))
		s.len--;
	return s;
}

struct str str_cut(struct str s, char sep, struct str *head)
{
	ptrdiff_t i = str_find(s, sep);

	if (i < 0) {
		*head = s;
		return STR_NONE;
	}
	*head = str_of(s.at, (size_t)i);
	return str_of(s.at + i + 1, s.len - (size_t)i - 1);
}

bool str_to_u64(struct str s, uint64_t *out)
{
	uint64_t n = 0;

	if (!s.len)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		if (s.at[i] < '0' || s.at[i] > '9')
			return false;
		if (__builtin_mul_overflow(n, 10u, &n) ||
		    __builtin_add_overflow(n, (uint64_t)(s.at[i] - '0'), &n))
			return false;
	}
	*out = n;
	return true;
}

struct str str_print_u64(char dst[STR_U64], uint64_t n)
{
	size_t at = STR_U64;

	do {
		dst[--at] = (char)('0' + n % 10);
		n /= 10;
	} while (n);
	return str_of(dst + at, STR_U64 - at);
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool str_to_hex_u64(struct str s, uint64_t *out)
{
	uint64_t n = 0;

	if (!s.len)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		int digit = hex_digit(s.at[i]);

		if (digit < 0 || n >> 60)
			return false;
		n = n << 4 | (uint64_t)digit;
	}
	*out = n;
	return true;
}

void str_lower(char *dst, struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		dst[i] = lower(s.at[i]);
}

bool str_copy(char *dst, size_t cap, struct str s)
{
	ASSERT(cap > 0);
	if (s.len >= cap) {
		dst[0] = 0;
		return false;
	}
	if (s.len)
		memcpy(dst, s.at, s.len);
	dst[s.len] = 0;
	return true;
}

static void draw_hash_key(void)
{
	/* The first 256 bytes at most come whole or not at all; a kernel without is too old to run on. */
	ASSERT(getrandom(hash_key, sizeof(hash_key), 0) == sizeof(hash_key));
}

static uint64_t rotl(uint64_t x, int by)
{
	return x << by | x >> (64 - by);
}

static void sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotl(v[1], 13) ^ v[0];
	v[0] = rotl(v[0], 32);
	v[2] += v[3];
	v[3] = rotl(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotl(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotl(v[1], 17) ^ v[2];
	v[2] = rotl(v[2], 32);
}

static void sip_word(uint64_t v[4], uint64_t word)
{
	v[3] ^= word;
	sip_round(v);
	v[0] ^= word;
}

/* Little-endian order of the bytes does not matter here: the value never leaves the process. */
uint64_t str_hash(struct str s)
{
	uint64_t v[4], word, tail = (uint64_t)s.len << 56;
	size_t i = 0;

	pthread_once(&hash_once, draw_hash_key);
	v[0] = hash_key[0] ^ 0x736f6d6570736575;
	v[1] = hash_key[1] ^ 0x646f72616e646f6d;
	v[2] = hash_key[0] ^ 0x6c7967656e657261;
	v[3] = hash_key[1] ^ 0x7465646279746573;
	for (; s.len - i >= 8; i += 8) {
		memcpy(&word, s.at + i, 8);
		sip_word(v, word);
	}
	for (unsigned shift = 0; i < s.len; i++, shift += 8)
		tail |= (uint64_t)(unsigned char)s.at[i] << shift;
	sip_word(v, tail);
	v[2] ^= 0xff;
	for (int n = 0; n < 3; n++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

size_t str_utf8_length(const char *at, size_t n)
{
	static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *p = (const unsigned char *)at;
	uint32_t c;
	size_t len;

	if (!n)
		return 0;
	if (p[0] < 0x80)
		return 1;
	len = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
	if (p[0] < 0xc2 || p[0] > 0xf4 || len > n)
		return 0;
	c = p[0] & (0xffu >> (len + 1));
	for (size_t i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	if (c < smallest[len] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	return len;
}

bool str_is_utf8(struct str s)
{
	for (size_t i = 0, len; i < s.len; i += len) {
		len = str_utf8_length(s.at + i, s.len - i);
		if (!len || !s.at[i])
			return false;
	}
	return true;
}
