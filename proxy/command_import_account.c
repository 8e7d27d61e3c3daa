/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * command_import_account: one after the other: lock, look, save, unlock. An account of ours is kept unless the
 * operator says otherwise: certificates may name it, and its CA knows its limits.
 */
#include "proxy/command_import_account.h"

#include <stdio.h>

#include "acme/account_record.h"
#include "base/check.h"
#include "base/mem.h"
#include "net/deadline.h"
#include "net/http/url.h"
#include "proxy/admin/client.h"

#define OUTCOMES(X) \
	X(OUTCOME_IMPORT, "import") \
	X(OUTCOME_KEEP, "keep") \
	X(OUTCOME_USELESS, "useless") \
	X(OUTCOME_FAILED, "failed")

enum outcome {
#define X(name, text) name,
	OUTCOMES(X)
#undef X
	OUTCOME_COUNT
};

enum { LOCK_WAIT_MS = 10 * 1000, RECORD_MAX = 48 * 1024 };

struct import {
	struct import_accounts_args args;
	const struct adoption_account *items;
	unsigned n, at;
	unsigned counts[OUTCOME_COUNT];
	struct json *list;
	const struct conf_ca *ca;       /* of the present one */
	char name[ACCOUNT_NAME];
	bool is_locked;
	struct deadline begin;
};

static void next(struct import *m);

static const char *const texts[] = {
#define X(name, text) text,
	OUTCOMES(X)
#undef X
};

static const struct adoption_account *item(const struct import *m)
{
	return &m->items[m->at];
}

/* ---- which CA's ---- */

static bool is_same_place(const char *a, const char *b)
{
	struct url x, y;

	return !url_parse(str_from(a), &x) && !url_parse(str_from(b), &y) && str_equal_nocase(x.host, y.host)
		&& x.port == y.port;
}

/* The CA whose directory the files name, else the only one at the account's own host. */
static const struct conf_ca *find_ca(const struct conf *conf, const struct adoption_account *i, const char **why)
{
	const struct conf_ca *found = NULL;

	*why = "its CA is not among those of acme.ca";
	for (unsigned n = 0; n < conf->acme.n_ca; n++) {
		const struct conf_ca *ca = &conf->acme.ca[n];

		if (ca->is_internal)
			continue;
		if (strcmp(i->directory, ca->directory) == 0)
			return ca;
		if (i->directory[0] || !is_same_place(i->url, ca->directory))
			continue;
		if (found)
			*why = "several CAs of acme.ca are at its host, and nothing tells which";
		found = found ? NULL : ca;
	}
	return found;
}

/* ---- the outcome of one ---- */

static void settle(struct import *m, enum outcome o, const char *why)
{
	const struct adoption_account *i = item(m);
	const char *ca = m->ca ? m->ca->name : "?";
	struct json *one = json_new_object();

	m->counts[o]++;
	json_put_cstr(one, "ca", ca);
	json_put_cstr(one, "directory", m->ca ? m->ca->directory : i->directory);
	json_put_cstr(one, "account", i->url);
	if (i->contact[0])
		json_put_cstr(one, "contact", i->contact);
	json_put_cstr(one, "verdict", texts[o]);
	json_put_cstr(one, "why", why);
	json_put_cstr(one, "source", i->source);
	json_append(m->list, one);
	if (!m->args.call->line.json)
		fprintf(m->args.call->args->out, "%-8s account at %s  %s  %s%s%s%s\n", texts[o], ca, i->url, i->source,
			why[0] ? " (" : "", why, why[0] ? ")" : "");
	if (m->is_locked)
		m->args.store->ops->unlock(m->args.store, m->name);
	m->is_locked = false;
	m->at++;
	next(m);
}

/* ---- one after the other ---- */

static void on_locked(void *owner, enum err err, const struct fault *fault);
static void look(struct import *m);
static void on_held(void *owner, enum err err, void *object, const struct fault *fault);
static void on_saved(void *owner, enum err err, const struct fault *fault);

