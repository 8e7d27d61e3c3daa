/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * account_update:
 *
 *   SAY --> done
 *    |\--> SAY_LESS (a contact that is not liked: none) --> done
 *     \--> LOOK (agreement that the CA takes no post about) --> done
 *
 * A mere question begins at LOOK.
 */
#include "acme/account_update.h"

#include "acme/problem.h"
#include "acme/request.h"
#include "base/check.h"
#include "base/log.h"
#include "base/mem.h"

#define UPDATE_STATES(X) \
	X(UPDATE_SAY, "updating the account") \
	X(UPDATE_SAY_LESS, "updating the account without a contact") \
	X(UPDATE_LOOK, "asking about the account")

enum update_state {
#define X(name, text) name,
	UPDATE_STATES(X)
#undef X
};

static const char *const texts[] = {
#define X(name, text) text,
	UPDATE_STATES(X)
#undef X
};

enum { PAYLOAD_MAX = 4096 };

struct account_update {
	struct account_update_args args;
	char *kid, *email;
	account_update_fn *fn;
	void *owner;
	enum update_state state;
	struct request *request;
};

static const struct log log_acme = { "acme" };

static void on_answer(void *owner, enum err err, const struct request_answer *answer,
	const struct fault *fault);

static void post(struct account_update *u, struct str payload)
{
	u->request = request_start(&(struct request_args){ .ca = u->args.ca, .kid = u->kid, .url = u->kid,
		.payload = payload, .repeat = REQUEST_REPEATABLE }, on_answer, u);
}

static enum err write_payload(const struct account_update *u, struct buf *payload)
{
	if (u->state == UPDATE_SAY_LESS)
		return registration_contact("", payload);
	if (u->args.kind == ACCOUNT_UPDATE_CONTACT)
		return registration_contact(u->email, payload);
	return u->args.kind == ACCOUNT_UPDATE_AGREE ? registration_agree(payload)
		: registration_deactivate(payload);
}

static void enter(struct account_update *u, enum update_state state)
{
	struct buf payload;
	u->state = state;
	log_trace(&log_acme, texts[state], "ca=%s", u->args.ca->conf->name);
	buf_init(&payload, PAYLOAD_MAX);
	if (state != UPDATE_LOOK) {
		enum err err = write_payload(u, &payload);
		ASSERT(!err);  /* an address is capped, the rest constant */
	}
	post(u, buf_str(&payload));
	buf_fini(&payload);
}

static void end(struct account_update *u, enum err err, const struct account_answer *answer,
	const struct fault *fault)
{
	account_update_fn *fn = u->fn;
	void *owner = u->owner;
	struct fault copy = fault ? *fault : (struct fault){ 0 };
	fault_during(&copy, "%s", texts[u->state]);
	account_update_cancel(&u);
	fn(owner, err, answer, err ? &copy : NULL);
}

static bool is_contact_refused(const struct account_update *u, const struct fault *fault)
{
	struct str type = str_from(fault->type);
	return u->args.kind == ACCOUNT_UPDATE_CONTACT && u->email[0]
		&& (str_is(type, "invalidContact") || str_is(type, "unsupportedContact"));
}

/* Not every CA takes this post; whether it still minds is told by any other. */
static bool may_agree_by_looking(const struct account_update *u, const struct fault *fault)
{
	return u->args.kind == ACCOUNT_UPDATE_AGREE && fault->status >= 400 && fault->status < 500
		&& !str_is(str_from(fault->type), "userActionRequired") && fault->code != E_RATE_LIMITED;
}

static void refused(struct account_update *u, enum err err, const struct fault *fault)
{
	struct account_answer kept = { .is_contact_refused = true, .is_contact_kept = true };
	if (u->state == UPDATE_SAY && is_contact_refused(u, fault))
		enter(u, UPDATE_SAY_LESS);
	else if (u->state == UPDATE_SAY && may_agree_by_looking(u, fault))
		enter(u, UPDATE_LOOK);
	else if (u->state == UPDATE_SAY_LESS && problem_class(fault) != PROBLEM_CA && fault->status)
		end(u, E_OK, &kept, NULL);
	else
		end(u, err, NULL, fault);
}

static void on_answer(void *owner, enum err err, const struct request_answer *answer,
	const struct fault *fault)
{
	struct account_update *u = owner;
	struct account_answer told = { .is_contact_refused = u->state == UPDATE_SAY_LESS };
	u->request = NULL;
	if (err) {
		refused(u, err, fault);
		return;
	}
	registration_read(answer->body, &told.view);
	end(u, E_OK, &told, NULL);
}

struct account_update *account_update_start(const struct account_update_args *args, account_update_fn *fn,
	void *owner)
{
	struct account_update *u = mem_new(sizeof *u);
	ASSERT(fn && args->kid[0]);
	u->args = *args;
	u->kid = mem_strdup(args->kid);
	u->email = mem_strdup(args->email ? args->email : "");
	u->fn = fn;
	u->owner = owner;
	enter(u, args->kind == ACCOUNT_UPDATE_LOOK ? UPDATE_LOOK : UPDATE_SAY);
	return u;
}

void account_update_cancel(struct account_update **update)
{
	struct account_update *u = *update;
	if (!u)
		return;
	*update = NULL;
	request_cancel(&u->request);
	mem_free(&u->kid);
	mem_free(&u->email);
	mem_free(&u);
}
