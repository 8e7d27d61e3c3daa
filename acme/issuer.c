/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * issuer: owns the CAs and the jobs. A job looks into the store first (many at once), then waits at the
 * desk for one of the places at the CAs.
 *
 *   job --> desk: governor, queue --> running (at most max_orders) --> callback
 */
#include "acme/issuer.h"

#include "acme/account_report.h"
#include "acme/budget.h"
#include "acme/desk.h"
#include "acme/dns_proof.h"
#include "acme/internal_ca.h"
#include "acme/issuer_plan.h"
#include "acme/job.h"
#include "acme/revocation.h"
#include "acme/terms.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "net/deadline.h"

enum { UNSAVED_MAX = 256, UNSAVED_MIN_MS = 5000, UNSAVED_MAX_MS = 10 * 60 * 1000 };

/* What we know of a job beside what it knows itself. */
struct ticket {
	struct job *job;
	struct turn turn;
	enum issuer_reason reason;
	int64_t not_after_ms;
	bool is_urgent, is_clients;   /* is_clients: a client brought the name */
	char tenant[GOVERNOR_TENANT];
	char profile[65];
	const char *decision;
	char client[48];
	issuer_fn *fn;             /* NULL: disowned */
	void *owner;
};

/* A certificate the store did not take. */
struct unsaved {
	struct list node;
	struct issuer *issuer;
	struct errand *errand;
	char *name;
	int64_t renew_at_ms;
	struct buf bundle;
};

/* A revocation under way. */
struct revoking {
	struct list node;
	struct revocation *revocation;
	struct issuer_revoke_args args;
};

/* A wish of the operator's under way. */
struct wishing {
	struct list node;
	struct account_wish *wish;
	account_wish_fn *fn;
	void *owner;
};

struct issuer {
	struct audit *audit;
	struct conf *conf;
	struct tls_context **trusts;   /* as the CAs */
	const char *user_agent;
	const struct conf_keys *(*keys)(void *owner, const char *host);
	void *keys_owner;
	struct job_env env;
	struct dns_line *dns;
	struct map tickets;        /* name -> struct ticket * */
	struct desk *desk;
	struct list unsaved, revoking, wishing;
	unsigned n_unsaved;
	struct deadline unsaved_timer;
	int64_t unsaved_pause_ms;
};

static const struct log log_acme = { "acme" };

static struct ticket *ticket_of(struct issuer *i, const struct job *j)
{
	return map_get(&i->tickets, str_from(job_name(j)));
}

/* ---- the queue ---- */

static enum turn_class class_of(const struct ticket *t)
{
	bool had_one = t->not_after_ms || t->reason == ISSUER_RENEWAL;
	if (t->not_after_ms && t->not_after_ms <= clock_wall_ms())
		return TURN_EXPIRED;
	if (had_one)
		return t->is_urgent ? TURN_URGENT : TURN_EXPIRING;
	if (job_failures(t->job))
		return TURN_RETRY;
	return t->reason == ISSUER_ON_DEMAND ? TURN_VISITED : TURN_BULK;
}

static enum grant_kind kind_of(const struct ticket *t)
{
	if (t->not_after_ms || t->reason == ISSUER_RENEWAL)
		return GRANT_RENEWAL;
	return t->is_clients ? GRANT_CLIENTS : GRANT_NAMED;
}

static void on_wants_turn(void *issuer, struct job *j)
{
	struct issuer *i = issuer;
	struct ticket *t = ticket_of(i, j);
	t->turn.class = class_of(t);
	t->turn.grant = (struct grant){ .name = job_host(j), .tenant = t->tenant, .kind = kind_of(t) };
	/* What is valid waits for its own CA, unless that is down: the job sees to it. */
	desk_join(i->desk, &t->turn, t->turn.class == TURN_EXPIRED || kind_of(t) != GRANT_RENEWAL,
		t->not_after_ms);
}

static void on_turn(void *issuer, struct turn *turn)
{
	struct ticket *t = container_of(turn, struct ticket, turn);
	(void)issuer;
	job_run(t->job, &turn->grant);
}

