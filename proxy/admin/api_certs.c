/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * api_certs: what the store holds, by pages: ?cursor=…&max=….
 */
#include "proxy/admin/api.h"
#include "proxy/admin/listing.h"

static void on_listing(void *owner, enum err err, struct json *json)
{
	struct fault fault = { 0 };

	if (!err) {
		api_answer(owner, 200, &json);
		return;
	}
	json_free(&json);
	fault_set(&fault, err, "the store cannot be listed");
	api_refuse(owner, &fault);
}

void api_certs(struct api_call *c)
{
	struct str max = api_query(c, "max"), cursor = api_query(c, "cursor");
	uint64_t n;

	listing_start(&(struct listing_args){ .store = c->env->store,
		.cursor = cursor.at ? cursor : STR(""),
		.max = max.at && str_to_u64(max, &n) && n > 0 && n < LISTING_MAX ? (unsigned)n : LISTING_MAX,
		.fn = on_listing, .owner = c });
}
