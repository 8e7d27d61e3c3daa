/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * command_look: JSON from the API (or from the store) turned into lines for people.
 */
#include "proxy/command_look.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/clock.h"
#include "certstore/series.h"
#include "conf/hostname.h"
#include "proxy/admin/client.h"
#include "proxy/admin/listing.h"
#include "proxy/admin/offline.h"

enum { PATH = 800 };

/* ---- shared ---- */

static void put_fault(struct json *root, const struct fault *fault)
{
	char code[16];

	snprintf(code, sizeof(code), "SP-%d", err_code(fault->code));
	json_put_bool(root, "ok", false);
	json_put_cstr(root, "code", code);
	json_put_cstr(root, "text", err_text(fault->code));
	json_put_cstr(root, "detail", fault->detail);
}

int command_fail(const struct command_call *c, enum err err, struct fault *fault)
{
	struct json *root;

	fault->code = err;
	if (!c->line.json) {
		command_print_fault(c->args->err, fault);
		return COMMAND_FAILED;
	}
	root = json_new_object();
	put_fault(root, fault);
	command_print_json(c->args->out, &root);
	return COMMAND_FAILED;
}

enum err command_name(const char *word, char dst[COMMAND_NAME], struct fault *fault)
{
	enum hostname_kind kind;
	const char *why = "is no name";

	if (hostname_normalise(dst, str_from(word), &kind, &why) == E_OK && kind != HOSTNAME_ANY)
		return E_OK;
	return fault_set(fault, E_NAME, "\"%.200s\" %s", word, why);
}

enum err command_series(const char *word, char dst[COMMAND_NAME], struct fault *fault)
{
	const char *why;

	if (series_normalise(dst, str_from(word), &why) == E_OK)
		return E_OK;
	return fault_set(fault, E_NAME, "\"%.200s\" %s", word, why);
}

/* The reply's own refusal as a fault. */
static enum err refusal(const struct admin_reply *reply, struct fault *fault)
{
	const struct json *cause = json_get(reply->json, "cause");
	struct str code = json_get_str(cause, "code"), detail = json_get_str(cause, "detail");
	uint64_t number = 0;

	if (code.len > 3)
		str_to_u64(str_of(code.at + 3, code.len - 3), &number);
	return fault_set(fault, err_by_code((int)number) ? err_by_code((int)number) : E_INTERNAL, "%.*s",
		STR_FMT(detail));
}

/* A GET whose answer is an object. Takes the JSON out of the reply. */
static enum err get(const struct conf *conf, const char *path, struct json **json, struct fault *fault)
{
	struct admin_reply reply;
	enum err err = admin_client_ask(conf, "GET", path, &reply, fault);

	if (!err && !reply.json)
		err = fault_set(fault, E_PARSE, "the instance's answer makes no sense");
	if (!err && reply.status != 200)
		err = refusal(&reply, fault);
	if (!err) {
		*json = reply.json;
		reply.json = NULL;
	}
	admin_reply_fini(&reply);
	return err;
}

static const char *text_of(const struct json *o, const char *key)
{
	struct str s = json_get_str(o, key);

	return s.at ? s.at : "";
}

/* "2026-11-22T14:32:00Z (in 3h 5m)" */
static void print_when(FILE *out, const struct json *o, const char *key)
{
	struct str s = json_get_str(o, key);
	int64_t ms = s.at ? clock_parse_rfc3339(s.at, s.len) : -1, left = ms - clock_wall_ms();
	char text[48];

	if (ms == -1) {
		fprintf(out, "-");
		return;
	}
	clock_duration_text(text, sizeof(text), left < 0 ? -left : left);
	fprintf(out, left < 0 ? "%s (%s ago)" : "%s (in %s)", s.at, text);
}

/* ---- why ---- */

enum err command_report(const struct conf *conf, const char *name, struct json **report,
	struct fault *fault)
{
	char path[PATH];
	enum err err;

