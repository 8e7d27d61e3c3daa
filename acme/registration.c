/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * registration: small JSON objects.
 */
#include "acme/registration.h"

#include <stdio.h>

#include "acme/jws.h"
#include "base/encode.h"
#include "base/json.h"

static void put_contact(struct json *root, const char *email)
{
	struct json *list = json_new_array();
	if (email[0]) {
		char contact[512];
		snprintf(contact, sizeof contact, "mailto:%s", email);
		json_append_str(list, str_from(contact));
	}
	json_put(root, "contact", list);
}

static enum err print(struct json **root, struct buf *payload)
{
	enum err err = json_print(*root, payload, false);
	json_free(root);
	return err;
}

static enum err add_binding(const struct ca *ca, const struct key *key, struct buf *payload)
{
	struct str url = str_from(directory_get(ca->directory)->new_account);
	payload->len--;  /* the closing brace */
	enum err err = buf_add(payload, STR(",\"externalAccountBinding\":"));
	if (!err)
		err = jws_bind(key, ca->conf->eab_kid, ca->conf->eab_hmac, url, payload);
	return err ? err : buf_add(payload, STR("}"));
}

enum err registration_new(const struct ca *ca, const struct key *key, const char *email, struct buf *payload)
{
	struct json *root = json_new_object();
	json_put_bool(root, "termsOfServiceAgreed", true);
	if (email)
		put_contact(root, email);
	enum err err = print(&root, payload);
	if (!err && ca->conf->eab_kid && ca->conf->eab_hmac)
		err = add_binding(ca, key, payload);
	return err;
}

enum err registration_ask(struct buf *payload)
{
	return buf_add(payload, STR("{\"onlyReturnExisting\":true}"));
}

enum err registration_contact(const char *email, struct buf *payload)
{
	struct json *root = json_new_object();
	put_contact(root, email);
	return print(&root, payload);
}

enum err registration_agree(struct buf *payload)
{
	return buf_add(payload, STR("{\"termsOfServiceAgreed\":true}"));
}

enum err registration_deactivate(struct buf *payload)
{
	return buf_add(payload, STR("{\"status\":\"deactivated\"}"));
}

void registration_read(struct str body, struct registration_view *out)
{
	struct json *root = NULL;
	*out = (struct registration_view){ 0 };
	if (!body.len || json_parse(body, &json_limits_default, &root, NULL))
		return;
	struct str status = json_get_str(root, "status");
	if (status.at)
		encode_printable(out->status, sizeof out->status, status);
	const struct json *c = json_first(json_get(root, "contact"));
	for (; c; c = json_next(c)) {
		size_t len = strlen(out->contact);
		char text[300];
		encode_printable(text, sizeof text, json_str(c));
		snprintf(out->contact + len, sizeof out->contact - len, "%s%s", len ? ", " : "", text);
	}
	json_free(&root);
}
