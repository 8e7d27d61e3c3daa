/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * api_status: how the whole is. "degraded" lists, in words, what somebody should look at.
 */
#include <stdio.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/counter.h"
#include "proxy/admin/api.h"
#include "proxy/admin/api_reload.h"
#include "proxy/startup.h"

enum { RESTING_TOLD = 20 };

struct status {
	const struct api_env *env;
	struct json *out, *degraded, *resting;
};

static void degrade(struct status *s, const char *format, const char *about, const char *more)
{
	char text[1024];

	snprintf(text, sizeof(text), format, about, more);
	json_append_str(s->degraded, str_from(text));
}

static void put_list(struct json *out, const char *key, const struct ports_list *ports)
{
	struct json *list = json_put(out, key, json_new_array());
	char text[ADDR_TEXT];

	for (unsigned i = 0; i < ports->n; i++) {
		addr_text(text, &ports->at[i]);
		json_append_str(list, str_from(text));
	}
}

static void put_process(struct status *s)
{
	const struct api_env *env = s->env;
	struct json *p = json_put(s->out, "process", json_new_object());

	json_put_cstr(p, "version", SALLYPORT_VERSION);
	json_put_number(p, "pid", getpid());
	json_put_cstr(p, "config", env->config);
	api_put_time(p, "started_at", env->started_at_ms);
	json_put_number(p, "uptime_s", (double)((clock_wall_ms() - env->started_at_ms) / 1000));
	json_put_number(p, "workers", env->ports->n_workers);
	json_put_number(p, "connections", fleet_connections(*env->fleet));
	json_put_number(p, "connections_max", *env->connections_max);
}

static void put_store(struct status *s)
{
	static const char *const kinds[] = {
#define X(name, text) text,
		STARTUP_STORES(X)
#undef X
	};
	struct json *o = json_put(s->out, "store", json_new_object());
	enum startup_store kind = startup_store_kind((*s->env->conf)->store);

	json_put_cstr(o, "path", (*s->env->conf)->store);
	if (kind)
		json_put_cstr(o, "warning", kinds[kind]);
}

static void put_account(struct status *s, unsigned ca, bool is_staging, struct json *out)
{
	struct json *account = json_new_object();
	char trouble[1024];

	issuer_account_report(s->env->issuer, ca, account);
	if (json_count(account))
		json_put(out, "account", account);
	else
		json_free(&account);
	if (!is_staging && issuer_account_trouble(s->env->issuer, ca, trouble, sizeof(trouble)))
		degrade(s, "%s%s", trouble, "");
}

static void put_cas(struct status *s)
{
	struct json *list = json_put(s->out, "cas", json_new_array());

	for (unsigned i = 0; i < issuer_cas(s->env->issuer); i++) {
		struct json *o = json_new_object();
		struct issuer_ca ca;

		issuer_look(s->env->issuer, i, &ca);
		json_put_cstr(o, "name", ca.name);
		json_put_cstr(o, "directory", ca.directory);
		json_put_cstr(o, "state", ca.state);
		if (ca.is_staging)
			json_put_bool(o, "staging", true);
		api_put_time(o, "retry_at", ca.retry_at_ms);
		if (ca.orders_limit) {
			json_put_number(o, "orders_left", ca.orders_left);
			json_put_number(o, "orders_limit", ca.orders_limit);
			api_put_time(o, "orders_next", ca.orders_next_ms);
		}
		put_account(s, i, ca.is_staging, o);
		json_append(list, o);
		if (!ca.is_well && !ca.is_staging)
			degrade(s, "CA %s is %s", ca.name, ca.state);
	}
}