	snprintf(path, sizeof(path), "/v1/names/%s", name);
	err = get(conf, path, report, fault);
	if (err != E_NOT_FOUND)
		return err;
	fault_clear(fault);
	return offline_report(conf, name, report, fault);
}

static bool is_state(const struct json *r, const char *state)
{
	return str_is(json_get_str(r, "state"), state);
}

/* A good certificate and no trouble; one with trouble, or work under way; none. */
static int exit_code_of(const struct json *r)
{
	bool is_good = json_bool(json_get(json_get(r, "served"), "valid"), false);

	if (is_state(r, "held") || (is_state(r, "renewing") && is_good))
		return COMMAND_FINE;
	if (is_good || is_state(r, "queued") || is_state(r, "ordering") || is_state(r, "validating")
		|| is_state(r, "renewing"))
		return COMMAND_DEGRADED;
	return COMMAND_FAILED;
}

/* Trouble with the second of two certificates leaves a good one. */
static int exit_code(const struct json *r)
{
	const struct json *second = json_get(r, "second");
	int code = exit_code_of(r);

	return code == COMMAND_FINE && second && exit_code_of(second) != COMMAND_FINE ? COMMAND_DEGRADED : code;
}

static void print_title(FILE *out, const struct json *r, const struct json *cause)
{
	double attempts = json_number(json_get(r, "attempts"), 0);

	fprintf(out, "%s%s%s: %s", text_of(cause, "code"), cause ? " " : "", text_of(r, "name"),
		text_of(r, "state"));
	if (json_get(r, "scope"))
		fprintf(out, " (%s)", text_of(r, "scope"));
	if (json_get(r, "activity"))
		fprintf(out, ", %s", text_of(r, "activity"));
	if (json_get(r, "since"))
		fprintf(out, " since %s", text_of(r, "since"));
	if (attempts > 0)
		fprintf(out, ", %.0f failed %s", attempts, attempts == 1 ? "attempt" : "attempts");
	fprintf(out, "\n");
}

static void print_cause(FILE *out, const struct json *cause)
{
	bool has_detail = text_of(cause, "detail")[0];

	if (!cause)
		return;
	fprintf(out, "  why    %s%s%s", text_of(cause, "text"), has_detail ? ": " : "",
		text_of(cause, "detail"));
	if (json_get(cause, "type"))
		fprintf(out, " [%s", text_of(cause, "type"));
	if (json_get(cause, "status"))
		fprintf(out, "%sHTTP %.0f", json_get(cause, "type") ? ", " : " [",
			json_number(json_get(cause, "status"), 0));
	fprintf(out, "%s\n", json_get(cause, "type") || json_get(cause, "status") ? "]" : "");
	if (text_of(cause, "during")[0])
		fprintf(out, "         while %s\n", text_of(cause, "during"));
	if (text_of(cause, "advice")[0])
		fprintf(out, "  fix    %s\n", text_of(cause, "advice"));
}

static void print_next(FILE *out, const struct json *r)
{
	if (!json_get(r, "next"))
		return;
	fprintf(out, "  next   %s", is_state(r, "held") ? "renewal " : is_state(r, "denied") ?
		"asked again at the earliest " : "attempt at the earliest ");
	print_when(out, r, "next");
	fprintf(out, "\n");
}

static void print_rehearsal(FILE *out, const struct json *r)
{
	const char *at = text_of(r, "rehearsal");

	if (!at[0])
		return;
	if (json_get(r, "activity"))
		fprintf(out, "  note   rehearsing at %s, a staging; the CA itself is asked when that went well\n", at);
	else
		fprintf(out, "         rehearsed at %s first, a staging: failing there spends nothing of the CA's "
			"allowance\n", at);
}

static void print_served(FILE *out, const struct json *s)
{
	if (!s)
		return;
	fprintf(out, "  serves %s certificate %s (%s) by %s%s%s\n         until ",
		json_bool(json_get(s, "valid"), false) ? "a" : "no good", text_of(s, "serial"),
		text_of(s, "key_type"), text_of(s, "issuer"), text_of(s, "challenge")[0] ? ", had by " : "",
		text_of(s, "challenge"));
	print_when(out, s, "not_after");
	fprintf(out, ", renewed from ");
	print_when(out, s, "renew_at");
	fprintf(out, "\n");
}

