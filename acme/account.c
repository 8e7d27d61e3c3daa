/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * account: brought up once for all who wait, step by step:
 *
 *   IDLE --> DIRECTORY --> LOCK --> LOAD --> MAKE --> SAVE_KEY --> REGISTER --> SAVE_KID --> READY
 *     ^          |                   |\___________________________/^ ^  |          (lost: REGISTER again)
 *     |          |     two keys:  SETTLE    doubted: ASK ____________/  |
 *     |          |     another key wanted:  ROLL --> READY              |
 *     +----------+------------ any failure -----------------------------+
 *
 * The key is saved before the POST: a reply that is lost, or a kill, costs nothing, because newAccount
 * with the same key answers with the same account. READY is an account whose standing may still keep
 * names out (closed, to be agreed for): then those in line are told why.
 */
#include "acme/account.h"

#include "acme/account_store.h"
#include "acme/contact.h"
#include "acme/problem.h"
#include "acme/request.h"
#include "acme/rollover.h"
#include "acme/standing.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

/* X(enumerator, function, text) in the order they are walked */
#define ACCOUNT_STATES(X) \
	X(ACCOUNT_IDLE, idle, "not needed yet") \
	X(ACCOUNT_DIRECTORY, directory, "fetching the directory") \
	X(ACCOUNT_LOCK, lock, "waiting for another process's account work") \
	X(ACCOUNT_LOAD, load, "reading the account key") \
	X(ACCOUNT_SETTLE, settle, "finding out which of two keys is the account's") \
	X(ACCOUNT_ASK, ask, "asking whether the account is still good") \
	X(ACCOUNT_MAKE, make, "making an account key") \
	X(ACCOUNT_SAVE_KEY, save_key, "saving the account key") \
	X(ACCOUNT_REGISTER, register, "registering the account") \
	X(ACCOUNT_SAVE_KID, save_kid, "saving the account URL") \
	X(ACCOUNT_ROLL, roll, "changing the account key") \
	X(ACCOUNT_READY, ready, "ready")

enum account_state {
#define X(name, fn, text) name,
	ACCOUNT_STATES(X)
#undef X
};

enum { LOCK_WAIT_MS = 10000, PAYLOAD_MAX = 16 * 1024, EMAIL_MAX = 400, FOUND_GOOD_MS = 10 * 60 * 1000 };

/* How long a refusal by the CA, or trouble of our own, is remembered. */
static const int64_t refused_ms = (int64_t)3600 * 1000, trouble_ms = 60000;

struct account {
	struct ca *ca;
	struct store *store;
	const char *email;
	char name[ACCOUNT_NAME];

	enum account_state state;
	struct account_record record;
	bool is_key_saved, is_locked, is_without_contact;
	bool is_new_key;                /* made since the last time it was up */
	struct waiter directory;
	struct errand *errand;
	struct request *request;
	struct list line, line_up;

	/* what else is to be done on the way up */
	bool wants_new, is_doubted;
	struct rollover *rollover;
	struct waiter *roller;
	struct key *roll_to;

	/* beside it */
	struct errand *peek, *note;
	struct contact contact;
	int64_t found_good_at_ms;       /* monotonic; 0: never */

	struct loop_task begin;         /* somebody came */
	struct fault refusal;           /* still in force */
	int64_t refused_until_ms;       /* wall clock */
};

#define X(name, fn, text) static void ask_##fn(struct account *a);
ACCOUNT_STATES(X)
#undef X

static const struct {
	const char *text;
	void (*ask)(struct account *a);
} rows[] = {
#define X(name, fn, text) { text, ask_##fn },
	ACCOUNT_STATES(X)
#undef X
};

static const struct log log_acme = { "acme" };

static const char *ca_name(const struct account *a)
{
	return a->ca->conf->name;
}

static void enter(struct account *a, enum account_state state)
{
	a->state = state;
	log_trace(&log_acme, "account", "ca=%s state=%d", ca_name(a), (int)state);
	rows[state].ask(a);
}

static void unlock(struct account *a)
{
	if (a->is_locked)
		a->store->ops->unlock(a->store, a->name);
	a->is_locked = false;
}

static void tell_roller(struct account *a, enum err err, const struct fault *fault)
{
	struct waiter *w = a->roller;
	a->roller = NULL;
	key_unref(&a->roll_to);
	if (w)
		w->fn(w, err, fault);
}

