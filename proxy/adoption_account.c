/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * adoption_account: a key belongs to the account told of in its directory: the one with the same file name but for
 * its ending (Caddy), or the only one (certbot, acme.sh, mod_md). Traefik keeps both in one place.
 */
#include "proxy/adoption_account.h"

#include "acme/transport.h"
#include "base/check.h"
#include "base/encode.h"
#include "base/mem.h"
#include "certstore/key_jwk.h"

enum { KEYS_MAX = 50000, KEY_DER_MAX = 8192 };

struct found_key {
	char *source;
	struct key *key;
};

struct adoption_accounts {
	struct found_key *keys;
	size_t n_keys, cap_keys;
	struct adoption_account *at;
	struct key **own;               /* of those that bring their key */
	unsigned n, cap;
};

struct adoption_accounts *adoption_accounts_new(void)
{
	return mem_new(sizeof(struct adoption_accounts));
}

void adoption_accounts_free(struct adoption_accounts **accounts)
{
	struct adoption_accounts *a = *accounts;

	if (!a)
		return;
	*accounts = NULL;
	for (size_t i = 0; i < a->n_keys; i++) {
		mem_free(&a->keys[i].source);
		key_unref(&a->keys[i].key);
	}
	for (unsigned i = 0; i < a->n; i++) {
		mem_free(&a->at[i].source);
		key_unref(&a->own[i]);
	}
	mem_free(&a->keys);
	mem_free(&a->at);
	mem_free(&a->own);
	mem_free(&a);
}

void adoption_accounts_add_key(struct adoption_accounts *a, struct key *key, const char *source)
{
	if (a->n_keys == KEYS_MAX)
		return;
	if (a->n_keys == a->cap_keys) {
		size_t cap = a->cap_keys ? 2 * a->cap_keys : 64;
		struct found_key *more = mem_try_resize(a->keys, cap * sizeof(*more));

		if (!more)
			return;
		a->keys = more;
		a->cap_keys = cap;
	}
	a->keys[a->n_keys++] = (struct found_key){ mem_strdup(source), key_ref(key) };
}

/* ---- what the CA said ---- */

static bool has_room(struct adoption_accounts *a)
{
	unsigned cap = a->cap ? 2 * a->cap : 4;

	if (a->n < a->cap)
		return true;
	if (cap > ADOPTION_ACCOUNTS)
		return false;
	a->at = mem_try_resize(a->at, cap * sizeof(*a->at));
	a->own = mem_try_resize(a->own, cap * sizeof(*a->own));
	ASSERT(a->at && a->own);  /* a few megabytes */
	memset(&a->at[a->n], 0, (cap - a->n) * sizeof(*a->at));
	memset(&a->own[a->n], 0, (cap - a->n) * sizeof(*a->own));
	a->cap = cap;
	return true;
}

/* NULL: it is no account's URL, or there are too many. */
static struct adoption_account *add(struct adoption_accounts *a, struct str url, const char *source)
{
	struct adoption_account *to;

	if (!transport_url_is_fine(url) || !has_room(a))
		return NULL;
	to = &a->at[a->n++];
	str_copy(to->url, sizeof(to->url), url);
	to->source = mem_strdup(source);
	return to;
}

static void take_address(struct adoption_account *to, struct str text)
{
	if (str_has_prefix(text, STR("mailto:")))
		text = str_of(text.at + 7, text.len - 7);
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.at[i];

		if (c <= ' ' || c >= 0x7f)
			return;
	}
	str_copy(to->contact, sizeof(to->contact), text);
}

static void take_contact(struct adoption_account *to, const struct json *o)
{
	take_address(to, json_str(json_first(json_get(o, "contact"))));
}

static void take_directory(struct adoption_account *to, struct str url)
{
	if (transport_url_is_fine(url))
		str_copy(to->directory, sizeof(to->directory), url);
}

/* certbot: {"body": …, "uri": …}. */
static bool add_certbot(struct adoption_accounts *a, const struct json *o, const char *source)
{
	struct adoption_account *to = json_get(o, "body") ? add(a, json_get_str(o, "uri"), source) : NULL;

	if (to)
		take_contact(to, json_get(o, "body"));
	return to;
}