static void print_passed_over(FILE *out, const struct json *list)
{
	const char *title = "not by";

	for (const struct json *o = json_first(list); o; o = json_next(o)) {
		fprintf(out, "  %-6s %s: it %s\n", title, text_of(o, "ca"), text_of(o, "why"));
		title = "";
	}
}

static double number(const struct json *o, const char *key)
{
	return json_number(json_get(o, key), 0);
}

/* What stands between the name and an order. A staging's is of interest only where it comes first. */
static void print_budget(FILE *out, const struct json *r)
{
	for (const struct json *b = json_first(json_get(r, "budget")); b; b = json_next(b)) {
		if (json_bool(json_get(b, "staging"), false) && !json_get(r, "rehearsal"))
			continue;
		fprintf(out, "  left   %.0f of %.0f %s", number(b, "left"), number(b, "limit"), text_of(b, "what"));
		if (json_get(b, "of"))
			fprintf(out, " (%s)", text_of(b, "of"));
		if (json_get(b, "ca"))
			fprintf(out, " at %s", text_of(b, "ca"));
		if (json_get(b, "next")) {
			fprintf(out, ", one more ");
			print_when(out, b, "next");
		}
		fprintf(out, "\n");
	}
}

static void print_unknown(FILE *out, const struct json *r)
{
	bool is_running = json_bool(json_get(r, "running"), false);

	if (!is_running)
		fprintf(out, "  note   nothing runs; this is what the store tells\n");
	if (is_state(r, "unknown"))
		fprintf(out, "  next   %s\n", is_running ? "the first client that asks for it, or: sallyport issue NAME"
			: "start sallyport");
}

static void print_report(FILE *out, const struct json *r)
{
	const struct json *cause = json_get(r, "cause");

	print_title(out, r, cause);
	print_cause(out, cause);
	print_next(out, r);
	print_rehearsal(out, r);
	print_served(out, json_get(r, "served"));
}

int command_tell_report(const struct command_call *c, struct json **report)
{
	const struct json *r = *report, *second = json_get(r, "second");
	FILE *out = c->args->out;
	int code = exit_code(r);

	if (c->line.json) {
		command_print_json(out, report);
		return code;
	}
	print_report(out, r);
	if (json_get(r, "wanted"))
		fprintf(out, "  wanted %s\n", text_of(r, "wanted"));
	print_budget(out, r);
	print_passed_over(out, json_get(r, "passed_over"));
	if (second)
		print_report(out, second);
	print_unknown(out, r);
	json_free(report);
	return code;
}

int command_why(struct command_call *c)
{
	struct conf *conf = command_load_admin(c);
	struct json *report = NULL;
	struct fault fault = { 0 };
	char name[COMMAND_NAME];
	enum err err;
	int code;

	if (!conf)
		return COMMAND_FAILED;
	err = command_series(c->line.words[0], name, &fault);
	if (!err)
		err = command_report(conf, name, &report, &fault);
	code = err ? command_fail(c, err, &fault) : command_tell_report(c, &report);
	conf_unref(&conf);
	return code;
}

/* ---- certs ---- */

struct list_row {
	char *name, *certificate, *serial, *ca;
	char key_type[12], not_after[CLOCK_RFC3339], renew_at[CLOCK_RFC3339], state[12];
};

struct list_rows {
	struct list_row *at;
	size_t n, cap;
};

