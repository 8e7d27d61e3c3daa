/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * account: brought up once for all who wait, step by step:
 *
 *   IDLE --> DIRECTORY --> LOCK --> LOAD --> MAKE --> SAVE_KEY --> REGISTER --> SAVE_KID --> READY
 *     ^          |                   \___________________________/^    |          (lost: REGISTER again)
 *     +----------+------------ any failure -----------------------------+
 *
 * The key is saved before the POST: a reply that is lost, or a kill, costs nothing, because newAccount
 * with the same key answers with the same account.
 */
#include "acme/account.h"

#include <stdio.h>

#include "acme/jws.h"
#include "acme/problem.h"
#include "acme/record.h"
#include "acme/request.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/encode.h"
#include "base/log.h"
#include "base/mem.h"
#include "certstore/digest.h"

/* X(enumerator, function, text) in the order they are walked */
#define ACCOUNT_STATES(X) \
	X(ACCOUNT_IDLE, idle, "not needed yet") \
	X(ACCOUNT_DIRECTORY, directory, "fetching the directory") \
	X(ACCOUNT_LOCK, lock, "waiting for another process's account work") \
	X(ACCOUNT_LOAD, load, "reading the account key") \
	X(ACCOUNT_MAKE, make, "making an account key") \
	X(ACCOUNT_SAVE_KEY, save_key, "saving the account key") \
	X(ACCOUNT_REGISTER, register, "registering the account") \
	X(ACCOUNT_SAVE_KID, save_kid, "saving the account URL") \
	X(ACCOUNT_READY, ready, "ready")

enum account_state {
#define X(name, fn, text) name,
	ACCOUNT_STATES(X)
#undef X
};

enum { LOCK_WAIT_MS = 10000, ACCOUNT_NAME = 320, RECORD_MAX = 32 * 1024, PAYLOAD_MAX = 16 * 1024 };

/* How long a refusal by the CA, or trouble of our own, is remembered. */
static const int64_t refused_ms = (int64_t)3600 * 1000, trouble_ms = 60000;

struct account {
	struct ca *ca;
	struct store *store;
	const char *email;
	char name[ACCOUNT_NAME];

	enum account_state state;
	struct key *key;
	char kid[ACME_URL];
	bool is_key_saved, is_locked, is_without_contact;
	struct waiter directory;
	struct errand *errand;
	struct request *request;
	struct list line;

	struct loop_task telling;       /* a refusal still in force */
	struct fault refusal;
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

static void enter(struct account *a, enum account_state state)
{
	a->state = state;
	log_trace(&log_acme, "account", "ca=%s state=%d", a->ca->conf->name, (int)state);
	rows[state].ask(a);
}

static void unlock(struct account *a)
{
	if (a->is_locked)
		a->store->ops->unlock(a->store, a->name);
	a->is_locked = false;
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
		{ .key = "ca", .text = str_from(a->ca->conf->name) },
		{ .key = "while", .text = str_from(f.activity) },
		{ .key = "err", .text = str_from(err_text(f.code)) },
		{ .key = "type", .text = f.type[0] ? str_from(f.type) : STR_NONE },
		{ .key = "detail", .text = str_from(f.detail) },
	}, 5);
	waiter_tell_all(&a->line, f.code, &f);
}

/* ---- IDLE ---- */

static void ask_idle(struct account *a)
{
	(void)a;
}

/* ---- DIRECTORY ---- */