static void next(struct import *m)
{
	const char *why = "";

	if (m->at == m->n) {
		loop_stop(m->args.loop);
		return;
	}
	m->ca = find_ca(m->args.conf, item(m), &why);
	if (!m->ca) {
		settle(m, OUTCOME_USELESS, why);
		return;
	}
	account_record_name(m->name, m->ca->directory);
	if (!item(m)->key)
		settle(m, OUTCOME_USELESS, "no key that we can use is beside it");
	else if (m->args.is_real)
		m->args.store->ops->lock(m->args.store, m->name, LOCK_WAIT_MS, on_locked, m);
	else if (m->args.store)
		look(m);
	else
		settle(m, OUTCOME_IMPORT, "");
}

static void on_locked(void *owner, enum err err, const struct fault *fault)
{
	struct import *m = owner;

	m->is_locked = !err;
	if (err)
		settle(m, OUTCOME_FAILED, fault ? fault->detail : err_text(err));
	else
		look(m);
}

static enum err parse(struct str bytes, const char *name, void **object, struct fault *fault)
{
	(void)name;
	return account_record_parse(bytes, (struct account_record **)object, fault);
}

static void look(struct import *m)
{
	store_load(m->args.store, STORE_ACCOUNTS, m->name, parse, on_held, m);
}

static void save(struct import *m)
{
	const struct adoption_account *i = item(m);
	struct account_record r;
	struct buf text;
	enum err err;

	account_record_init(&r);
	r.key = key_ref((struct key *)i->key);
	str_copy(r.kid, sizeof(r.kid), str_from(i->url));
	/* The contact stays as it was agreed with the CA, until the configuration names one. */
	buf_init(&text, RECORD_MAX);
	err = account_record_write(&r, m->ca->directory, &text);
	account_record_fini(&r);
	if (err)
		settle(m, OUTCOME_FAILED, err_text(err));
	else
		store_save(m->args.store, STORE_ACCOUNTS, m->name, buf_str(&text), on_saved, m);
	mem_wipe(text.at, text.len);
	buf_fini(&text);
}

static void on_held(void *owner, enum err err, void *object, const struct fault *fault)
{
	struct import *m = owner;
	struct account_record *r = object;
	bool is_same = r && strcmp(r->kid, item(m)->url) == 0
		&& str_equal(key_public(r->key), key_public(item(m)->key));
	bool is_there = r && r->key;

	account_record_free(&r);
	if (is_same)
		settle(m, OUTCOME_KEEP, "the store has it");
	else if (is_there && !m->args.may_replace)
		settle(m, OUTCOME_KEEP, "the store has another; --replace puts this in its place");
	else if (err && err != E_NOT_FOUND && err != E_STORE_CORRUPT)
		settle(m, OUTCOME_FAILED, fault ? fault->detail : err_text(err));
	else if (!m->args.is_real)
		settle(m, OUTCOME_IMPORT, "");
	else
		save(m);
}

static void on_saved(void *owner, enum err err, const struct fault *fault)
{
	struct import *m = owner;

	if (err)
		settle(m, OUTCOME_FAILED, fault ? fault->detail : err_text(err));
	else
		settle(m, OUTCOME_IMPORT, "");
}

/* ---- the whole ---- */

static void on_begin(struct deadline *d)
{
	next(container_of(d, struct import, begin));
}

void import_accounts(const struct import_accounts_args *args, struct import_accounts_result *out)
{
	struct import m = { .args = *args, .list = json_new_array() };

	m.items = adoption_accounts_list(args->found, &m.n);
	if (m.n) {
		deadline_init(&m.begin, args->loop, on_begin);
		deadline_arm(&m.begin, 0);
		loop_run(args->loop);
	}
	*out = (struct import_accounts_result){ m.counts[OUTCOME_IMPORT], m.counts[OUTCOME_KEEP],
		m.counts[OUTCOME_USELESS], m.counts[OUTCOME_FAILED], m.list };
}

void import_accounts_tell(const struct conf *conf, const struct import_accounts_result *done)
{
	for (const struct json *o = json_first(done->list); o; o = json_next(o)) {
		struct admin_reply reply;
		struct fault ignored = { 0 };
		struct json *body;

		if (!str_is(json_get_str(o, "verdict"), texts[OUTCOME_IMPORT]))
			continue;
		body = json_new_object();
		json_put_cstr(body, "do", "reload");
		json_put_str(body, "ca", json_get_str(o, "directory"));
		admin_client_send(conf, "/v1/accounts", body, &reply, &ignored);
		admin_reply_fini(&reply);
		json_free(&body);
	}
}
