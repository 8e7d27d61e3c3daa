/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * api_name: one name: what is known of it, and what the operator wants done with it. What takes time is
 * begun and answered for at once; who wants to know the end asks again.
 */
#include "acme/job.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "proxy/admin/api.h"
#include "proxy/admin/report.h"

static const struct log area = { "admin" };

/* ---- what a running instance knows ---- */

static const char *wanted(const struct api_env *env, const char *name, const struct names_look *look)
{
	char host[SERIES_NAME];

	if (!look->site)
		return "no site";
	if (look->is_named)
		return "configured";
	if (look->site->tls == CONF_TLS_FILE)
		return "own certificate";
	if (look->site->tls != CONF_TLS_ON_DEMAND)
		return "no certificate";
	if (announced_has(env->announced, series_host_text(host, name)))
		return "announced";
	return lists_find(permits_lists(env->permits), host, NULL) == LISTED_ALLOWED ? "listed" : "on demand";
}

static enum report_state stage_of(const struct job *job)
{
	switch (job_stage(job)) {
	case JOB_STAGE_QUEUED:
		return REPORT_QUEUED;
	case JOB_STAGE_ORDERING:
		return REPORT_ORDERING;
	case JOB_STAGE_VALIDATING:
		return REPORT_VALIDATING;
	}
	UNREACHABLE();
}

static void look_at_work(const struct api_env *env, const char *name, const struct names_look *look,
	struct report_live *out)
{
	const struct job *job = issuer_find(env->issuer, name);

	out->since_ms = look->since_ms;
	if (job) {
		out->is_under_way = true;
		out->state = renewal_is_busy(env->renewal, name) ? REPORT_RENEWING : stage_of(job);
		out->activity = job_text(job);
		out->rehearsal = job_rehearsal(job);
		out->since_ms = clock_wall_ms() - (loop_now_ms(env->loop) - job_started_ms(job));
	} else if (look->stage == NAMES_LOADING || look->stage == NAMES_ASKING) {
		out->is_under_way = true;
		out->state = REPORT_QUEUED;
		out->activity = look->stage == NAMES_ASKING ? "asking whether it is allowed" :
			"looking in the store";
	}
}

static void park(struct report_live *out, const char *scope)
{
	out->state = REPORT_PARKED;
	out->scope = scope;
}

static void look_at_refusal(const struct names_look *look, struct report_live *out)
{
	out->cause = look->cause.fault;
	out->cause.code = look->refused;
	out->until_ms = look->until_ms;
	out->since_ms = look->cause.since_ms;
	switch (look->refused) {
	case E_DENIED: case E_NAME:
		out->state = REPORT_DENIED;
		return;
	case E_CA_DOWN:
		park(out, "ca");
		return;
	case E_RATE_LIMITED:
		park(out, "rate limit");
		return;
	case E_ASK_UNKNOWN: case E_ASK_OPEN: case E_PLACEMENT:
		park(out, "ask");
		return;
	case E_NAMES_FILE:
		park(out, "list");
		return;
	case E_LIMIT:
		park(out, "limits");
		return;
	case E_STORE: case E_FDS: case E_LOCKED:
		park(out, "store");
		return;
	default:
		out->state = REPORT_FAILING;
	}
}

static void look_at_site(const char *name, const struct names_look *look, struct report_live *out)
{
	const char *why = !look->site ? addr_is_ip_literal(str_from(name)) ?
		"no site of the configuration is named by this address" :
		"no site of the configuration covers this name" :
		look->site->tls == CONF_TLS_OFF ? "its site has no TLS" :
		look->site->tls == CONF_TLS_FILE ? NULL :
		look->site->tls == CONF_TLS_AUTO && !look->is_named ?
		"its site names a wildcard, for which no certificate is ordered" : NULL;

	if (look->site && look->site->tls == CONF_TLS_FILE)
		out->state = REPORT_HELD;
	if (!why)
		return;
	out->state = REPORT_DENIED;
	fault_set(&out->cause, E_DENIED, "%s", why);
}