/* Caddy: the account as the CA told it, with its location; mod_md: the same in words of its own. */
static bool add_plain(struct adoption_accounts *a, const struct json *o, const char *source)
{
	struct str location = json_get_str(o, "location"), url = json_get_str(o, "url");
	struct str ca = json_get_str(o, "ca-url");
	struct adoption_account *to = NULL;

	if (location.at && json_get(o, "status"))
		to = add(a, location, source);
	else if (url.at && ca.at)
		to = add(a, url, source);
	if (!to)
		return false;
	take_directory(to, ca);
	take_contact(to, o);
	return true;
}

/* Traefik: base64 of PKCS#1 or SEC1. */
static struct key *decode_key(struct str text)
{
	unsigned char der[KEY_DER_MAX];
	struct key *key = NULL;
	size_t len = 0;

	if (text.len && !encode_base64_decode(der, sizeof(der), &len, text))
		key_from_der(str_of(der, len), &key);
	mem_wipe(der, sizeof(der));
	return key;
}

static bool add_traefik(struct adoption_accounts *a, const struct json *owner, const char *source)
{
	const struct json *account = json_get(owner, "Account");
	struct adoption_account *to = add(a, json_get_str(json_get(account, "Registration"), "uri"), source);

	if (!to)
		return false;
	take_address(to, json_get_str(account, "Email"));
	a->own[a->n - 1] = decode_key(json_get_str(account, "PrivateKey"));
	return true;
}

static bool add_jwk(struct adoption_accounts *a, const struct json *root, const char *source)
{
	struct key *key;

	if (!json_get(root, "kty") || key_from_jwk(root, &key))
		return false;
	adoption_accounts_add_key(a, key, source);
	key_unref(&key);
	return true;
}

bool adoption_accounts_add_json(struct adoption_accounts *a, const struct json *root, const char *source)
{
	bool is_any = add_jwk(a, root, source) || add_certbot(a, root, source) || add_plain(a, root, source);

	if (is_any || json_type(root) != JSON_OBJECT)
		return is_any;
	is_any = add_traefik(a, root, source);
	for (const struct json *r = json_first(root); r; r = json_next(r))
		is_any |= add_traefik(a, r, source);
	return is_any;
}

/* The value of NAME='value' at the start of a line. */
static struct str conf_value(struct str text, const char *name)
{
	while (text.len) {
		struct str line, key;

		text = str_cut(text, '\n', &line);
		line = str_trim(str_cut(line, '=', &key));
		if (!line.at || !str_is(str_trim(key), name))
			continue;
		if (line.len >= 2 && (line.at[0] == '\'' || line.at[0] == '"')
			&& line.at[line.len - 1] == line.at[0])
			line = str_of(line.at + 1, line.len - 2);
		return line;
	}
	return STR_NONE;
}

bool adoption_accounts_add_conf(struct adoption_accounts *a, struct str text, const char *source)
{
	struct adoption_account *to = add(a, conf_value(text, "ACCOUNT_URL"), source);

	if (to)
		take_address(to, conf_value(text, "CA_EMAIL"));
	return to;
}

/* ---- whose key ---- */

/* Directory and file name without its last ending. */
static struct str directory_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? str_of(path, (size_t)(slash - path)) : STR("");
}

static struct str stem_of(const char *path)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path, *dot = strrchr(name, '.');

	return dot ? str_of(name, (size_t)(dot - name)) : str_from(name);
}

static const struct key *find_key(const struct adoption_accounts *a, const char *source)
{
	const struct key *only = NULL;
	unsigned n = 0;

	for (size_t i = 0; i < a->n_keys; i++) {
		const struct found_key *k = &a->keys[i];

		if (!str_equal(directory_of(k->source), directory_of(source)))
			continue;
		if (str_equal(stem_of(k->source), stem_of(source)))
			return k->key;
		only = k->key;
		n++;
	}
	return n == 1 ? only : NULL;
}

const struct adoption_account *adoption_accounts_list(struct adoption_accounts *a, unsigned *n)
{
	for (unsigned i = 0; i < a->n; i++)
		a->at[i].key = a->own[i] ? a->own[i] : find_key(a, a->at[i].source);
	*n = a->n;
	return a->at;
}
