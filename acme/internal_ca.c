/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * internal_ca: brought up once for all who wait, as an account is:
 *
 *   IDLE --> LOCK --> LOAD --> MAKE --> SAVE --> READY
 *     ^        |        \________________________^  |
 *     +--------+---- any failure ----+              | the intermediate grows old: LOCK again
 *     +---------------------------------------------+
 *
 * Another process of the same store may be first: nothing is made without its lock. Nothing is signed
 * by an authority that is not on the disk, or a restart would bring one nobody trusts.
 */
#include "acme/internal_ca.h"

#include <stdio.h>

#include "acme/record.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "certstore/pem.h"
#include "certstore/x509.h"

/* X(enumerator, function, text) */
#define INTERNAL_STATES(X) \
	X(INTERNAL_IDLE, idle, "not needed yet") \
	X(INTERNAL_LOCK, lock, "waiting for another process's work on the internal CA") \
	X(INTERNAL_LOAD, load, "reading the internal CA") \
	X(INTERNAL_MAKE, make, "making the internal CA") \
	X(INTERNAL_SAVE, save, "saving the internal CA") \
	X(INTERNAL_READY, ready, "ready")

enum internal_state {
#define X(name, fn, text) name,
	INTERNAL_STATES(X)
#undef X
};

enum { LOCK_WAIT_MS = 10000, VALUE_MAX = 60 * 1024, CHAIN_MAX = 64 * 1024, COMMON_NAME_MAX = 64 };

#define DAYS_MS(n) ((int64_t)(n) * 24 * 3600 * 1000)
static const int64_t root_ms = DAYS_MS(3652), middle_ms = DAYS_MS(365), leaf_ms = DAYS_MS(7);
/* An authority is replaced when it has less than this left; leaves end before it. */
static const int64_t renew_middle_ms = DAYS_MS(60), renew_root_ms = DAYS_MS(366);
/* Clients' clocks may be behind ours. */
static const int64_t backdate_ms = 3600 * 1000;

/* Root and intermediate as stored and as used. Immutable once made. */
struct internal_authority {
	atomic_uint refs;
	struct key *key;                /* the intermediate's */
	struct buf root_pem, middle_der;
	int64_t root_until_ms, until_ms;
	struct buf value;               /* as stored; wiped and empty once it is saved or was loaded */
};

struct internal_ca {
	struct loop *loop;
	struct store *store;
	enum internal_state state;
	bool is_locked;
	struct errand *errand;
	struct internal_authority *authority;  /* NULL: none yet */
	struct internal_authority *next;       /* made, not saved yet */
	struct list line;
};

/* What MAKE starts from. */
struct making {
	struct buf old;                 /* the stored value, or empty */
	int64_t now_ms;
	struct internal_authority *made;
};

#define X(name, fn, text) static void ask_##fn(struct internal_ca *c);
INTERNAL_STATES(X)
#undef X

static const struct {
	const char *text;
	void (*ask)(struct internal_ca *c);
} rows[] = {
#define X(name, fn, text) { text, ask_##fn },
	INTERNAL_STATES(X)
#undef X
};

static const struct log log_acme = { "acme" };

static void enter(struct internal_ca *c, enum internal_state state)
{
	c->state = state;
	log_trace(&log_acme, "internal CA", "state=%d", (int)state);
	rows[state].ask(c);
}

/* ---- the authority ---- */

static struct internal_authority *authority_new(void)
{
	struct internal_authority *a = mem_new(sizeof *a);
	atomic_init(&a->refs, 1);
	buf_init(&a->root_pem, VALUE_MAX);
	buf_init(&a->middle_der, VALUE_MAX);
	buf_init(&a->value, VALUE_MAX);
	return a;
}

static void forget_value(struct internal_authority *a)
{
	if (a->value.at)
		mem_wipe(a->value.at, a->value.len);
	buf_fini(&a->value);
	buf_init(&a->value, VALUE_MAX);
}

static void authority_unref(struct internal_authority **authority)
{
	struct internal_authority *a = *authority;
	*authority = NULL;
	if (!a || atomic_fetch_sub(&a->refs, 1) > 1)
		return;
	forget_value(a);
	key_unref(&a->key);
	buf_fini(&a->root_pem);
	buf_fini(&a->middle_der);
	buf_fini(&a->value);
	mem_free(&a);
}

/* root key, root, intermediate's key, intermediate */
enum { ROOT_KEY, ROOT, MIDDLE_KEY, MIDDLE, PARTS };

struct parts {
	struct key *keys[PARTS];
	struct buf der[PARTS];
	int64_t until_ms[PARTS];
};

static void parts_fini(struct parts *p)
{
	for (int i = 0; i < PARTS; i++) {
		key_unref(&p->keys[i]);
		if (p->der[i].at)
			mem_wipe(p->der[i].at, p->der[i].len);
		buf_fini(&p->der[i]);
	}
}

