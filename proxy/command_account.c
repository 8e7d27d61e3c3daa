/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * command_account: "show" asks the running instance what it knows and each CA what it says of us, or reads the
 * store when nothing runs; all else is one wish to the running instance.
 */
#include "proxy/command_account.h"

#include <errno.h>
#include <stdio.h>

#include "acme/account_wish.h"
#include "base/check.h"
#include "proxy/admin/client.h"
#include "proxy/admin/offline.h"
#include "proxy/command_look.h"

enum { KEY_FILE_MAX = 16 * 1024 };

struct account_call {
	struct command_call *call;
	struct conf *conf;
	const char *word, *ca;      /* ca: NULL for all, or the only one */
	enum account_wish_kind kind;
	struct buf key;             /* of --key */
	struct fault fault;
};

static const char *text_of(const struct json *o, const char *key)
{
	struct str s = json_get_str(o, key);

	return s.at ? s.at : "";
}

/* ---- one wish ---- */

static enum err refusal(const struct admin_reply *reply, struct fault *fault)
{
	const struct json *cause = json_get(reply->json, "cause");
	struct str code = json_get_str(cause, "code");
	enum err err = E_INTERNAL;
	uint64_t number = 0;

	if (code.len > 3 && str_to_u64(str_of(code.at + 3, code.len - 3), &number)
		&& err_by_code((int)number))
		err = err_by_code((int)number);
	if (text_of(cause, "during")[0])
		fault_during(fault, "%s", text_of(cause, "during"));
	fault->status = (int)json_number(json_get(cause, "status"), 0);
	str_copy(fault->type, sizeof(fault->type), json_get_str(cause, "type"));
	return fault_set(fault, err, "%s%s%s%s", text_of(cause, "detail"), fault->type[0] ? " [" : "", fault->type,
		fault->type[0] ? "]" : "");
}

/* *json is the caller's. */
static enum err wish(struct account_call *a, const char *word, const char *ca, struct json **json)
{
	struct json *body = json_new_object();
	struct admin_reply reply;
	enum err err;

	json_put_cstr(body, "do", word);
	if (ca)
		json_put_cstr(body, "ca", ca);
	if (a->key.len)
		json_put_str(body, "key", buf_str(&a->key));
	err = admin_client_send(a->conf, "/v1/accounts", body, &reply, &a->fault);
	json_free(&body);
	if (err == E_NOT_FOUND)
		fault_set(&a->fault, err, "nothing runs; start sallyport first, or give -c or --store");
	else if (!err && !reply.json)
		err = fault_set(&a->fault, E_PARSE, "the instance's answer makes no sense");
	else if (!err && reply.status >= 300)
		err = refusal(&reply, &a->fault);
	if (!err) {
		*json = reply.json;
		reply.json = NULL;
	}
	admin_reply_fini(&reply);
	return err;
}

/* ---- telling ---- */

static void print_said(FILE *out, const struct json *o)
{
	const struct json *said = json_get(o, "ca_says"), *cause = json_get(o, "ca_refuses");

	if (text_of(said, "status")[0] || text_of(said, "contact")[0])
		fprintf(out, "  CA says  %s%s%s\n", text_of(said, "status"),
			text_of(said, "status")[0] && text_of(said, "contact")[0] ? ", " : "",
			text_of(said, "contact"));
	if (cause)
		fprintf(out, "  CA says  no: %s\n", text_of(cause, "detail"));
}

static void print_account(FILE *out, const struct json *o)
{
	fprintf(out, "%s  %s\n", text_of(o, "ca"), text_of(o, "directory"));
	fprintf(out, "  account  %s%s%s%s%s\n", text_of(o, "account")[0] ? text_of(o, "account") : "none",
		text_of(o, "account")[0] ? ", " : "", text_of(o, "account")[0] ? text_of(o, "state") : "",
		json_get(o, "registered_at") ? ", since " : "", text_of(o, "registered_at"));
	if (json_get(o, "why"))
		fprintf(out, "  why      %s\n", text_of(o, "why"));
	if (json_get(o, "key"))
		fprintf(out, "  key      %s, thumbprint %s%s\n", text_of(o, "key"), text_of(o, "thumbprint"),
			json_get(o, "key_change_unsettled") ? ", a change of it is not settled yet" : "");
	if (json_get(o, "contact"))
		fprintf(out, "  contact  %s\n", text_of(o, "contact"));
	if (json_get(o, "refused_contact"))
		fprintf(out, "  contact  %s was refused by the CA\n", text_of(o, "refused_contact"));
	if (json_get(o, "previous"))
		fprintf(out, "  before   %s until %s; CAA accounturi and dns-persist-01 records must name the "
			"new one\n", text_of(o, "previous"), text_of(o, "changed_at"));
	print_said(out, o);
}

/* The CA's standing towards us, as an exit code. */
static int exit_code(const struct json *o)
{
	struct str state = json_get_str(o, "state");
	bool is_fine = str_is(state, "good") || str_is(state, "none") || str_is(state, "unregistered");

	return is_fine && !json_get(o, "ca_refuses") ? COMMAND_FINE : COMMAND_DEGRADED;
}

/* ---- show ---- */

static enum err read_accounts(struct account_call *a, struct json **json)
{
	struct admin_reply reply;
	enum err err = admin_client_ask(a->conf, "GET", "/v1/accounts", &reply, &a->fault);

	if (!err && reply.status != 200)
		err = fault_set(&a->fault, E_PARSE, "the instance's answer makes no sense");
	if (!err) {
		*json = reply.json;
		reply.json = NULL;
	}
	admin_reply_fini(&reply);
	if (err != E_NOT_FOUND)
		return err;
	fault_clear(&a->fault);
	return offline_accounts(a->conf, json, &a->fault);
}

