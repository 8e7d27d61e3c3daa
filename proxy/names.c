/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * names: one machine per name under way.
 *
 *   want ─► LOADING ─┬─ valid ────────────────────────────────────────────────────► answered
 *                    │ none, expired             ┌───────────┐
 *                    ├──────────► ASKING ── no ──┤► refused  │◄── failed ──┐
 *                    │ on demand     │ yes       └───────────┘             │
 *                    └───────────────┴─► RENEWING (renewal has it) ─► ORDERING ─ certificate ─► installed
 *                      named             until it has ended                ▲
 *                                                                          │
 *   LOADING ── none ─► COVERING: a stored wildcard ── none, but configured ─► FOLLOWING its machine
 *
 *   start ─► LOADING … a named one that failed ─► RESTING until its next attempt
 *
 * A stored valid certificate is served before anyone is asked: what is broken elsewhere does not matter.
 * A name below a configured wildcard is never ordered while that one can be had; a configured name
 * whose wildcard failed stands alone.
 * Those who wait are one bit of work per worker; the handshakes themselves wait in the workers.
 */
#include "proxy/names.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "proxy/names_private.h"
#include "proxy/public_name.h"

enum {
	SECOND_MS = 1000,
	DAY_MS = 24 * 3600 * 1000,
	RENEWING_MAX_MS = 60 * SECOND_MS, /* its end is told; this is for one that is forgotten */
	STORE_RETRY_MS = 5 * SECOND_MS, /* refusals for want of a store, ask endpoint, quota, room */
	ASK_RETRY_MS = 5 * SECOND_MS,
	REFUSALS_LOGGED_PER_MINUTE = 60,
	CAUSES_MAX = 2048,
};

static const struct log area = { "names" };

static void on_loaded(void *owner, enum err err, void *object, const struct fault *fault);
static void on_verdict(void *owner, enum ask_verdict verdict, const struct fault *fault);
static bool is_announced(const struct name *m);
static void allowed(struct name *m);
static void order(struct name *m);
static void on_deadline(struct deadline *d);
static void on_obtained(void *owner, enum err err, struct entry *e, const struct fault *fault,
	int64_t retry_at_ms);

void names_enter(struct name *m, enum name_state state)
{
	static const char *const texts[] = {
#define X(name, text) text,
		NAME_STATES(X)
#undef X
	};

	m->state = state;
	m->entered_at_ms = clock_wall_ms();
	log_trace(&area, texts[state], "name=%s", m->host);
}

/* ---- all of them ---- */

struct names *names_new(const struct names_args *args)
{
	const struct conf_on_demand *conf = &args->conf->on_demand;
	struct names *n = mem_new(sizeof(*n));
	int64_t now = clock_mono_ms();

	ASSERT(args->n_workers > 0);
	n->args = *args;
	map_init(&n->by_host);
	causes_init(&n->causes, CAUSES_MAX);
	n->cache = cache_new((size_t)(args->conf->limits.cert_cache_bytes / args->n_workers),
		conf->negative_names ? conf->negative_names : 1);
	names_set_limit(n);
	limit_init(&n->refusals_logged, REFUSALS_LOGGED_PER_MINUTE, REFUSALS_LOGGED_PER_MINUTE, now);
	return n;
}

void names_set_limit(struct names *n)
{
	unsigned per_minute = n->args.conf->on_demand.new_names_per_minute;

	limit_init(&n->new_names, per_minute, per_minute, clock_mono_ms());
}

static void answer(struct names *n, struct worker *w, const struct worker_answer_args *args)
{
	n->args.ops->answer(n->args.owner, w, args);
}

void names_answer_refusal(struct names *n, struct worker *w, const char *host, enum err err,
	int64_t until_ms)
{
	answer(n, w, &(struct worker_answer_args){ .name = host, .err = err, .until_ms = until_ms });
}