static enum err take_part(struct parts *p, int i, struct pem_block *block)
{
	struct x509_facts facts;
	struct fault fault = { 0 };
	p->der[i] = block->der;
	if (i == ROOT_KEY || i == MIDDLE_KEY)
		return key_from_der(buf_str(&p->der[i]), &p->keys[i]);
	enum err err = x509_parse(buf_str(&p->der[i]), &facts, &fault);
	p->until_ms[i] = facts.not_after_ms;
	x509_facts_fini(&facts);
	return err;
}

/* The intermediate belongs to the root, and its key to it. */
static enum err parts_check(struct parts *p)
{
	struct fault fault = { 0 };
	struct buf chain;
	buf_init(&chain, CHAIN_MAX);
	enum err err = buf_add(&chain, buf_str(&p->der[MIDDLE]));
	if (!err)
		err = buf_add(&chain, buf_str(&p->der[ROOT]));
	if (!err)
		err = x509_check_chain(buf_str(&chain), &(struct x509_check){ .key = p->keys[MIDDLE_KEY] },
			&fault);
	if (!err)
		err = x509_check_chain(buf_str(&p->der[ROOT]),
			&(struct x509_check){ .key = p->keys[ROOT_KEY] }, &fault);
	buf_fini(&chain);
	return err;
}

static enum err parts_read(struct str value, struct parts *p)
{
	struct str text = value;
	struct pem_block block;
	if (!str_is(record_get(value, "sallyport-internal-ca"), "1"))
		return E_STORE_CORRUPT;
	for (int i = 0; i < PARTS; i++) {
		if (pem_next(&text, &block) || take_part(p, i, &block))
			return E_STORE_CORRUPT;
	}
	return parts_check(p) ? E_STORE_CORRUPT : E_OK;
}

static enum err parts_write(const struct parts *p, struct buf *out)
{
	enum err err = record_add(out, "sallyport-internal-ca", STR("1"));
	if (!err)
		err = buf_add(out, STR("\n"));
	for (int i = 0; i < PARTS && !err; i++)
		err = p->keys[i] ? key_to_pem(p->keys[i], out)
			: pem_add(out, "CERTIFICATE", buf_str(&p->der[i]));
	return err;
}

static struct internal_authority *authority_of(const struct parts *p)
{
	struct internal_authority *a = authority_new();
	a->key = key_ref(p->keys[MIDDLE_KEY]);
	enum err err = pem_add(&a->root_pem, "CERTIFICATE", buf_str(&p->der[ROOT]));
	if (!err)
		err = buf_add(&a->middle_der, buf_str(&p->der[MIDDLE]));
	ASSERT(!err);  /* what was read from less */
	a->root_until_ms = p->until_ms[ROOT];
	a->until_ms = p->until_ms[MIDDLE];
	return a;
}

static bool is_fresh(const struct internal_authority *a, int64_t now_ms)
{
	return now_ms < a->until_ms - renew_middle_ms;
}

enum err internal_ca_root_pem(struct str value, struct buf *pem)
{
	struct parts p = { 0 };
	enum err err = parts_read(value, &p);
	if (!err)
		err = pem_add(pem, "CERTIFICATE", buf_str(&p.der[ROOT]));
	parts_fini(&p);
	return err;
}

/* ---- IDLE ---- */

static void ask_idle(struct internal_ca *c)
{
	(void)c;
}

static void unlock(struct internal_ca *c)
{
	if (c->is_locked)
		c->store->ops->unlock(c->store, INTERNAL_CA_NAME);
	c->is_locked = false;
}

static void fail(struct internal_ca *c, const struct fault *fault)
{
	struct fault f = *fault;
	fault_during(&f, "%s", rows[c->state].text);
	unlock(c);
	authority_unref(&c->next);
	enter(c, INTERNAL_IDLE);
	log_kv(&log_acme, LOG_WARN, "internal CA not usable", (struct log_field[]){
		{ .key = "while", .text = str_from(f.activity) },
		{ .key = "detail", .text = str_from(f.detail) },
	}, 2);
	waiter_tell_all(&c->line, f.code, &f);
}

/* ---- LOCK ---- */

static void on_errand(void *owner, enum err err, void *object, const struct fault *fault);

static void ask_lock(struct internal_ca *c)
{
	c->errand = errand_lock(c->store, INTERNAL_CA_NAME, LOCK_WAIT_MS, on_errand, c);
}

/* ---- LOAD ---- */

/* Keeps the text: the root's key may be needed next. */
static enum err parse_value(struct str bytes, const char *name, void **object, struct fault *fault)
{
	struct parts p = { 0 };
	(void)name;
	enum err err = parts_read(bytes, &p);
	if (err) {
		fault_set(fault, err, "no internal CA in it");
	} else {
		struct internal_authority *a = authority_of(&p);
		err = buf_add(&a->value, bytes);
		ASSERT(!err);
		*object = a;
	}
	parts_fini(&p);
	return err;
}