static void add_row(struct list_rows *rows, const struct json *o)
{
	struct list_row *row;

	if (rows->n == rows->cap) {
		rows->cap = rows->cap ? 2 * rows->cap : 256;
		rows->at = mem_try_resize(rows->at, rows->cap * sizeof(*rows->at));
		ASSERT(rows->at);
	}
	row = &rows->at[rows->n++];
	row->name = mem_strdup(text_of(o, "name"));
	row->certificate = mem_strdup(text_of(o, "certificate"));
	row->serial = mem_strdup(text_of(o, "serial"));
	row->ca = mem_strdup(text_of(o, "ca"));
	str_copy(row->key_type, sizeof(row->key_type), json_get_str(o, "key_type"));
	str_copy(row->not_after, sizeof(row->not_after), json_get_str(o, "not_after"));
	str_copy(row->renew_at, sizeof(row->renew_at), json_get_str(o, "renew_at"));
	str_copy(row->state, sizeof(row->state), json_get_str(o, "state"));
}

static void rows_fini(struct list_rows *rows)
{
	for (size_t i = 0; i < rows->n; i++) {
		mem_free(&rows->at[i].name);
		mem_free(&rows->at[i].certificate);
		mem_free(&rows->at[i].serial);
		mem_free(&rows->at[i].ca);
	}
	mem_free(&rows->at);
}

static int by_expiry(const void *a, const void *b)
{
	return strcmp(((const struct list_row *)a)->not_after, ((const struct list_row *)b)->not_after);
}

struct certs {
	const struct command_call *call;
	struct conf *conf;
	uint64_t max;                  /* 0: all */
	bool is_sorted, is_offline;
	struct list_rows rows;         /* sorted: all; else of one page */
	size_t printed;
	double damaged;
	char cursor[512];
};

static enum err get_page(struct certs *s, struct json **page, struct fault *fault)
{
	char path[PATH];
	unsigned max = s->max && !s->is_sorted && s->max - s->printed < LISTING_MAX ?
		(unsigned)(s->max - s->printed) : LISTING_MAX;
	enum err err = E_NOT_FOUND;

	if (!s->is_offline) {
		snprintf(path, sizeof(path), "/v1/certs?max=%u&cursor=%s", max, s->cursor);
		err = get(s->conf, path, page, fault);
	}
	if (err != E_NOT_FOUND)
		return err;
	s->is_offline = true;
	fault_clear(fault);
	return offline_listing(s->conf, str_from(s->cursor), max, page, fault);
}

static void print_row(struct certs *s, const struct list_row *row)
{
	FILE *out = s->call->args->out;
	struct json *o;
	struct buf text;

	if (!s->call->line.json) {
		if (!s->printed)
			fprintf(out, "%-40s %-8s %-8s %-20s %-20s %s\n", "NAME", "STATE", "KEY", "UNTIL",
				"RENEWED FROM", "SERIAL");
		fprintf(out, "%-40s %-8s %-8s %-20s %-20s %s\n", row->certificate, row->state,
			row->key_type[0] ? row->key_type : "-", row->not_after, row->renew_at, row->serial);
		s->printed++;
		return;
	}
	o = json_new_object();
	json_put_cstr(o, "name", row->name);
	json_put_cstr(o, "certificate", row->certificate);
	if (row->key_type[0])
		json_put_cstr(o, "key_type", row->key_type);
	json_put_cstr(o, "state", row->state);
	json_put_cstr(o, "not_after", row->not_after);
	json_put_cstr(o, "renew_at", row->renew_at);
	json_put_cstr(o, "serial", row->serial);
	json_put_cstr(o, "ca", row->ca);
	buf_init(&text, 0);
	if (json_print(o, &text, false) == E_OK)
		fprintf(out, "%s%s", s->printed ? ",\n" : "", buf_cstring(&text));
	buf_fini(&text);
	json_free(&o);
	s->printed++;
}

static void print_rows(struct certs *s)
{
	for (size_t i = 0; i < s->rows.n && (!s->max || s->printed < s->max); i++)
		print_row(s, &s->rows.at[i]);
	rows_fini(&s->rows);
	s->rows = (struct list_rows){ 0 };
}

