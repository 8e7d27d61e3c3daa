/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * order: the protocol from the top down.
 *
 *   PLACE --+--> AUTHORIZE --> HOLD --> FINALIZE --> WATCH --> DOWNLOAD --> CHOOSE --> done
 *           |        ^                      \          | ^
 *   READ ---+--------+-----------------------+---------+ |
 *     ^------------------------------------------------/ |
 *     \--------------------------------------------------/
 *
 * READ is where one goes when in doubt: resumed, a finalize without reply, or nothing new yet. Where to
 * go from there is told by the order's status alone.
 */
#include "acme/order.h"

#include <stdio.h>

#include "acme/chains.h"
#include "acme/identifier.h"
#include "acme/poll.h"
#include "acme/problem.h"
#include "acme/request.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/counter.h"
#include "base/encode.h"
#include "base/log.h"
#include "base/mem.h"
#include "conf/known_ca.h"
#include "net/deadline.h"

/* X(enumerator, function, text) */
#define ORDER_STATES(X) \
	X(ORDER_PLACE, place, "placing the order") \
	X(ORDER_READ, read, "reading the order") \
	X(ORDER_AUTHORIZE, authorize, "authorizing") \
	X(ORDER_HOLD, hold, "writing the order down") \
	X(ORDER_FINALIZE, finalize, "finalizing the order") \
	X(ORDER_WATCH, watch, "waiting for the certificate") \
	X(ORDER_DOWNLOAD, download, "downloading the certificate") \
	X(ORDER_CHOOSE, choose, "looking for the preferred chain")

enum order_state {
#define X(name, fn, text) name,
	ORDER_STATES(X)
#undef X
};

enum { WATCH_MAX_MS = 10 * 60 * 1000, FINALIZE_MAX = 3, PAYLOAD_MAX = 64 * 1024, CSR_MAX = 16 * 1024 };

struct order {
	struct ca *ca;
	char *kid, *name, *profile, *replaces;
	const char *preferred_chain;
	bool must_have_profile, was_refused[ORDER_EXTRAS];
	struct chains *chains;              /* CHOOSE */
	struct buf csr;
	struct challenge_table *table;
	enum conf_challenge wanted[CONF_CHALLENGES];
	unsigned n_wanted;
	void (*on_placed)(void *owner, struct order *o);
	void (*on_done)(void *owner, struct order *o, enum err err, struct str chain,
		const struct fault *fault);
	void *owner;

	enum order_state state;
	char url[ACME_URL];
	struct order_body *body;
	unsigned next_authz;
	struct authz *authz;
	struct request *request;
	struct deadline deadline;
	struct poll poll;
	bool may_finalize, was_announced;
	unsigned finalizations, authorizations, looks;
	int challenge;
	int64_t watching_since_ms;
};

#define X(name, fn, text) static void ask_##fn(struct order *o); \
	static void answer_##fn(struct order *o, const struct request_answer *answer);
ORDER_STATES(X)
#undef X

static const struct {
	const char *text;
	void (*ask)(struct order *o);
	void (*answer)(struct order *o, const struct request_answer *answer);
} rows[] = {
#define X(name, fn, text) { text, ask_##fn, answer_##fn },
	ORDER_STATES(X)
#undef X
};

static const struct log log_acme = { "acme" };

static void enter(struct order *o, enum order_state state)
{
	o->state = state;
	log_trace(&log_acme, "order", "name=%s state=%d", o->name, (int)state);
	rows[state].ask(o);
}

static void free_order(struct order **o)
{
	struct order *old = *o;
	*o = NULL;
	deadline_disarm(&old->deadline);
	authz_cancel(&old->authz);
	request_cancel(&old->request);
	buf_fini(&old->csr);
	mem_free(&old->body);
	mem_free(&old->kid);
	mem_free(&old->name);
	mem_free(&old->profile);
	mem_free(&old->replaces);
	chains_free(&old->chains);
	mem_free(&old);
}

