/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * command: a table of commands; a command is a function from a command line to an exit code.
 */
#include "proxy/command.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/json.h"
#include "conf/load.h"
#include "conf/schema.h"
#include "net/http/h1_parser.h"
#include "net/loop.h"
#include "net/tls_context.h"
#include "proxy/command_account.h"
#include "proxy/ask_check.h"
#include "proxy/command_call.h"
#include "proxy/command_diagnose.h"
#include "proxy/command_export.h"
#include "proxy/command_import.h"
#include "proxy/command_listed.h"
#include "proxy/command_look.h"
#include "proxy/command_names.h"
#include "proxy/command_reload.h"
#include "proxy/command_store.h"
#include "proxy/control.h"
#include "proxy/names_file.h"
#include "proxy/snapshot.h"
#include "proxy/startup.h"

static int run(struct command_call *c);
static int proxy(struct command_call *c);
static int check(struct command_call *c);
static int config(struct command_call *c);
static int schema(struct command_call *c);
static int version(struct command_call *c);
static int help(struct command_call *c);

enum { OPTIONS_NAMES = OPTIONS_CONF | OPTIONS_ADMIN | OPTIONS_JSON | OPTIONS_WAIT };

static const struct command {
	const char *name;
	const char *words;        /* for usage */
	unsigned least, most;     /* of them */
	unsigned options;
	int (*fn)(struct command_call *c);
	const char *help;
} commands[] = {
	{ "proxy", "HOST UPSTREAM", 2, 2, OPTIONS_CONF | OPTIONS_PROXY, proxy,
		"put TLS in front of one upstream: sallyport proxy app.example.com 3000" },
	{ "run", "", 0, 0, OPTIONS_CONF, run, "run by configuration file and environment" },
	{ "check", "", 0, 0, OPTIONS_CONF | OPTIONS_JSON | OPTIONS_ONLINE, check,
		"read the configuration and the certificates it names, and say what is wrong" },
	{ "config", "", 0, 0, OPTIONS_CONF | OPTIONS_ORIGIN | OPTIONS_JSON, config,
		"print the effective configuration, and where each value comes from" },
	{ "plan", "", 0, 0, OPTIONS_CONF | OPTIONS_ADMIN | OPTIONS_JSON, command_plan,
		"what a reload would change in the running instance, row by row; nothing is changed" },
	{ "reload", "", 0, 0, OPTIONS_CONF | OPTIONS_ADMIN | OPTIONS_JSON | OPTIONS_RELOAD, command_reload,
		"have the running instance read its configuration again, without closing a connection" },
	{ "status", "", 0, 0, OPTIONS_CONF | OPTIONS_ADMIN | OPTIONS_JSON | OPTIONS_QUIET, command_status,
		"how the running instance is; exit code 3 when something needs a look" },
	{ "certs", "", 0, 0, OPTIONS_CONF | OPTIONS_ADMIN | OPTIONS_JSON | OPTIONS_PAGE, command_certs,
		"list the certificates of the store" },
	{ "why", "NAME", 1, 1, OPTIONS_CONF | OPTIONS_ADMIN | OPTIONS_JSON, command_why,
		"explain one name: what is served, what failed, what comes next; NAME+rsa: of two certificates that one" },
	{ "issue", "NAME", 1, 1, OPTIONS_NAMES, command_issue,
		"get a certificate now if there is no good one, whatever failed before" },
	{ "renew", "NAME", 1, 1, OPTIONS_NAMES, command_renew, "replace the certificate now, due or not; of two certificates both, or with NAME+rsa that one" },
	{ "add", "NAME", 1, 1, OPTIONS_CONF | OPTIONS_ADMIN | OPTIONS_JSON, command_add,
		"announce a name: allowed without asking, ordered when its DNS record appears" },
	{ "allow", "[NAME …]", 0, COMMAND_LINE_WORDS,
		OPTIONS_CONF | OPTIONS_ADMIN | OPTIONS_JSON | OPTIONS_LIST | OPTIONS_TENANT, command_allow,
		"allow names, or rules like *.example.com, without asking; restarts remember it" },
	{ "deny", "[NAME …]", 0, COMMAND_LINE_WORDS, OPTIONS_CONF | OPTIONS_ADMIN | OPTIONS_JSON | OPTIONS_LIST,
		command_deny, "no new certificate and no renewal for these names, whoever else allows them" },
	{ "listed", "", 0, 0, OPTIONS_CONF | OPTIONS_ADMIN | OPTIONS_JSON, command_listed,
		"list what allow and deny were told" },
	{ "forget", "NAME", 1, 1, OPTIONS_CONF | OPTIONS_ADMIN | OPTIONS_JSON, command_forget,
		"remove all there is of a name, its certificate too" },
	{ "revoke", "NAME", 1, 1, OPTIONS_CONF | OPTIONS_ADMIN | OPTIONS_JSON | OPTIONS_REVOKE,
		command_revoke, "revoke the certificate at its CA, and replace it" },
	{ "account", "[show|rollover|contact|agree|deactivate|register] [CA]", 0, 2,
		OPTIONS_CONF | OPTIONS_ADMIN | OPTIONS_JSON | OPTIONS_ACCOUNT, command_account,
		"our accounts at the CAs: look at them, change a key, tell a contact, agree, end, begin" },
	{ "audit", "", 0, 0, OPTIONS_CONF | OPTIONS_ADMIN | OPTIONS_JSON | OPTIONS_AUDIT, command_audit,
		"check that no entry of the log of issued certificates was changed or left out" },
	{ "root", "", 0, 0, OPTIONS_CONF | OPTIONS_ADMIN, command_root,
		"print the root certificate of the internal CA: trust it to trust localhost" },
	{ "diagnose", "NAME", 1, 1, OPTIONS_CONF | OPTIONS_ADMIN | OPTIONS_JSON | OPTIONS_DIAGNOSE, command_diagnose,
		"look at a name as a CA does, from here; advice only" },
	{ "export", "NAME", 1, 1, OPTIONS_CONF | OPTIONS_ADMIN | OPTIONS_JSON | OPTIONS_EXPORT, command_export,
		"print key and chain of a name, or write them as files for other servers" },
	{ "import", "PATH [PATH …]", 1, COMMAND_LINE_WORDS,
		OPTIONS_CONF | OPTIONS_ADMIN | OPTIONS_JSON | OPTIONS_IMPORT, command_import,
		"adopt certificates and accounts of certbot, Caddy, Traefik, acme.sh, mod_md or PEM files" },
	{ "schema", "", 0, 0, OPTIONS_JSON, schema, "print the JSON Schema of the configuration" },
	{ "version", "", 0, 0, OPTIONS_JSON, version, "print the versions of this program and its libraries" },
	{ "help", "[CODE|COMMAND]", 0, 1, OPTIONS_JSON, help,
		"explain an error code (sallyport help SP-204) or a command" },
};

