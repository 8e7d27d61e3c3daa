/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * account_wish:
 *
 *   BEGIN --> RAISE --> TELL --> done     show, contact, agree, deactivate
 *      |\--> ROLL ----------------> done     rollover
 *       \--> MAKE ----------------> done     register; reload ends at once
 */
#include "acme/account_wish.h"

#include "acme/standing.h"
#include "base/check.h"
#include "base/log.h"
#include "base/mem.h"

#define WISH_STATES(X) \
	X(WISH_BEGIN, "beginning") \
	X(WISH_RAISE, "preparing the account") \
	X(WISH_TELL, "telling the CA") \
	X(WISH_ROLL, "changing the account key") \
	X(WISH_MAKE, "registering the account")

enum wish_state {
#define X(name, text) name,
	WISH_STATES(X)
#undef X
};

static const char *const texts[] = {
#define X(name, text) text,
	WISH_STATES(X)
#undef X
};

static const struct {
	const char *word;
	bool needs_account;
} kinds[] = {
#define X(name, word, needs) { word, needs },
	ACCOUNT_WISHES(X)
#undef X
};

struct account_wish {
	struct account_wish_args args;
	struct account *account;
	account_wish_fn *fn;
	void *owner;
	enum wish_state state;
	struct waiter waiter;
	struct loop_task first;
	struct account_update *update;
};

static const struct log log_acme = { "acme" };

bool account_wish_named(struct str word, enum account_wish_kind *out)
{
	for (int i = 0; i < ACCOUNT_WISH_COUNT; i++) {
		if (str_is(word, kinds[i].word)) {
			*out = (enum account_wish_kind)i;
			return true;
		}
	}
	return false;
}

static void enter(struct account_wish *w, enum wish_state state)
{
	w->state = state;
	log_trace(&log_acme, texts[state], "ca=%s", w->args.ca->conf->name);
}

static void end(struct account_wish *w, enum err err, const struct account_answer *answer,
	const struct fault *fault)
{
	account_wish_fn *fn = w->fn;
	void *owner = w->owner;
	struct account_answer none = { 0 };
	struct fault copy = fault ? *fault : (struct fault){ 0 };
	fault_during(&copy, "%s", texts[w->state]);
	copy.code = err;
	if (!err && w->args.kind != ACCOUNT_WISH_SHOW)
		log_info(&log_acme, "account: as the operator wished", "ca=%s wish=%s", w->args.ca->conf->name,
			kinds[w->args.kind].word);
	account_wish_cancel(&w);
	fn(owner, err, err ? NULL : answer ? answer : &none, err ? &copy : NULL);
}

/* ---- TELL ---- */

static const char *email_of(const struct account_wish *w)
{
	return w->args.email ? w->args.email : "";
}

static void on_told(void *owner, enum err err, const struct account_answer *answer,
	const struct fault *fault)
{
	struct account_wish *w = owner;
	w->update = NULL;
	if (!err && w->args.kind == ACCOUNT_WISH_CONTACT)
		account_took_contact(w->account, email_of(w), answer);
	else if (!err && w->args.kind == ACCOUNT_WISH_AGREE)
		account_agreed(w->account);
	else if (!err && w->args.kind == ACCOUNT_WISH_DEACTIVATE)
		account_closed(w->account);
	end(w, err, answer, fault);
}

static void tell(struct account_wish *w)
{
	static const enum account_update_kind updates[ACCOUNT_WISH_COUNT] = {
		[ACCOUNT_WISH_SHOW] = ACCOUNT_UPDATE_LOOK, [ACCOUNT_WISH_CONTACT] = ACCOUNT_UPDATE_CONTACT,
		[ACCOUNT_WISH_AGREE] = ACCOUNT_UPDATE_AGREE,
		[ACCOUNT_WISH_DEACTIVATE] = ACCOUNT_UPDATE_DEACTIVATE };
	enter(w, WISH_TELL);
	w->update = account_update_start(&(struct account_update_args){ .ca = w->args.ca,
		.kid = account_kid(w->account), .kind = updates[w->args.kind], .email = email_of(w) }, on_told, w);
}