static void finish(struct order *o, enum err err, struct str chain, const struct fault *fault)
{
	struct fault f = fault ? *fault : (struct fault){ .code = err };
	fault_during(&f, "%s", rows[o->state].text);
	if (err)
		counter_add(COUNTER_ORDERS_FAILED, 1);
	o->on_done(o->owner, o, err, chain, err ? &f : NULL);
	free_order(&o);
}

static void fail(struct order *o, enum err err, const char *why)
{
	struct fault f = { 0 };
	fault_set(&f, err, "%s", why);
	finish(o, err, STR_NONE, &f);
}

static void on_answer(void *owner, enum err err, const struct request_answer *answer,
	const struct fault *fault);

static void post(struct order *o, const char *url, struct str payload, const char *accept,
	enum request_repeat repeat)
{
	o->request = request_start(&(struct request_args){ .ca = o->ca, .kid = o->kid,
		.url = url, .payload = payload, .accept = accept, .repeat = repeat }, on_answer, o);
}

/* ---- the resource ---- */

static int status_of(struct str text)
{
	static const char *const texts[] = {
#define X(name, text) text,
		ORDER_STATUSES(X)
#undef X
	};
	for (int i = 0; i < ORDER_STATUS_COUNT; i++) {
		if (str_is(text, texts[i]))
			return i;
	}
	return -1;
}

static enum err parse_url(const struct json *root, const char *key, char dst[ACME_URL],
	struct fault *fault)
{
	const struct json *url = json_get(root, key);
	if (!url || json_type(url) == JSON_NULL)
		return E_OK;
	if (!transport_url_is_fine(json_str(url)) || !str_copy(dst, ACME_URL, json_str(url)))
		return fault_set(fault, E_ACME_PROTOCOL, "order: %s is no https URL", key);
	return E_OK;
}

static enum err parse_authorizations(const struct json *list, struct order_body *out,
	struct fault *fault)
{
	if (!json_count(list) || json_count(list) > ORDER_AUTHZ)
		return fault_set(fault, E_ACME_PROTOCOL, "order: %zu authorizations for one name",
			json_count(list));
	for (const struct json *url = json_first(list); url; url = json_next(url)) {
		if (!transport_url_is_fine(json_str(url)))
			return fault_set(fault, E_ACME_PROTOCOL, "order: an authorization is no https URL");
		str_copy(out->authz[out->n_authz++], ACME_URL, json_str(url));
	}
	return E_OK;
}

static enum err parse_root(const struct json *root, struct order_body *out, struct fault *fault)
{
	struct str expires = json_get_str(root, "expires");
	const struct json *error = json_get(root, "error");
	int status = status_of(json_get_str(root, "status"));
	if (status < 0)
		return fault_set(fault, E_ACME_PROTOCOL, "order without a known status");
	out->status = (enum order_status)status;
	str_copy(out->profile, sizeof out->profile, json_get_str(root, "profile"));
	int64_t at_ms = expires.at ? clock_parse_rfc3339(expires.at, expires.len) : 0;
	out->expires_ms = at_ms > 0 ? at_ms : 0;
	if (error && json_type(error) == JSON_OBJECT)
		problem_from_json(error, &out->error);
	enum err err = parse_url(root, "certificate", out->certificate, fault);
	if (!err && out->status != ORDER_INVALID)
		err = parse_url(root, "finalize", out->finalize, fault);
	/* Only who still has to prove something needs the list. */
	if (!err && out->status == ORDER_PENDING)
		err = parse_authorizations(json_get(root, "authorizations"), out, fault);
	return err;
}

enum err order_parse(struct str body, struct order_body *out, struct fault *fault)
{
	struct json *root = NULL;
	memset(out, 0, sizeof *out);
	if (json_parse(body, &json_limits_default, &root, NULL))
		return fault_set(fault, E_ACME_PROTOCOL, "order is no JSON");
	enum err err = parse_root(root, out, fault);
	json_free(&root);
	return err;
}