static bool is_wanted(const struct account_call *a, const struct json *o)
{
	return !a->ca || str_is(json_get_str(o, "ca"), a->ca) || str_is(json_get_str(o, "directory"), a->ca);
}

static void put_refusal(struct json *to, const struct fault *fault)
{
	struct json *cause = json_put(to, "ca_refuses", json_new_object());

	json_put_cstr(cause, "text", err_text(fault->code));
	json_put_cstr(cause, "detail", fault->detail);
}

/* What is known, and what the CA says now; the caller's. */
static struct json *look(struct account_call *a, const struct json *known, bool is_running)
{
	struct json *told = NULL, *copy = NULL;
	struct buf text;

	if (is_running && json_get(known, "account")
		&& wish(a, "show", text_of(known, "directory"), &told) == E_OK)
		return told;
	buf_init(&text, 0);
	if (json_print(known, &text, false) == E_OK)
		json_parse(buf_str(&text), &json_limits_default, &copy, NULL);
	buf_fini(&text);
	if (!copy)
		copy = json_new_object();
	if (a->fault.code)
		put_refusal(copy, &a->fault);
	fault_clear(&a->fault);
	return copy;
}

static int tell_all(struct account_call *a, const struct json *root)
{
	bool is_running = json_bool(json_get(root, "running"), false);
	struct json *out = json_new_object(), *list = json_put(out, "accounts", json_new_array());
	int code = COMMAND_FINE;

	json_put_bool(out, "running", is_running);
	for (const struct json *o = json_first(json_get(root, "accounts")); o; o = json_next(o)) {
		struct json *one;

		if (!is_wanted(a, o))
			continue;
		one = look(a, o, is_running);
		code = exit_code(one) ? exit_code(one) : code;
		if (!a->call->line.json)
			print_account(a->call->args->out, one);
		json_append(list, one);
	}
	if (a->ca && !json_count(list)) {
		fault_set(&a->fault, E_NOT_FOUND, "%.200s is not among those of acme.ca", a->ca);
		code = command_fail(a->call, E_NOT_FOUND, &a->fault);
	} else if (a->call->line.json) {
		command_print_json(a->call->args->out, &out);
	} else if (!is_running) {
		fprintf(a->call->args->out, "nothing runs; this is what the store tells\n");
	}
	json_free(&out);
	return code;
}

static int show(struct account_call *a)
{
	struct json *root = NULL;
	enum err err = read_accounts(a, &root);
	int code = err ? command_fail(a->call, err, &a->fault) : tell_all(a, root);

	json_free(&root);
	return code;
}

/* ---- all else ---- */

static enum err read_key(struct account_call *a)
{
	const char *path = a->call->line.values[VALUE_KEY];
	char text[KEY_FILE_MAX];
	FILE *f = path ? fopen(path, "re") : NULL;
	size_t len;

	if (!path)
		return E_OK;
	if (!f)
		return fault_set(&a->fault, E_FILE, "%.200s: %s", path, strerror(errno));
	len = fread(text, 1, sizeof(text), f);
	fclose(f);
	if (!len || len == sizeof(text))
		return fault_set(&a->fault, E_FILE, "%.200s: empty, or too large for a key", path);
	buf_add(&a->key, str_of(text, len));
	mem_wipe(text, sizeof(text));
	return E_OK;
}

static int act(struct account_call *a)
{
	static const char *const done[ACCOUNT_WISH_COUNT] = { [ACCOUNT_WISH_CONTACT] = "contact told",
		[ACCOUNT_WISH_AGREE] = "agreed", [ACCOUNT_WISH_ROLLOVER] = "the account has a new key",
		[ACCOUNT_WISH_DEACTIVATE] = "deactivated; no other is made until 'sallyport account register'",
		[ACCOUNT_WISH_REGISTER] = "registered" };
	struct json *json = NULL;
	enum err err = read_key(a);

	if (!err)
		err = wish(a, a->word, a->ca, &json);
	if (err)
		return command_fail(a->call, err, &a->fault);
	if (a->call->line.json) {
		command_print_json(a->call->args->out, &json);
		return COMMAND_FINE;
	}
	fprintf(a->call->args->out, "%s: %s\n", text_of(json, "ca"), done[a->kind]);
	print_account(a->call->args->out, json);
	json_free(&json);
	return COMMAND_FINE;
}

static int complain(const struct command_call *c, const char *why)
{
	fprintf(c->args->err, "SP-%d %s\n", err_code(E_USAGE), why);
	return COMMAND_USAGE;
}

int command_account(struct command_call *c)
{
	struct account_call a = { .call = c, .word = c->line.n_words ? c->line.words[0] : "show",
		.ca = c->line.n_words > 1 ? c->line.words[1] : NULL };
	int code;

	if (!account_wish_named(str_from(a.word), &a.kind) || a.kind == ACCOUNT_WISH_RELOAD)
		return complain(c, "say what: account show, rollover, contact, agree, deactivate or register");
	if (a.kind == ACCOUNT_WISH_DEACTIVATE && (!a.ca || !c->line.values[VALUE_YES]))
		return complain(c, "a deactivated account never comes back; say which CA, and --yes");
	if (c->line.values[VALUE_KEY] && a.kind != ACCOUNT_WISH_ROLLOVER)
		return complain(c, "--key is for rollover");
	a.conf = command_load_admin(c);
	if (!a.conf)
		return COMMAND_FAILED;
	buf_init(&a.key, KEY_FILE_MAX);
	code = a.kind == ACCOUNT_WISH_SHOW ? show(&a) : act(&a);
	mem_wipe(a.key.at, a.key.len);
	buf_fini(&a.key);
	conf_unref(&a.conf);
	return code;
}
