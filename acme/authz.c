/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * authz: from "prove it" to "valid".
 *
 *   READ --> HOLD --> PREPARE --> PUBLISH --> ANNOUNCE --> WATCH --> LOOK --> done
 *     \                                                       ^________/
 *      \--> done (valid already)
 *
 * The order matters: a fast CA comes before the reply to ANNOUNCE, so that every worker answers the
 * challenge and other processes at the store can, or every name server has its record, before the CA
 * hears of it. From PREPARE to the end the account keeps its key: the answer names it.
 */
#include "acme/authz.h"

#include <stdio.h>

#include "acme/dns_proof.h"
#include "acme/errand.h"
#include "acme/identifier.h"
#include "acme/jws.h"
#include "acme/poll.h"
#include "acme/request.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/deadline.h"

/* X(enumerator, function, text, deadline in ms; 0: the request has its own) */
#define AUTHZ_STATES(X) \
	X(AUTHZ_READ, read, "reading the authorization", 0) \
	X(AUTHZ_HOLD, hold, "waiting for a change of the account key", 0) \
	X(AUTHZ_PREPARE, prepare, "preparing the challenge", 30000) \
	X(AUTHZ_PUBLISH, publish, "publishing the challenge", 10000) \
	X(AUTHZ_ANNOUNCE, announce, "announcing the challenge", 0) \
	X(AUTHZ_WATCH, watch, "waiting for the validation", 0) \
	X(AUTHZ_LOOK, look, "waiting for the validation", 0)

enum authz_state {
#define X(name, fn, text, ms) name,
	AUTHZ_STATES(X)
#undef X
};

enum { GRACE_MS = 60000, WATCH_MAX_MS = 120000, ANNOUNCEMENTS = 2, KEY_AUTHORIZATION_MAX = 256 };

struct authz {
	struct ca *ca;
	struct signer_use use;
	char *kid, *url, *name;
	struct challenge_table *table;
	enum conf_challenge wanted[CONF_CHALLENGES];
	unsigned n_wanted;
	authz_fn *fn;
	void *owner;

	enum authz_state state;
	const struct challenge_type *type;
	struct authz_challenge offer;
	struct challenge_answer *answer;  /* owned by the errand while it runs */
	bool is_wildcard;
	struct challenge *live;
	struct dns_proof *proof;          /* the same, in the DNS */
	struct errand *errand;
	struct request *request;
	struct deadline deadline;
	struct poll poll;
	bool was_seen;
	unsigned announcements, looks;
	struct fault announce_fault;      /* the last announcement got no good reply */
	int64_t announced_at_ms, seen_at_ms;
};

#define X(name, fn, text, ms) static void ask_##fn(struct authz *a);
AUTHZ_STATES(X)
#undef X

static const struct {
	const char *text;
	int64_t deadline_ms;
	void (*ask)(struct authz *a);
} rows[] = {
#define X(name, fn, text, ms) { text, ms, ask_##fn },
	AUTHZ_STATES(X)
#undef X
};

static const struct log log_acme = { "acme" };

static void enter(struct authz *a, enum authz_state state)
{
	a->state = state;
	log_trace(&log_acme, "authorization", "name=%s state=%d", a->name, (int)state);
	deadline_disarm(&a->deadline);
	if (rows[state].deadline_ms)
		deadline_arm(&a->deadline, rows[state].deadline_ms);
	rows[state].ask(a);
}

static void free_answer(void *object)
{
	struct challenge_answer *answer = object;
	buf_fini(&answer->key_authorization);
	tls_certificate_unref(&answer->certificate);
	mem_free(&answer);
}

static void free_authz(struct authz **a)
{
	struct authz *old = *a;
	*a = NULL;
	deadline_disarm(&old->deadline);
	errand_abandon(&old->errand);
	request_cancel(&old->request);
	if (old->live)
		challenge_withdraw(&old->live, GRACE_MS);
	dns_proof_end(&old->proof);
	if (old->answer)
		free_answer(old->answer);
	signer_leave(&old->use);
	mem_free(&old->kid);
	mem_free(&old->url);
	mem_free(&old->name);
	mem_free(&old);
}