/* What one worker was given serves the others without a look at the disk, even if there is none. */
static bool answer_from_memory(struct names *n, struct worker *w, const char *host)
{
	struct entry *e = cache_get(n->cache, str_from(host), clock_wall_ms());

	if (e)
		answer(n, w, &(struct worker_answer_args){ .name = host, .entry = e });
	return e;
}

/* What can be refused without touching anything. */
static enum err check(struct names *n, const char *host, const struct conf_site *site,
	int64_t *until_ms)
{
	int64_t now = clock_wall_ms();
	const struct conf_on_demand *conf = &n->args.conf->on_demand;
	/* Of the limit on names that clients choose. */
	bool is_free = is_named_so(site, host);
	enum err err;

	*until_ms = now + NAMES_BUSY_RETRY_MS;
	if (n->is_stopping)
		return E_DRAINING;
	err = cache_refused(n->cache, str_from(host), now, until_ms);
	if (err)
		return err;
	if (!site || site->tls == CONF_TLS_OFF || !names_has_key(n, site, host)) {
		*until_ms = now + conf->deny_ms;
		return E_DENIED;
	}
	/* A private CA may sign a single label; below our wildcard nothing is ordered. */
	if (!is_named(site) && public_name_check(series_host(host), conf->max_labels)) {
		*until_ms = now + DAY_MS;
		return E_NAME;
	}
	*until_ms = now + NAMES_BUSY_RETRY_MS;
	return !is_free && n->n_on_demand >= conf->max_waiting ? E_LIMIT : E_OK;
}

const struct conf_site *names_site(const struct names *n, const char *host)
{
	struct str name = series_host(host);

	if (host[0] == '*')
		return router_named(n->args.router, name);
	/* "*" is for names that clients send; nobody is asked about an address. */
	return addr_is_ip_literal(name) ? router_ip(n->args.router, name) :
		router_site(n->args.router, name);
}

static void add_waiting(struct name *m, struct worker *w)
{
	for (unsigned i = 0; i < m->n_waiting; i++)
		if (m->waiting[i] == w)
			return;
	ASSERT(m->n_waiting < m->all->args.n_workers);
	m->waiting[m->n_waiting++] = w;
}

/* A client waits for what was begun in the background. */
void names_hurry(struct name *m)
{
	if (m->state == FOLLOWING)
		m = m->leader;
	if (m->state != ORDERING || m->was_hurried)
		return;
	m->was_hurried = true;
	m->all->args.ops->hurry(m->all->args.owner, m->job);
}

void names_want(struct names *n, struct worker *w, const char *host, const char *client_ip)
{
	struct name *m = map_get(&n->by_host, str_from(host));
	const struct conf_site *site;
	int64_t until_ms;
	enum err err;

	if (m && m->state != RESTING) {
		m->is_glance = m->is_pair = false;
		add_waiting(m, w);
		if (!m->client_ip[0])
			str_copy(m->client_ip, sizeof(m->client_ip), str_from(client_ip));
		names_hurry(m);
		return;
	}
	site = names_site(n, host);
	if (site && answer_from_memory(n, w, host))
		return;
	err = check(n, host, site, &until_ms);
	if (!err && m) {
		err = E_BACKOFF;
		until_ms = clock_wall_ms() + NAMES_BUSY_RETRY_MS;
	}
	if (err) {
		names_answer_refusal(n, w, host, err, until_ms);
		return;
	}
	log_debug(&area, "name wanted", "name=%s client=%s", host, client_ip);
	m = names_begin(n, host, site);
	str_copy(m->client_ip, sizeof(m->client_ip), str_from(client_ip));
	add_waiting(m, w);
	names_load(m);
}

void names_unwant(struct names *n, struct worker *w, const char *host)
{
	struct name *m = map_get(&n->by_host, str_from(host));

	for (unsigned i = 0; m && i < m->n_waiting; i++)
		if (m->waiting[i] == w)
			m->waiting[i--] = m->waiting[--m->n_waiting];
}

