/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * rollover:
 *
 *   MAKE --> DRAIN --> SAVE_BOTH --> CHANGE --> TRY_NEW --> SAVE_ONE --> done
 *                                     (settle: ___^   \__> TRY_OLD __^
 *
 * What CHANGE was answered decides nothing: a signature that the CA takes does. A kill or a dead CA after
 * SAVE_BOTH leaves both keys in the store; the next start settles it.
 */
#include "acme/rollover.h"

#include "acme/account_store.h"
#include "acme/jws.h"
#include "acme/problem.h"
#include "acme/request.h"
#include "base/check.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/deadline.h"

/* X(enumerator, function, text) */
#define ROLLOVER_STATES(X) \
	X(ROLLOVER_MAKE, make, "making an account key") \
	X(ROLLOVER_DRAIN, drain, "waiting for challenges and requests under way") \
	X(ROLLOVER_SAVE_BOTH, save_both, "saving both account keys") \
	X(ROLLOVER_CHANGE, change, "changing the account key") \
	X(ROLLOVER_TRY_NEW, try_new, "trying the new account key") \
	X(ROLLOVER_TRY_OLD, try_old, "trying the old account key") \
	X(ROLLOVER_SAVE_ONE, save_one, "saving the account key")

enum rollover_state {
#define X(name, fn, text) name,
	ROLLOVER_STATES(X)
#undef X
};

/* A validation may take two minutes; who asked for the change waits less than that. */
enum { DRAIN_MS = 100000, PAYLOAD_MAX = 16 * 1024 };

struct rollover {
	struct rollover_args args;
	rollover_fn *fn;
	void *owner;

	enum rollover_state state;
	struct key *to;
	bool is_closed;               /* the signer, by us */
	struct waiter drained;
	struct deadline deadline;
	struct loop_task first;
	struct errand *errand;
	struct request *request;
	struct fault fault;           /* why there is no new key */
};

#define X(name, fn, text) static void ask_##fn(struct rollover *r);
ROLLOVER_STATES(X)
#undef X

static const struct {
	const char *text;
	void (*ask)(struct rollover *r);
} rows[] = {
#define X(name, fn, text) { text, ask_##fn },
	ROLLOVER_STATES(X)
#undef X
};

static const struct log log_acme = { "acme" };

static void enter(struct rollover *r, enum rollover_state state)
{
	r->state = state;
	log_trace(&log_acme, "rollover", "ca=%s state=%d", r->args.ca->conf->name, (int)state);
	rows[state].ask(r);
}

static void free_rollover(struct rollover **r)
{
	struct rollover *old = *r;
	*r = NULL;
	errand_abandon(&old->errand);
	request_cancel(&old->request);
	deadline_disarm(&old->deadline);
	loop_task_cancel(&old->first);
	if (old->is_closed)
		signer_open(&old->args.ca->signer);
	key_unref(&old->to);
	mem_free(&old);
}

static void end(struct rollover *r)
{
	rollover_fn *fn = r->fn;
	void *owner = r->owner;
	struct fault fault = r->fault;
	free_rollover(&r);
	fn(owner, fault.code, fault.code ? &fault : NULL);
}

static void fail(struct rollover *r, const struct fault *fault)
{
	r->fault = *fault;
	fault_during(&r->fault, "%s", rows[r->state].text);
	end(r);
}

static void on_errand(void *owner, enum err err, void *object, const struct fault *fault);
static void on_answer(void *owner, enum err err, const struct request_answer *answer,
	const struct fault *fault);

/* ---- MAKE ---- */

static void ask_make(struct rollover *r)
{
	r->errand = errand_make_key(r->args.ca->loop, CONF_KEY_P256, on_errand, r);
}

static void answer_make(struct rollover *r, struct key *key)
{
	r->to = key;
	enter(r, ROLLOVER_DRAIN);
}

/* ---- DRAIN ---- */

static void ask_drain(struct rollover *r)
{
	r->is_closed = true;
	deadline_arm(&r->deadline, DRAIN_MS);
	signer_close(&r->args.ca->signer, &r->drained);
}

static void on_drained(struct waiter *w, enum err err, const struct fault *fault)
{
	struct rollover *r = container_of(w, struct rollover, drained);
	(void)err;
	(void)fault;
	deadline_disarm(&r->deadline);
	enter(r, ROLLOVER_SAVE_BOTH);
}

static void on_deadline(struct deadline *d)
{
	struct rollover *r = container_of(d, struct rollover, deadline);
	struct fault fault = { 0 };
	fault_set(&fault, E_TIMEOUT, "challenges were still being answered; nothing was changed, try again");
	fail(r, &fault);
}

/* ---- SAVE_BOTH, SAVE_ONE ---- */

static void save(struct rollover *r)
{
	r->errand = account_store_save(r->args.store, r->args.name, r->args.record,
		r->args.ca->conf->directory, on_errand, r);
}

static void ask_save_both(struct rollover *r)
{
	r->args.record->next_key = key_ref(r->to);
	save(r);
}

/* Nothing was asked of the CA. If it is on the disk all the same, the next start settles it. */
static void answer_not_saved(struct rollover *r, const struct fault *fault)
{
	key_unref(&r->args.record->next_key);
	fail(r, fault);
}

/* ---- CHANGE ---- */

enum err rollover_payload(const struct account_record *record, const struct key *to, const char *url,
	struct buf *out)
{
	struct json *root = json_new_object();
	struct buf text;
	buf_init(&text, PAYLOAD_MAX);
	json_put_cstr(root, "account", record->kid);
	enum err err = json_print(root, &text, false);
	json_free(&root);
	if (!err) {
		text.len--;  /* the closing brace */
		err = buf_add(&text, STR(",\"oldKey\":"));
	}
	if (!err)
		err = key_jwk(record->key, &text);
	if (!err)
		err = buf_add(&text, STR("}"));
	if (!err)
		err = jws_sign(&(struct jws_args){ .key = to, .url = str_from(url), .payload = buf_str(&text) },
			out);
	buf_fini(&text);
	return err;
}

static void ask_change(struct rollover *r)
{
	const struct directory_body *d = directory_get(r->args.ca->directory);
	struct buf payload;
	struct fault fault = { 0 };
	buf_init(&payload, PAYLOAD_MAX);
	enum err err = d ? rollover_payload(r->args.record, r->to, d->key_change, &payload) : E_CA_DOWN;
	if (!err)
		r->request = request_start(&(struct request_args){ .ca = r->args.ca, .key = r->args.record->key,
			.kid = r->args.record->kid, .url = d->key_change, .payload = buf_str(&payload),
			.repeat = REQUEST_REPEAT_UNANSWERED }, on_answer, r);
	buf_fini(&payload);
	if (err) {
		fault_set(&fault, err, d ? "the request cannot be signed" : "the directory grew old");
		answer_not_saved(r, &fault);
	}
}

static void answer_change(struct rollover *r, enum err err, const struct fault *fault)
{
	if (err) {
		r->fault = *fault;
		fault_during(&r->fault, "%s", rows[r->state].text);
	}
	if (err && fault->status == 409)
		fault_set(&r->fault, E_ACCOUNT, "the CA has another account with this key; the old key stays");
	else if (err && fault->status == 501)
		fault_set(&r->fault, E_ACME, "this CA changes no account keys (HTTP 501); the old key stays");
	enter(r, ROLLOVER_TRY_NEW);
}

/* ---- TRY_NEW, TRY_OLD: whose signature does the CA take? ---- */

static void look_with(struct rollover *r, const struct key *key)
{
	r->request = request_start(&(struct request_args){ .ca = r->args.ca, .key = key,
		.kid = r->args.record->kid, .url = r->args.record->kid, .payload = STR_NONE,
		.repeat = REQUEST_REPEATABLE }, on_answer, r);
}

/* A no to the signature, and not trouble on the way to one. */
static bool is_refusal(const struct fault *fault)
{
	enum problem_class class = problem_class(fault);
	return fault->status >= 400 && fault->status < 500 && fault->code != E_RATE_LIMITED
		&& class != PROBLEM_CA && class != PROBLEM_NONCE;
}

/* Both stay in the store until the CA can be asked. */
static void stay_uncertain(struct rollover *r, const struct fault *fault)
{
	r->fault = *fault;
	fault_during(&r->fault, "%s", rows[r->state].text);
	end(r);
}

static void ask_try_new(struct rollover *r)
{
	look_with(r, r->args.record->next_key);
}

static void answer_try_new(struct rollover *r, enum err err, const struct fault *fault)
{
	struct account_record *record = r->args.record;
	if (err && !is_refusal(fault)) {
		stay_uncertain(r, fault);
	} else if (err) {
		enter(r, ROLLOVER_TRY_OLD);
	} else {
		key_unref(&record->key);
		record->key = record->next_key;
		record->next_key = NULL;
		signer_set_key(&r->args.ca->signer, record->key);
		fault_clear(&r->fault);
		log_info(&log_acme, "account key changed", "ca=%s account=%s", r->args.ca->conf->name,
			record->kid);
		enter(r, ROLLOVER_SAVE_ONE);
	}
}

static void ask_try_old(struct rollover *r)
{
	look_with(r, r->args.record->key);
}

/* When the CA takes neither, the account itself is gone or closed: the owner's to find out, with the old key. */
static void answer_try_old(struct rollover *r, enum err err, const struct fault *fault)
{
	if (err && !is_refusal(fault)) {
		stay_uncertain(r, fault);
		return;
	}
	key_unref(&r->args.record->next_key);
	if (err) {
		r->fault = *fault;
		fault_during(&r->fault, "%s", rows[r->state].text);
		r->fault.code = E_ACCOUNT;
	} else if (r->to && !r->fault.code) {
		fault_set(&r->fault, E_ACCOUNT, "the CA said yes and changed nothing (another account may have this "
			"key); the old key stays");
	}
	enter(r, ROLLOVER_SAVE_ONE);
}

static void ask_save_one(struct rollover *r)
{
	save(r);
}

/* ---- callbacks ---- */

static void on_errand(void *owner, enum err err, void *object, const struct fault *fault)
{
	struct rollover *r = owner;
	r->errand = NULL;
	if (r->state == ROLLOVER_SAVE_ONE)
		end(r);  /* not saved: two keys in the store, settled by the next start */
	else if (err && r->state == ROLLOVER_SAVE_BOTH)
		answer_not_saved(r, fault);
	else if (err)
		fail(r, fault);
	else if (r->state == ROLLOVER_MAKE)
		answer_make(r, errand_take_key(object));
	else
		enter(r, ROLLOVER_CHANGE);
}

static void on_answer(void *owner, enum err err, const struct request_answer *answer,
	const struct fault *fault)
{
	struct rollover *r = owner;
	(void)answer;
	r->request = NULL;
	if (r->state == ROLLOVER_CHANGE)
		answer_change(r, err, fault);
	else if (r->state == ROLLOVER_TRY_NEW)
		answer_try_new(r, err, fault);
	else
		answer_try_old(r, err, fault);
}

/* ---- the door ---- */

static void on_first(struct loop_task *t)
{
	struct rollover *r = container_of(t, struct rollover, first);
	const struct directory_body *d = directory_get(r->args.ca->directory);
	struct fault fault = { 0 };
	if (r->state != ROLLOVER_MAKE || (d && d->key_change[0])) {
		enter(r, r->to ? ROLLOVER_DRAIN : r->state);
		return;
	}
	fault_set(&fault, E_ACME, "the directory of %s names no keyChange", r->args.ca->conf->name);
	fail(r, &fault);
}

static struct rollover *new_rollover(const struct rollover_args *args, enum rollover_state state,
	rollover_fn *fn, void *owner)
{
	struct rollover *r = mem_new(sizeof *r);
	ASSERT(fn && args->record->key && args->record->kid[0]);
	r->args = *args;
	r->fn = fn;
	r->owner = owner;
	r->state = state;
	waiter_init(&r->drained, on_drained);
	deadline_init(&r->deadline, args->ca->loop, on_deadline);
	loop_task_init(&r->first, on_first);
	loop_defer(args->ca->loop, &r->first);
	return r;
}

struct rollover *rollover_start(const struct rollover_args *args, struct key *to, rollover_fn *fn, void *owner)
{
	ASSERT(!args->record->next_key);
	struct rollover *r = new_rollover(args, ROLLOVER_MAKE, fn, owner);
	r->to = to ? key_ref(to) : NULL;
	return r;
}

struct rollover *rollover_settle(const struct rollover_args *args, rollover_fn *fn, void *owner)
{
	ASSERT(args->record->next_key);
	return new_rollover(args, ROLLOVER_TRY_NEW, fn, owner);
}

void rollover_cancel(struct rollover **r)
{
	if (*r)
		free_rollover(r);
}
