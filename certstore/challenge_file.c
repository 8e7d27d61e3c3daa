/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * challenge_file: a small JSON object. Of a tls-alpn-01 challenge it holds no key: whoever answers makes a
 * certificate of its own from the key authorization, which is all the CA looks at.
 */
#include "certstore/challenge_file.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/encode.h"
#include "base/json.h"
#include "base/mem.h"
#include "certstore/digest.h"
#include "certstore/san.h"
#include "certstore/x509.h"
#include "net/addr.h"

/* Clocks of machines at one store differ a little. */
enum { SKEW_MS = 60 * 1000, CERTIFICATE_MAX = 16 * 1024, TOKEN_MIN = 16 };

#define BASE64URL "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

_Static_assert((int)CHALLENGE_HOST == (int)SAN_NAME, "a reverse name must fit");

static const struct {
	enum conf_challenge kind;
	const char *name;
} types[] = {
	{CONF_HTTP_01, "http-01"},
	{CONF_TLS_ALPN_01, "tls-alpn-01"},
};

/* ---- what is asked for ---- */

static bool is_base64url(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!s.at[i] || !strchr(BASE64URL, s.at[i]))
			return false;
	return true;
}

bool challenge_is_token(struct str token)
{
	return token.len >= TOKEN_MIN && token.len < CHALLENGE_TOKEN && is_base64url(token);
}

/* "::1" has many spellings. */
static struct str spelled_as_ours(char dst[ADDR_IP_TEXT], struct str host)
{
	struct addr a;

	if (str_find(host, ':') < 0 || addr_parse_ip(&a, host, 0))
		return host;
	addr_ip_text(dst, &a);
	return str_from(dst);
}

struct str challenge_key(char dst[CHALLENGE_KEY], struct str host, struct str token)
{
	char ip[ADDR_IP_TEXT];

	host = spelled_as_ours(ip, host);
	if (host.len >= CHALLENGE_HOST || token.len >= CHALLENGE_TOKEN)
		return STR_NONE;
	str_lower(dst, host);
	dst[host.len] = '\0';
	if (!token.at)
		return str_of(dst, host.len);
	dst[host.len] = '/';
	memcpy(dst + host.len + 1, token.at, token.len);
	dst[host.len + 1 + token.len] = '\0';
	return str_of(dst, host.len + 1 + token.len);
}

void challenge_host(char dst[CHALLENGE_HOST], enum conf_challenge kind, const char *identifier)
{
	size_t len = strlen(identifier);

	ASSERT(len < CHALLENGE_HOST);
	if (kind == CONF_TLS_ALPN_01 && san_reverse_name(dst, identifier))
		return;
	str_lower(dst, str_of(identifier, len));
	dst[len] = '\0';
}

enum err challenge_certificate(
	const char *identifier, struct str key_authorization, struct tls_certificate **out)
{
	struct key *key = NULL;
	struct buf der;
	enum err err = key_generate(CONF_KEY_P256, &key);

	buf_init(&der, CERTIFICATE_MAX);
	if (!err)
		err = x509_make_challenge(key, str_from(identifier), key_authorization, &der);
	if (!err)
		err = tls_certificate_new(buf_str(&der), key_der(key), out);
	key_unref(&key);
	buf_fini(&der);
	return err;
}

/* ---- writing ---- */

void challenge_file_name(char dst[CHALLENGE_FILE_NAME], struct str key)
{
	unsigned char digest[DIGEST_SHA256];

	digest_sha256(digest, key);
	encode_hex(dst, str_of((const char *)digest, sizeof(digest)));
}

static const char *type_name(enum conf_challenge kind)
{
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (types[i].kind == kind)
			return types[i].name;
	UNREACHABLE();
}

enum err challenge_file_print(const struct challenge_file *f, struct buf *out)
{
	struct json *root = json_new_object();
	enum err err;

	json_put_cstr(root, "type", type_name(f->kind));
	json_put_cstr(root, "identifier", f->identifier);
	json_put_cstr(root, "token", f->token);
	json_put_cstr(root, "authorization", f->key_authorization);
	json_put_number(root, "until", (double)f->until_ms);
	err = json_print(root, out, false);
	json_free(&root);
	return err || out->len > CHALLENGE_FILE_MAX ? E_LIMIT : E_OK;
}

