/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * command_names: one POST; for what takes time, then questions until it is over.
 */
#include "proxy/command_names.h"

#include <time.h>

#include "base/check.h"
#include "base/clock.h"
#include "proxy/admin/client.h"
#include "proxy/command_look.h"

enum { WAIT_MS = 10 * 60 * 1000, PAUSE_MS = 150 };

struct wish {
	struct command_call *call;
	struct conf *conf;
	char name[COMMAND_NAME];
	struct fault fault;
	char serial[160];       /* before */
};

static enum err begin(struct wish *w, struct command_call *c)
{
	*w = (struct wish){ .call = c, .conf = command_load_admin(c) };
	return w->conf ? command_series(c->line.words[0], w->name, &w->fault) : E_CONFIG;
}

static int end(struct wish *w, int code)
{
	conf_unref(&w->conf);
	return code;
}

static int fail(struct wish *w, enum err err)
{
	/* Without configuration the problems are printed already. */
	return end(w, w->conf ? command_fail(w->call, err, &w->fault) : COMMAND_FAILED);
}

static enum err refusal(const struct admin_reply *reply, struct fault *fault)
{
	const struct json *cause = json_get(reply->json, "cause");
	struct str code = json_get_str(cause, "code"), detail = json_get_str(cause, "detail");
	struct str during = json_get_str(cause, "during");
	uint64_t number = 0;

	if (code.len > 3)
		str_to_u64(str_of(code.at + 3, code.len - 3), &number);
	if (during.len)
		fault_during(fault, "%s", during.at);
	return fault_set(fault, err_by_code((int)number) ? err_by_code((int)number) : E_INTERNAL, "%.*s",
		STR_FMT(detail));
}

/* *json (may be NULL) is the caller's. */
static enum err post(struct wish *w, const char *verb, const char *query, struct json **json)
{
	struct admin_reply reply;
	char path[800];
	enum err err;

	snprintf(path, sizeof(path), "/v1/names/%s/%s%s", w->name, verb, query);
	err = admin_client_ask(w->conf, "POST", path, &reply, &w->fault);
	if (err == E_NOT_FOUND)
		fault_set(&w->fault, err, "nothing runs; start sallyport first, or give -c or --store");
	else if (!err && reply.status >= 300)
		err = refusal(&reply, &w->fault);
	if (!err && json) {
		*json = reply.json;
		reply.json = NULL;
	}
	admin_reply_fini(&reply);
	return err;
}

static bool is_one_working(const struct json *report)
{
	static const char *const states[] = { "queued", "ordering", "validating", "renewing" };
	struct str state = json_get_str(report, "state");

	for (size_t i = 0; i < ARRAY_LEN(states); i++)
		if (str_is(state, states[i]))
			return true;
	return false;
}

static bool is_working(const struct json *report)
{
	return is_one_working(report) || is_one_working(json_get(report, "second"));
}

static void rest(void)
{
	struct timespec pause = { .tv_nsec = PAUSE_MS * 1000L * 1000L };

	nanosleep(&pause, NULL);
}

/* The report once nothing is under way any more. */
static enum err wait_for_end(struct wish *w, struct json **report)
{
	int64_t until = clock_mono_ms() + WAIT_MS;

	for (;;) {
		enum err err = command_report(w->conf, w->name, report, &w->fault);

		if (err || !is_working(*report) || clock_mono_ms() >= until)
			return err;
		json_free(report);
		rest();
	}
}

static void note_serial(struct wish *w)
{
	struct json *report = NULL;
	struct fault ignored = { 0 };

	if (command_report(w->conf, w->name, &report, &ignored) == E_OK)
		str_copy(w->serial, sizeof(w->serial), json_get_str(json_get(report, "served"), "serial"));
	json_free(&report);
}

static int tell_begun(struct wish *w, struct json **json)
{
	if (w->call->line.json && *json)
		command_print_json(w->call->args->out, json);
	else if (!w->call->line.json)
		fprintf(w->call->args->out, "%s: begun\n", w->name);
	json_free(json);
	return end(w, COMMAND_FINE);
}

enum newness { ANY_CERTIFICATE, ANOTHER_CERTIFICATE };

static bool is_same(const struct wish *w, const struct json *report)
{
	return w->serial[0] && str_is(json_get_str(json_get(report, "served"), "serial"), w->serial);
}

/* A report that was begun before the end may name what was served then: one more tells. */
static enum err wait_for_outcome(struct wish *w, enum newness wanted, struct json **report)
{
	enum err err = wait_for_end(w, report);

	if (err || wanted == ANY_CERTIFICATE || !is_same(w, *report))
		return err;
	json_free(report);
	rest();
	return wait_for_end(w, report);
}

static int order(struct command_call *c, const char *verb, enum newness wanted)
{
	struct wish w;
	struct json *json = NULL;
	enum err err = begin(&w, c);
	bool has_failed;
	int code;

	if (!err) {
		note_serial(&w);
		err = post(&w, verb, "", &json);
	}
	if (err)
		return fail(&w, err);
	if (c->line.values[VALUE_NO_WAIT])
		return tell_begun(&w, &json);
	json_free(&json);
	err = wait_for_outcome(&w, wanted, &json);
	if (err)
		return fail(&w, err);
	has_failed = wanted == ANOTHER_CERTIFICATE && is_same(&w, json);
	code = command_tell_report(c, &json);
	return end(&w, code == COMMAND_FINE && has_failed ? COMMAND_FAILED : code);
}

int command_issue(struct command_call *c)
{
	return order(c, "issue", ANY_CERTIFICATE);
}

int command_renew(struct command_call *c)
{
	return order(c, "renew", ANOTHER_CERTIFICATE);
}

static int simple(struct command_call *c, const char *verb, const char *query, const char *done)
{
	struct wish w;
	struct json *json = NULL;
	enum err err = begin(&w, c);

	if (!err)
		err = post(&w, verb, query, &json);
	if (err)
		return fail(&w, err);
	if (c->line.json && json)
		command_print_json(c->args->out, &json);
	else if (!c->line.json)
		fprintf(c->args->out, "%s: %s%s%s\n", w.name, done, json_get(json, "then") ? ", " : "",
			json_get(json, "then") ? json_get_str(json, "then").at : "");
	json_free(&json);
	return end(&w, COMMAND_FINE);
}

int command_add(struct command_call *c)
{
	return simple(c, "add", "", "announced; ordered as soon as it has an address in DNS");
}

int command_forget(struct command_call *c)
{
	return simple(c, "forget", "", "forgotten");
}

int command_revoke(struct command_call *c)
{
	const char *reason = c->line.values[VALUE_REASON];
	char query[96] = "";

	if (reason && (strlen(reason) > 64 || strspn(reason, "abcdefghijklmnopqrstuvwxyz"
		"ABCDEFGHIJKLMNOPQRSTUVWXYZ") != strlen(reason))) {
		fprintf(c->args->err, "SP-%d no such reason\n", err_code(E_USAGE));
		return COMMAND_USAGE;
	}
	if (reason)
		snprintf(query, sizeof(query), "?reason=%s", reason);
	return simple(c, "revoke", query, "revoked");
}