static void tell_all(struct account *a, enum err err, const struct fault *fault)
{
	waiter_tell_all(&a->line_up, err, fault);
	tell_roller(a, err, fault);
	waiter_tell_all(&a->line, err, fault);
}

/* What fails here fails for every name, so that it is remembered here and not with the names. */
static void fail(struct account *a, const struct fault *fault)
{
	int64_t now = clock_wall_ms();
	struct fault f = *fault;
	fault_during(&f, "%s", rows[a->state].text);
	unlock(a);
	a->state = ACCOUNT_IDLE;
	if (problem_class(&f) == PROBLEM_CA) {
		/* the breaker's business */
		f.retry_at_ms = now + breaker_until(&a->ca->breaker, clock_mono_ms()) - clock_mono_ms();
	} else {
		int64_t until = now + (f.code == E_ACCOUNT ? refused_ms : trouble_ms);
		if (f.retry_at_ms < until)
			f.retry_at_ms = until;
		a->refusal = f;
		a->refused_until_ms = f.retry_at_ms;
	}
	log_kv(&log_acme, LOG_WARN, "ACME account not usable", (struct log_field[]){
		{ .key = "ca", .text = str_from(ca_name(a)) },
		{ .key = "while", .text = str_from(f.activity) },
		{ .key = "err", .text = str_from(err_text(f.code)) },
		{ .key = "type", .text = f.type[0] ? str_from(f.type) : STR_NONE },
		{ .key = "detail", .text = str_from(f.detail) },
	}, 5);
	tell_all(a, f.code, &f);
}

/* ---- the record ---- */

static struct errand *save(struct account *a, errand_fn *fn)
{
	return account_store_save(a->store, a->name, &a->record, a->ca->conf->directory, fn, a);
}

static void on_noted(void *owner, enum err err, void *object, const struct fault *fault)
{
	struct account *a = owner;
	(void)object;
	a->note = NULL;
	if (err)
		log_warn(&log_acme, "account record not saved", "ca=%s err=%s", ca_name(a),
			fault->detail[0] ? fault->detail : err_text(err));
}

/* In the background; the store does them in their order. */
static void note(struct account *a)
{
	if (!a->record.key)
		return;
	errand_abandon(&a->note);
	a->note = save(a, on_noted);
}

static void forget_kid(struct account *a)
{
	memcpy(a->record.previous, a->record.kid, sizeof a->record.previous);
	a->record.kid[0] = '\0';
}

static void take_record(struct account *a, struct account_record **r)
{
	account_record_fini(&a->record);
	a->record = **r;
	mem_free(r);
	a->is_key_saved = true;
	signer_set_key(&a->ca->signer, a->record.key);
}

/* ---- IDLE ---- */

static void ask_idle(struct account *a)
{
	(void)a;
}

/* ---- DIRECTORY ---- */

/* What is in memory is not enough, or not to be trusted. */
static bool must_load(const struct account *a)
{
	return !a->record.key || !a->is_key_saved || a->record.next_key || a->wants_new || a->is_doubted
		|| a->roller;
}

static void ask_directory(struct account *a)
{
	if (!directory_get(a->ca->directory))
		directory_wait(a->ca->directory, &a->directory);
	else if (must_load(a))
		enter(a, ACCOUNT_LOCK);
	else
		enter(a, a->record.kid[0] || a->record.standing != ACCOUNT_GOOD ? ACCOUNT_READY
			: ACCOUNT_REGISTER);
}

static void on_directory(struct waiter *w, enum err err, const struct fault *fault)
{
	struct account *a = container_of(w, struct account, directory);
	if (err) {
		breaker_failed(&a->ca->breaker, BREAKER_CERTAIN, 0, clock_mono_ms());
		struct fault f = *fault;
		f.code = E_CA_DOWN;
		fail(a, &f);
	} else {
		enter(a, ACCOUNT_DIRECTORY);
	}
}

/* ---- LOCK ---- */

static void on_errand(void *owner, enum err err, void *object, const struct fault *fault);

static void ask_lock(struct account *a)
{
	a->errand = errand_lock(a->store, a->name, LOCK_WAIT_MS, on_errand, a);
}

static void answer_lock(struct account *a)
{
	a->is_locked = true;
	enter(a, ACCOUNT_LOAD);
}

/* ---- LOAD ---- */

static void ask_load(struct account *a)
{
	a->errand = account_store_load(a->store, a->name, on_errand, a);
}

