/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * api: the rows, and what several endpoints share.
 */
#include "proxy/admin/api.h"

#include <stdio.h>

#include "base/check.h"
#include "base/clock.h"

const struct api_row api_rows[] = {
	{ "GET", "/metrics", api_metrics },
	{ "GET", "/v1/status", api_status },
	{ "GET", "/v1/certs", api_certs },
	{ "GET", "/v1/accounts", api_accounts },
	{ "POST", "/v1/accounts", api_account_wish },
	{ "GET", "/v1/listed", api_listed },
	{ "POST", "/v1/listed", api_list },
	{ "GET", "/v1/names/*", api_name },
	{ "POST", "/v1/reload", api_configure },
	{ "GET", "/v1/plan", api_plan },
	{ "POST", "/v1/names/*/issue", api_issue },
	{ "POST", "/v1/names/*/renew", api_renew },
	{ "POST", "/v1/names/*/add", api_add },
	{ "POST", "/v1/names/*/forget", api_forget },
	{ "POST", "/v1/names/*/revoke", api_revoke },
	{ "POST", "/v1/names/*/reload", api_reload },
	{ "POST", "/v1/names/*/probe", api_plant },
	{ "GET", "/v1/names/*/probe", api_probe },
};
const unsigned api_n_rows = ARRAY_LEN(api_rows);

struct str api_query(const struct api_call *c, const char *name)
{
	struct str rest = c->query, pair, key, value;

	while (rest.len) {
		rest = str_cut(rest, '&', &pair);
		value = str_cut(pair, '=', &key);
		if (str_is(key, name))
			return value.at ? value : STR("");
	}
	return STR_NONE;
}

static void put_code(struct json *object, enum err err)
{
	char code[16];

	snprintf(code, sizeof(code), "SP-%d", err_code(err));
	json_put_cstr(object, "code", code);
}

struct json *api_fault(const struct fault *fault)
{
	struct json *out = json_new_object();

	put_code(out, fault->code);
	json_put_cstr(out, "text", err_text(fault->code));
	json_put_cstr(out, "advice", err_advice(fault->code));
	json_put_cstr(out, "during", fault->activity);
	json_put_cstr(out, "detail", fault->detail);
	if (fault->type[0])
		json_put_cstr(out, "type", fault->type);
	if (fault->status)
		json_put_number(out, "status", fault->status);
	return out;
}

void api_put_time(struct json *object, const char *key, int64_t wall_ms)
{
	char text[CLOCK_RFC3339];

	if (wall_ms <= 0 || wall_ms == INT64_MAX)
		return;
	clock_rfc3339(text, wall_ms);
	json_put_cstr(object, key, text);
}

static unsigned status_of(enum err err)
{
	switch (err) {
	case E_NOT_FOUND:
		return 404;
	case E_DENIED: case E_NAME: case E_PARSE: case E_USAGE: case E_CONFIG: case E_FILE:
		return 422;
	case E_LOCKED:
		return 409;
	case E_LIMIT: case E_RATE_LIMITED: case E_BACKOFF:
		return 429;
	case E_DRAINING:
		return 503;
	default:
		return 500;
	}
}

void api_refuse(struct api_call *c, const struct fault *fault)
{
	struct json *out = json_new_object();

	ASSERT(fault->code);
	json_put_bool(out, "ok", false);
	json_put(out, "cause", api_fault(fault));
	api_answer(c, status_of(fault->code), &out);
}