void names_due(struct names *n, const char *host)
{
	const struct conf_site *site = names_site(n, host);
	struct name *m;

	if (n->is_stopping || !site || map_get(&n->by_host, str_from(host)))
		return;
	if (n->n_on_demand >= n->args.conf->on_demand.max_waiting)
		return;
	m = names_begin(n, host, site);
	m->is_glance = true;
	names_load(m);
}

/* Nobody else has it yet. */
static void place(struct names *n, struct entry *e)
{
	char host[SERIES_NAME];
	struct promise promise;

	n->args.ops->promised(n->args.owner, series_host_text(host, e->name), &promise);
	entry_lead(e, promise.to);
}

void names_renewed(struct names *n, struct entry *e)
{
	struct name *m = map_get(&n->by_host, str_from(e->name));
	const struct conf_site *site = names_site(n, e->name);

	place(n, e);
	n->args.ops->install(n->args.owner, e, is_named_so(site, e->name));
	cache_put(n->cache, e, CACHE_EVICTABLE);
	causes_forget(&n->causes, str_from(e->name));
	if (m && (m->state == RENEWING || m->state == RESTING))
		names_succeed(m, e);
	else if (!m && !n->is_stopping)
		names_pair(n, e->name, site, NULL);
}

void names_renewal_failed(struct names *n, const char *host)
{
	struct name *m = map_get(&n->by_host, str_from(host));

	/* in a turn of its own: the issuer is still about to forget that one */
	if (m && m->state == RENEWING && !n->is_stopping)
		deadline_arm(&m->deadline, 0);
}

bool names_is_busy(const struct names *n, const char *host)
{
	const struct name *m = map_get(&n->by_host, str_from(host));

	return m && m->state == ORDERING;
}

bool names_is_covered(const struct names *n, const char *host)
{
	const struct conf_site *site = names_site(n, host);

	return !names_has_wildcard(n, host) && site && names_has_key(n, site, host) &&
		(site->tls == CONF_TLS_ON_DEMAND || is_named_so(site, host));
}

unsigned names_count(const struct names *n)
{
	return (unsigned)map_count(&n->by_host);
}

/* ---- the operator ---- */

static enum err check_wish(struct names *n, const struct conf_site *site, const char *host,
	struct fault *fault)
{
	if (n->is_stopping)
		return fault_set(fault, E_DRAINING, "it is shutting down");
	if (!site)
		return fault_set(fault, E_DENIED, "no site of the configuration covers this name");
	if (site->tls != CONF_TLS_ON_DEMAND && !is_named(site))
		return fault_set(fault, E_DENIED, "its site \"%s\" does not obtain certificates",
			site->name);
	if (!names_has_key(n, site, host))
		return fault_set(fault, E_DENIED, "its names have no second certificate: \"key_type\" (or "
			"\"acme.key\") names one type of key");
	if (n->n_on_demand >= n->args.conf->on_demand.max_waiting)
		return fault_set(fault, E_LIMIT, "%u names are under way", n->n_on_demand);
	return E_OK;
}

enum err names_issue(struct names *n, const char *host, struct fault *fault)
{
	struct name *m = map_get(&n->by_host, str_from(host));
	const struct conf_site *site = names_site(n, host);
	enum err err = check_wish(n, site, host, fault);

	ASSERT(host);
	if (err || (m && m->state != RESTING))
		return err;
	cache_refuse(n->cache, str_from(host), E_OK, 0);
	log_info(&area, "name wanted by the operator", "name=%s", host);
	if (m) {
		deadline_disarm(&m->deadline);
		order(m);
		return E_OK;
	}
	m = names_begin(n, host, site);
	m->is_wished = true;
	m->is_announced = is_announced(m);
	names_load(m);
	return E_OK;
}

enum err names_forget(struct names *n, const char *host, struct fault *fault)
{
	struct name *m = map_get(&n->by_host, str_from(host));