static void on_refused(void *issuer, struct turn *turn, const struct fault *fault)
{
	struct ticket *t = container_of(turn, struct ticket, turn);
	(void)issuer;
	job_refuse(t->job, fault);
}

static const struct conf_keys *keys_of(void *issuer, const char *host)
{
	struct issuer *i = issuer;
	return i->keys ? i->keys(i->keys_owner, host) : &i->conf->acme.keys;
}

static void put_if(struct json *o, const char *key, const char *text)
{
	if (text && text[0])
		json_put_cstr(o, key, text);
}

/* What cost a CA something, or came from one: for the audit log. NULL: neither, or none is kept. */
static struct json *event_of(const struct issuer *i, const struct ticket *t, const char *what)
{
	static const char *const reasons[] = { "on_demand", "configured", "renewal", "second" };
	const char *order = job_ordered_at(t->job);
	if (!i->audit || !order[0])
		return NULL;
	struct json *o = json_new_object();
	json_put_cstr(o, "event", what);
	json_put_cstr(o, "name", job_host(t->job));
	json_put_cstr(o, "reason", reasons[t->reason]);
	put_if(o, "client", t->client);
	put_if(o, "decision", t->decision);
	put_if(o, "tenant", t->tenant);
	json_put_cstr(o, "order", order);
	return o;
}

static struct errand *save(void *issuer, struct job *j, const struct entry *e, struct str bundle, errand_fn *fn,
	void *owner)
{
	struct issuer *i = issuer;
	struct json *o = event_of(i, ticket_of(i, j), "issued");
	char not_after[CLOCK_RFC3339];
	clock_rfc3339(not_after, e->not_after_ms);
	if (o) {
		json_put_cstr(o, "ca", e->ca);
		json_put_cstr(o, "serial", e->serial);
		json_put_cstr(o, "key_type", key_type_text(e->key_type));
		json_put_cstr(o, "not_after", not_after);
	}
	return errand_save_issued(i->env.store, i->audit, &o, job_name(j), bundle, e->renew_at_ms, fn, owner);
}

static void note_failure(struct issuer *i, const struct ticket *t, enum err err, const struct fault *fault)
{
	struct json *o = event_of(i, t, "failed");
	if (!o)
		return;
	json_put_cstr(o, "key_type", key_type_text(terms_key(keys_of(i, job_host(t->job)), job_name(t->job))));
	json_put_number(o, "code", err_code(err));
	put_if(o, "type", fault->type);
	put_if(o, "detail", fault->detail);
	audit_add(i->audit, &o, NULL, NULL);
}

static void on_ended(void *issuer, struct job *j, enum err err, struct entry *e,
	const struct fault *fault, int64_t retry_at_ms)
{
	struct issuer *i = issuer;
	struct ticket *t = map_remove(&i->tickets, str_from(job_name(j)));
	ASSERT(t && t->job == j);
	issuer_fn *fn = t->fn;
	void *owner = t->owner;
	if (err)
		note_failure(i, t, err, fault);
	desk_leave(i->desk, &t->turn, t->turn.grant.is_placed ? GRANT_UNKNOWN : GRANT_UNUSED);
	mem_free(&t);
	job_free(&j);
	if (fn)
		fn(owner, err, e, fault, retry_at_ms);
}

/* ---- certificates the store did not take ---- */

static void free_unsaved(struct unsaved *u)
{
	list_remove(&u->node);
	errand_abandon(&u->errand);
	mem_wipe(u->bundle.at, u->bundle.len);
	buf_fini(&u->bundle);
	u->issuer->n_unsaved--;
	mem_free(&u->name);
	mem_free(&u);
}

static void on_unsaved(void *issuer, const char *name, int64_t renew_at_ms, struct buf *bundle)
{
	struct issuer *i = issuer;
	list_each(&i->unsaved, node, tmp) {
		struct unsaved *old = list_entry(node, struct unsaved, node);
		if (str_is(str_from(name), old->name))
			free_unsaved(old);
	}
	if (i->n_unsaved == UNSAVED_MAX)
		return;  /* the order journal still leads to it */
	struct unsaved *u = mem_new(sizeof *u);
	u->issuer = i;
	u->name = mem_strdup(name);
	u->renew_at_ms = renew_at_ms;
	u->bundle = *bundle;
	buf_init(bundle, 0);
	list_append(&i->unsaved, &u->node);
	i->n_unsaved++;
	if (!deadline_is_armed(&i->unsaved_timer)) {
		i->unsaved_pause_ms = UNSAVED_MIN_MS;
		deadline_arm(&i->unsaved_timer, i->unsaved_pause_ms);
	}
}