static void look_at_announcement(const struct api_env *env, const char *name, struct report_live *out)
{
	char host[SERIES_NAME];

	if (!announced_is_waiting(env->announced, series_host_text(host, name), &out->until_ms))
		return;
	park(out, "dns");
	fault_set(&out->cause, E_RESOLVE, "announced; it has no address in DNS yet");
}

static void look(void *owner, const char *name, struct report_live *out)
{
	struct api_call *c = owner;
	const struct api_env *env = c->env;
	struct names_look look;

	if (api_is_orphan(c))
		return;
	names_look(env->names, name, &look);
	out->is_running = true;
	out->wanted = wanted(env, name, &look);
	out->failure = issuer_failure(env->issuer, name);
	out->issuer = env->issuer;
	out->conf = *env->conf;
	out->tenant = look.tenant;
	look_at_work(env, name, &look, out);
	if (out->is_under_way)
		return;
	look_at_site(name, &look, out);
	if (look.refused && out->state != REPORT_HELD)
		look_at_refusal(&look, out);
	else
		look_at_announcement(env, name, out);
}

/* The other of the two certificates that the name has by the configuration in force; false: it has one, or
 * the call is about the second one alone. */
static bool second_of(const struct api_call *c, char dst[SERIES_NAME])
{
	char host[SERIES_NAME];

	return !series_is_second(c->name) &&
		series_other(dst, c->name, names_keys(c->env->names, series_host_text(host, c->name)));
}

static void on_second_report(void *owner, struct json *json)
{
	struct api_call *c = owner;
	struct json *first = c->scratch;

	c->scratch = NULL;
	json_put(first, "second", json);
	api_answer(c, 200, &first);
}

static void on_report(void *owner, struct json *json)
{
	struct api_call *c = owner;
	char second[SERIES_NAME];

	if (api_is_orphan(c) || !second_of(c, second)) {
		api_answer(c, 200, &json);
		return;
	}
	c->scratch = json;
	report_start(&(struct report_args){ .store = c->env->store, .conf = *c->env->conf, .name = second,
		.look = look, .fn = on_second_report, .owner = c });
}

void api_name(struct api_call *c)
{
	report_start(&(struct report_args){ .store = c->env->store, .conf = *c->env->conf,
		.name = c->name, .look = look, .fn = on_report, .owner = c });
}

/* ---- what the operator wants ---- */

static void answer(struct api_call *c, enum err err, struct fault *fault, const char *done)
{
	struct json *out;

	if (err) {
		fault->code = err;
		api_refuse(c, fault);
		return;
	}
	log_info(&area, "operator's wish", "name=%s what=%s", c->name, done);
	out = json_new_object();
	json_put_bool(out, "ok", true);
	json_put_cstr(out, "name", c->name);
	json_put_cstr(out, "done", done);
	api_answer(c, 202, &out);
}

static bool is_under_way(const struct api_call *c)
{
	return issuer_find(c->env->issuer, c->name);
}

void api_issue(struct api_call *c)
{
	struct fault fault = { 0 };
	char second[SERIES_NAME];

	if (is_under_way(c)) {
		answer(c, E_OK, &fault, "under way already");
		return;
	}
	issuer_forgive(c->env->issuer, c->name);
	/* it follows the first by itself */
	if (second_of(c, second))
		issuer_forgive(c->env->issuer, second);
	answer(c, names_issue(c->env->names, c->name, &fault), &fault, "issue");
}

void api_renew(struct api_call *c)
{
	struct fault fault = { 0 };
	char second[SERIES_NAME];
	enum err err = E_OK;

	if (is_under_way(c)) {
		answer(c, E_OK, &fault, "under way already");
		return;
	}
	if (!names_is_covered(c->env->names, c->name))
		err = fault_set(&fault, E_DENIED, "no site of ours obtains certificates for it");
	else if (!renewal_force(c->env->renewal, c->name))
		err = fault_set(&fault, E_LIMIT, "too many renewals are under way");
	/* One that other work is being done for is on its way anyhow. */
	else if (second_of(c, second) && !issuer_find(c->env->issuer, second) &&
		!renewal_force(c->env->renewal, second))
		err = fault_set(&fault, E_LIMIT, "too many renewals are under way for the second certificate");
	answer(c, err, &fault, "renew");
}