/* Whether the new state was taken over; else the order is dead. */
static bool take_body(struct order *o, const struct request_answer *answer)
{
	struct fault fault = { 0 };
	struct order_body *body = mem_new(sizeof *body);
	if (order_parse(answer->body, body, &fault)) {
		mem_free(&body);
		finish(o, fault.code, STR_NONE, &fault);
		return false;
	}
	/* What was told once stays true, even if later replies leave it out. */
	if (!body->finalize[0] && o->body)
		memcpy(body->finalize, o->body->finalize, ACME_URL);
	if (!body->expires_ms && o->body)
		body->expires_ms = o->body->expires_ms;
	if (!body->profile[0] && o->body)
		memcpy(body->profile, o->body->profile, sizeof body->profile);
	mem_free(&o->body);
	o->body = body;
	return true;
}

/* By status, wherever we came from. */
static void go_on(struct order *o, int64_t retry_ms)
{
	struct fault f = o->body->error;
	switch (o->body->status) {
	case ORDER_PENDING:
		if (++o->authorizations > 2)
			fail(o, E_ACME_PROTOCOL, "the order stays pending although all is authorized");
		else
			enter(o, ORDER_AUTHORIZE);
		return;
	case ORDER_IS_READY:
		enter(o, ORDER_HOLD);
		return;
	case ORDER_PROCESSING:
		enter(o, ORDER_WATCH);
		deadline_arm(&o->deadline, poll_again(&o->poll, retry_ms, loop_now_ms(o->ca->loop)));
		return;
	case ORDER_VALID:
		enter(o, ORDER_DOWNLOAD);
		return;
	case ORDER_INVALID:
		if (!f.code)
			fault_set(&f, E_ISSUE, "the CA made the order invalid and told no reason");
		finish(o, f.code, STR_NONE, &f);
		return;
	case ORDER_STATUS_COUNT:
		break;
	}
	UNREACHABLE();
}

static int64_t retry_of(const struct request_answer *answer)
{
	return request_retry_after_ms(answer->headers, clock_wall_ms());
}

/* ---- PLACE ---- */

static void ask_place(struct order *o)
{
	struct buf payload;
	struct json *root = json_new_object(), *list = json_new_array();
	json_append(list, identifier_json(o->name));
	json_put(root, "identifiers", list);
	if (o->profile)
		json_put_cstr(root, "profile", o->profile);
	if (o->replaces)
		json_put_cstr(root, "replaces", o->replaces);
	buf_init(&payload, PAYLOAD_MAX);
	enum err err = json_print(root, &payload, false);
	ASSERT(!err);
	json_free(&root);
	counter_add(COUNTER_ORDERS, 1);
	post(o, directory_get(o->ca->directory)->new_order, buf_str(&payload), NULL,
		o->replaces ? REQUEST_REPEAT_UNANSWERED : REQUEST_REPEAT_ONCE);
	buf_fini(&payload);
}

/* What an extra of ours may have caused is tried once more without it (RFC 9773 5: a CA may refuse
 * "replaces" for reasons we cannot see, and says so in many ways). */
static bool place_without(struct order *o, const struct fault *fault)
{
	struct str type = str_from(fault->type);
	bool is_about_account = str_is(type, "accountDoesNotExist")
		|| str_is(type, "userActionRequired") || str_is(type, "badNonce");
	enum order_extra extra = ORDER_EXTRAS;
	if (o->profile && str_is(type, "invalidProfile"))
		extra = o->must_have_profile ? ORDER_EXTRAS : ORDER_PROFILE;
	else if (o->replaces && fault->status >= 400 && fault->status != 503
		&& fault->code != E_RATE_LIMITED && !is_about_account)
		extra = ORDER_REPLACES;
	if (extra == ORDER_EXTRAS || !directory_get(o->ca->directory))
		return false;
	log_kv(&log_acme, LOG_INFO, "order refused, placed again without", (struct log_field[]){
		{ .key = "name", .text = str_from(o->name) },
		{ .key = "without", .text = extra == ORDER_PROFILE ? STR("profile") : STR("replaces") },
		{ .key = "type", .text = fault->type[0] ? type : STR_NONE },
		{ .key = "detail", .text = str_from(fault->detail) },
	}, 4);
	o->was_refused[extra] = true;
	mem_free(extra == ORDER_PROFILE ? &o->profile : &o->replaces);
	enter(o, ORDER_PLACE);
	return true;
}