static void on_resaved(void *owner, enum err err, void *object, const struct fault *fault)
{
	struct unsaved *u = owner;
	(void)object;
	(void)fault;
	u->errand = NULL;
	if (err)
		return;
	log_info(&log_acme, "certificate saved at last", "name=%s", u->name);
	errand_remove(u->issuer->env.store, STORE_ORDERS, u->name);
	free_unsaved(u);
}

static void on_unsaved_timer(struct deadline *d)
{
	struct issuer *i = container_of(d, struct issuer, unsaved_timer);
	list_each(&i->unsaved, node, tmp) {
		struct unsaved *u = list_entry(node, struct unsaved, node);
		if (!u->errand)
			u->errand = errand_save_bundle(i->env.store, u->name, buf_str(&u->bundle),
				u->renew_at_ms, on_resaved, u);
	}
	if (list_is_empty(&i->unsaved))
		return;
	i->unsaved_pause_ms = i->unsaved_pause_ms * 2 < UNSAVED_MAX_MS ? i->unsaved_pause_ms * 2
		: UNSAVED_MAX_MS;
	deadline_arm(&i->unsaved_timer, i->unsaved_pause_ms);
}

/* ---- CAs ---- */

static void open_ca(struct issuer *i, struct ca *ca, const struct conf_ca *conf, struct tls_context *trust)
{
	ca->loop = i->env.loop;
	ca->conf = conf;
	ca->worked = -1;
	ca->dns = i->dns;
	signer_init(&ca->signer);
	if (conf->is_internal) {
		ca->internal = internal_ca_new(i->env.loop, i->env.store);
		return;
	}
	ca->transport = transport_fetch_new(i->env.loop, trust, i->user_agent);
	ca->directory = directory_new(i->env.loop, ca->transport, conf->directory);
	ca->account = account_new(&(struct account_args){ .ca = ca, .store = i->env.store,
		.email = i->conf->acme.email });
}

static void close_ca(struct ca *ca)
{
	internal_ca_free(&ca->internal);
	account_free(&ca->account);
	signer_fini(&ca->signer);
	directory_free(&ca->directory);
	if (ca->transport)
		ca->transport->ops->free(ca->transport);
	ca->transport = NULL;
}

static void open_cas(struct issuer *i)
{
	const struct conf_acme *acme = &i->conf->acme;
	const struct conf_ca **confs = mem_new(2 * acme->n_ca * sizeof *confs);
	unsigned n = budget_cas(acme, confs);
	i->env.cas = mem_new(n * sizeof *i->env.cas);
	i->env.n_cas = acme->n_ca;
	i->env.n_stagings = n - acme->n_ca;
	for (unsigned at = 0; at < n; at++)
		open_ca(i, &i->env.cas[at], confs[at], i->trusts[at]);
	ca_link_stagings(i->env.cas, i->env.n_cas, i->env.n_stagings);
	mem_free(&confs);
}

/* Everything but the jobs; what of before is to be kept is the caller's. */
static void adopt(struct issuer *i, struct issuer_plan **plan)
{
	const struct conf_acme *acme = &(*plan)->conf->acme;
	i->conf = (*plan)->conf;
	i->trusts = (*plan)->trusts;
	mem_free(plan);
	i->env.acme = acme;
	i->env.can[CONF_DNS_01] = conf_dns_is_set(&acme->dns);
	i->env.can[CONF_DNS_PERSIST_01] = true;
	i->dns = dns_line_new(i->env.loop, i->conf);
	open_cas(i);
	i->desk = desk_new(&(struct desk_args){ .loop = i->env.loop, .store = i->env.store,
		.conf = i->conf, .cas = i->env.cas, .n_cas = i->env.n_cas, .n_stagings = i->env.n_stagings,
		.on_turn = on_turn, .on_refused = on_refused, .owner = i });
	i->env.governor = desk_governor(i->desk);
}

