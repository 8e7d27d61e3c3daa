/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * api_probe: plants a challenge for diagnose, and tells whether it was met.
 */
#include "base/check.h"
#include "proxy/admin/api.h"
#include "proxy/admin/probe.h"

static void answer(struct api_call *c)
{
	struct probe_look look;
	struct fault fault = { 0 };
	struct json *out;

	if (!probes_look(c->env->probes, c->name, &look)) {
		fault_set(&fault, E_NOT_FOUND, "nothing is planted for %s", c->name);
		api_refuse(c, &fault);
		return;
	}
	out = json_new_object();
	json_put_cstr(out, "token", look.token);
	json_put_cstr(out, "key_authorization", look.key_authorization);
	json_put_number(out, "http_seen", look.http_seen);
	json_put_number(out, "alpn_seen", look.alpn_seen);
	api_answer(c, 200, &out);
}

static void on_planted(void *owner, enum err err)
{
	struct api_call *c = owner;
	struct fault fault = { 0 };

	if (!err) {
		answer(c);
		return;
	}
	fault_set(&fault, err, "the probe could not be planted");
	api_refuse(c, &fault);
}

void api_plant(struct api_call *c)
{
	struct fault fault = { 0 };

	if (series_is_second(c->name))
		fault_set(&fault, E_NAME, "a name is tried, not one of its certificates");
	else if (issuer_find(c->env->issuer, c->name))
		fault_set(&fault, E_LOCKED, "its own validation is under way; try again when that is over");
	else if (probes_plant(c->env->probes, c->name, on_planted, c))
		fault_set(&fault, E_LIMIT, "too many probes at a time");
	if (fault.code)
		api_refuse(c, &fault);
}

void api_probe(struct api_call *c)
{
	answer(c);
}