	if (m && m->state != RESTING)
		return fault_set(fault, E_LOCKED, "it is under way; try again when that is over");
	cache_remove(n->cache, str_from(host));
	cache_refuse(n->cache, str_from(host), E_OK, 0);
	causes_forget(&n->causes, str_from(host));
	if (m && !m->is_named)
		names_end(m);
	return E_OK;
}

void names_reconsider(struct names *n)
{
	cache_forget_refused(n->cache, E_DENIED);
	cache_forget_refused(n->cache, E_NAMES_FILE);
}

void names_look(struct names *n, const char *host, struct names_look *out)
{
	static const enum names_stage stages[] = { [LOADING] = NAMES_LOADING, [ASKING] = NAMES_ASKING,
		[COVERING] = NAMES_LOADING, [FOLLOWING] = NAMES_ORDERING,
		[RENEWING] = NAMES_RENEWING, [ORDERING] = NAMES_ORDERING, [RESTING] = NAMES_RESTING };
	const struct name *m = map_get(&n->by_host, str_from(host));
	const struct cause *cause = causes_get(&n->causes, str_from(host));

	*out = (struct names_look){ .stage = m ? stages[m->state] : NAMES_IDLE,
		.since_ms = m ? m->entered_at_ms : 0, .site = names_site(n, host) };
	out->is_named = is_named_so(out->site, host);
	out->tenant = n->args.ops->tenant(n->args.owner, host);
	out->refused = cache_refused(n->cache, str_from(host), clock_wall_ms(), &out->until_ms);
	if (cause)
		out->cause = *cause;
}

unsigned names_resting(const struct names *n, unsigned max, names_resting_fn *fn, void *owner)
{
	unsigned count = 0;
	size_t cursor = 0;
	struct str host;
	void *value;

	while (map_next(&n->by_host, &cursor, &host, &value)) {
		const struct name *m = value;

		if (m->state != RESTING)
			continue;
		if (count++ < max)
			fn(owner, m->host, causes_get(&n->causes, host));
	}
	return count;
}

/* ---- one name: start ---- */

struct name *names_begin(struct names *n, const char *host, const struct conf_site *site)
{
	struct name *m = mem_new(sizeof(*m) + n->args.n_workers * sizeof(struct worker *));

	m->all = n;
	m->site = site;
	m->is_named = is_named_so(site, host);
	list_init(&m->followers);
	list_init(&m->follow_node);
	list_init(&m->review_node);
	m->begun_at_ms = clock_mono_ms();
	ASSERT(str_copy(m->host, sizeof(m->host), str_from(host)));
	deadline_init(&m->deadline, n->args.loop, on_deadline);
	n->n_on_demand += !m->is_named;
	map_put(&n->by_host, str_from(host), m);
	return m;
}

/* ---- LOADING ---- */

/* Runs on the work queue. */
enum err names_parse(struct str bytes, const char *name, void **object, struct fault *fault)
{
	struct entry *e = NULL;
	enum err err = entry_parse(bytes, name, &e, fault);

	*object = e;
	return err;
}

void names_load(struct name *m)
{
	names_enter(m, LOADING);
	store_load(m->all->args.store, STORE_CERTS, m->host, names_parse, on_loaded, m);
}

static void found(struct name *m)
{
	struct entry *e = m->stored;

	if (!is_usable(e, clock_wall_ms())) {
		log_info(&area, "stored certificate expired", "name=%s", m->host);
		names_glance_at_other(m);
		if (!names_cover(m))
			names_decide(m);
		return;
	}
	place(m->all, e);
	log_info(&area, "certificate loaded from the store", "name=%s ms=%lld", m->host,
		(long long)(clock_mono_ms() - m->begun_at_ms));
	if (!m->n_waiting || m->is_named)
		m->all->args.ops->install(m->all->args.owner, e, m->is_named);
	names_offer_other(m, e);
	names_succeed(m, e);
}