/* ---- BEGIN ---- */

static void on_waited(struct waiter *waiter, enum err err, const struct fault *fault)
{
	struct account_wish *w = container_of(waiter, struct account_wish, waiter);
	struct fault refusal = { 0 };
	if (!err && w->state == WISH_MAKE
		&& (err = standing_refusal(account_facts(w->account), w->args.ca->conf->name, &refusal)) != E_OK)
		fault = &refusal;
	if (err || w->state != WISH_RAISE)
		end(w, err, NULL, fault);
	else
		tell(w);
}

/* A registration that waits for a person has no account to ask about yet. */
static void agree_to_register(struct account_wish *w)
{
	account_agreed(w->account);
	enter(w, WISH_MAKE);
	account_wait_up(w->account, &w->waiter);
}

static void make(struct account_wish *w)
{
	const struct account_record *r = account_facts(w->account);
	struct fault fault = { 0 };
	enter(w, WISH_MAKE);
	if (r->key && r->standing == ACCOUNT_MUST_AGREE) {
		fault_set(&fault, E_ACCOUNT, "it waits for agreement; 'sallyport account agree %s'",
			w->args.ca->conf->name);
		end(w, fault.code, NULL, &fault);
		return;
	}
	if (r->key && r->standing != ACCOUNT_GOOD)
		account_renew(w->account);
	if (account_is_ready(w->account))
		end(w, E_OK, NULL, NULL);
	else
		account_wait_up(w->account, &w->waiter);  /* whatever was refused a moment ago */
}

static void roll(struct account_wish *w)
{
	struct fault fault = { 0 };
	enter(w, WISH_ROLL);
	enum err err = account_roll(w->account, w->args.key, &w->waiter, &fault);
	if (err)
		end(w, err, NULL, &fault);
}

static void on_first(struct loop_task *t)
{
	struct account_wish *w = container_of(t, struct account_wish, first);
	const struct account_record *r = account_facts(w->account);
	struct fault fault = { 0 };
	if (kinds[w->args.kind].needs_account && (!r->key || (!r->kid[0] && w->args.kind != ACCOUNT_WISH_AGREE))) {
		fault_set(&fault, E_NOT_FOUND, "there is no account at %s; the first order makes one, or 'sallyport "
			"account register %s'", w->args.ca->conf->name, w->args.ca->conf->name);
		end(w, fault.code, NULL, &fault);
	} else if (w->args.kind == ACCOUNT_WISH_RELOAD) {
		account_suspect(w->account);
		end(w, E_OK, NULL, NULL);
	} else if (w->args.kind == ACCOUNT_WISH_REGISTER) {
		make(w);
	} else if (w->args.kind == ACCOUNT_WISH_ROLLOVER) {
		roll(w);
	} else if (!r->kid[0]) {
		agree_to_register(w);
	} else {
		enter(w, WISH_RAISE);
		account_wait_up(w->account, &w->waiter);
	}
}

/* ---- the door ---- */

struct account_wish *account_wish_start(const struct account_wish_args *args, account_wish_fn *fn, void *owner)
{
	struct account_wish *w = mem_new(sizeof *w);
	ASSERT(fn && args->ca->account && args->kind < ACCOUNT_WISH_COUNT);
	w->args = *args;
	w->args.key = args->key ? key_ref(args->key) : NULL;
	w->account = args->ca->account;
	w->fn = fn;
	w->owner = owner;
	waiter_init(&w->waiter, on_waited);
	loop_task_init(&w->first, on_first);
	loop_defer(args->ca->loop, &w->first);
	return w;
}

void account_wish_cancel(struct account_wish **wish)
{
	struct account_wish *w = *wish;
	if (!w)
		return;
	*wish = NULL;
	account_unroll(w->account, &w->waiter);
	loop_task_cancel(&w->first);
	list_remove(&w->waiter.node);
	account_update_cancel(&w->update);
	key_unref(&w->args.key);
	mem_free(&w);
}
