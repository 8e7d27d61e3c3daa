/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * key_jwk: the members put together as PKCS#1 or SEC1, which key reads and checks.
 */
#include "certstore/key_jwk.h"

#include "base/encode.h"
#include "base/mem.h"
#include "certstore/der.h"

enum { NUMBER_MAX = 1024, COORDINATE_MAX = 48 };

/* RFC 5480 2.1.1.1. */
static const struct {
	const char *name;
	struct str oid;
	size_t bytes;
} curves[] = {
	{ "P-256", { "\x2a\x86\x48\xce\x3d\x03\x01\x07", 8 }, 32 },
	{ "P-384", { "\x2b\x81\x04\x00\x22", 5 }, 48 },
};

static bool decode(const struct json *jwk, const char *name, unsigned char dst[NUMBER_MAX], size_t *len)
{
	struct str text = json_get_str(jwk, name);
	return text.len && !encode_base64_decode(dst, NUMBER_MAX, len, text) && *len;
}

/* A positive INTEGER: without needless zeros, with the one that keeps its sign. */
static bool add_number(struct der_writer *w, const struct json *jwk, const char *name)
{
	unsigned char number[1 + NUMBER_MAX];
	size_t len = 0;
	struct str s;

	number[0] = 0;
	if (!decode(jwk, name, number + 1, &len))
		return false;
	s = str_of(number + 1, len);
	while (s.len > 1 && s.at[0] == 0)
		s = str_of(s.at + 1, s.len - 1);
	if ((unsigned char)s.at[0] & 0x80)
		s = str_of(s.at - 1, s.len + 1);
	der_add(w, DER_INTEGER, s);
	mem_wipe(number, sizeof(number));
	return true;
}

static bool write_rsa(const struct json *jwk, struct der_writer *w)
{
	static const char *const names[] = { "n", "e", "d", "p", "q", "dp", "dq", "qi" };
	size_t whole = der_open(w, DER_SEQUENCE);
	bool fine = true;

	der_add(w, DER_INTEGER, STR("\0"));
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		fine = fine && add_number(w, jwk, names[i]);
	der_close(w, whole);
	return fine;
}

/* Right-aligned in its field, as both SEC1 and RFC 7518 want it. */
static bool take_coordinate(const struct json *jwk, const char *name, size_t bytes, unsigned char *dst)
{
	unsigned char number[NUMBER_MAX];
	size_t len = 0;
	bool fits = decode(jwk, name, number, &len) && len <= bytes;

	memset(dst, 0, bytes);
	if (fits)
		memcpy(dst + bytes - len, number, len);
	mem_wipe(number, sizeof(number));
	return fits;
}

static bool write_ec(const struct json *jwk, struct der_writer *w)
{
	unsigned char d[COORDINATE_MAX], point[1 + 2 * COORDINATE_MAX] = { 4 };
	struct str name = json_get_str(jwk, "crv");
	size_t i = 0, whole, part;

	while (i < 2 && !str_is(name, curves[i].name))
		i++;
	if (i == 2 || !take_coordinate(jwk, "d", curves[i].bytes, d)
		|| !take_coordinate(jwk, "x", curves[i].bytes, point + 1)
		|| !take_coordinate(jwk, "y", curves[i].bytes, point + 1 + curves[i].bytes))
		return false;
	whole = der_open(w, DER_SEQUENCE);
	der_add(w, DER_INTEGER, STR("\1"));
	der_add(w, DER_OCTET_STRING, str_of(d, curves[i].bytes));
	part = der_open(w, DER_CONTEXT_CONSTRUCTED);
	der_add(w, DER_OID, curves[i].oid);
	der_close(w, part);
	part = der_open(w, DER_CONTEXT_CONSTRUCTED | 1);
	der_add_bits(w, str_of(point, 1 + 2 * curves[i].bytes));
	der_close(w, part);
	der_close(w, whole);
	mem_wipe(d, sizeof(d));
	return true;
}

enum err key_from_jwk(const struct json *jwk, struct key **out)
{
	struct str kind = json_get_str(jwk, "kty");
	struct buf text;
	struct der_writer w = { &text, E_OK };
	bool fine;
	enum err err = E_KEY;

	*out = NULL;
	buf_init(&text, 0);
	fine = str_is(kind, "RSA") ? write_rsa(jwk, &w) : str_is(kind, "EC") && write_ec(jwk, &w);
	if (fine && !w.err)
		err = key_from_der(buf_str(&text), out);
	mem_wipe(text.at, text.len);
	buf_fini(&text);
	return err;
}