static void not_found(struct name *m, enum err err, const struct fault *fault)
{
	/* A store that cannot be read may hold the certificate: an order would waste the CA's patience. */
	if (err != E_NOT_FOUND && err != E_STORE_CORRUPT)
		names_refuse(m, fault, clock_wall_ms() + STORE_RETRY_MS);
	else {
		names_glance_at_other(m);
		if (!names_cover(m))
			names_decide(m);
	}
}

static void on_loaded(void *owner, enum err err, void *object, const struct fault *fault)
{
	struct name *m = owner;
	struct names *n = m->all;
	struct fault why = fault ? *fault : (struct fault){ 0 };

	ASSERT(m->state == LOADING);
	why.code = err;
	m->stored = object;
	n->n_start -= m->is_start;
	m->is_start = false;
	if (n->is_stopping || (err && m->is_glance))
		names_end(m);
	else if (err)
		not_found(m, err, &why);
	else
		found(m);
	names_start_some(n);
}

/* ---- allowed? ---- */

static void deny(struct name *m, enum err code, const char *why)
{
	struct fault fault = { 0 };
	int64_t deny_ms = m->all->args.conf->on_demand.deny_ms;

	fault_set(&fault, code, "%s", why);
	names_refuse(m, &fault, clock_wall_ms() + (deny_ms < DAY_MS ? deny_ms : DAY_MS));
}

static bool is_announced(const struct name *m)
{
	char host[SERIES_NAME];

	return m->all->args.ops->is_announced(m->all->args.owner, series_host_text(host, m->host));
}

/* Whether that was all; otherwise the endpoint is to be asked. */
static bool decide_by_lists(struct name *m)
{
	struct names *n = m->all;
	bool is_asked_about = n->args.conf->on_demand.n_ask > 0;
	char host[SERIES_NAME];
	enum lists_answer answer = n->args.ops->listed(n->args.owner, series_host_text(host, m->host));
	struct fault fault = { 0 };

	m->is_listed = answer == LISTED_ALLOWED;
	if (m->is_listed)
		allowed(m);
	else if (answer == LISTED_DENIED)
		deny(m, E_DENIED, "the operator denies it");
	else if (is_asked_about)
		return false;
	else if (answer == LISTED_NOT)
		deny(m, E_DENIED, "it is not among the listed names, and no ask endpoint is configured");
	else {
		fault_set(&fault, E_NAMES_FILE, "the list of allowed names could not be read yet");
		names_refuse(m, &fault, clock_wall_ms() + STORE_RETRY_MS);
	}
	return true;
}

void names_decide(struct name *m)
{
	struct names *n = m->all;

	if (m->is_glance)
		names_end(m);
	else if (!m->site)   /* a reload took it while the store was asked */
		deny(m, E_DENIED, "no site of the configuration covers it");
	else if (!names_has_key(n, m->site, m->host))
		deny(m, E_DENIED, "its names have no second certificate any more");
	else if (!m->is_wished && names_follow(m))
		return;
	else if (m->is_named || m->is_wished)
		allowed(m);
	else if (is_announced(m)) {
		m->is_announced = true;
		allowed(m);
	} else if (m->site->tls != CONF_TLS_ON_DEMAND)
		deny(m, E_DENIED, "its site does not obtain certificates");
	else if (!decide_by_lists(m)) {
		char host[SERIES_NAME];

		names_enter(m, ASKING);
		n->args.ops->ask(n->args.owner, series_host_text(host, m->host), m->client_ip, on_verdict, m);
	}
}

/* A certificate of ours proves that the name was allowed when it was issued. */
static bool was_allowed_lately(const struct name *m)
{
	return m->stored && clock_wall_ms() - m->stored->issued_at_ms <
		m->all->args.conf->on_demand.if_ask_is_down_ms;
}

static void on_verdict(void *owner, enum ask_verdict verdict, const struct fault *fault)
{
	struct name *m = owner;

	ASSERT(m->state == ASKING);
	if (verdict == ASK_UNKNOWN && was_allowed_lately(m))
		verdict = ASK_ALLOW;
	if (verdict == ASK_ALLOW)
		allowed(m);
	else if (verdict == ASK_DENY)
		deny(m, E_DENIED, "the ask endpoint denies it");
	else
		names_refuse(m, fault, clock_wall_ms() + ASK_RETRY_MS);
}

