/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * api_reload: the configuration read again, and what that changes. Also the part of the status about it.
 */
#include <stdio.h>

#include "base/check.h"
#include "proxy/admin/api.h"
#include "proxy/admin/api_reload.h"

static void put_text(struct json *o, const char *key, const char *text)
{
	if (text)
		json_put_cstr(o, key, text);
}

static void put_changes(struct json *out, const struct diff *d)
{
	struct json *list = json_put(out, "changes", json_new_array());

	for (unsigned i = 0; d && i < d->n; i++) {
		struct json *o = json_new_object();

		json_put_cstr(o, "path", d->at[i].path);
		put_text(o, "before", d->at[i].before);
		put_text(o, "after", d->at[i].after);
		json_put_cstr(o, "reload", d->at[i].reload == RELOAD_RESTART ? "restart" : "live");
		json_append(list, o);
	}
	json_put_number(out, "more_changes", d ? d->n_more : 0);
	json_put_number(out, "need_restart", d ? d->n_restart : 0);
}

static void put_problems(struct json *out, const struct conf_problems *problems)
{
	struct json *list = json_put(out, "problems", json_new_array());

	for (unsigned i = 0; i < problems->n; i++)
		json_append_str(list, str_from(problems->at[i].text));
}

static struct json *json_of(const struct reload_outcome *o)
{
	struct json *out = json_new_object();

	json_put_bool(out, "ok", !o->err);
	api_put_time(out, "at", o->at_ms);
	json_put_number(out, "ms", (double)o->took_ms);
	if (o->err) {
		char code[16];

		snprintf(code, sizeof(code), "SP-%d", err_code(o->err));
		json_put_cstr(out, "code", code);
		json_put(out, "cause", api_fault(&o->fault));
		put_problems(out, &o->problems);
	} else {
		put_changes(out, o->diff);
	}
	return out;
}

static void on_outcome(void *owner, const struct reload_outcome *o)
{
	struct api_call *c = owner;
	struct json *out = json_of(o);

	api_answer(c, !o->err ? 200 : o->err == E_DRAINING ? 503 : 422, &out);
}

void api_configure(struct api_call *c)
{
	reload_start(c->env->reload, RELOAD_APPLY, on_outcome, c);
}

void api_plan(struct api_call *c)
{
	reload_start(c->env->reload, RELOAD_PLAN, on_outcome, c);
}

/* ---- for the status ---- */

static void degrade(struct json *degraded, const char *format, const char *text)
{
	char line[900];

	snprintf(line, sizeof(line), format, text);
	json_append_str(degraded, str_from(line));
}

void api_reload_status(struct reload *r, struct json *out, struct json *degraded)
{
	const struct reload_outcome *last = reload_last(r);

	if (!last)
		return;
	json_put(out, "reload", json_of(last));
	if (last->err && last->problems.n)
		degrade(degraded, "the configuration on disk was refused, the one before is in force: %s",
			last->problems.at[0].text);
	else if (last->err)
		degrade(degraded, "the configuration on disk was refused, the one before is in force: %s",
			last->fault.detail);
	for (unsigned i = 0; !last->err && i < last->diff->n; i++)
		if (last->diff->at[i].reload == RELOAD_RESTART)
			degrade(degraded, "a change of %s waits for a restart", last->diff->at[i].path);
}