static void answer_place(struct order *o, const struct request_answer *answer)
{
	if (!request_header_url(answer->headers, "location", o->url)) {
		fail(o, E_ACME_PROTOCOL, "newOrder answered without Location");
		return;
	}
	if (!take_body(o, answer))
		return;
	log_kv(&log_acme, LOG_INFO, "order placed", (struct log_field[]){
		{ .key = "name", .text = str_from(o->name) },
		{ .key = "ca", .text = str_from(o->ca->conf->name) },
		{ .key = "url", .text = str_from(o->url) },
	}, 3);
	int64_t retry_ms = retry_of(answer);
	o->was_announced = true;
	o->on_placed(o->owner, o);
	go_on(o, retry_ms);
}

/* ---- READ ---- */

static void ask_read(struct order *o)
{
	o->looks++;
	post(o, o->url, STR_NONE, NULL, REQUEST_REPEATABLE);
}

/* Some take their time between finalize and the certificate. */
static int64_t watch_max_ms(const struct order *o)
{
	int64_t known_ms = known_ca_of(o->ca->conf->directory)->issue_ms;
	return known_ms > WATCH_MAX_MS ? known_ms : WATCH_MAX_MS;
}

static void answer_read(struct order *o, const struct request_answer *answer)
{
	int64_t now = loop_now_ms(o->ca->loop), retry_ms = retry_of(answer);
	if (!take_body(o, answer))
		return;
	if (o->watching_since_ms && now - o->watching_since_ms > watch_max_ms(o)) {
		fail(o, E_TIMEOUT, "the CA has not finished the order; looking again later");
		return;
	}
	if (!o->was_announced) {  /* resumed, and alive */
		o->was_announced = true;
		o->on_placed(o->owner, o);
	}
	go_on(o, retry_ms);
}

/* ---- AUTHORIZE: one after the other; with one name there is one ---- */

static void on_authorized(void *owner, enum err err, const struct authz_result *result,
	const struct fault *fault);

static void ask_authorize(struct order *o)
{
	struct authz_args args = {
		.ca = o->ca, .kid = o->kid, .url = o->body->authz[o->next_authz],
		.name = strncmp(o->name, "*.", 2) ? o->name : o->name + 2,
		.is_wildcard = strncmp(o->name, "*.", 2) == 0,
		.table = o->table, .n_wanted = o->n_wanted,
	};
	memcpy(args.wanted, o->wanted, sizeof args.wanted);
	o->authz = authz_start(&args, on_authorized, o);
}

static void on_authorized(void *owner, enum err err, const struct authz_result *result,
	const struct fault *fault)
{
	struct order *o = owner;
	o->authz = NULL;
	o->looks += result->polls;
	if (result->used >= 0)
		o->challenge = result->used;
	if (err) {
		finish(o, err, STR_NONE, fault);
		return;
	}
	if (++o->next_authz < o->body->n_authz) {
		enter(o, ORDER_AUTHORIZE);
		return;
	}
	/* The order is ready by RFC 8555 7.1.6; should the CA still think otherwise it says orderNotReady
	 * and we read. That saves a request in the common case. */
	o->next_authz = 0;
	enter(o, o->body->finalize[0] ? ORDER_HOLD : ORDER_READ);
}