/* ---- revocations ---- */

static void end_revocation(struct revoking *r, enum err err, const struct fault *fault)
{
	struct issuer_revoke_args args = r->args;
	revocation_cancel(&r->revocation);
	list_remove(&r->node);
	mem_free(&r);
	args.fn(args.owner, err, fault);
}

static void on_revoked(void *owner, enum err err, const struct fault *fault)
{
	struct revoking *r = owner;
	r->revocation = NULL;
	end_revocation(r, err, fault);
}

static void cancel_revocations(struct issuer *i)
{
	list_each(&i->revoking, node, tmp)
		end_revocation(list_entry(node, struct revoking, node), E_CANCELED, NULL);
}

enum err issuer_revoke(struct issuer *i, const struct issuer_revoke_args *args, struct fault *fault)
{
	for (unsigned n = 0; n < i->env.n_cas; n++) {
		if (i->env.cas[n].internal || !str_is(str_from(args->ca), i->env.cas[n].conf->directory))
			continue;
		struct revoking *r = mem_new(sizeof *r);
		r->args = *args;
		list_append(&i->revoking, &r->node);
		r->revocation = revocation_start(&i->env.cas[n], args->leaf_der,
			(enum revocation_reason)args->reason, on_revoked, r);
		return E_OK;
	}
	return fault_set(fault, E_NOT_FOUND, "its CA (%s) is not among those of acme.ca",
		args->ca[0] ? args->ca : "none is recorded");
}

/* ---- accounts ---- */

static void end_wish(struct wishing *w, enum err err, const struct account_answer *answer,
	const struct fault *fault)
{
	account_wish_fn *fn = w->fn;
	void *owner = w->owner;
	account_wish_cancel(&w->wish);
	list_remove(&w->node);
	mem_free(&w);
	fn(owner, err, answer, fault);
}

static void on_wished(void *owner, enum err err, const struct account_answer *answer,
	const struct fault *fault)
{
	struct wishing *w = owner;
	w->wish = NULL;
	end_wish(w, err, answer, fault);
}

static void cancel_wishes(struct issuer *i)
{
	struct fault fault = { .code = E_CANCELED };
	list_each(&i->wishing, node, tmp)
		end_wish(list_entry(node, struct wishing, node), E_CANCELED, NULL, &fault);
}

enum err issuer_account_wish(struct issuer *i, const struct issuer_wish_args *args, struct fault *fault)
{
	if (args->ca >= issuer_cas(i))
		return fault_set(fault, E_NOT_FOUND, "there is no such CA");
	struct ca *ca = &i->env.cas[args->ca];
	if (ca->internal)
		return fault_set(fault, E_USAGE, "the internal CA has no accounts");
	struct wishing *w = mem_new(sizeof *w);
	w->fn = args->fn;
	w->owner = args->owner;
	list_append(&i->wishing, &w->node);
	w->wish = account_wish_start(&(struct account_wish_args){ .ca = ca, .kind = args->kind,
		.email = i->conf->acme.email, .key = args->key }, on_wished, w);
	return E_OK;
}

void issuer_account_report(const struct issuer *i, unsigned n, struct json *out)
{
	const struct ca *ca = &i->env.cas[n];
	ASSERT(n < issuer_cas(i));
	if (!ca->internal)
		account_report(account_facts(ca->account), ca->conf->name, out);
}

bool issuer_account_trouble(const struct issuer *i, unsigned n, char *text, size_t cap)
{
	const struct ca *ca = &i->env.cas[n];
	ASSERT(n < issuer_cas(i));
	return !ca->internal && account_report_trouble(account_facts(ca->account), ca->conf->name, text, cap);
}

/* ---- another configuration ---- */

/* Rows of "acme" that are others' business. */
static bool is_ours(const char *path)
{
	struct str at = str_from(path);
	return str_is(at, "email") || str_has_prefix(at, STR("on_demand.budget"))
		|| (str_has_prefix(at, STR("acme.")) && !str_is(at, "acme.self_check"));
}