/* New names of clients are rationed; names we had a certificate for are not new, nor is the second of one. */
static void allowed(struct name *m)
{
	struct names *n = m->all;
	int64_t now = clock_mono_ms();
	struct fault fault = { 0 };

	if (!m->is_named && !m->is_wished && !m->stored && !m->is_pair && !limit_take(&n->new_names, now)) {
		fault_set(&fault, E_LIMIT, "more than %u new names a minute",
			n->args.conf->on_demand.new_names_per_minute);
		names_refuse(m, &fault, clock_wall_ms() + SECOND_MS + limit_wait_ms(&n->new_names, now));
		return;
	}
	if (!m->is_named)
		log_info(&area, "name allowed", "name=%s client=%s", m->host, m->client_ip);
	order(m);
}

/* ---- RENEWING, ORDERING ---- */

static void order(struct name *m)
{
	struct names *n = m->all;
	struct promise promise;
	bool is_waited_for = m->n_waiting > 0 || !list_is_empty(&m->followers);
	char host[SERIES_NAME];
	struct issuer_wish wish = {
		.name = m->host,
		.reason = m->is_named || m->is_wished ? ISSUER_NAMED : m->is_pair ? ISSUER_PAIR : ISSUER_ON_DEMAND,
		.not_after_ms = m->stored ? m->stored->not_after_ms : 0,
		.decision = m->is_named ? "configured" : m->is_wished ? "operator" : m->is_announced ?
			"announced" : m->is_listed ? "listed" : "ask allowed it",
		.client = m->client_ip,
		.tenant = m->is_named ? NULL : n->args.ops->tenant(n->args.owner,
			series_host_text(host, m->host)),
	};

	n->args.ops->promised(n->args.owner, series_host_text(host, m->host), &promise);
	wish.profile = promise.profile;
	if (n->args.ops->is_renewing(n->args.owner, m->host)) {
		names_enter(m, RENEWING);
		deadline_arm(&m->deadline, RENEWING_MAX_MS);
		return;
	}
	log_info(&area, "ordering a certificate", "name=%s reason=%s", m->host,
		m->is_named ? "configured" : "on_demand");
	names_enter(m, ORDERING);
	m->was_hurried = false;
	m->job = n->args.ops->obtain(n->args.owner, &wish, on_obtained, m);
	if ((m->is_named || m->is_wished) && is_waited_for)
		names_hurry(m);
}

static void on_deadline(struct deadline *d)
{
	struct name *m = container_of(d, struct name, deadline);

	ASSERT(m->state == RENEWING || m->state == RESTING);
	order(m);
}

static void on_obtained(void *owner, enum err err, struct entry *e, const struct fault *fault,
	int64_t retry_at_ms)
{
	struct name *m = owner;
	struct fault why = fault ? *fault : (struct fault){ 0 };

	ASSERT(m->state == ORDERING);
	m->job = NULL;
	if (err) {
		why.code = err;
		names_refuse(m, &why, retry_at_ms);
		return;
	}
	place(m->all, e);
	log_info(&area, "certificate installed", "name=%s ms=%lld challenge=%s serial=%s", m->host,
		(long long)(clock_mono_ms() - m->begun_at_ms), e->challenge, e->serial);
	if (why.code)
		log_warn(&area, "certificate not stored yet", "name=%s code=SP-%d", m->host,
			err_code(why.code));
	m->all->args.ops->install(m->all->args.owner, e, m->is_named);
	names_succeed(m, e);
}

/* ---- answers ---- */