static void finish(struct authz *a, enum err err, const struct fault *fault)
{
	authz_fn *fn = a->fn;
	void *owner = a->owner;
	struct fault f = fault ? *fault : (struct fault){ .code = err };
	bool was_tried = a->announced_at_ms || (err == E_DNS && a->state == AUTHZ_PUBLISH);
	struct authz_result result = {
		.used = a->type && was_tried ? (int)a->type->kind : -1,
		.polls = a->looks,
		.seen_ms = a->seen_at_ms ? a->seen_at_ms - a->announced_at_ms : -1,
	};
	fault_during(&f, "%s", rows[a->state].text);
	free_authz(&a);
	fn(owner, err, &result, err ? &f : NULL);
}

static void fail(struct authz *a, enum err err, const char *why)
{
	struct fault f = { 0 };
	fault_set(&f, err, "%s", why);
	finish(a, err, &f);
}

static void on_answer(void *owner, enum err err, const struct request_answer *answer,
	const struct fault *fault);

static void post(struct authz *a, const char *url, struct str payload, enum request_repeat repeat)
{
	a->request = request_start(&(struct request_args){ .ca = a->ca, .kid = a->kid,
		.url = url, .payload = payload, .repeat = repeat }, on_answer, a);
}

/* ---- READ and LOOK: the resource ---- */

static int status_of(struct str text)
{
	static const char *const texts[] = {
#define X(name, text) text,
		AUTHZ_STATUSES(X)
#undef X
	};
	for (int i = 0; i < AUTHZ_STATUS_COUNT; i++) {
		if (str_is(text, texts[i]))
			return i;
	}
	return -1;
}

/* A host name: it becomes part of a record. */
static bool issuer_is_fine(struct str name)
{
	for (size_t i = 0; i < name.len; i++) {
		char c = name.at[i];
		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.'))
			return false;
	}
	return name.len > 0 && name.len < 254;
}

/* What the answer is made of: a token, or names of the CA of which any will do. */
static bool take_material(const struct json *c, enum conf_challenge kind, struct authz_challenge *to)
{
	struct str token = json_get_str(c, "token");
	struct str issuer = json_str(json_first(json_get(c, "issuer-domain-names")));
	if (kind == CONF_DNS_PERSIST_01)
		return issuer_is_fine(issuer) && str_copy(to->issuer, sizeof to->issuer, issuer);
	return challenge_token_is_fine(token) && str_copy(to->token, sizeof to->token, token);
}

static void parse_challenge(const struct json *c, struct authz_body *out)
{
	const struct challenge_type *type = challenge_type_named(json_get_str(c, "type"));
	struct str url = json_get_str(c, "url");
	const struct json *error = json_get(c, "error");
	if (error && json_type(error) == JSON_OBJECT && !out->error.code)
		problem_from_json(error, &out->error);
	if (!type || !transport_url_is_fine(url))
		return;
	struct authz_challenge *to = &out->challenges[type->kind];
	/* One that is invalid or done is no offer. */
	struct str status = json_get_str(c, "status");
	to->is_offered = !str_is(status, "invalid") && take_material(c, type->kind, to)
		&& str_copy(to->url, sizeof to->url, url);
}

static enum err parse_root(const struct json *root, struct authz_body *out, struct fault *fault)
{
	const struct json *identifier = json_get(root, "identifier");
	int status = status_of(json_get_str(root, "status"));
	if (status < 0)
		return fault_set(fault, E_ACME_PROTOCOL, "authorization without a known status");
	if (!str_copy(out->identifier, sizeof out->identifier, json_get_str(identifier, "value"))
		|| !out->identifier[0])
		return fault_set(fault, E_ACME_PROTOCOL, "authorization without an identifier");
	if (!str_copy(out->type, sizeof out->type, json_get_str(identifier, "type")))
		return fault_set(fault, E_ACME_PROTOCOL, "authorization for an identifier of a strange type");
	out->status = (enum authz_status)status;
	out->is_wildcard = json_bool(json_get(root, "wildcard"), false);
	const struct json *c = json_first(json_get(root, "challenges"));
	for (; c; c = json_next(c))
		parse_challenge(c, out);
	return E_OK;
}