static const struct command *find(const char *name)
{
	if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0)
		name = "version";
	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
		name = "help";
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		if (strcmp(name, commands[i].name) == 0)
			return &commands[i];
	return NULL;
}

static void print_overview(FILE *out)
{
	fprintf(out, "usage: sallyport COMMAND …\n\n");
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		fprintf(out, "  %-8s %s\n", commands[i].name, commands[i].help);
	fprintf(out, "\n'sallyport help COMMAND' tells more.\n");
}

static void print_command(FILE *out, const struct command *command)
{
	fprintf(out, "usage: sallyport %s%s%s [OPTION …]\n\n%s\n\n", command->name,
		command->words[0] ? " " : "", command->words, command->help);
	command_line_print_options(out, command->options);
}

static int usage(const struct command_args *args, const struct command *command, const char *complaint)
{
	fprintf(args->err, "SP-%d %s\n\n", err_code(E_USAGE), complaint);
	if (command)
		print_command(args->err, command);
	else
		print_overview(args->err);
	return COMMAND_USAGE;
}

static int dispatch(struct command_call *c, const struct command *command)
{
	char complaint[256];

	if (!command_line_parse(&c->line, c->args->arguments + 1, command->options, complaint))
		return usage(c->args, command, complaint);
	if (c->line.help) {
		print_command(c->args->out, command);
		return COMMAND_FINE;
	}
	if (c->line.n_words < command->least || c->line.n_words > command->most)
		return usage(c->args, command, command->most ? "too few or too many words" :
			"this command takes no words");
	return command->fn(c);
}

/* "certs audit" and "certs root" are audit and root. */
static bool is_about_certs(char *const *words)
{
	return words[0] && words[1] && strcmp(words[0], "certs") == 0 &&
		(strcmp(words[1], "audit") == 0 || strcmp(words[1], "root") == 0);
}

