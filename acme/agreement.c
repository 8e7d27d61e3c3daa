/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * agreement: two URLs of a stranger, shown to people and never fetched.
 */
#include "acme/agreement.h"

#include "acme/link.h"
#include "base/json.h"

static void read_links(struct str value, struct agreement *out)
{
	struct str url;
	while (!out->terms[0] && link_next(&value, "terms-of-service", &url)) {
		if (url.at && transport_url_is_fine(url))
			str_copy(out->terms, sizeof out->terms, url);
	}
}

void agreement_read(const struct headers *headers, struct str body, struct agreement *out)
{
	struct json *root = NULL;
	*out = (struct agreement){ 0 };
	for (unsigned i = 0; i < headers->n; i++) {
		if (str_equal_nocase(headers->at[i].name, STR("link")))
			read_links(headers->at[i].value, out);
	}
	if (body.len && !json_parse(body, &json_limits_default, &root, NULL)) {
		struct str instance = json_get_str(root, "instance");
		if (transport_url_is_fine(instance))
			str_copy(out->instance, sizeof out->instance, instance);
	}
	json_free(&root);
}