enum err authz_parse(struct str body, struct authz_body *out, struct fault *fault)
{
	struct json *root = NULL;
	memset(out, 0, sizeof *out);
	if (json_parse(body, &json_limits_default, &root, NULL))
		return fault_set(fault, E_ACME_PROTOCOL, "authorization is no JSON");
	enum err err = parse_root(root, out, fault);
	json_free(&root);
	return err;
}

static void ask_read(struct authz *a)
{
	post(a, a->url, STR_NONE, REQUEST_REPEATABLE);
}

static bool choose(struct authz *a, const struct authz_body *body)
{
	for (unsigned i = 0; i < a->n_wanted; i++) {
		const struct authz_challenge *c = &body->challenges[a->wanted[i]];
		if (!c->is_offered)
			continue;
		a->offer = *c;
		a->type = challenge_type_of(a->wanted[i]);
		return true;
	}
	return false;
}

static void judge(struct authz *a, const struct authz_body *body)
{
	struct fault f = body->error;
	if (body->status == AUTHZ_INVALID) {
		if (!f.code)
			fault_set(&f, E_ISSUE, "the CA found the authorization invalid and told no reason");
	} else {
		fault_set(&f, E_ISSUE, "the authorization is no longer pending");
	}
	finish(a, f.code, &f);
}

static void answer_read(struct authz *a, const struct authz_body *body)
{
	if (!identifier_is(str_from(body->type), str_from(body->identifier), a->name))
		fail(a, E_ACME_PROTOCOL, "the authorization is about another name");
	else if (body->status == AUTHZ_VALID)
		finish(a, E_OK, NULL);
	else if (body->status != AUTHZ_PENDING)
		judge(a, body);
	else if (!choose(a, body))
		fail(a, E_CHALLENGE, "the CA offers no challenge that can reach us");
	else
		enter(a, AUTHZ_HOLD);
}

/* ---- HOLD ---- */

static void ask_hold(struct authz *a)
{
	if (signer_enter(&a->ca->signer, &a->use))
		enter(a, AUTHZ_PREPARE);
}

static void on_admitted(struct waiter *w, enum err err, const struct fault *fault)
{
	(void)err;
	(void)fault;
	enter(container_of(w, struct authz, use.waiter), AUTHZ_PREPARE);
}

/* ---- PREPARE ---- */

struct preparation {
	const struct challenge_type *type;
	struct challenge_answer *answer;
};

static enum err run_prepare(void *object, struct fault *fault)
{
	struct preparation *p = object;
	return p->type->prepare(p->answer, fault);
}

static void free_preparation(void *object)
{
	struct preparation *p = object;
	if (p->answer)
		free_answer(p->answer);
	mem_free(&p);
}

static void on_prepared(void *owner, enum err err, void *object, const struct fault *fault);

static void ask_prepare(struct authz *a)
{
	struct preparation *p = mem_new(sizeof *p);
	p->type = a->type;
	p->answer = mem_new(sizeof *p->answer);
	buf_init(&p->answer->key_authorization, KEY_AUTHORIZATION_MAX);
	str_copy(p->answer->identifier, sizeof p->answer->identifier, str_from(a->name));
	str_copy(p->answer->account, sizeof p->answer->account, str_from(a->kid));
	p->answer->is_wildcard = a->is_wildcard;
	memcpy(p->answer->issuer, a->offer.issuer, sizeof p->answer->issuer);
	/* The thumbprint of a key is always there; the token's length was checked. */
	enum err err = a->offer.token[0] ? jws_key_authorization(a->ca->signer.key,
		str_from(a->offer.token), &p->answer->key_authorization) : E_OK;
	ASSERT(!err);
	a->errand = errand_work(a->ca->loop, run_prepare, p, free_preparation, on_prepared, a);
}