/* With one key. */
static void judge(struct account *a)
{
	if (a->record.standing != ACCOUNT_GOOD)
		enter(a, ACCOUNT_READY);
	else if (!a->record.kid[0])
		enter(a, ACCOUNT_REGISTER);
	else if (a->is_doubted)
		enter(a, ACCOUNT_ASK);
	else
		enter(a, a->roller ? ACCOUNT_ROLL : ACCOUNT_READY);
}

static void answer_load(struct account *a, struct account_record *r)
{
	/* Another process changed the key: that is why ours was refused. */
	if (a->record.key && !str_equal(key_public(a->record.key), key_public(r->key)))
		a->is_doubted = false;
	take_record(a, &r);
	if (a->wants_new)
		enter(a, ACCOUNT_MAKE);
	else if (a->record.next_key && a->record.kid[0])
		enter(a, ACCOUNT_SETTLE);
	else
		judge(a);
}

/* ---- SETTLE ---- */

static struct rollover_args rollover_args(struct account *a)
{
	return (struct rollover_args){ .ca = a->ca, .store = a->store, .name = a->name, .record = &a->record };
}

static void on_settled(void *owner, enum err err, const struct fault *fault)
{
	struct account *a = owner;
	a->rollover = NULL;
	signer_set_key(&a->ca->signer, a->record.key);
	if (err && a->record.next_key) {
		fail(a, fault);
		return;
	}
	/* Neither of the two: the account itself is in question. */
	a->is_doubted |= err != E_OK;
	judge(a);
}

static void ask_settle(struct account *a)
{
	struct rollover_args args = rollover_args(a);
	a->rollover = rollover_settle(&args, on_settled, a);
}

/* ---- ASK ---- */

/* Deactivated; and so is all that its key could do. */
static void replace(struct account *a)
{
	a->is_doubted = false;
	if (standing_may_replace(&a->record, ca_name(a))) {
		enter(a, ACCOUNT_MAKE);
		return;
	}
	note(a);
	enter(a, ACCOUNT_READY);
}

static void found_good(struct account *a, const struct request_answer *answer)
{
	char kid[ACME_URL];
	a->is_doubted = false;
	a->found_good_at_ms = clock_mono_ms();
	if (request_header_url(answer->headers, "location", kid) && strcmp(kid, a->record.kid) != 0) {
		forget_kid(a);
		memcpy(a->record.kid, kid, sizeof kid);
		standing_note_url(&a->record, ca_name(a));
		note(a);
	}
	judge(a);
}

static void must_agree(struct account *a)
{
	standing_set(&a->record, ACCOUNT_MUST_AGREE);
	a->record.agreement = a->ca->agreement;
	standing_shout(&a->record, ca_name(a));
	note(a);
}

static void on_asked(void *owner, enum err err, const struct request_answer *answer,
	const struct fault *fault)
{
	struct account *a = owner;
	struct registration_view view = { 0 };
	struct str type = str_from(fault ? fault->type : "");
	a->request = NULL;
	if (!err)
		registration_read(answer->body, &view);
	if (str_is(type, "unauthorized") || (view.status[0] && strcmp(view.status, "valid") != 0)) {
		replace(a);
	} else if (!err) {
		found_good(a, answer);
	} else if (str_is(type, "accountDoesNotExist")) {
		a->is_doubted = false;
		forget_kid(a);
		enter(a, ACCOUNT_REGISTER);
	} else if (str_is(type, "userActionRequired")) {
		a->is_doubted = false;
		must_agree(a);
		enter(a, ACCOUNT_READY);
	} else {
		fail(a, fault);
	}
}

static void ask_ask(struct account *a)
{
	struct buf payload;
	buf_init(&payload, PAYLOAD_MAX);
	registration_ask(&payload);
	a->request = request_start(&(struct request_args){ .ca = a->ca, .key = a->record.key,
		.url = directory_get(a->ca->directory)->new_account, .payload = buf_str(&payload),
		.repeat = REQUEST_REPEATABLE }, on_asked, a);
	buf_fini(&payload);
}

/* ---- MAKE ---- */

static void ask_make(struct account *a)
{
	a->errand = errand_make_key(a->ca->loop, CONF_KEY_P256, on_errand, a);
}

