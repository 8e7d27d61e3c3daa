/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * api_listed: the names the operator allows or denies. POST {"allow": ["a.example tenant=x", …], "deny": […]}:
 * all of them or, when one is not understood, none; answered when they are on the disk. GET, by pages:
 * ?cursor=…&max=….
 */
#include <stdio.h>

#include "base/check.h"
#include "base/log.h"
#include "proxy/admin/api.h"

enum { LISTED_MAX = 1000, CURSOR = 24 };

static const struct log area = { "admin" };

struct telling {
	unsigned allowed, denied;
};

static void on_kept(void *owner, enum err err, const struct fault *fault)
{
	struct api_call *c = owner;
	const struct telling *t = c->scratch;
	struct fault why = fault ? *fault : (struct fault){ 0 };
	struct json *out;

	if (err) {
		fault_set(&why, err, "in force, but not kept for the next start yet: %s",
			fault ? fault->detail : err_text(err));
		api_refuse(c, &why);
		return;
	}
	out = json_new_object();
	json_put_bool(out, "ok", true);
	json_put_number(out, "allowed", t->allowed);
	json_put_number(out, "denied", t->denied);
	api_answer(c, 200, &out);
}

typedef enum err each_fn(struct api_call *c, struct str line, struct fault *fault);

static enum err check(struct api_call *c, struct str line, struct fault *fault)
{
	(void)c;
	return lists_check(line, fault);
}

static enum err allow(struct api_call *c, struct str line, struct fault *fault)
{
	struct telling *t = c->scratch;
	char name[256];
	enum err err = lists_allow(permits_lists(c->env->permits), line, name, fault);

	t->allowed += !err;
	return err;
}

static enum err deny(struct api_call *c, struct str line, struct fault *fault)
{
	struct telling *t = c->scratch;
	char name[256];
	enum err err = lists_deny(permits_lists(c->env->permits), line, name, fault);

	if (!err)
		announced_remove(c->env->announced, name);
	t->denied += !err;
	return err;
}

static enum err each(struct api_call *c, const char *key, each_fn *fn, struct fault *fault)
{
	enum err err = E_OK;

	for (const struct json *n = json_first(json_get(c->body, key)); n && !err; n = json_next(n)) {
		if (!json_str(n).at)
			return fault_set(fault, E_PARSE, "\"%s\" wants a list of texts", key);
		err = fn(c, json_str(n), fault);
	}
	return err;
}

void api_list(struct api_call *c)
{
	struct fault fault = { 0 };
	struct telling *t = c->scratch = mem_new(sizeof(*t));
	enum err err = json_count(json_get(c->body, "allow")) + json_count(json_get(c->body, "deny")) ? E_OK :
		fault_set(&fault, E_PARSE, "wants {\"allow\": [names], \"deny\": [names]}");

	if (!err)
		err = each(c, "allow", check, &fault);
	if (!err)
		err = each(c, "deny", check, &fault);
	if (!err)
		err = each(c, "allow", allow, &fault);
	if (!err)
		err = each(c, "deny", deny, &fault);
	if (t->allowed) {
		names_reconsider(c->env->names);
		fleet_forget_refusals(*c->env->fleet);
	}
	if (err) {
		fault.code = err;
		api_refuse(c, &fault);
		return;
	}
	log_info(&area, "operator's list", "allowed=%u denied=%u", t->allowed, t->denied);
	lists_sync(permits_lists(c->env->permits), on_kept, c);
}

void api_listed(struct api_call *c)
{
	struct str max = api_query(c, "max"), from = api_query(c, "cursor"), name;
	struct json *out = json_new_object(), *list = json_put(out, "listed", json_new_array());
	char tenant[ROSTER_TENANT], text[CURSOR] = "";
	uint64_t n = LISTED_MAX, cursor = 0;
	bool is_allowed, is_more = true;

	if (!max.at || !str_to_u64(max, &n) || !n || n > LISTED_MAX)
		n = LISTED_MAX;
	if (from.at && !str_to_u64(from, &cursor))
		cursor = 0;
	while (n-- && (is_more = lists_next(permits_lists(c->env->permits), &cursor, &name, &is_allowed, tenant))) {
		struct json *o = json_new_object();

		json_put_str(o, "name", name);
		json_put_cstr(o, "is", is_allowed ? "allowed" : "denied");
		if (tenant[0])
			json_put_cstr(o, "tenant", tenant);
		json_append(list, o);
	}
	if (is_more)
		snprintf(text, sizeof(text), "%llu", (unsigned long long)cursor);
	json_put_cstr(out, "cursor", text);
	api_answer(c, 200, &out);
}