static void on_prepared(void *owner, enum err err, void *object, const struct fault *fault)
{
	struct authz *a = owner;
	struct preparation *p = object;
	a->errand = NULL;
	if (err) {
		finish(a, err, fault);
		return;
	}
	a->answer = p->answer;
	p->answer = NULL;
	free_preparation(p);
	enter(a, AUTHZ_PUBLISH);
}

/* ---- PUBLISH ---- */

static void on_live(void *owner);
static void on_seen(void *owner);

static void on_proved(void *owner, enum err err, const struct fault *fault);

/* It has deadlines of its own. */
static void publish_in_dns(struct authz *a)
{
	struct dns_proof_args args = { .line = a->ca->dns, .domain = a->name,
		.stay = a->type->place == CHALLENGE_IN_DNS ? DNS_FOR_NOW : DNS_FOR_GOOD,
		.name = a->answer->record, .value = a->answer->text };
	deadline_disarm(&a->deadline);
	a->proof = dns_proof_start(&args, on_proved, a);
}

static void on_proved(void *owner, enum err err, const struct fault *fault)
{
	struct authz *a = owner;
	ASSERT(a->state == AUTHZ_PUBLISH);
	if (err)
		finish(a, err, fault);
	else
		enter(a, AUTHZ_ANNOUNCE);
}

static void ask_publish(struct authz *a)
{
	if (a->type->place != CHALLENGE_HERE) {
		publish_in_dns(a);
		return;
	}
	struct challenge_args args = {
		.kind = a->type->kind, .identifier = a->name, .token = a->offer.token,
		.key_authorization = buf_cstring(&a->answer->key_authorization),
		.certificate = a->answer->certificate,
		.on_live = on_live, .on_seen = on_seen, .owner = a,
	};
	enum err err = challenge_put(a->table, &args, &a->live);
	if (err) {
		/* Not before the caller of authz returned: PREPARE was in between. */
		fail(a, err, "the challenge cannot be shown");
	}
}

static void on_live(void *owner)
{
	struct authz *a = owner;
	if (a->state == AUTHZ_PUBLISH)
		enter(a, AUTHZ_ANNOUNCE);
}

/* ---- ANNOUNCE ---- */

static void ask_announce(struct authz *a)
{
	a->announced_at_ms = loop_now_ms(a->ca->loop);
	a->announcements++;
	log_info(&log_acme, "challenge shown, CA told", "name=%s type=%s", a->name, a->type->name);
	post(a, a->offer.url, STR("{}"), REQUEST_NO_REPEAT);
}

static void answer_announce(struct authz *a, const struct request_answer *answer)
{
	struct json *root = NULL;
	int64_t retry_ms = answer ? request_retry_after_ms(answer->headers, clock_wall_ms()) : -1;
	bool is_done = false;
	if (answer && !json_parse(answer->body, &json_limits_default, &root, NULL)) {
		struct str status = json_get_str(root, "status");
		is_done = str_is(status, "valid") || str_is(status, "invalid");
	}
	json_free(&root);
	int64_t now = loop_now_ms(a->ca->loop);
	int64_t wait_ms = poll_start(&a->poll, retry_ms, now);
	if (a->was_seen)
		wait_ms = poll_hint(&a->poll, now);
	enter(a, AUTHZ_WATCH);
	deadline_arm(&a->deadline, is_done ? 0 : wait_ms);
}

/* ---- WATCH ---- */

/* Armed by who knows how long to wait. */
static void ask_watch(struct authz *a)
{
	(void)a;
}

static void on_seen(void *owner)
{
	struct authz *a = owner;
	int64_t now = loop_now_ms(a->ca->loop);
	a->was_seen = true;
	if (!a->seen_at_ms && a->announced_at_ms) {
		a->seen_at_ms = now;
		log_info(&log_acme, "validation seen", "name=%s type=%s ms=%d", a->name, a->type->name,
			(int)(now - a->announced_at_ms));
	}
	if (a->state == AUTHZ_WATCH)
		deadline_arm(&a->deadline, poll_hint(&a->poll, now));
}

/* ---- LOOK ---- */

static void ask_look(struct authz *a)
{
	a->looks++;
	post(a, a->url, STR_NONE, REQUEST_REPEATABLE);
}