/* ---- reading: what another process wrote, or whoever got at the directory ---- */

static bool take_type(struct challenge_file *f, struct str name)
{
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		if (!str_is(name, types[i].name))
			continue;
		f->kind = types[i].kind;
		return true;
	}
	return false;
}

/* A DNS name or an IP literal, in lower case. */
static bool take_identifier(struct challenge_file *f, struct str name)
{
	for (size_t i = 0; i < name.len; i++)
		if (!name.at[i] || !strchr("abcdefghijklmnopqrstuvwxyz0123456789-_.:", name.at[i]))
			return false;
	return name.len > 0 && str_copy(f->identifier, sizeof(f->identifier), name);
}

/* The token, a dot, and the digest of a key (RFC 8555 8.1). */
static bool take_secret(struct challenge_file *f, struct str token, struct str authorization)
{
	size_t dot = token.len;

	return challenge_is_token(token) && str_copy(f->token, sizeof(f->token), token) &&
	       str_has_prefix(authorization, token) && authorization.len > dot + 1 &&
	       authorization.at[dot] == '.' &&
	       is_base64url(str_of(authorization.at + dot + 1, authorization.len - dot - 1)) &&
	       str_copy(f->key_authorization, sizeof(f->key_authorization), authorization);
}

static bool is_named_so(const struct challenge_file *f, const char *name)
{
	char host[CHALLENGE_HOST], key[CHALLENGE_KEY], want[CHALLENGE_FILE_NAME];

	challenge_host(host, f->kind, f->identifier);
	challenge_file_name(want, challenge_key(key, str_from(host),
		f->kind == CONF_HTTP_01 ? str_from(f->token) : STR_NONE));
	return strcmp(want, name) == 0;
}

static bool parse(struct str bytes, const char *name, struct challenge_file *out)
{
	struct json *root = NULL;
	double until;
	bool is_good;

	memset(out, 0, sizeof(*out));
	if (bytes.len > CHALLENGE_FILE_MAX || json_parse(bytes, &json_limits_default, &root, NULL))
		return false;
	until = json_number(json_get(root, "until"), 0);
	is_good = take_type(out, json_get_str(root, "type")) &&
		  take_identifier(out, json_get_str(root, "identifier")) &&
		  take_secret(out, json_get_str(root, "token"), json_get_str(root, "authorization")) &&
		  until > 0 && until < 1e15;
	json_free(&root);
	if (is_good)
		out->until_ms = (int64_t)until;
	return is_good && is_named_so(out, name);
}

enum err challenge_file_read(
	struct str bytes, const char *name, void **object, struct fault *fault)
{
	struct challenge_file *f = mem_new(sizeof(*f));
	int64_t now = clock_wall_ms();
	enum err err = E_OK;

	if (!parse(bytes, name, f))
		err = fault_set(fault, E_STORE_CORRUPT, "no challenge of this name");
	/* one from the far future was not written by a clock like ours */
	else if (f->until_ms <= now || f->until_ms > now + CHALLENGE_LIFE_MS + SKEW_MS)
		err = fault_set(fault, E_NOT_FOUND, "it is over");
	if (err)
		mem_free(&f);
	*object = f;
	return err;
}

enum err challenge_file_answer(
	struct str bytes, const char *name, void **object, struct fault *fault)
{
	enum err err = challenge_file_read(bytes, name, object, fault);
	struct challenge_file *f = *object;

	if (err || f->kind != CONF_TLS_ALPN_01)
		return err;
	err = challenge_certificate(f->identifier, str_from(f->key_authorization), &f->certificate);
	if (!err)
		return E_OK;
	challenge_file_free(f);
	*object = NULL;
	/* nothing is wrong with the file */
	return fault_set(fault, E_CHALLENGE, "no certificate can be made for it");
}

void challenge_file_free(void *object)
{
	struct challenge_file *f = object;

	if (f && f->certificate)
		tls_certificate_unref(&f->certificate);
	mem_release(f);
}

bool challenge_file_is_over(struct str bytes, const char *name, void *now_ms)
{
	int64_t now = *(const int64_t *)now_ms;
	struct challenge_file f;

	return !parse(bytes, name, &f) || f.until_ms + SKEW_MS < now ||
	       f.until_ms > now + CHALLENGE_LIFE_MS + SKEW_MS;
}