static void put_ask(struct status *s)
{
	struct json *list = json_put(s->out, "ask", json_new_array());
	const struct ask *ask = permits_ask(s->env->permits);

	for (unsigned i = 0; ask && i < ask_endpoints(ask); i++) {
		struct json *o = json_new_object();
		struct endpoint_look look;

		ask_look(ask, i, &look);
		json_put_cstr(o, "url", look.url);
		json_put_cstr(o, "state", look.is_well ? "well" : "no verdicts");
		json_put_cstr(o, "canary", look.canary_text);
		if (look.failures) {
			json_put_number(o, "failures", look.failures);
			json_put(o, "cause", api_fault(&look.fault));
			api_put_time(o, "since", look.since_ms);
			api_put_time(o, "retry_at", look.retry_at_ms);
		}
		json_append(list, o);
		if (!look.is_well)
			degrade(s, "ask endpoint %s gives no verdicts: %s", look.url, look.fault.detail);
		if (look.canary == ENDPOINT_OPEN)
			degrade(s, "ask endpoint %s allows any name, even one that cannot exist: %s", look.url,
				err_advice(E_ASK_OPEN));
	}
}

static void put_lists(struct status *s)
{
	struct json *o, *file;
	struct lists_look look;

	lists_look(permits_lists(s->env->permits), &look);
	if (!look.has_file && !look.told)
		return;
	o = json_put(s->out, "lists", json_new_object());
	json_put_number(o, "told", (double)look.told);
	if (!look.has_file)
		return;
	file = json_put(o, "file", json_new_object());
	json_put_cstr(file, "path", look.file.path);
	json_put_number(file, "names", (double)look.file.names);
	json_put_number(file, "bytes", (double)look.file.bytes);
	api_put_time(file, "read_at", look.file.read_at_ms);
	if (!look.file.fault.code)
		return;
	json_put(file, "cause", api_fault(&look.file.fault));
	api_put_time(file, "since", look.file.since_ms);
	degrade(s, "list of allowed names not usable%s: %s", look.file.read_at_ms ?
		", the one read before is in force" : "", look.file.fault.detail);
}

static void on_resting(void *owner, const char *name, const struct cause *cause)
{
	struct status *s = owner;
	struct json *o = json_new_object();

	json_put_cstr(o, "name", name);
	if (cause) {
		json_put(o, "cause", api_fault(&cause->fault));
		api_put_time(o, "next", cause->until_ms);
	}
	json_append(s->resting, o);
	degrade(s, "%s has no certificate: %s", name,
		!cause ? "" : cause->fault.detail[0] ? cause->fault.detail : err_text(cause->fault.code));
}

static void put_certificates(struct status *s)
{
	struct json *o = json_put(s->out, "certificates", json_new_object());
	struct renewal_load renewals = renewal_load(s->env->renewal);
	struct issuer_load orders = issuer_load(s->env->issuer);

	json_put_number(o, "due_soon", renewals.due_soon);
	json_put_number(o, "names_under_way", names_count(s->env->names));
	json_put_number(o, "jobs", orders.jobs);
	json_put_number(o, "orders_running", orders.running);
	json_put_number(o, "renewals_running", renewals.running);
	json_put_number(o, "unsaved", orders.unsaved);
	json_put_number(o, "announced", announced_count(s->env->announced));
	api_put_time(o, "next_renewal", renewals.next_at_ms);
	s->resting = json_put(o, "without", json_new_array());
	json_put_number(o, "without_count",
		names_resting(s->env->names, RESTING_TOLD, on_resting, s));
	if (orders.unsaved)
		degrade(s, "%s%s", "certificates wait to be saved: the store cannot be written", "");
}

static void put_counters(struct status *s)
{
	struct json *o = json_put(s->out, "counters", json_new_object());

	for (int i = 0; i < COUNTER_COUNT; i++)
		json_put_number(o, counter_name((enum counter)i), (double)counter_get((enum counter)i));
}

void api_status(struct api_call *c)
{
	struct status s = { .env = c->env, .out = json_new_object(), .degraded = json_new_array() };
	struct json *listen;

	json_put_bool(s.out, "running", true);
	put_process(&s);
	listen = json_put(s.out, "listen", json_new_object());
	put_list(listen, "https", &c->env->ports->https);
	put_list(listen, "http", &c->env->ports->http);
	put_store(&s);
	put_cas(&s);
	put_ask(&s);
	put_lists(&s);
	put_certificates(&s);
	api_reload_status(c->env->reload, s.out, s.degraded);
	put_counters(&s);
	json_put_cstr(s.out, "state", json_count(s.degraded) ? "degraded" : "fine");
	json_put(s.out, "degraded", s.degraded);
	api_answer(c, 200, &s.out);
}