bool issuer_is_concerned(const struct issuer *i, const struct conf *next, const struct diff *diff)
{
	bool is_concerned = diff->n_more > 0
		|| i->env.can[CONF_TLS_ALPN_01] != (next->listen.https.n > 0)
		|| i->env.can[CONF_HTTP_01] != (next->listen.http.n > 0);
	for (unsigned n = 0; n < diff->n && !is_concerned; n++)
		is_concerned = is_ours(diff->at[n].path);
	for (unsigned n = 0; n < issuer_cas(i) && !is_concerned; n++)
		is_concerned = i->trusts[n]
			&& !tls_context_is_current(i->trusts[n], i->env.cas[n].conf->trust);
	return is_concerned;
}

struct ca *issuer_successor(struct issuer *i, const struct ca *before)
{
	return issuer_adviser(i, before->conf->directory);
}

/* Whether a CA is down, and what worked with it, does not change with our configuration. */
static void inherit(struct issuer *i, const struct ca *before, unsigned n)
{
	for (unsigned k = 0; k < n; k++) {
		unsigned at = ca_find(i->env.cas, issuer_cas(i), before[k].conf->directory);
		if (at == issuer_cas(i))
			continue;
		i->env.cas[at].breaker = before[k].breaker;
		i->env.cas[at].worked = before[k].worked;
	}
}

static void pause_all(struct issuer *i)
{
	size_t cursor = 0;
	struct str name;
	void *ticket;
	while (map_next(&i->tickets, &cursor, &name, &ticket)) {
		struct ticket *t = ticket;
		desk_leave(i->desk, &t->turn, t->turn.grant.is_placed ? GRANT_UNKNOWN : GRANT_UNUSED);
		job_pause(t->job);
		t->turn = (struct turn){ 0 };
		list_init(&t->turn.node);
	}
}

static void resume_all(struct issuer *i)
{
	size_t cursor = 0;
	struct str name;
	void *ticket;
	while (map_next(&i->tickets, &cursor, &name, &ticket))
		job_resume(((struct ticket *)ticket)->job);
}

/* The governor's state goes through the store, whose work on one name is done in order. */
void issuer_use(struct issuer *i, const struct issuer_use_args *args)
{
	struct conf *conf = i->conf;
	struct tls_context **trusts = i->trusts;
	struct dns_line *dns = i->dns;
	struct ca *cas = i->env.cas;
	unsigned n_cas = issuer_cas(i);
	cancel_revocations(i);
	cancel_wishes(i);
	desk_stop(i->desk);
	pause_all(i);
	desk_free(&i->desk);
	i->env.can[CONF_TLS_ALPN_01] = args->can_tls_alpn;
	i->env.can[CONF_HTTP_01] = args->can_http;
	adopt(i, args->plan);
	inherit(i, cas, n_cas);
	args->moving(args->owner);
	for (unsigned n = 0; n < n_cas; n++)
		close_ca(&cas[n]);
	mem_free(&cas);
	dns_line_free(&dns);
	issuer_plan_free_trusts(&trusts, n_cas);
	conf_unref(&conf);
	resume_all(i);
	log_info(&log_acme, "CAs changed", "cas=%u jobs=%zu", i->env.n_cas, map_count(&i->tickets));
}

/* ---- the door ---- */

static const char *profile_of(void *issuer, const char *name)
{
	struct issuer *i = issuer;
	const struct ticket *t = map_get(&i->tickets, str_from(name));
	return t ? t->profile : "";
}

enum err issuer_new(const struct issuer_args *args, struct issuer **out, struct fault *fault)
{
	struct issuer_plan *plan = NULL;
	*out = NULL;
	enum err err = issuer_prepare(args->conf, &plan, fault);
	if (err)
		return err;
	struct issuer *i = mem_new(sizeof *i);
	i->audit = args->audit;
	i->user_agent = args->user_agent;
	i->keys = args->keys;
	i->keys_owner = args->owner;
	i->env = (struct job_env){
		.loop = args->loop, .store = args->store,
		.challenges = args->challenges,
		.can = { [CONF_TLS_ALPN_01] = args->can_tls_alpn, [CONF_HTTP_01] = args->can_http },
		.keys = keys_of, .profile_of = profile_of, .on_wants_turn = on_wants_turn, .save = save,
		.on_unsaved = on_unsaved,
		.on_ended = on_ended,
		.issuer = i,
	};
	memory_init(&i->env.memory, args->store);
	map_init(&i->tickets);
	list_init(&i->unsaved);
	list_init(&i->revoking);
	list_init(&i->wishing);
	deadline_init(&i->unsaved_timer, args->loop, on_unsaved_timer);
	adopt(i, &plan);
	*out = i;
	return E_OK;
}