static void answer_authorize(struct order *o, const struct request_answer *answer)
{
	(void)o;
	(void)answer;
	UNREACHABLE();
}

/* ---- HOLD: the key must outlive us before the CA signs it ---- */

static void ask_hold(struct order *o)
{
	if (!o->body->finalize[0])
		fail(o, E_ACME_PROTOCOL, "the order has no finalize URL");
	else if (o->may_finalize)
		enter(o, ORDER_FINALIZE);
}

static void answer_hold(struct order *o, const struct request_answer *answer)
{
	(void)o;
	(void)answer;
	UNREACHABLE();
}

void order_allow_finalize(struct order *o)
{
	o->may_finalize = true;
	if (o->state == ORDER_HOLD)
		enter(o, ORDER_FINALIZE);
}

/* ---- FINALIZE ---- */

static void ask_finalize(struct order *o)
{
	struct buf payload;
	char *csr = mem_new(ENCODE_B64_SIZE(o->csr.len));
	encode_base64url(csr, buf_str(&o->csr));
	buf_init(&payload, PAYLOAD_MAX);
	enum err err = buf_addf(&payload, "{\"csr\":\"%s\"}", csr);
	ASSERT(!err);
	o->finalizations++;
	post(o, o->body->finalize, buf_str(&payload), NULL, REQUEST_NO_REPEAT);
	buf_fini(&payload);
	mem_free(&csr);
}

static void watch_from_now(struct order *o, int64_t retry_ms)
{
	int64_t now = loop_now_ms(o->ca->loop);
	if (!o->watching_since_ms)
		o->watching_since_ms = now;
	poll_start(&o->poll, retry_ms, now);
	enter(o, ORDER_WATCH);
	/* Signing takes milliseconds in a CA that does it at once. */
	deadline_arm(&o->deadline, poll_hint(&o->poll, now));
}

static void answer_finalize(struct order *o, const struct request_answer *answer)
{
	int64_t retry_ms = retry_of(answer);
	if (!take_body(o, answer))
		return;
	if (o->body->status == ORDER_VALID || o->body->status == ORDER_INVALID)
		go_on(o, retry_ms);
	else
		watch_from_now(o, retry_ms);
}

/* No reply, or a refusal that may only mean that an earlier one arrived: the order knows. */
static void doubt_finalize(struct order *o, const struct fault *fault)
{
	bool may_read = fault->status == 0 || fault->status >= 500
		|| str_is(str_from(fault->type), "orderNotReady");
	if (may_read && o->finalizations < FINALIZE_MAX)
		watch_from_now(o, -1);
	else
		finish(o, fault->code, STR_NONE, fault);
}

/* ---- WATCH ---- */

/* Armed by who knows how long to wait. */
static void ask_watch(struct order *o)
{
	if (!o->watching_since_ms)
		o->watching_since_ms = loop_now_ms(o->ca->loop);
}

static void answer_watch(struct order *o, const struct request_answer *answer)
{
	(void)o;
	(void)answer;
	UNREACHABLE();
}

/* ---- DOWNLOAD ---- */

static void ask_download(struct order *o)
{
	if (!o->body->certificate[0])
		fail(o, E_ACME_PROTOCOL, "a valid order without a certificate URL");
	else
		post(o, o->body->certificate, STR_NONE, "application/pem-certificate-chain",
			REQUEST_REPEATABLE);
}

static void answer_download(struct order *o, const struct request_answer *answer)
{
	if (!o->preferred_chain || chains_leads_to(answer->body, o->preferred_chain)) {
		finish(o, E_OK, answer->body, NULL);
		return;
	}
	o->chains = chains_new(answer->body, answer->headers);
	enter(o, ORDER_CHOOSE);
}

/* ---- CHOOSE: the others on offer, one after the other ---- */

