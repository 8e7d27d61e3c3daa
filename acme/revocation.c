/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * revocation: one POST once the account is ready.
 *
 *   ACCOUNT ─► POST ─► the owner's callback, freed
 */
#include "acme/revocation.h"

#include "acme/account.h"
#include "acme/request.h"
#include "base/check.h"
#include "base/encode.h"
#include "base/log.h"
#include "base/mem.h"

#define REVOCATION_STATES(X) \
	X(REVOCATION_ACCOUNT, "preparing the account") \
	X(REVOCATION_POST, "revoking the certificate")

enum revocation_state {
#define X(name, text) name,
	REVOCATION_STATES(X)
#undef X
};

static const char *const texts[] = {
#define X(name, text) text,
	REVOCATION_STATES(X)
#undef X
};

enum { LEAF_MAX = 64 * 1024 };

struct revocation {
	struct ca *ca;
	enum revocation_state state;
	struct waiter account;
	struct loop_task first;
	struct request *request;
	struct buf payload;
	revocation_fn *fn;
	void *owner;
};

static const struct log log_acme = { "acme" };

static void enter(struct revocation *r, enum revocation_state state)
{
	r->state = state;
	log_trace(&log_acme, texts[state], "ca=%s", r->ca->conf->name);
}

bool revocation_reason_named(struct str name, enum revocation_reason *out)
{
	static const struct { const char *text; enum revocation_reason reason; } rows[] = {
#define X(name, number, text) { text, name },
		REVOCATION_REASONS(X)
#undef X
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (str_equal_nocase(name, str_from(rows[i].text))) {
			*out = rows[i].reason;
			return true;
		}
	}
	return false;
}

static void end(struct revocation *r, enum err err, const struct fault *fault)
{
	revocation_fn *fn = r->fn;
	void *owner = r->owner;
	struct fault copy = fault ? *fault : (struct fault){ 0 };
	fault_during(&copy, "%s", texts[r->state]);
	copy.code = err;
	revocation_cancel(&r);
	fn(owner, err, &copy);
}

static void on_answer(void *owner, enum err err, const struct request_answer *answer,
	const struct fault *fault)
{
	struct revocation *r = owner;
	(void)answer;
	r->request = NULL;
	/* What was asked for is so, whoever did it. */
	if (err && fault && str_is(str_from(fault->type), "alreadyRevoked"))
		err = E_OK;
	end(r, err, fault);
}

static void post(struct revocation *r)
{
	const struct directory_body *d = directory_get(r->ca->directory);
	struct fault fault = { 0 };
	enter(r, REVOCATION_POST);
	if (!d || !d->revoke_cert[0]) {
		fault_set(&fault, E_ACME, "%s revokes no certificates", r->ca->conf->name);
		end(r, fault.code, &fault);
		return;
	}
	r->request = request_start(&(struct request_args){ .ca = r->ca,
		.kid = account_kid(r->ca->account),
		.url = d->revoke_cert, .payload = buf_str(&r->payload), .repeat = REQUEST_REPEATABLE },
		on_answer, r);
}

static void on_account(struct waiter *w, enum err err, const struct fault *fault)
{
	struct revocation *r = container_of(w, struct revocation, account);
	if (err)
		end(r, err, fault);
	else
		post(r);
}

static void on_first(struct loop_task *t)
{
	struct revocation *r = container_of(t, struct revocation, first);
	if (account_is_ready(r->ca->account))
		post(r);
	else
		account_wait(r->ca->account, &r->account);
}

static enum err write_payload(struct revocation *r, struct str der, enum revocation_reason reason)
{
	char *text = mem_new(ENCODE_B64_SIZE(der.len));
	encode_base64url(text, der);
	enum err err = buf_addf(&r->payload, "{\"certificate\":\"%s\"", text);
	if (!err && reason != REVOCATION_UNSPECIFIED)
		err = buf_addf(&r->payload, ",\"reason\":%d", (int)reason);
	if (!err)
		err = buf_add(&r->payload, STR("}"));
	mem_free(&text);
	return err;
}

struct revocation *revocation_start(struct ca *ca, struct str leaf_der, enum revocation_reason reason,
	revocation_fn *fn, void *owner)
{
	struct revocation *r = mem_new(sizeof *r);
	ASSERT(fn && leaf_der.len && leaf_der.len <= LEAF_MAX);
	r->ca = ca;
	r->fn = fn;
	r->owner = owner;
	buf_init(&r->payload, 0);
	waiter_init(&r->account, on_account);
	loop_task_init(&r->first, on_first);
	enum err err = write_payload(r, leaf_der, reason);
	ASSERT(!err);
	enter(r, REVOCATION_ACCOUNT);
	loop_defer(ca->loop, &r->first);
	return r;
}

void revocation_cancel(struct revocation **revocation)
{
	struct revocation *r = *revocation;
	if (!r)
		return;
	*revocation = NULL;
	loop_task_cancel(&r->first);
	list_remove(&r->account.node);
	request_cancel(&r->request);
	buf_fini(&r->payload);
	mem_free(&r);
}