static void ask_directory(struct account *a)
{
	if (directory_get(a->ca->directory))
		enter(a, a->key && a->kid[0] ? ACCOUNT_READY : a->key && a->is_key_saved
			? ACCOUNT_REGISTER : ACCOUNT_LOCK);
	else
		directory_wait(a->ca->directory, &a->directory);
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

static enum err parse_record(struct str bytes, const char *name, void **object, struct fault *fault)
{
	(void)name;
	return account_record_parse(bytes, (struct account_record **)object, fault);
}

static void free_record(void *object)
{
	struct account_record *r = object;
	account_record_free(&r);
}

static void ask_load(struct account *a)
{
	a->errand = errand_load(a->store, STORE_ACCOUNTS, a->name, parse_record, free_record, on_errand,
		a);
}

static void answer_load(struct account *a, struct account_record *r)
{
	key_unref(&a->key);
	a->key = key_ref(r->key);
	a->is_key_saved = true;
	memcpy(a->kid, r->kid, sizeof a->kid);
	account_record_free(&r);
	if (!a->kid[0]) {
		enter(a, ACCOUNT_REGISTER);
		return;
	}
	unlock(a);
	enter(a, ACCOUNT_READY);
}

/* ---- MAKE ---- */

static enum err make_key(void *object, struct fault *fault)
{
	struct key **key = object;
	enum err err = key_generate(CONF_KEY_P256, key);
	return err ? fault_set(fault, err, "no account key can be made") : E_OK;
}

static void free_key_box(void *object)
{
	struct key **key = object;
	key_unref(key);
	mem_free(&key);
}

static void ask_make(struct account *a)
{
	a->errand = errand_work(a->ca->loop, make_key, mem_new(sizeof(struct key *)), free_key_box,
		on_errand, a);
}

static void answer_make(struct account *a, struct key **key)
{
	key_unref(&a->key);
	a->key = *key;
	mem_free(&key);
	enter(a, ACCOUNT_SAVE_KEY);
}

/* ---- SAVE_KEY, SAVE_KID ---- */

static void save(struct account *a)
{
	struct buf b;
	buf_init(&b, RECORD_MAX);
	enum err err = record_add(&b, "sallyport-account", STR("1"));
	if (!err)
		err = record_add(&b, "directory", str_from(a->ca->conf->directory));
	if (!err)
		err = record_add(&b, "kid", str_from(a->kid));
	if (!err)
		err = buf_add(&b, STR("\n"));
	if (!err)
		err = key_to_pem(a->key, &b);
	ASSERT(!err);  /* all of it was checked or made by us */
	a->errand = errand_save(a->store, STORE_ACCOUNTS, a->name, buf_str(&b), on_errand, a);
	mem_wipe(b.at, b.len);
	buf_fini(&b);
}

static void ask_save_key(struct account *a)
{
	save(a);
}

static void answer_save_key(struct account *a)
{
	a->is_key_saved = true;
	enter(a, ACCOUNT_REGISTER);
}

/* ---- REGISTER ---- */

static enum err add_binding(struct account *a, struct buf *payload)
{
	const struct conf_ca *conf = a->ca->conf;
	struct str url = str_from(directory_get(a->ca->directory)->new_account);
	payload->len--;  /* the closing brace */
	enum err err = buf_add(payload, STR(",\"externalAccountBinding\":"));
	if (!err)
		err = jws_bind(a->key, conf->eab_kid, conf->eab_hmac, url, payload);
	return err ? err : buf_add(payload, STR("}"));
}

static enum err registration(struct account *a, struct buf *payload)
{
	struct json *root = json_new_object();
	json_put_bool(root, "termsOfServiceAgreed", true);
	if (a->email && !a->is_without_contact) {
		char contact[512];
		struct json *list = json_new_array();
		snprintf(contact, sizeof contact, "mailto:%s", a->email);
		json_append_str(list, str_from(contact));
		json_put(root, "contact", list);
	}
	enum err err = json_print(root, payload, false);
	json_free(&root);
	if (!err && a->ca->conf->eab_kid && a->ca->conf->eab_hmac)
		err = add_binding(a, payload);
	return err;
}

static void on_registered(void *owner, enum err err, const struct request_answer *answer,
	const struct fault *fault);

static void ask_register(struct account *a)
{
	struct buf payload;
	struct fault fault = { 0 };
	buf_init(&payload, PAYLOAD_MAX);
	if (registration(a, &payload))
		fault_set(&fault, E_ACCOUNT, "the EAB secret is neither base64url nor base64");
	else
		a->request = request_start(&(struct request_args){
			.ca = a->ca, .key = a->key,
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
	if (!request_header_url(answer->headers, "location", a->kid)) {
		fault_set(&fault, E_ACME_PROTOCOL, "newAccount answered without Location");
		fail(a, &fault);
		return;
	}
	log_kv(&log_acme, LOG_INFO, "ACME account registered", (struct log_field[]){
		{ .key = "ca", .text = str_from(a->ca->conf->name) },
		{ .key = "account", .text = str_from(a->kid) },
		{ .key = "new", .text = answer->status == 201 ? STR("yes") : STR("no") },
	}, 3);
	enter(a, ACCOUNT_SAVE_KID);
}

/* Some CAs refuse a contact they do not like; without one they are content. */
static bool is_contact_refused(struct account *a, const struct fault *fault)
{
	struct str type = str_from(fault->type);
	return a->email && !a->is_without_contact
		&& (str_is(type, "invalidContact") || str_is(type, "unsupportedContact"));
}

static void on_registered(void *owner, enum err err, const struct request_answer *answer,
	const struct fault *fault)
{
	struct account *a = owner;
	a->request = NULL;
	if (!err) {
		answer_register(a, answer);
	} else if (is_contact_refused(a, fault)) {
		a->is_without_contact = true;
		enter(a, ACCOUNT_REGISTER);
	} else {
		if (fault->status == 404)
			directory_forget(a->ca->directory);
		struct fault f = *fault;
		/* Whatever its reason, a no to a registration stays one for a while. */
		enum problem_class class = problem_class(&f);
		if (f.status && f.code != E_ACME_PROTOCOL && class != PROBLEM_CA && class != PROBLEM_NONCE)
			f.code = E_ACCOUNT;
		fail(a, &f);
	}
}

static void ask_save_kid(struct account *a)
{
	save(a);
}

/* ---- READY ---- */

static void ask_ready(struct account *a)
{
	unlock(a);
	a->refused_until_ms = 0;
	waiter_tell_all(&a->line, E_OK, NULL);
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
		answer_make(a, object);
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

static void on_telling(struct loop_task *t)
{
	struct account *a = container_of(t, struct account, telling);
	struct fault fault = a->refusal;
	if (a->state == ACCOUNT_IDLE)
		waiter_tell_all(&a->line, fault.code, &fault);
}

/* ---- the door ---- */

/* host-0123456789abcdef: readable, and distinct for every directory. */
static void name_account(struct account *a)
{
	struct url parts = { 0 };
	unsigned char hash[DIGEST_SHA256];
	char hex[ENCODE_HEX_SIZE(8)];
	struct str url = str_from(a->ca->conf->directory);
	digest_sha256(hash, url);
	encode_hex(hex, str_of(hash, 8));
	if (url_parse(url, &parts) || parts.host.len > 253)
		parts.host = STR("ca");
	snprintf(a->name, sizeof a->name, "%.*s-%s", STR_FMT(parts.host), hex);
}

struct account *account_new(const struct account_args *args)
{
	struct account *a = mem_new(sizeof *a);
	a->ca = args->ca;
	a->store = args->store;
	a->email = args->email && strlen(args->email) < 400 ? args->email : NULL;
	list_init(&a->line);
	waiter_init(&a->directory, on_directory);
	loop_task_init(&a->telling, on_telling);
	name_account(a);
	return a;
}

void account_free(struct account **a)
{
	if (!*a)
		return;
	errand_abandon(&(*a)->errand);
	request_cancel(&(*a)->request);
	list_remove(&(*a)->directory.node);
	loop_task_cancel(&(*a)->telling);
	unlock(*a);
	key_unref(&(*a)->key);
	mem_free(a);
}

bool account_is_ready(const struct account *a)
{
	return a->state == ACCOUNT_READY && directory_get(a->ca->directory);
}

void account_wait(struct account *a, struct waiter *w)
{
	list_append(&a->line, &w->node);
	if (a->state != ACCOUNT_IDLE && a->state != ACCOUNT_READY)
		return;
	if (clock_wall_ms() < a->refused_until_ms) {
		loop_defer(a->ca->loop, &a->telling);
		return;
	}
	ASSERT(!account_is_ready(a));
	enter(a, ACCOUNT_DIRECTORY);
}

void account_lost(struct account *a, const char *kid)
{
	if (a->state != ACCOUNT_READY || !str_is(str_from(kid), a->kid))
		return;  /* somebody noticed before */
	log_kv(&log_acme, LOG_WARN, "CA forgot our account; its URL will change",
		(struct log_field[]){
			{ .key = "ca", .text = str_from(a->ca->conf->name) },
			{ .key = "account", .text = str_from(a->kid) },
		}, 2);
	a->kid[0] = '\0';
	a->state = ACCOUNT_IDLE;
}

const struct key *account_key(const struct account *a)
{
	return a->key;
}

const char *account_kid(const struct account *a)
{
	return a->kid;
}

enum err account_record_parse(struct str text, struct account_record **out, struct fault *fault)
{
	if (!str_is(record_get(text, "sallyport-account"), "1"))
		return fault_set(fault, E_STORE_CORRUPT, "no account record");
	struct account_record *r = mem_new(sizeof *r);
	if (key_from_pem(text, &r->key)) {
		account_record_free(&r);
		return fault_set(fault, E_STORE_CORRUPT, "account record without a usable key");
	}
	if (!transport_url_is_fine(record_get(text, "kid"))
		|| !record_copy(text, "kid", r->kid, sizeof r->kid))
		r->kid[0] = '\0';
	*out = r;
	return E_OK;
}

void account_record_free(struct account_record **r)
{
	if (!*r)
		return;
	key_unref(&(*r)->key);
	mem_free(r);
}
