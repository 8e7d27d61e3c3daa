/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * command_store: reads the files, whether or not an instance runs.
 */
#include "proxy/command_store.h"

#include "certstore/audit.h"
#include "proxy/command_look.h"
#include "proxy/stored_root.h"

int command_root(struct command_call *c)
{
	struct conf *conf = command_load_admin(c);
	struct fault fault = { 0 };
	struct buf pem;
	enum err err;

	if (!conf)
		return COMMAND_FAILED;
	buf_init(&pem, 0);
	err = stored_root_read(conf->store, &pem, &fault);
	if (err)
		command_fail(c, err, &fault);
	else
		fprintf(c->args->out, "%s", buf_cstring(&pem));
	buf_fini(&pem);
	conf_unref(&conf);
	return err ? COMMAND_FAILED : COMMAND_FINE;
}

/* ---- audit ---- */

static void tell_verdict(FILE *out, const struct audit_verdict *v)
{
	if (v->why)
		fprintf(out, "%s line %llu %s\n", v->file, v->broken_line, v->why);
	else
		fprintf(out, "%llu entries, number %llu to %llu: whole\n", v->lines, v->first, v->last);
	if (v->is_torn)
		fprintf(out, "a last line was cut short; the next entry repairs it\n");
}

static void verdict_json(const struct command_call *c, const struct audit_verdict *v)
{
	struct json *root = json_new_object();

	json_put_bool(root, "ok", !v->why);
	json_put_number(root, "entries", (double)v->lines);
	json_put_number(root, "first", (double)v->first);
	json_put_number(root, "last", (double)v->last);
	json_put_bool(root, "torn", v->is_torn);
	if (v->why) {
		json_put_cstr(root, "file", v->file);
		json_put_number(root, "line", (double)v->broken_line);
		json_put_cstr(root, "why", v->why);
	}
	command_print_json(c->args->out, &root);
}

int command_audit(struct command_call *c)
{
	struct conf *conf = command_load_admin(c);
	struct audit_verdict verdict;
	struct fault fault = { 0 };
	enum err err;

	if (!conf)
		return COMMAND_FAILED;
	err = audit_verify(conf->store, &verdict, &fault);
	conf_unref(&conf);
	if (err)
		return command_fail(c, err, &fault);
	if (c->line.json)
		verdict_json(c, &verdict);
	else
		tell_verdict(c->args->out, &verdict);
	return verdict.why ? COMMAND_FAILED : verdict.is_torn ? COMMAND_DEGRADED : COMMAND_FINE;
}
