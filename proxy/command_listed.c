/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * command_listed: names from the command line and from a file go to the instance some hundreds at a time. A file
 * with a mistake is not begun.
 */
#include "proxy/command_listed.h"

#include <errno.h>
#include <string.h>

#include "base/check.h"
#include "proxy/admin/client.h"
#include "proxy/command_look.h"
#include "proxy/names_file.h"

enum { BATCH_BYTES = 48 * 1024, LINE_MAX_BYTES = 512 };

struct telling {
	struct command_call *call;
	const char *verb;
	struct conf *conf;
	struct json *batch;
	size_t batch_bytes;
	unsigned long n;
	struct fault fault;
};

/* "SP-904 cannot be parsed: "a_b" has an underscore" as a fault again. */
static enum err refusal(const struct admin_reply *reply, struct fault *fault)
{
	const struct json *cause = json_get(reply->json, "cause");
	struct str code = json_get_str(cause, "code");
	uint64_t number = 0;

	if (code.len > 3)
		str_to_u64(str_of(code.at + 3, code.len - 3), &number);
	return fault_set(fault, err_by_code((int)number) ? err_by_code((int)number) : E_INTERNAL, "%.*s",
		STR_FMT(json_get_str(cause, "detail")));
}

static enum err ask(struct telling *t, const struct json *body)
{
	struct admin_reply reply;
	enum err err = admin_client_send(t->conf, "/v1/listed", body, &reply, &t->fault);

	if (err == E_NOT_FOUND)
		fault_set(&t->fault, err, "nothing runs; start sallyport first, or give -c or --store");
	else if (!err && reply.status != 200)
		err = refusal(&reply, &t->fault);
	admin_reply_fini(&reply);
	return err;
}

static enum err send_batch(struct telling *t)
{
	struct json *body;
	enum err err;

	if (!t->batch)
		return E_OK;
	body = json_new_object();
	json_put(body, t->verb, t->batch);
	t->batch = NULL;
	t->batch_bytes = 0;
	err = ask(t, body);
	json_free(&body);
	return err;
}

static enum err add(struct telling *t, struct str line)
{
	enum err err = t->batch_bytes + line.len + 4 > BATCH_BYTES ? send_batch(t) : E_OK;

	if (err)
		return err;
	if (!t->batch)
		t->batch = json_new_array();
	json_append_str(t->batch, line);
	t->batch_bytes += line.len + 4;
	t->n++;
	return E_OK;
}

/* One line of the file without its comment; checked before. */
static enum err add_line(struct telling *t, const char *text)
{
	struct str line;

	str_cut(str_from(text), '#', &line);
	while (line.len && strchr(" \t\r\n", line.at[line.len - 1]))
		line.len--;
	line = str_trim(line);
	return line.len ? add(t, line) : E_OK;
}

static enum err add_file(struct telling *t, const char *path)
{
	char line[LINE_MAX_BYTES];
	size_t names;
	enum err err = names_file_check(path, &names, &t->fault);
	FILE *f = err ? NULL : fopen(path, "re");

	if (err)
		return err;
	if (!f)
		return fault_set(&t->fault, E_FILE, "%s: %s", path, strerror(errno));
	while (!err && fgets(line, sizeof(line), f)) {
		bool is_long = strlen(line) + 1 == sizeof(line) && !strchr(line, '#');

		err = is_long ? fault_set(&t->fault, E_NAMES_FILE, "%s: a line of more than %d bytes", path,
			LINE_MAX_BYTES) : add_line(t, line);
		/* the rest of a long comment */
		while (!strchr(line, '\n') && fgets(line, sizeof(line), f))
			continue;
	}
	fclose(f);
	return err;
}

static enum err add_words(struct telling *t)
{
	const char *tenant = t->call->line.values[VALUE_TENANT];
	char line[LINE_MAX_BYTES];
	enum err err = E_OK;

	for (unsigned i = 0; !err && i < t->call->line.n_words; i++) {
		int n = snprintf(line, sizeof(line), "%s%s%s", t->call->line.words[i], tenant ? " tenant=" : "",
			tenant ? tenant : "");

		err = n < 0 || (size_t)n >= sizeof(line) ? fault_set(&t->fault, E_USAGE, "too long a name") :
			add(t, str_from(line));
	}
	return err;
}