void issuer_free(struct issuer **issuer)
{
	struct issuer *i = *issuer;
	size_t cursor = 0;
	struct str name;
	void *ticket;
	if (!i)
		return;
	*issuer = NULL;
	desk_stop(i->desk);
	while (map_next(&i->tickets, &cursor, &name, &ticket)) {
		struct ticket *t = ticket;
		desk_leave(i->desk, &t->turn, t->turn.grant.is_placed ? GRANT_UNKNOWN : GRANT_UNUSED);
		job_free(&t->job);
		mem_free(&t);
	}
	map_fini(&i->tickets);
	cancel_revocations(i);
	cancel_wishes(i);
	desk_free(&i->desk);
	list_each(&i->unsaved, node, tmp)
		free_unsaved(list_entry(node, struct unsaved, node));
	deadline_disarm(&i->unsaved_timer);
	for (unsigned n = 0; n < issuer_cas(i); n++)
		close_ca(&i->env.cas[n]);
	dns_line_free(&i->dns);
	mem_free(&i->env.cas);
	memory_fini(&i->env.memory);
	issuer_plan_free_trusts(&i->trusts, issuer_cas(i));
	conf_unref(&i->conf);
	mem_free(&i);
}

struct job *issuer_grant(struct issuer *i, const struct issuer_wish *wish, issuer_fn *fn, void *owner)
{
	struct str name = str_from(wish->name), tenant = str_from(wish->tenant ? wish->tenant : "");
	struct ticket *t = map_get(&i->tickets, name);
	ASSERT(name.len && (!t || !t->fn));
	if (t) {
		t->fn = fn;
		t->owner = owner;
		return t->job;
	}
	t = mem_new(sizeof *t);
	t->reason = wish->reason;
	t->is_clients = wish->reason == ISSUER_ON_DEMAND;
	t->not_after_ms = wish->not_after_ms;
	t->is_urgent = wish->is_urgent;
	t->decision = wish->decision;
	str_copy(t->client, sizeof t->client, str_from(wish->client));
	str_copy(t->profile, sizeof t->profile, str_from(wish->profile));
	list_init(&t->turn.node);
	str_copy(t->tenant, sizeof t->tenant,
		str_of(tenant.at, tenant.len < sizeof t->tenant ? tenant.len : sizeof t->tenant - 1));
	t->fn = fn;
	t->owner = owner;
	map_put(&i->tickets, name, t);
	t->job = job_new(&i->env, wish->name);
	return t->job;
}

struct job *issuer_obtain(struct issuer *i, const char *name, enum issuer_reason reason, issuer_fn *fn,
	void *owner)
{
	return issuer_grant(i, &(struct issuer_wish){ .name = name, .reason = reason }, fn, owner);
}

void issuer_disown(struct job **j)
{
	struct ticket *t = *j ? ticket_of(job_env(*j)->issuer, *j) : NULL;
	*j = NULL;
	if (t)
		t->fn = NULL;
}

void issuer_abandon(struct job **j)
{
	struct issuer *i = *j ? job_env(*j)->issuer : NULL;
	struct ticket *t = i ? ticket_of(i, *j) : NULL;
	if (!t || job_stage(*j) != JOB_STAGE_QUEUED) {
		issuer_disown(j);
		return;
	}
	*j = NULL;
	map_remove(&i->tickets, str_from(job_name(t->job)));
	desk_leave(i->desk, &t->turn, GRANT_UNUSED);
	job_free(&t->job);
	mem_free(&t);
}