int command_run(const struct command_args *given)
{
	struct command_args own = *given, *args = &own;
	struct command_call c = { .args = args };
	const struct command *command;
	const char *name;
	char complaint[256];
	int code;

	args->arguments += is_about_certs(args->arguments);
	name = args->arguments[0];
	command = name ? find(name) : NULL;
	if (!name)
		return usage(args, NULL, "a command is missing");
	if (!command) {
		snprintf(complaint, sizeof(complaint), "there is no command \"%.100s\"", name);
		return usage(args, NULL, complaint);
	}
	code = dispatch(&c, command);
	command_line_fini(&c.line);
	return code;
}

/* ---- proxy, run ---- */

static int run_conf(struct command_call *c, const struct load_args *sources, const char *from)
{
	struct load_args args = *sources;
	struct conf *conf = command_load(c, &args);
	struct fault fault = { 0 };
	enum err err;

	if (!conf)
		return COMMAND_FAILED;
	startup_log_setup(conf);
	err = control_run(&(struct control_args){ conf, from, args }, &fault);
	conf_unref(&conf);
	if (!err)
		return COMMAND_FINE;
	fault.code = err;
	command_print_fault(c->args->err, &fault);
	return COMMAND_FAILED;
}

static int proxy(struct command_call *c)
{
	struct load_args args = {
		.file = command_config_file(c, false),
		.proxy_host = c->line.words[0],
		.proxy_to = c->line.words[1],
	};

	return run_conf(c, &args, "command line");
}

static int run(struct command_call *c)
{
	struct load_args args = { .file = command_config_file(c, true) };

	return run_conf(c, &args, args.file ? args.file : "environment");
}

/* ---- check, config, schema ---- */

/* What only shows when files are opened. */
static enum err check_files(struct conf *conf, struct fault *fault)
{
	struct tls_tickets *tickets;
	struct snapshot *snapshot = NULL;
	size_t names;
	enum err err = tls_setup();

	if (err)
		return fault_set(fault, err, "the TLS library does not start");
	tickets = tls_tickets_new();
	err = snapshot_new(conf, tickets, &snapshot, fault);
	if (!err && conf->on_demand.names_file) {
		fault_clear(fault);
		err = names_file_check(conf->on_demand.names_file, &names, fault);
	}
	snapshot_unref(&snapshot);
	tls_tickets_free(&tickets);
	return err;
}

struct online {
	const struct command_call *call;
	struct json *list;             /* with --json */
	int code;
};

static void on_endpoint(void *owner, const struct endpoint_look *look)
{
	struct online *o = owner;
	struct fault fault = look->fault;
	struct json *row;

	if (look->canary == ENDPOINT_OPEN)
		fault_set(&fault, E_ASK_OPEN, "%s allowed a name that cannot exist", look->url);
	if (fault.code)
		o->code = COMMAND_DEGRADED;
	fault_during(&fault, "asking %.70s", look->url);
	if (o->list) {
		row = json_new_object();
		json_put_cstr(row, "url", look->url);
		json_put_cstr(row, "canary", look->canary_text);
		if (fault.code)
			json_put_cstr(row, "detail", fault.detail);
		json_append(o->list, row);
	} else if (fault.code) {
		command_print_fault(o->call->args->err, &fault);
	} else {
		fprintf(o->call->args->out, "%s: good: it denies a name that cannot exist\n", look->url);
	}
}

static void check_online(struct online *o, const struct conf *conf)
{
	struct fault fault = { 0 };

	if (!o->call->line.values[VALUE_ONLINE] || !conf->on_demand.n_ask)
		return;
	if (ask_check(&conf->on_demand, "sallyport/" SALLYPORT_VERSION, on_endpoint, o, &fault)) {
		o->code = COMMAND_FAILED;
		command_print_fault(o->call->args->err, &fault);
	}
}

static int checked(const struct command_call *c, const struct conf *conf, const char *file)
{
	struct online online = { .call = c, .code = COMMAND_FINE };
	struct json *root;

	if (!c->line.json) {
		fprintf(c->args->out, "%s: good: %u %s, %u %s\n", file ? file : "environment",
			conf->n_sites, conf->n_sites == 1 ? "site" : "sites",
			conf->n_upstreams, conf->n_upstreams == 1 ? "upstream" : "upstreams");
		check_online(&online, conf);
		return online.code;
	}
	root = json_new_object();
	json_put_bool(root, "ok", true);
	json_put_number(root, "sites", conf->n_sites);
	json_put_number(root, "upstreams", conf->n_upstreams);
	online.list = json_put(root, "ask", json_new_array());
	check_online(&online, conf);
	command_print_json(c->args->out, &root);
	return online.code;
}