static void ask_choose(struct order *o)
{
	const char *url = chains_next_url(o->chains);
	if (url) {
		post(o, url, STR_NONE, "application/pem-certificate-chain", REQUEST_REPEATABLE);
		return;
	}
	log_kv(&log_acme, LOG_WARN, "preferred chain not offered, default used", (struct log_field[]){
		{ .key = "name", .text = str_from(o->name) },
		{ .key = "ca", .text = str_from(o->ca->conf->name) },
		{ .key = "preferred", .text = str_from(o->preferred_chain) },
	}, 3);
	finish(o, E_OK, chains_default(o->chains), NULL);
}

static void answer_choose(struct order *o, const struct request_answer *answer)
{
	if (chains_leads_to(answer->body, o->preferred_chain))
		finish(o, E_OK, answer->body, NULL);
	else
		enter(o, ORDER_CHOOSE);
}

/* ---- callbacks ---- */

static void on_answer(void *owner, enum err err, const struct request_answer *answer,
	const struct fault *fault)
{
	struct order *o = owner;
	o->request = NULL;
	if (!err) {
		rows[o->state].answer(o, answer);
		return;
	}
	if (o->state == ORDER_CHOOSE) {  /* a chain in the hand is worth two on offer */
		finish(o, E_OK, chains_default(o->chains), NULL);
		return;
	}
	if (o->state == ORDER_PLACE && place_without(o, fault))
		return;
	if (o->state == ORDER_PLACE && fault->status == 404)
		directory_forget(o->ca->directory);
	if (o->state == ORDER_FINALIZE)
		doubt_finalize(o, fault);
	else
		finish(o, err, STR_NONE, fault);
}

static void on_deadline(struct deadline *d)
{
	struct order *o = container_of(d, struct order, deadline);
	enter(o, ORDER_READ);
}

/* ---- the door ---- */

struct order *order_start(const struct order_args *args)
{
	ASSERT(args->on_done && args->on_placed && args->csr.len && args->csr.len <= CSR_MAX);
	struct order *o = mem_new(sizeof *o);
	o->ca = args->ca;
	o->kid = mem_strdup(args->kid);
	o->name = mem_strdup(args->name);
	o->profile = args->profile ? mem_strdup(args->profile) : NULL;
	o->replaces = args->replaces ? mem_strdup(args->replaces) : NULL;
	o->preferred_chain = args->preferred_chain;
	o->must_have_profile = args->must_have_profile;
	buf_init(&o->csr, CSR_MAX);
	buf_add(&o->csr, args->csr);
	o->table = args->table;
	memcpy(o->wanted, args->wanted, sizeof o->wanted);
	o->n_wanted = args->n_wanted;
	o->on_placed = args->on_placed;
	o->on_done = args->on_done;
	o->owner = args->owner;
	o->challenge = -1;
	deadline_init(&o->deadline, args->ca->loop, on_deadline);
	if (args->resume_url)
		str_copy(o->url, sizeof o->url, str_from(args->resume_url));
	enter(o, args->resume_url ? ORDER_READ : ORDER_PLACE);
	return o;
}

void order_cancel(struct order **o)
{
	if (*o)
		free_order(o);
}

const char *order_url(const struct order *o)
{
	return o->url;
}

int64_t order_expires_ms(const struct order *o)
{
	return o->body ? o->body->expires_ms : 0;
}

bool order_was_refused(const struct order *o, enum order_extra extra)
{
	return o->was_refused[extra];
}

const char *order_profile(const struct order *o)
{
	return o->body && o->body->profile[0] ? o->body->profile : o->profile ? o->profile : "";
}

int order_challenge(const struct order *o)
{
	return o->challenge;
}

unsigned order_polls(const struct order *o)
{
	return o->looks;
}

const char *order_text(const struct order *o)
{
	return o->state == ORDER_AUTHORIZE && o->authz ? authz_text(o->authz) : rows[o->state].text;
}

bool order_is_validating(const struct order *o)
{
	return o->state == ORDER_AUTHORIZE && o->authz;
}