void issuer_hurry(struct job *j)
{
	struct issuer *i = job_env(j)->issuer;
	struct ticket *t = ticket_of(i, j);
	if (t->reason == ISSUER_NAMED || t->reason == ISSUER_PAIR)
		t->reason = ISSUER_ON_DEMAND;
	if (t->turn.grant.name)
		desk_hurry(i->desk, &t->turn);
}

void issuer_replace(struct job *j, const char *ari_id)
{
	job_replace(j, ari_id);
}

struct ca *issuer_adviser(struct issuer *i, const char *directory)
{
	for (unsigned n = 0; n < i->env.n_cas && i->conf->acme.ari; n++) {
		struct ca *ca = &i->env.cas[n];
		if (!ca->internal && str_is(str_from(directory), ca->conf->directory))
			return ca;
	}
	return NULL;
}

bool issuer_is_misfit(struct issuer *i, const char *name, enum conf_key_type type)
{
	char host[SERIES_NAME];
	return terms_is_misfit(keys_of(i, series_host_text(host, name)), name, type);
}

int64_t issuer_wait_ms(const struct issuer *i, const char *name)
{
	int64_t now = clock_mono_ms(), best = INT64_MAX;
	for (unsigned at = 0; (at = ca_next(i->env.cas, i->env.n_cas, name, at)) < i->env.n_cas; at++) {
		int64_t until = breaker_until(&i->env.cas[at].breaker, now);
		best = until < best ? until : best;
	}
	return best == INT64_MAX ? 0 : best - now;
}

void issuer_forgive(struct issuer *i, const char *name)
{
	memory_forget(&i->env.memory, name);
}

void issuer_forgive_all(struct issuer *i)
{
	memory_forget_all(&i->env.memory);
}

const char *issuer_job_text(const struct job *j)
{
	return job_text(j);
}

const struct job *issuer_find(const struct issuer *i, const char *name)
{
	const struct ticket *t = map_get(&i->tickets, str_from(name));
	return t ? t->job : NULL;
}

const struct failure *issuer_failure(const struct issuer *i, const char *name)
{
	return memory_newest(&i->env.memory, name);
}

struct job *issuer_force(struct issuer *i, const char *name, issuer_fn *fn, void *owner)
{
	issuer_forgive(i, name);
	struct job *j = issuer_obtain(i, name, ISSUER_RENEWAL, fn, owner);
	job_force(j);
	return j;
}

void issuer_budgets(const struct issuer *i, const char *name, const char *tenant, budget_fn *fn, void *owner)
{
	budget_each(i->env.governor, &i->conf->acme, name, tenant, fn, owner);
}

unsigned issuer_cas(const struct issuer *i)
{
	return i->env.n_cas + i->env.n_stagings;
}

void issuer_look(const struct issuer *i, unsigned n, struct issuer_ca *out)
{
	ASSERT(n < issuer_cas(i));
	const struct ca *ca = &i->env.cas[n];
	int64_t mono = clock_mono_ms();
	*out = (struct issuer_ca){ .name = ca->conf->name, .directory = ca->conf->directory,
		.state = breaker_text(&ca->breaker), .is_well = breaker_is_closed(&ca->breaker),
		.is_staging = n >= i->env.n_cas };
	if (!out->is_well)
		out->retry_at_ms = clock_wall_ms() + breaker_until(&ca->breaker, mono) - mono;
	int64_t closed_ms = governor_closed_until_ms(i->env.governor, n);
	if (closed_ms > out->retry_at_ms) {
		out->state = "left alone, as it asked";
		out->is_well = false;
		out->retry_at_ms = closed_ms;
	}
	struct governor_left left[GOVERNOR_LEFT];
	if (governor_left(i->env.governor, n, &(struct grant){ .name = "" }, GOVERNOR_CAS, left)
		&& !left[0].subject[0]) {
		out->orders_left = left[0].left;
		out->orders_limit = left[0].limit;
		out->orders_next_ms = left[0].next_at_ms;
	}
}

struct issuer_load issuer_load(const struct issuer *i)
{
	return (struct issuer_load){ (unsigned)map_count(&i->tickets), desk_running(i->desk),
		i->n_unsaved };
}