static enum err list_all(struct certs *s, struct fault *fault)
{
	do {
		struct json *page = NULL;
		enum err err = get_page(s, &page, fault);

		if (err)
			return err;
		for (const struct json *o = json_first(json_get(page, "certs")); o; o = json_next(o))
			add_row(&s->rows, o);
		s->damaged += json_number(json_get(page, "damaged"), 0);
		if (!str_copy(s->cursor, sizeof(s->cursor), json_get_str(page, "cursor")))
			s->cursor[0] = '\0';
		json_free(&page);
		if (!s->is_sorted)
			print_rows(s);
	} while (s->cursor[0] && (s->is_sorted || !s->max || s->printed < s->max));
	if (s->is_sorted && s->rows.n)
		qsort(s->rows.at, s->rows.n, sizeof(*s->rows.at), by_expiry);
	print_rows(s);
	return E_OK;
}

static int usage_of(const struct command_call *c, const char *what)
{
	fprintf(c->args->err, "SP-%d %s\n", err_code(E_USAGE), what);
	return COMMAND_USAGE;
}

static int list(struct certs *s)
{
	const struct command_call *c = s->call;
	struct fault fault = { 0 };
	enum err err;

	if (c->line.json)
		fprintf(c->args->out, "{\"certs\":[");
	err = list_all(s, &fault);
	if (c->line.json)
		fprintf(c->args->out, "],\"damaged\":%.0f,\"cursor\":\"%s\",\"ok\":%s}\n", s->damaged,
			s->is_sorted ? "" : s->cursor, err ? "false" : "true");
	if (err) {
		fault.code = err;
		command_print_fault(c->args->err, &fault);
		return COMMAND_FAILED;
	}
	if (!c->line.json && s->damaged > 0)
		fprintf(c->args->out, "%.0f files are damaged\n", s->damaged);
	if (!c->line.json && s->cursor[0] && !s->is_sorted)
		fprintf(c->args->out, "more: --after %s\n", s->cursor);
	return s->damaged > 0 ? COMMAND_DEGRADED : COMMAND_FINE;
}

int command_certs(struct command_call *c)
{
	const char *max = c->line.values[VALUE_MAX], *sort = c->line.values[VALUE_SORT];
	const char *after = c->line.values[VALUE_AFTER];
	struct certs s = { .call = c, .is_sorted = sort };
	int code;

	if ((max && (!str_to_u64(str_from(max), &s.max) || !s.max)) || (sort && strcmp(sort, "expiry") != 0))
		return usage_of(c, max && !s.max ? "--max wants a number" : "--sort knows only \"expiry\"");
	if (after && (sort || !str_copy(s.cursor, sizeof(s.cursor), str_from(after)) || strpbrk(after, "&\"\\ ")))
		return usage_of(c, "--after wants a cursor of an unsorted list");
	s.conf = command_load_admin(c);
	if (!s.conf)
		return COMMAND_FAILED;
	code = list(&s);
	rows_fini(&s.rows);
	conf_unref(&s.conf);
	return code;
}

/* ---- status ---- */

static void print_texts(FILE *out, const struct json *list)
{
	for (const struct json *i = json_first(list); i; i = json_next(i))
		fprintf(out, "%s%s", json_str(i).at, json_next(i) ? ", " : "");
	if (!json_count(list))
		fprintf(out, "off");
}

static void print_process(FILE *out, const struct json *s)
{
	const struct json *p = json_get(s, "process"), *l = json_get(s, "listen");
	const struct json *store = json_get(s, "store");
	char uptime[48];

	clock_duration_text(uptime, sizeof(uptime), (int64_t)number(p, "uptime_s") * 1000);
	fprintf(out, "sallyport %s  %s, pid %.0f, up %s, config: %s\n", text_of(p, "version"),
		text_of(s, "state"), number(p, "pid"), uptime, text_of(p, "config"));
	fprintf(out, "listening     http ");
	print_texts(out, json_get(l, "http"));
	fprintf(out, "   https ");
	print_texts(out, json_get(l, "https"));
	fprintf(out, "\nstore         %s%s%s\n", text_of(store, "path"), json_get(store, "warning") ? "  " : "",
		text_of(store, "warning"));
	fprintf(out, "connections   %.0f of %.0f, %.0f workers\n", number(p, "connections"),
		number(p, "connections_max"), number(p, "workers"));
}

