/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * adoption_traefik: acme.json. Version 1 has "Certificates" at the top, later ones one per resolver; the PEM
 * texts are base64 of whole files. Other JSON may be an account.
 */
#include "base/encode.h"
#include "base/json.h"
#include "base/mem.h"
#include "proxy/adoption.h"

enum { PAIR_MAX = 2 * ADOPTION_FILE_MAX };

static bool decode(struct buf *out, struct str text)
{
	size_t len = 0;

	if (!text.len || text.len > ADOPTION_FILE_MAX || buf_reserve(out, text.len))
		return false;
	if (encode_base64_decode((unsigned char *)out->at + out->len, text.len, &len, text))
		return false;
	out->len += len;
	return buf_add(out, STR("\n")) == E_OK;
}

static struct str member(const struct json *o, const char *small, const char *capital)
{
	struct str s = json_get_str(o, small);

	return s.at ? s : json_get_str(o, capital);
}

static void add_pair(struct adoption *a, const struct json *pair, const char *source)
{
	struct buf text;

	buf_init(&text, PAIR_MAX);
	if (decode(&text, member(pair, "certificate", "Certificate"))
		&& decode(&text, member(pair, "key", "Key")))
		adoption_add_pem(a, buf_str(&text), source);
	else
		adoption_note_strange(a);
	mem_wipe(text.at, text.len);
	buf_fini(&text);
}

static bool add_list(struct adoption *a, const struct json *owner, const char *source)
{
	const struct json *list = json_get(owner, "Certificates");

	if (!list || json_type(list) != JSON_ARRAY)
		return false;
	for (const struct json *pair = json_first(list); pair; pair = json_next(pair))
		add_pair(a, pair, source);
	return true;
}

bool adoption_add_json(struct adoption *a, struct str text, const char *source)
{
	struct json *root = NULL;
	bool is_any;

	if (!text.at || text.len > ADOPTION_JSON_MAX
		|| json_parse(text, &json_limits_config, &root, NULL)) {
		adoption_note_strange(a);
		return false;
	}
	is_any = add_list(a, root, source);
	if (json_type(root) == JSON_OBJECT)
		for (const struct json *r = json_first(root); r; r = json_next(r))
			is_any |= add_list(a, r, source);
	is_any |= adoption_accounts_add_json(adoption_accounts(a), root, source);
	json_free(&root);
	return is_any;
}
