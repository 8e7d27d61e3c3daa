/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * jws: the three parts are each encoded once; what is signed is exactly what is sent.
 */
#include "acme/jws.h"

#include "base/check.h"
#include "base/encode.h"
#include "base/json.h"
#include "base/mem.h"
#include "certstore/digest.h"

enum { JWS_MAX = 64 * 1024, EAB_SECRET = 512 };

static enum err add_base64url(struct buf *out, struct str bytes)
{
	enum err err = buf_reserve(out, ENCODE_B64_SIZE(bytes.len));
	if (!err)
		out->len += encode_base64url(out->at + out->len, bytes);
	return err;
}

/* A JSON string with its quotes. */
static enum err add_quoted(struct buf *out, const char *before, struct str text)
{
	struct json *array = json_new_array();
	struct buf b;
	buf_init(&b, JWS_MAX);
	json_append_str(array, text);
	enum err err = json_print(array, &b, false);
	json_free(&array);
	if (!err)
		err = buf_addf(out, "%s%.*s", before, (int)b.len - 2, b.at + 1);
	buf_fini(&b);
	return err;
}

static enum err add_jwk(struct buf *out, const struct key *key)
{
	enum err err = buf_add(out, STR(",\"jwk\":"));
	return err ? err : key_jwk(key, out);
}

/* {alg, jwk | kid, nonce, url} */
static enum err protected_header(const struct jws_args *args, struct buf *out)
{
	enum err err = buf_addf(out, "{\"alg\":\"%s\"", key_jws_alg(args->key));
	if (!err)
		err = args->kid ? add_quoted(out, ",\"kid\":", str_from(args->kid))
			: add_jwk(out, args->key);
	if (!err && args->nonce.at)
		err = add_quoted(out, ",\"nonce\":", args->nonce);
	if (!err)
		err = add_quoted(out, ",\"url\":", args->url);
	return err ? err : buf_add(out, STR("}"));
}

/* protected "." payload: the text that is signed. */
static enum err signing_input(struct str header, struct str payload, struct buf *out, size_t *dot)
{
	enum err err = add_base64url(out, header);
	*dot = out->len;
	if (!err)
		err = buf_add(out, STR("."));
	return err ? err : add_base64url(out, payload);
}

static enum err assemble(struct str input, size_t dot, struct str signature, struct buf *out)
{
	enum err err = buf_addf(out, "{\"protected\":\"%.*s\",\"payload\":\"%.*s\",\"signature\":\"",
		(int)dot, input.at, (int)(input.len - dot - 1), input.at + dot + 1);
	if (!err)
		err = add_base64url(out, signature);
	return err ? err : buf_add(out, STR("\"}"));
}

enum err jws_sign(const struct jws_args *args, struct buf *out)
{
	ASSERT(args->key && args->url.len);
	struct buf header, input, signature;
	size_t dot = 0;
	buf_init(&header, JWS_MAX);
	buf_init(&input, JWS_MAX);
	buf_init(&signature, JWS_MAX);
	enum err err = protected_header(args, &header);
	if (!err)
		err = signing_input(buf_str(&header), args->payload, &input, &dot);
	if (!err)
		err = key_jws_sign(args->key, buf_str(&input), &signature);
	if (!err)
		err = assemble(buf_str(&input), dot, buf_str(&signature), out);
	buf_fini(&header);
	buf_fini(&input);
	buf_fini(&signature);
	return err;
}

static enum err bind_input(const struct key *account, const char *eab_kid, struct str url,
	struct buf *input, size_t *dot)
{
	struct buf header, jwk;
	buf_init(&header, JWS_MAX);
	buf_init(&jwk, JWS_MAX);
	enum err err = buf_add(&header, STR("{\"alg\":\"HS256\""));
	if (!err)
		err = add_quoted(&header, ",\"kid\":", str_from(eab_kid));
	if (!err)
		err = add_quoted(&header, ",\"url\":", url);
	if (!err)
		err = buf_add(&header, STR("}"));
	if (!err)
		err = key_jwk(account, &jwk);
	if (!err)
		err = signing_input(buf_str(&header), buf_str(&jwk), input, dot);
	buf_fini(&header);
	buf_fini(&jwk);
	return err;
}

enum err jws_bind(const struct key *account, const char *eab_kid, const char *hmac, struct str url,
	struct buf *out)
{
	unsigned char secret[EAB_SECRET], mac[DIGEST_SHA256];
	size_t len = 0, dot = 0;
	struct buf input;
	if (encode_base64_decode(secret, sizeof secret, &len, str_trim(str_from(hmac))) || !len)
		return E_PARSE;
	buf_init(&input, JWS_MAX);
	enum err err = bind_input(account, eab_kid, url, &input, &dot);
	if (!err) {
		digest_hmac_sha256(mac, str_of(secret, len), buf_str(&input));
		err = assemble(buf_str(&input), dot, str_of(mac, sizeof mac), out);
	}
	mem_wipe(secret, sizeof secret);
	buf_fini(&input);
	return err;
}

enum err jws_key_authorization(const struct key *account, struct str token, struct buf *out)
{
	char thumbprint[KEY_THUMBPRINT];
	enum err err = key_thumbprint(account, thumbprint);
	return err ? err : buf_addf(out, "%.*s.%s", STR_FMT(token), thumbprint);
}