static void free_authority(void *object)
{
	struct internal_authority *a = object;
	authority_unref(&a);
}

static void ask_load(struct internal_ca *c)
{
	c->errand = errand_load(c->store, STORE_ACCOUNTS, INTERNAL_CA_NAME, parse_value, free_authority,
		on_errand, c);
}

static void adopt(struct internal_ca *c, struct internal_authority *a)
{
	forget_value(a);
	authority_unref(&c->authority);
	c->authority = a;
	enter(c, INTERNAL_READY);
}

static void answer_load(struct internal_ca *c, struct internal_authority *a)
{
	if (is_fresh(a, clock_wall_ms())) {
		adopt(c, a);
		return;
	}
	authority_unref(&c->next);
	c->next = a;
	enter(c, INTERNAL_MAKE);
}

/* ---- MAKE ---- */

static enum err make_part(struct parts *p, int key, int at, const struct x509_issue *args)
{
	struct x509_issue want = *args;
	key_unref(&p->keys[key]);
	enum err err = key_generate(CONF_KEY_P256, &p->keys[key]);
	if (err)
		return err;
	want.kind = X509_AUTHORITY;
	want.public_der = key_public(p->keys[key]);
	want.issuer_key = p->keys[ROOT_KEY];
	buf_fini(&p->der[at]);
	buf_init(&p->der[at], VALUE_MAX);
	p->until_ms[at] = want.not_after_ms;
	return x509_issue(&want, &p->der[at]);
}

static enum err make_parts(struct parts *p, int64_t now_ms)
{
	char subject[COMMON_NAME_MAX], date[CLOCK_RFC3339];
	clock_rfc3339(date, now_ms);
	enum err err = E_OK;
	if (!p->keys[ROOT_KEY] || p->until_ms[ROOT] < now_ms + renew_root_ms) {
		snprintf(subject, sizeof subject, "sallyport internal root %.10s", date);
		err = make_part(p, ROOT_KEY, ROOT, &(struct x509_issue){ .subject = subject,
			.path_length = 1, .not_before_ms = now_ms - backdate_ms,
			.not_after_ms = now_ms + root_ms });
	}
	if (err)
		return err;
	snprintf(subject, sizeof subject, "sallyport internal CA %.10s", date);
	return make_part(p, MIDDLE_KEY, MIDDLE, &(struct x509_issue){ .subject = subject,
		.issuer_der = buf_str(&p->der[ROOT]), .not_before_ms = now_ms - backdate_ms,
		.not_after_ms = now_ms + middle_ms });
}

static enum err make(void *object, struct fault *fault)
{
	struct making *m = object;
	struct parts p = { 0 };
	if (m->old.len && parts_read(buf_str(&m->old), &p)) {
		parts_fini(&p);
		p = (struct parts){ 0 };
	}
	enum err err = make_parts(&p, m->now_ms);
	if (!err) {
		m->made = authority_of(&p);
		err = parts_write(&p, &m->made->value);
	}
	parts_fini(&p);
	return err ? fault_set(fault, err, "no internal CA can be made") : E_OK;
}

static void free_making(void *object)
{
	struct making *m = object;
	authority_unref(&m->made);
	if (m->old.at)
		mem_wipe(m->old.at, m->old.len);
	buf_fini(&m->old);
	mem_free(&m);
}

static void ask_make(struct internal_ca *c)
{
	struct making *m = mem_new(sizeof *m);
	m->now_ms = clock_wall_ms();
	buf_init(&m->old, VALUE_MAX);
	if (c->next)
		buf_add(&m->old, buf_str(&c->next->value));
	authority_unref(&c->next);
	c->errand = errand_work(c->loop, make, m, free_making, on_errand, c);
}

static void answer_make(struct internal_ca *c, struct making *m)
{
	c->next = m->made;
	m->made = NULL;
	free_making(m);
	enter(c, INTERNAL_SAVE);
}

/* ---- SAVE ---- */

static void ask_save(struct internal_ca *c)
{
	c->errand = errand_save(c->store, STORE_ACCOUNTS, INTERNAL_CA_NAME, buf_str(&c->next->value),
		on_errand, c);
}

static void answer_save(struct internal_ca *c)
{
	struct internal_authority *a = c->next;
	char root[CLOCK_RFC3339], middle[CLOCK_RFC3339];
	clock_rfc3339(root, a->root_until_ms);
	clock_rfc3339(middle, a->until_ms);
	log_kv(&log_acme, LOG_INFO, "internal CA made, see: sallyport root",
		(struct log_field[]){
			{ .key = "root_until", .text = str_from(root) },
			{ .key = "intermediate_until", .text = str_from(middle) },
		}, 2);
	c->next = NULL;
	adopt(c, a);
}