static void print_reload(FILE *out, const struct json *r)
{
	if (!r)
		return;
	fprintf(out, "last reload   ");
	print_when(out, r, "at");
	if (json_bool(json_get(r, "ok"), false))
		fprintf(out, ", %.0f changes, %.0f of them wait for a restart\n",
			(double)json_count(json_get(r, "changes")) + number(r, "more_changes"),
			number(r, "need_restart"));
	else
		fprintf(out, ", refused: %s\n", text_of(json_get(r, "cause"), "text"));
}

static void print_certificates(FILE *out, const struct json *s)
{
	const struct json *c = json_get(s, "certificates"), *n = json_get(s, "counters");

	fprintf(out, "certificates  %.0f due soon, %.0f orders and renewals under way, %.0f names without, "
		"next renewal ", number(c, "due_soon"), number(c, "jobs"), number(c, "without_count"));
	print_when(out, c, "next_renewal");
	fprintf(out, "\n");
	for (const struct json *ca = json_first(json_get(s, "cas")); ca; ca = json_next(ca)) {
		fprintf(out, "CA            %s %s", text_of(ca, "name"), text_of(ca, "state"));
		if (json_get(ca, "retry_at")) {
			fprintf(out, ", next ");
			print_when(out, ca, "retry_at");
		}
		if (json_get(ca, "orders_left"))
			fprintf(out, ", %.0f of %.0f orders left", number(ca, "orders_left"),
				number(ca, "orders_limit"));
		if (json_get(ca, "orders_next")) {
			fprintf(out, ", one more ");
			print_when(out, ca, "orders_next");
		}
		fprintf(out, "\n");
	}
	for (const struct json *a = json_first(json_get(s, "ask")); a; a = json_next(a)) {
		fprintf(out, "ask           %s %s", text_of(a, "url"), text_of(a, "state"));
		if (json_get(a, "retry_at")) {
			fprintf(out, ", tried again ");
			print_when(out, a, "retry_at");
		}
		fprintf(out, ", a name that cannot exist: %s\n", text_of(a, "canary"));
	}
	if (json_get(s, "lists")) {
		const struct json *l = json_get(s, "lists"), *file = json_get(l, "file");

		fprintf(out, "listed        %.0f names told", number(l, "told"));
		if (file)
			fprintf(out, ", %.0f in %s", number(file, "names"), text_of(file, "path"));
		fprintf(out, "\n");
	}
	fprintf(out, "since start   %.0f requests, %.0f handshakes, %.0f certificates issued, %.0f orders failed, "
		"%.0f names refused\n", number(n, "requests_total"), number(n, "tls_handshakes_total"),
		number(n, "acme_issued_total"), number(n, "acme_orders_failed_total"),
		number(n, "names_refused_total"));
	print_reload(out, json_get(s, "reload"));
	for (const struct json *d = json_first(json_get(s, "degraded")); d; d = json_next(d))
		fprintf(out, "look at       %s\n", json_str(d).at);
}

static int tell_status(const struct command_call *c, struct json **status)
{
	int code = str_is(json_get_str(*status, "state"), "fine") ? COMMAND_FINE : COMMAND_DEGRADED;

	if (c->line.values[VALUE_QUIET]) {
		json_free(status);
	} else if (c->line.json) {
		command_print_json(c->args->out, status);
	} else {
		print_process(c->args->out, *status);
		print_certificates(c->args->out, *status);
		json_free(status);
	}
	return code;
}

int command_status(struct command_call *c)
{
	struct conf *conf = command_find_instance(c);
	struct json *status = NULL;
	struct fault fault = { 0 };
	enum err err;
	int code;

	err = get(conf, "/v1/status", &status, &fault);
	if (!err)
		code = tell_status(c, &status);
	else
		code = c->line.values[VALUE_QUIET] ? COMMAND_FAILED : command_fail(c, err, &fault);
	conf_unref(&conf);
	return code;
}