/* A record of its own; of the one before, its URL and when it was replaced stay. */
static void answer_make(struct account *a, struct key *key)
{
	struct account_record old = a->record;
	account_record_init(&a->record);
	str_copy(a->record.previous, ACME_URL, str_from(old.kid[0] ? old.kid : old.previous));
	a->record.replaced_at_ms = old.replaced_at_ms;
	account_record_fini(&old);
	a->record.key = key;
	signer_set_key(&a->ca->signer, a->record.key);
	a->wants_new = a->is_key_saved = a->is_without_contact = false;
	a->is_new_key = true;
	enter(a, ACCOUNT_SAVE_KEY);
}

/* ---- SAVE_KEY ---- */

static void ask_save_key(struct account *a)
{
	a->errand = save(a, on_errand);
}

static void answer_save_key(struct account *a)
{
	a->is_key_saved = true;
	enter(a, ACCOUNT_REGISTER);
}

/* ---- REGISTER ---- */

static void on_registered(void *owner, enum err err, const struct request_answer *answer,
	const struct fault *fault);

static void ask_register(struct account *a)
{
	struct buf payload;
	struct fault fault = { 0 };
	buf_init(&payload, PAYLOAD_MAX);
	if (registration_new(a->ca, a->record.key, a->is_without_contact ? NULL : a->email, &payload))
		fault_set(&fault, E_ACCOUNT, "the EAB secret is neither base64url nor base64");
	else
		a->request = request_start(&(struct request_args){
			.ca = a->ca, .key = a->record.key,
			.url = directory_get(a->ca->directory)->new_account,
			.payload = buf_str(&payload), .repeat = REQUEST_REPEATABLE,
		}, on_registered, a);
	buf_fini(&payload);
	if (fault.code)
		fail(a, &fault);
}

static void answer_register(struct account *a, const struct request_answer *answer)
{
	struct fault fault = { 0 };
	if (!request_header_url(answer->headers, "location", a->record.kid)) {
		fault_set(&fault, E_ACME_PROTOCOL, "newAccount answered without Location");
		fail(a, &fault);
		return;
	}
	if (answer->status == 201 || !a->record.registered_at_ms)
		a->record.registered_at_ms = clock_wall_ms();
	contact_registered(&a->record, answer->status, answer->body, a->email ? a->email : "",
		a->is_without_contact);
	log_kv(&log_acme, LOG_INFO, "ACME account registered", (struct log_field[]){
		{ .key = "ca", .text = str_from(ca_name(a)) },
		{ .key = "account", .text = str_from(a->record.kid) },
		{ .key = "new", .text = answer->status == 201 ? STR("yes") : STR("no") },
	}, 3);
	standing_note_url(&a->record, ca_name(a));
	enter(a, ACCOUNT_SAVE_KID);
}

/* Some CAs refuse a contact they do not like; without one they are content. */
static bool is_contact_refused(struct account *a, const struct fault *fault)
{
	struct str type = str_from(fault->type);
	return a->email && !a->is_without_contact
		&& (str_is(type, "invalidContact") || str_is(type, "unsupportedContact"));
}

static void refused(struct account *a, const struct fault *fault)
{
	struct fault f = *fault;
	if (fault->status == 404)
		directory_forget(a->ca->directory);
	/* Whatever its reason, a no to a registration stays one for a while. */
	enum problem_class class = problem_class(&f);
	if (f.status && f.code != E_ACME_PROTOCOL && class != PROBLEM_CA && class != PROBLEM_NONCE)
		f.code = E_ACCOUNT;
	fail(a, &f);
}

static void on_registered(void *owner, enum err err, const struct request_answer *answer,
	const struct fault *fault)
{
	struct account *a = owner;
	struct str type = str_from(fault ? fault->type : "");
	a->request = NULL;
	if (!err) {
		answer_register(a, answer);
	} else if (is_contact_refused(a, fault)) {
		a->is_without_contact = true;
		enter(a, ACCOUNT_REGISTER);
	} else if (str_is(type, "userActionRequired")) {
		must_agree(a);
		enter(a, ACCOUNT_READY);
	} else if (str_is(type, "unauthorized") && a->record.previous[0] && !a->is_new_key) {
		replace(a);  /* its account had been deactivated before the CA lost it for us */
	} else {
		refused(a, fault);
	}
}

/* ---- SAVE_KID ---- */

static void ask_save_kid(struct account *a)
{
	a->errand = save(a, on_errand);
}

/* ---- ROLL ---- */