void api_add(struct api_call *c)
{
	struct fault fault = { 0 };
	enum err err = E_OK;

	if (series_is_second(c->name))
		err = fault_set(&fault, E_NAME, "the second certificate follows the first by itself");
	else if (addr_is_ip_literal(str_from(c->name)))
		err = fault_set(&fault, E_DENIED, "an address has no DNS record to wait for; name a site by it, "
			"and it has a certificate from the start");
	else if (lists_find(permits_lists(c->env->permits), c->name, NULL) == LISTED_DENIED)
		err = fault_set(&fault, E_DENIED, "it was denied; 'sallyport allow %s' takes that back", c->name);
	else if (!names_is_covered(c->env->names, c->name))
		err = fault_set(&fault, E_DENIED, "no site of the configuration obtains certificates for "
			"it; a site \"*\" with \"tls\": \"on_demand\" does for every name");
	if (!err)
		err = names_forget(c->env->names, c->name, &fault);
	if (!err)
		err = announced_add(c->env->announced, c->name, &fault);
	if (!err)
		issuer_forgive(c->env->issuer, c->name);
	answer(c, err, &fault, "add");
}

/* The store has another certificate for it now, put there by another process. */
void api_reload(struct api_call *c)
{
	struct fault fault = { 0 };
	enum err err = is_under_way(c) ? E_OK : names_forget(c->env->names, c->name, &fault);

	if (!err && !is_under_way(c)) {
		fleet_forget(*c->env->fleet, c->name);
		err = names_issue(c->env->names, c->name, &fault);
	}
	answer(c, err, &fault, "reload");
}

/* ---- forget: everything, the certificates too ---- */

static void on_forgotten(void *owner, enum err err, const struct fault *fault)
{
	struct api_call *c = owner;
	struct fault why = fault ? *fault : (struct fault){ 0 };

	answer(c, err, &why, "forget");
}

static void on_nothing(void *owner, enum err err, const struct fault *fault)
{
	(void)owner;
	if (err && err != E_NOT_FOUND)
		log_warn(&area, "not removed", "err=%s", fault ? fault->detail : err_text(err));
}

static enum err forget_in_memory(const struct api_env *env, const char *name, struct fault *fault)
{
	return issuer_find(env->issuer, name) ?
		fault_set(fault, E_LOCKED, "it is under way; try again when that is over") :
		names_forget(env->names, name, fault);
}

static void forget_in_store(const struct api_env *env, const char *name, store_done_fn *fn, void *owner)
{
	renewal_unwatch(env->renewal, name);
	issuer_forgive(env->issuer, name);
	fleet_forget(*env->fleet, name);
	store_remove(env->store, STORE_ORDERS, name, on_nothing, NULL);
	store_remove(env->store, STORE_CERTS, name, fn, owner);
}

/* Also a second one of a configuration that is no more. */
void api_forget(struct api_call *c)
{
	static const struct conf_keys pairs[] = { { 2, { CONF_KEY_P256, CONF_KEY_RSA2048 } },
		{ 2, { CONF_KEY_RSA2048, CONF_KEY_P256 } } };
	const struct api_env *env = c->env;
	struct fault fault = { 0 };
	enum err err = forget_in_memory(env, c->name, &fault);
	char second[2][SERIES_NAME];
	unsigned n = 0;

	while (!err && n < 2 && !series_is_second(c->name) && series_other(second[n], c->name, &pairs[n]))
		err = forget_in_memory(env, second[n++], &fault);
	if (err) {
		answer(c, err, &fault, "");
		return;
	}
	if (!series_is_second(c->name))
		announced_remove(env->announced, c->name);
	promises_forget(permits_promises(env->permits), c->name);
	while (n)
		forget_in_store(env, second[--n], on_nothing, NULL);
	forget_in_store(env, c->name, on_forgotten, c);
}