void names_succeed(struct name *m, struct entry *e)
{
	struct names *n = m->all;

	for (unsigned i = 0; i < m->n_waiting; i++)
		answer(n, m->waiting[i], &(struct worker_answer_args){ .name = m->host, .entry = e });
	cache_put(n->cache, e, CACHE_EVICTABLE);
	causes_forget(&n->causes, str_from(m->host));
	n->args.ops->watch(n->args.owner, e);
	names_lead(m, e);
	if (!m->is_glance && !m->is_pair)
		names_pair(n, m->host, m->site, m);
	names_end(m);
}

static void log_refusal(struct name *m, const struct fault *why, int64_t until_ms)
{
	struct log_field fields[] = {
		{ .key = "name", .text = str_from(m->host) },
		{ .key = "code", .type = LOG_F_INT, .number = err_code(why->code) },
		{ .key = "err", .text = str_from(err_text(why->code)) },
		{ .key = "during", .text = str_from(why->activity) },
		{ .key = "why", .text = str_from(why->detail) },
		{ .key = "retry_in_s", .type = LOG_F_INT,
			.number = (until_ms - clock_wall_ms()) / SECOND_MS },
	};

	if (m->is_named || limit_take(&m->all->refusals_logged, clock_mono_ms()))
		log_kv(&area, m->is_named ? LOG_WARN : LOG_INFO, "no certificate for name", fields,
			ARRAY_LEN(fields));
}

/* A peer's or the issuer's idea of "later" within reason. */
static int64_t clamp_until(int64_t until_ms)
{
	int64_t now = clock_wall_ms();

	if (until_ms < now + SECOND_MS)
		return now + SECOND_MS;
	return until_ms > now + 2 * DAY_MS ? now + 2 * DAY_MS : until_ms;
}

void names_refuse(struct name *m, const struct fault *why, int64_t until_ms)
{
	struct names *n = m->all;
	enum err err = why && why->code ? why->code : E_ISSUE;
	struct fault fault = why ? *why : (struct fault){ 0 };

	fault.code = err;
	until_ms = clamp_until(until_ms);
	log_refusal(m, &fault, until_ms);
	for (unsigned i = 0; i < m->n_waiting; i++)
		names_answer_refusal(n, m->waiting[i], m->host, err, until_ms);
	m->n_waiting = 0;
	cache_refuse(n->cache, str_from(m->host), err, until_ms);
	causes_note(&n->causes, str_from(m->host), &fault, clock_wall_ms(), until_ms);
	names_disappoint(m, &fault, until_ms);
	if (!m->is_named && !m->is_announced) {
		names_end(m);
		return;
	}
	names_enter(m, RESTING);
	deadline_arm(&m->deadline, until_ms - clock_wall_ms());
}

void names_end(struct name *m)
{
	struct names *n = m->all;
	void *was = map_remove(&n->by_host, str_from(m->host));

	ASSERT(was == m);
	names_part(m);
	list_remove(&m->review_node);
	deadline_disarm(&m->deadline);
	entry_unref(&m->stored);
	n->n_on_demand -= !m->is_named;
	n->n_start -= m->is_start;
	mem_release(m);
}

/* ---- end ---- */

void names_stop(struct names *n)
{
	size_t cursor = 0;
	void *value;
	struct str host;

	n->is_stopping = true;
	while (map_next(&n->by_host, &cursor, &host, &value)) {
		struct name *m = value;

		for (unsigned i = 0; i < m->n_waiting; i++)
			names_answer_refusal(n, m->waiting[i], m->host, E_DRAINING, clock_wall_ms());
		m->n_waiting = 0;
		deadline_disarm(&m->deadline);
		if (m->state != LOADING && m->state != COVERING)
			names_end(m);
	}
}

void names_free(struct names **n)
{
	size_t cursor = 0;
	void *value;
	struct str host;

	if (!*n)
		return;
	while (map_next(&(*n)->by_host, &cursor, &host, &value))
		names_end(value);
	map_fini(&(*n)->by_host);
	causes_fini(&(*n)->causes);
	mem_free(&(*n)->todo);
	cache_free(&(*n)->cache);
	mem_free(n);
}