static void on_rolled(void *owner, enum err err, const struct fault *fault)
{
	struct account *a = owner;
	a->rollover = NULL;
	if (err && a->record.next_key) {
		/* Nobody knows which key it is; names wait until the CA can be asked. */
		fail(a, fault);
		return;
	}
	tell_roller(a, err, fault);
	enter(a, ACCOUNT_READY);
}

static void ask_roll(struct account *a)
{
	struct rollover_args args = rollover_args(a);
	a->rollover = rollover_start(&args, a->roll_to, on_rolled, a);
}

/* ---- READY ---- */

static void on_contact(struct contact *c)
{
	note(container_of(c, struct account, contact));
}

static void ask_ready(struct account *a)
{
	struct fault fault = { 0 };
	enum err err = standing_refusal(&a->record, ca_name(a), &fault);
	unlock(a);
	a->refused_until_ms = 0;
	a->is_new_key = false;
	if (!err)
		contact_tell(&a->contact, a->email ? a->email : "");
	waiter_tell_all(&a->line_up, E_OK, NULL);
	if (a->roller) {  /* it was not there, or is not ours to change */
		if (!err)
			fault_set(&fault, E_NOT_FOUND, "there was no account; one was made just now, with a new key");
		tell_roller(a, fault.code, &fault);
	}
	waiter_tell_all(&a->line, err, err ? &fault : NULL);
}

/* ---- callbacks ---- */

static void answer_errand(struct account *a, void *object)
{
	switch (a->state) {
	case ACCOUNT_LOCK:
		answer_lock(a);
		return;
	case ACCOUNT_LOAD:
		answer_load(a, object);
		return;
	case ACCOUNT_MAKE:
		answer_make(a, errand_take_key(object));
		return;
	case ACCOUNT_SAVE_KEY:
		answer_save_key(a);
		return;
	case ACCOUNT_SAVE_KID:
		enter(a, ACCOUNT_READY);
		return;
	default:
		UNREACHABLE();
	}
}

static void on_errand(void *owner, enum err err, void *object, const struct fault *fault)
{
	struct account *a = owner;
	a->errand = NULL;
	if (!err)
		answer_errand(a, object);
	else if (a->state == ACCOUNT_LOAD && (err == E_NOT_FOUND || err == E_STORE_CORRUPT))
		enter(a, ACCOUNT_MAKE);
	else if (a->state == ACCOUNT_SAVE_KID)
		enter(a, ACCOUNT_READY);  /* asked again after a restart, with the same answer */
	else
		fail(a, fault);
}

/* A refusal that still holds, if there is one. */
static bool is_refused(struct account *a)
{
	struct fault fault = { 0 };
	if (clock_wall_ms() < a->refused_until_ms)
		return true;
	if (a->wants_new || a->is_doubted || !standing_refusal(&a->record, ca_name(a), &fault))
		return false;
	a->refusal = fault;
	return true;
}

static void on_begin(struct loop_task *t)
{
	struct account *a = container_of(t, struct account, begin);
	if (a->state != ACCOUNT_IDLE && a->state != ACCOUNT_READY)
		return;
	if (is_refused(a)) {
		struct fault fault = a->refusal;
		waiter_tell_all(&a->line, fault.code, &fault);
	}
	if (!list_is_empty(&a->line) || !list_is_empty(&a->line_up))
		enter(a, ACCOUNT_DIRECTORY);
}

static void on_peeked(void *owner, enum err err, void *object, const struct fault *fault)
{
	struct account *a = owner;
	struct account_record *r = object;
	(void)fault;
	a->peek = NULL;
	bool is_news = !err && a->state == ACCOUNT_IDLE && !a->record.key;
	if (is_news)
		take_record(a, &r);
	account_record_free(&r);
	if (is_news && a->record.kid[0] && (a->record.next_key || (a->record.standing == ACCOUNT_GOOD
		&& contact_is_due(&a->record, a->email ? a->email : ""))))
		enter(a, ACCOUNT_DIRECTORY);
}

/* ---- the door ---- */

struct account *account_new(const struct account_args *args)
{
	struct account *a = mem_new(sizeof *a);
	a->ca = args->ca;
	a->store = args->store;
	a->email = args->email && strlen(args->email) < EMAIL_MAX ? args->email : NULL;
	account_record_init(&a->record);
	list_init(&a->line);
	list_init(&a->line_up);
	contact_init(&a->contact, a->ca, &a->record, on_contact);
	waiter_init(&a->directory, on_directory);
	loop_task_init(&a->begin, on_begin);
	account_record_name(a->name, a->ca->conf->directory);
	a->peek = account_store_load(a->store, a->name, on_peeked, a);
	return a;
}