static int check(struct command_call *c)
{
	struct load_args args = { .file = command_config_file(c, true) };
	struct conf *conf = command_load(c, &args);
	struct conf_problems problems = { .n = 1 };
	struct fault fault = { 0 };
	int code = COMMAND_FAILED;

	if (!conf)
		return COMMAND_FAILED;
	if (check_files(conf, &fault) == E_OK) {
		code = checked(c, conf, args.file);
	} else if (c->line.json) {
		snprintf(problems.at[0].text, sizeof(problems.at[0].text), "%s: %s", fault.activity,
			fault.detail);
		command_problems_json(c->args->out, fault.code, &problems);
	} else {
		command_print_fault(c->args->err, &fault);
	}
	conf_unref(&conf);
	return code;
}

static int config(struct command_call *c)
{
	struct load_args args = { .file = command_config_file(c, true) };
	struct conf *conf = command_load(c, &args);
	struct buf text;
	enum err err;

	if (!conf)
		return COMMAND_FAILED;
	buf_init(&text, 0);
	err = load_print(conf, c->line.origin || !c->line.json, &text);
	if (!err)
		fprintf(c->args->out, "%s\n", buf_cstring(&text));
	buf_fini(&text);
	conf_unref(&conf);
	return err ? COMMAND_FAILED : COMMAND_FINE;
}

static int schema(struct command_call *c)
{
	struct buf text;
	enum err err;

	buf_init(&text, 0);
	err = schema_print(&text);
	if (!err)
		fprintf(c->args->out, "%s\n", buf_cstring(&text));
	buf_fini(&text);
	return err ? COMMAND_FAILED : COMMAND_FINE;
}

/* ---- version, help ---- */

static int version(struct command_call *c)
{
	const struct { const char *name, *key, *text; } libraries[] = {
		{ "wolfSSL", "wolfssl", tls_library_version() },
		{ "libuv", "libuv", loop_library_version() },
		{ "llhttp", "llhttp", h1_parser_library_version() },
		{ "cJSON", "cjson", json_library_version() },
	};
	struct json *root;

	if (!c->line.json) {
		fprintf(c->args->out, "sallyport %s (", SALLYPORT_VERSION);
		for (size_t i = 0; i < ARRAY_LEN(libraries); i++)
			fprintf(c->args->out, "%s%s %s", i ? ", " : "", libraries[i].name, libraries[i].text);
		fprintf(c->args->out, ")\n");
		return COMMAND_FINE;
	}
	root = json_new_object();
	json_put_cstr(root, "version", SALLYPORT_VERSION);
	for (size_t i = 0; i < ARRAY_LEN(libraries); i++)
		json_put_cstr(root, libraries[i].key, libraries[i].text);
	command_print_json(c->args->out, &root);
	return COMMAND_FINE;
}

static int explain(struct command_call *c, enum err err)
{
	struct json *root;
	char code[16];

	snprintf(code, sizeof(code), "SP-%d", err_code(err));
	if (!c->line.json) {
		fprintf(c->args->out, "%s %s\n", code, err_text(err));
		if (err_advice(err)[0])
			fprintf(c->args->out, "  fix    %s\n", err_advice(err));
		return COMMAND_FINE;
	}
	root = json_new_object();
	json_put_cstr(root, "code", code);
	json_put_cstr(root, "text", err_text(err));
	json_put_cstr(root, "advice", err_advice(err));
	command_print_json(c->args->out, &root);
	return COMMAND_FINE;
}

/* "SP-204", "sp-204" or "204". */
static enum err code_of(const char *word)
{
	struct str s = str_from(word);
	uint64_t code;

	if (s.len > 3 && str_equal_nocase(str_of(s.at, 3), STR("SP-")))
		s = str_of(s.at + 3, s.len - 3);
	return str_to_u64(s, &code) && code < 1000 ? err_by_code((int)code) : E_OK;
}

static int help(struct command_call *c)
{
	const char *word = c->line.n_words ? c->line.words[0] : NULL;
	const struct command *command = word ? find(word) : NULL;
	char complaint[256];

	if (!word)
		print_overview(c->args->out);
	else if (command)
		print_command(c->args->out, command);
	else if (code_of(word))
		return explain(c, code_of(word));
	else {
		snprintf(complaint, sizeof(complaint), "\"%.100s\" is neither a command nor a code", word);
		return usage(c->args, NULL, complaint);
	}
	return COMMAND_FINE;
}