static void answer_look(struct authz *a, const struct authz_body *body, int64_t retry_ms)
{
	int64_t now = loop_now_ms(a->ca->loop);
	if (body->status == AUTHZ_VALID) {
		finish(a, E_OK, NULL);
	} else if (body->status != AUTHZ_PENDING) {
		judge(a, body);
	} else if (a->announce_fault.code) {
		/* It did not arrive, or was refused. Pending: there is no harm in a second one. */
		if (a->announcements < ANNOUNCEMENTS)
			enter(a, AUTHZ_ANNOUNCE);
		else
			finish(a, a->announce_fault.code, &a->announce_fault);
	} else if (now - a->announced_at_ms > WATCH_MAX_MS) {
		/* Not refused: the order stays in the journal and is looked at again later. */
		fail(a, E_TIMEOUT, "the CA has not finished the validation; looking again later");
	} else {
		int64_t wait_ms = poll_again(&a->poll, retry_ms, now);
		enter(a, AUTHZ_WATCH);
		deadline_arm(&a->deadline, wait_ms);
	}
}

/* ---- callbacks ---- */

static void answer_resource(struct authz *a, const struct request_answer *answer)
{
	struct authz_body body;
	struct fault fault = { 0 };
	if (authz_parse(answer->body, &body, &fault))
		finish(a, fault.code, &fault);
	else if (a->state == AUTHZ_READ)
		answer_read(a, &body);
	else
		answer_look(a, &body, request_retry_after_ms(answer->headers, clock_wall_ms()));
}

static void on_answer(void *owner, enum err err, const struct request_answer *answer,
	const struct fault *fault)
{
	struct authz *a = owner;
	a->request = NULL;
	if (a->state == AUTHZ_ANNOUNCE)
		a->announce_fault = err ? *fault : (struct fault){ 0 };
	/* An announcement whose reply is lost, or refused because it came twice: look. */
	if (a->state == AUTHZ_ANNOUNCE && (!err || problem_class(fault) != PROBLEM_ACCOUNT_GONE))
		answer_announce(a, answer);
	else if (err)
		finish(a, err, fault);
	else
		answer_resource(a, answer);
}

static void on_deadline(struct deadline *d)
{
	struct authz *a = container_of(d, struct authz, deadline);
	if (a->state == AUTHZ_WATCH)
		enter(a, AUTHZ_LOOK);
	else
		fail(a, E_TIMEOUT, a->state == AUTHZ_PUBLISH ?
			"the challenge was not taken by the workers and the store" : "took too long");
}

/* ---- the door ---- */

struct authz *authz_start(const struct authz_args *args, authz_fn *fn, void *owner)
{
	ASSERT(args->n_wanted <= CONF_CHALLENGES && fn);
	struct authz *a = mem_new(sizeof *a);
	a->ca = args->ca;
	a->kid = mem_strdup(args->kid);
	a->url = mem_strdup(args->url);
	a->name = mem_strdup(args->name);
	a->is_wildcard = args->is_wildcard;
	a->table = args->table;
	memcpy(a->wanted, args->wanted, sizeof a->wanted);
	a->n_wanted = args->n_wanted;
	a->fn = fn;
	a->owner = owner;
	signer_use_init(&a->use, SIGNER_PROOF, on_admitted);
	deadline_init(&a->deadline, args->ca->loop, on_deadline);
	enter(a, AUTHZ_READ);
	return a;
}

void authz_cancel(struct authz **a)
{
	if (*a)
		free_authz(a);
}

const char *authz_text(const struct authz *a)
{
	static const char *const validating[CONF_CHALLENGES] = {
		[CONF_TLS_ALPN_01] = "validating tls-alpn-01",
		[CONF_HTTP_01] = "validating http-01",
		[CONF_DNS_01] = "validating dns-01",
		[CONF_DNS_PERSIST_01] = "validating dns-persist-01",
	};
	if (a->state >= AUTHZ_ANNOUNCE)
		return validating[a->type->kind];
	return a->proof ? dns_proof_text(a->proof) : rows[a->state].text;
}