void account_free(struct account **a)
{
	if (!*a)
		return;
	errand_abandon(&(*a)->errand);
	errand_abandon(&(*a)->peek);
	errand_abandon(&(*a)->note);
	request_cancel(&(*a)->request);
	contact_fini(&(*a)->contact);
	rollover_cancel(&(*a)->rollover);
	list_remove(&(*a)->directory.node);
	loop_task_cancel(&(*a)->begin);
	unlock(*a);
	key_unref(&(*a)->roll_to);
	account_record_fini(&(*a)->record);
	mem_free(a);
}

bool account_is_ready(const struct account *a)
{
	return a->state == ACCOUNT_READY && a->record.standing == ACCOUNT_GOOD
		&& directory_get(a->ca->directory);
}

void account_wait(struct account *a, struct waiter *w)
{
	list_append(&a->line, &w->node);
	loop_defer(a->ca->loop, &a->begin);
}

void account_wait_up(struct account *a, struct waiter *w)
{
	list_append(&a->line_up, &w->node);
	loop_defer(a->ca->loop, &a->begin);
}

void account_lost(struct account *a, const char *kid)
{
	if (a->state != ACCOUNT_READY || !str_is(str_from(kid), a->record.kid))
		return;  /* somebody noticed before */
	log_warn(&log_acme, "CA forgot our account; its URL will change", "ca=%s account=%s", ca_name(a),
		a->record.kid);
	forget_kid(a);
	a->state = ACCOUNT_IDLE;
}

bool account_doubt(struct account *a, const char *kid)
{
	int64_t since_ms = clock_mono_ms() - a->found_good_at_ms;
	if (a->state != ACCOUNT_READY || !str_is(str_from(kid), a->record.kid))
		return true;  /* somebody noticed before */
	if (a->found_good_at_ms && since_ms < FOUND_GOOD_MS)
		return false;
	account_suspect(a);
	return true;
}

void account_suspect(struct account *a)
{
	a->is_doubted = true;
	a->refused_until_ms = 0;
	if (a->state == ACCOUNT_READY)
		a->state = ACCOUNT_IDLE;
}

void account_must_agree(struct account *a, const char *kid)
{
	if (a->state == ACCOUNT_READY && a->record.standing == ACCOUNT_GOOD
		&& str_is(str_from(kid), a->record.kid))
		must_agree(a);
}

enum err account_roll(struct account *a, struct key *to, struct waiter *w, struct fault *fault)
{
	if (a->roller || (a->state != ACCOUNT_IDLE && a->state != ACCOUNT_READY))
		return fault_set(fault, E_LOCKED, "the account is being worked on (%s)", rows[a->state].text);
	if (to && a->record.key && str_equal(key_public(to), key_public(a->record.key)))
		return fault_set(fault, E_USAGE, "this is the key the account has");
	a->roller = w;
	a->roll_to = to ? key_ref(to) : NULL;
	enter(a, ACCOUNT_DIRECTORY);
	return E_OK;
}

void account_unroll(struct account *a, struct waiter *w)
{
	if (a->roller == w)
		a->roller = NULL;
}

void account_took_contact(struct account *a, const char *email, const struct account_answer *answer)
{
	contact_updated(&a->record, ca_name(a), email, answer);
	note(a);
}

void account_closed(struct account *a)
{
	standing_set(&a->record, ACCOUNT_CLOSED);
	standing_shout(&a->record, ca_name(a));
	note(a);
}

void account_agreed(struct account *a)
{
	if (a->record.standing != ACCOUNT_MUST_AGREE)
		return;
	standing_set(&a->record, ACCOUNT_GOOD);
	a->record.agreement = (struct agreement){ 0 };
	a->refused_until_ms = 0;
	if (!a->record.kid[0])
		a->state = ACCOUNT_IDLE;
	note(a);
}

void account_renew(struct account *a)
{
	a->wants_new = true;
	a->refused_until_ms = 0;
	a->record.replaced_at_ms = 0;
	if (a->state == ACCOUNT_READY)
		a->state = ACCOUNT_IDLE;
}

const char *account_kid(const struct account *a)
{
	return a->record.kid;
}

const struct account_record *account_facts(const struct account *a)
{
	return &a->record;
}