/* ---- READY ---- */

static void ask_ready(struct internal_ca *c)
{
	unlock(c);
	waiter_tell_all(&c->line, E_OK, NULL);
}

/* ---- callbacks ---- */

static void answer_errand(struct internal_ca *c, void *object)
{
	switch (c->state) {
	case INTERNAL_LOCK:
		c->is_locked = true;
		enter(c, INTERNAL_LOAD);
		return;
	case INTERNAL_LOAD:
		answer_load(c, object);
		return;
	case INTERNAL_MAKE:
		answer_make(c, object);
		return;
	case INTERNAL_SAVE:
		answer_save(c);
		return;
	case INTERNAL_IDLE:
	case INTERNAL_READY:
		break;
	}
	UNREACHABLE();
}

static void on_errand(void *owner, enum err err, void *object, const struct fault *fault)
{
	struct internal_ca *c = owner;
	c->errand = NULL;
	if (!err)
		answer_errand(c, object);
	else if (c->state == INTERNAL_LOAD && (err == E_NOT_FOUND || err == E_STORE_CORRUPT))
		enter(c, INTERNAL_MAKE);
	else
		fail(c, fault);
}

/* ---- the door ---- */

struct internal_ca *internal_ca_new(struct loop *l, struct store *s)
{
	struct internal_ca *c = mem_new(sizeof *c);
	c->loop = l;
	c->store = s;
	list_init(&c->line);
	return c;
}

void internal_ca_free(struct internal_ca **c)
{
	if (!*c)
		return;
	errand_abandon(&(*c)->errand);
	unlock(*c);
	authority_unref(&(*c)->authority);
	authority_unref(&(*c)->next);
	mem_free(c);
}

bool internal_ca_is_ready(const struct internal_ca *c)
{
	return c->state == INTERNAL_READY && is_fresh(c->authority, clock_wall_ms());
}

void internal_ca_wait(struct internal_ca *c, struct waiter *w)
{
	ASSERT(!internal_ca_is_ready(c));
	list_append(&c->line, &w->node);
	if (c->state == INTERNAL_IDLE || c->state == INTERNAL_READY)
		enter(c, INTERNAL_LOCK);
}

/* ---- a leaf ---- */

struct internal_leaf *internal_leaf_new(const struct internal_ca *c, const char *name,
	struct key *key, int64_t lifetime_ms)
{
	struct internal_leaf *leaf = mem_new(sizeof *leaf);
	bool fits = str_copy(leaf->name, sizeof leaf->name, str_from(name));
	ASSERT(fits && c->authority);
	leaf->key = key_ref(key);
	leaf->lifetime_ms = lifetime_ms ? lifetime_ms : leaf_ms;
	leaf->authority = c->authority;
	atomic_fetch_add(&leaf->authority->refs, 1);
	buf_init(&leaf->chain_pem, CHAIN_MAX);
	return leaf;
}

void internal_leaf_free(void *object)
{
	struct internal_leaf *leaf = object;
	if (!leaf)
		return;
	key_unref(&leaf->key);
	authority_unref(&leaf->authority);
	buf_fini(&leaf->chain_pem);
	mem_free(&leaf);
}

/* A short life is not made shorter by what is put before it. */
static int64_t before_ms(int64_t lifetime_ms)
{
	return lifetime_ms / 24 < backdate_ms ? lifetime_ms / 24 : backdate_ms;
}

enum err internal_leaf_sign(void *object, struct fault *fault)
{
	struct internal_leaf *leaf = object;
	const char *names[] = { leaf->name };
	const struct internal_authority *a = leaf->authority;
	int64_t now = clock_wall_ms(), until = now + leaf->lifetime_ms;
	struct buf der;
	buf_init(&der, CHAIN_MAX);
	enum err err = x509_issue(&(struct x509_issue){
		.kind = X509_LEAF,
		.subject = strlen(leaf->name) <= COMMON_NAME_MAX ? leaf->name : "sallyport",
		.public_der = key_public(leaf->key), .names = names, .n_names = 1,
		.issuer_der = buf_str(&a->middle_der), .issuer_key = a->key,
		.not_before_ms = now - before_ms(leaf->lifetime_ms),
		.not_after_ms = until < a->until_ms ? until : a->until_ms }, &der);
	if (!err)
		err = pem_add(&leaf->chain_pem, "CERTIFICATE", buf_str(&der));
	if (!err)
		err = pem_add(&leaf->chain_pem, "CERTIFICATE", buf_str(&a->middle_der));
	buf_fini(&der);
	return err ? fault_set(fault, err, "the internal CA cannot sign this name") : E_OK;
}