static int tell_done(const struct telling *t)
{
	struct json *out;

	if (!t->call->line.json) {
		fprintf(t->call->args->out, "%lu %s %s\n", t->n, t->n == 1 ? "name" : "names",
			strcmp(t->verb, "allow") == 0 ? "allowed" : "denied; what is held is served until it expires");
		return COMMAND_FINE;
	}
	out = json_new_object();
	json_put_bool(out, "ok", true);
	json_put_number(out, t->verb, (double)t->n);
	command_print_json(t->call->args->out, &out);
	return COMMAND_FINE;
}

static int tell(struct command_call *c, const char *verb)
{
	struct telling t = { .call = c, .verb = verb };
	const char *file = c->line.values[VALUE_FILE];
	enum err err;
	int code;

	if (!c->line.n_words && !file) {
		fprintf(c->args->err, "SP-%d which names? give some, or --file FILE\n", err_code(E_USAGE));
		return COMMAND_USAGE;
	}
	t.conf = command_load_admin(c);
	if (!t.conf)
		return COMMAND_FAILED;
	err = add_words(&t);
	if (!err && file)
		err = add_file(&t, file);
	if (!err)
		err = send_batch(&t);
	code = err ? command_fail(c, err, &t.fault) : tell_done(&t);
	json_free(&t.batch);
	conf_unref(&t.conf);
	return code;
}

int command_allow(struct command_call *c)
{
	return tell(c, "allow");
}

int command_deny(struct command_call *c)
{
	return tell(c, "deny");
}

/* ---- listed ---- */

static void print_page(struct command_call *c, const struct json *page, unsigned long *n)
{
	FILE *out = c->args->out;

	for (const struct json *o = json_first(json_get(page, "listed")); o; o = json_next(o), ++*n) {
		struct str name = json_get_str(o, "name"), is = json_get_str(o, "is");
		struct str tenant = json_get_str(o, "tenant");

		/* none of these has a character that JSON escapes but the tenant */
		if (!c->line.json)
			fprintf(out, "%-8.*s %.*s%s%.*s\n", STR_FMT(is), STR_FMT(name), tenant.at ? " tenant=" : "",
				STR_FMT(tenant));
		else {
			struct buf text;

			buf_init(&text, 0);
			if (json_print(o, &text, false) == E_OK)
				fprintf(out, "%s%s", *n ? ",\n" : "", buf_cstring(&text));
			buf_fini(&text);
		}
	}
}

static enum err get_pages(struct command_call *c, const struct conf *conf, struct fault *fault)
{
	char path[96] = "/v1/listed";
	unsigned long n = 0;
	enum err err;

	do {
		struct admin_reply reply;
		struct str cursor;

		err = admin_client_ask(conf, "GET", path, &reply, fault);
		if (!err && reply.status != 200)
			err = refusal(&reply, fault);
		if (!err)
			print_page(c, reply.json, &n);
		cursor = err ? STR_NONE : json_get_str(reply.json, "cursor");
		path[0] = 0;
		if (cursor.len && cursor.len < 32)
			snprintf(path, sizeof(path), "/v1/listed?cursor=%.*s", STR_FMT(cursor));
		admin_reply_fini(&reply);
	} while (!err && path[0]);
	return err;
}

int command_listed(struct command_call *c)
{
	struct conf *conf = command_load_admin(c);
	struct fault fault = { 0 };
	enum err err;

	if (!conf)
		return COMMAND_FAILED;
	if (c->line.json)
		fprintf(c->args->out, "{\"listed\":[");
	err = get_pages(c, conf, &fault);
	if (c->line.json)
		fprintf(c->args->out, "],\"ok\":%s}\n", err ? "false" : "true");
	conf_unref(&conf);
	if (!err)
		return COMMAND_FINE;
	fault.code = err;
	command_print_fault(c->args->err, &fault);
	return COMMAND_FAILED;
}
