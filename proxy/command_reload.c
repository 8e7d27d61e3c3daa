/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * command_reload: the instance does the work; what it refuses is printed as "check" would print it.
 */
#include "proxy/command_reload.h"

#include "base/check.h"
#include "proxy/admin/client.h"
#include "proxy/command_look.h"

static const char *text_of(const struct json *o, const char *key)
{
	struct str s = json_get_str(o, key);

	return s.at ? s.at : "";
}

/* ---- what was refused ---- */

static enum err code_of(const struct json *cause)
{
	struct str code = json_get_str(cause, "code");
	uint64_t number = 0;

	if (code.len > 3)
		str_to_u64(str_of(code.at + 3, code.len - 3), &number);
	return err_by_code((int)number) ? err_by_code((int)number) : E_INTERNAL;
}

static void print_refusal(const struct command_call *c, const struct json *reply)
{
	const struct json *cause = json_get(reply, "cause"), *problems = json_get(reply, "problems");
	enum err err = code_of(cause);
	struct fault fault = { 0 };

	if (!json_count(problems)) {
		fault_during(&fault, "%s", text_of(cause, "during"));
		fault_set(&fault, err, "%s", text_of(cause, "detail"));
		command_print_fault(c->args->err, &fault);
		return;
	}
	for (const struct json *p = json_first(problems); p; p = json_next(p))
		fprintf(c->args->err, "%s\n", json_str(p).at);
	fprintf(c->args->err, "SP-%d %s\n  fix    %s\n", err_code(err), err_text(err), err_advice(err));
}

/* ---- what changes ---- */

static void print_change(FILE *out, const struct json *change)
{
	const char *path = text_of(change, "path"), *before = text_of(change, "before");
	const char *after = text_of(change, "after");
	bool waits = str_is(json_get_str(change, "reload"), "restart");

	if (!json_get(change, "before"))
		fprintf(out, "  + %s: %s", path, after);
	else if (!json_get(change, "after"))
		fprintf(out, "  - %s: %s", path, before);
	else
		fprintf(out, "    %s: %s -> %s", path, before, after);
	fprintf(out, "%s\n", waits ? "   (needs a restart)" : "");
}

static void print_changes(FILE *out, const struct json *reply, bool is_plan)
{
	const struct json *changes = json_get(reply, "changes");
	double more = json_number(json_get(reply, "more_changes"), 0);
	double waiting = json_number(json_get(reply, "need_restart"), 0);
	double n = (double)json_count(changes) + more;

	fprintf(out, is_plan ? "a reload would change %.0f %s\n" : "reloaded, %.0f %s\n", n,
		is_plan ? n == 1 ? "thing" : "things" : n == 1 ? "change" : "changes");
	for (const struct json *change = json_first(changes); change; change = json_next(change))
		print_change(out, change);
	if (more > 0)
		fprintf(out, "  … and %.0f more\n", more);
	if (waiting > 0)
		fprintf(out, "%.0f of them %s in force after a restart only; %s\n", waiting,
			waiting == 1 ? "is" : "are", is_plan ? "a reload would do the rest" : "the rest is now");
}

static int tell(const struct command_call *c, struct admin_reply *reply, bool is_plan)
{
	bool is_good = json_bool(json_get(reply->json, "ok"), false);
	bool waits = json_number(json_get(reply->json, "need_restart"), 0) > 0;

	if (c->line.json)
		command_print_json(c->args->out, &reply->json);
	else if (is_good)
		print_changes(c->args->out, reply->json, is_plan);
	else
		print_refusal(c, reply->json);
	return !is_good ? COMMAND_FAILED : waits ? COMMAND_DEGRADED : COMMAND_FINE;
}

static int ask(const struct command_call *c, bool is_plan)
{
	struct conf *conf = command_find_instance(c);
	struct admin_reply reply;
	struct fault fault = { 0 };
	int code;
	enum err err = admin_client_ask(conf, is_plan ? "GET" : "POST", is_plan ? "/v1/plan" : "/v1/reload",
		&reply, &fault);

	if (err == E_NOT_FOUND)
		fault_set(&fault, err, "nothing runs; start sallyport first, or give -c or --store");
	else if (!err && !reply.json)
		err = fault_set(&fault, E_PARSE, "the instance's answer makes no sense");
	code = err ? command_fail(c, err, &fault) : tell(c, &reply, is_plan);
	admin_reply_fini(&reply);
	conf_unref(&conf);
	return code;
}

int command_reload(struct command_call *c)
{
	return ask(c, c->line.values[VALUE_DRY_RUN]);
}

int command_plan(struct command_call *c)
{
	return ask(c, true);
}
