/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * command_call: reading the configuration, and printing what all commands print alike.
 */
#include "proxy/command_call.h"

void command_print_json(FILE *out, struct json **root)
{
	struct buf text;

	buf_init(&text, 0);
	if (json_print(*root, &text, true) == E_OK)
		fprintf(out, "%s\n", buf_cstring(&text));
	buf_fini(&text);
	json_free(root);
}

void command_print_fault(FILE *out, const struct fault *fault)
{
	fprintf(out, "SP-%d %s%s%s: %s\n", err_code(fault->code), err_text(fault->code),
		fault->activity[0] ? " while " : "", fault->activity, fault->detail);
	if (err_advice(fault->code)[0])
		fprintf(out, "  fix    %s\n", err_advice(fault->code));
}

void command_problems_json(FILE *out, enum err err, const struct conf_problems *problems)
{
	struct json *root = json_new_object(), *list = json_new_array();
	char code[16];

	snprintf(code, sizeof(code), "SP-%d", err_code(err));
	json_put_bool(root, "ok", false);
	json_put_cstr(root, "code", code);
	for (unsigned i = 0; i < problems->n; i++)
		json_append_str(list, str_from(problems->at[i].text));
	json_put(root, "problems", list);
	command_print_json(out, &root);
}

static void print_problems(const struct command_call *c, enum err err, const struct conf_problems *problems)
{
	FILE *out = c->args->err;

	if (c->line.json) {
		command_problems_json(c->args->out, err, problems);
		return;
	}
	for (unsigned i = 0; i < problems->n; i++)
		fprintf(out, "%s\n", problems->at[i].text);
	fprintf(out, "SP-%d %s\n  fix    %s\n", err_code(err), err_text(err), err_advice(err));
}

const char *command_config_file(const struct command_call *c, bool otherwise_default)
{
	return c->line.config ? c->line.config : otherwise_default ? load_default_file() : NULL;
}

struct conf *command_load(const struct command_call *c, struct load_args *args)
{
	struct conf_problems problems = { 0 };
	struct conf *conf = NULL;
	enum err err;

	args->environment = c->args->environment;
	args->overrides = c->line.overrides;
	err = load_conf(args, &conf, &problems);
	if (err)
		print_problems(c, err, &problems);
	return err ? NULL : conf;
}

struct conf *command_load_admin(const struct command_call *c)
{
	struct load_args args = { .file = command_config_file(c, true) };

	return command_load(c, &args);
}

struct conf *command_find_instance(const struct command_call *c)
{
	return load_where(&(struct load_args){ .file = command_config_file(c, true),
		.environment = c->args->environment, .overrides = c->line.overrides });
}
