/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * api_accounts: our accounts at the CAs: GET tells what we know, POST {"do": "rollover", "ca": NAME, "key": PEM}
 * asks the CA or tells it something, and answers when that is over.
 */
#include "base/check.h"
#include "base/log.h"
#include "base/mem.h"
#include "proxy/admin/api.h"

enum { WOKEN_MAX = 256 };

static const struct log area = { "admin" };

/* ---- what is known ---- */

static struct json *describe(const struct api_call *c, unsigned n)
{
	struct json *o = json_new_object();
	struct issuer_ca ca;

	issuer_look(c->env->issuer, n, &ca);
	json_put_cstr(o, "ca", ca.name);
	json_put_cstr(o, "directory", ca.directory);
	issuer_account_report(c->env->issuer, n, o);
	return o;
}

void api_accounts(struct api_call *c)
{
	struct json *out = json_new_object(), *list = json_put(out, "accounts", json_new_array());

	json_put_bool(out, "running", true);
	for (unsigned n = 0; n < issuer_cas(c->env->issuer); n++) {
		struct json *o = describe(c, n);

		if (json_get(o, "state"))
			json_append(list, o);
		else
			json_free(&o);  /* our own CA */
	}
	api_answer(c, 200, &out);
}

/* ---- a wish ---- */

struct wish {
	struct api_call *call;
	enum account_wish_kind kind;
	unsigned ca;
};

/* By name or directory URL; without either the only one that has accounts. */
static enum err find_ca(const struct api_call *c, struct str wanted, unsigned *found, struct fault *fault)
{
	unsigned candidates = 0;
	struct issuer_ca ca;

	for (unsigned n = 0; n < issuer_cas(c->env->issuer); n++) {
		issuer_look(c->env->issuer, n, &ca);
		if (wanted.len ? !str_is(wanted, ca.name) && !str_is(wanted, ca.directory)
			: str_is(str_from(ca.directory), CONF_CA_INTERNAL))
			continue;
		if (candidates++ == 0)
			*found = n;
	}
	if (candidates == 1)
		return E_OK;
	if (wanted.len && candidates)
		return fault_set(fault, E_USAGE, "several CAs are called %.*s; give the directory's URL",
			STR_FMT(wanted));
	return wanted.len ? fault_set(fault, E_NOT_FOUND, "%.*s is not among those of acme.ca", STR_FMT(wanted))
		: fault_set(fault, E_USAGE, "there are several CAs; say which");
}

struct woken {
	char *names[WOKEN_MAX];
	unsigned n;
};

static void on_resting(void *owner, const char *name, const struct cause *cause)
{
	struct woken *w = owner;

	(void)cause;
	w->names[w->n++] = mem_strdup(name);
}

/* Names that rest because the account kept them out need not wait for their next look. */
static void wake(const struct api_env *env)
{
	struct woken *w = mem_new(sizeof(*w));
	struct fault ignored = { 0 };

	names_resting(env->names, WOKEN_MAX, on_resting, w);
	for (unsigned i = 0; i < w->n; i++) {
		names_issue(env->names, w->names[i], &ignored);
		mem_free(&w->names[i]);
	}
	mem_free(&w);
}

static void put_answer(struct json *out, const struct account_answer *answer)
{
	struct json *said = json_put(out, "ca_says", json_new_object());

	if (answer->view.status[0])
		json_put_cstr(said, "status", answer->view.status);
	if (answer->view.contact[0])
		json_put_cstr(said, "contact", answer->view.contact);
	if (answer->is_contact_refused)
		json_put_bool(said, "contact_refused", true);
}

static void on_wished(void *owner, enum err err, const struct account_answer *answer, const struct fault *fault)
{
	struct wish *w = owner;
	struct api_call *c = w->call;
	struct json *out;

	if (err || api_is_orphan(c)) {
		struct fault why = fault ? *fault : (struct fault){ .code = E_CANCELED };

		api_refuse(c, &why);
		return;
	}
	if (w->kind == ACCOUNT_WISH_AGREE || w->kind == ACCOUNT_WISH_REGISTER)
		wake(c->env);
	out = describe(c, w->ca);
	json_put_bool(out, "ok", true);
	put_answer(out, answer);
	api_answer(c, 200, &out);
}

static enum err read_key(const struct json *body, struct key **key, struct fault *fault)
{
	struct str pem = json_get_str(body, "key");

	*key = NULL;
	if (pem.at && key_from_pem(pem, key))
		return fault_set(fault, E_KEY, "the key is no private key in PEM");
	return E_OK;
}

void api_account_wish(struct api_call *c)
{
	struct fault fault = { 0 };
	struct wish *w = mem_new(sizeof(*w));
	struct key *key = NULL;
	enum err err = E_OK;

	c->scratch = w;
	w->call = c;
	if (!account_wish_named(json_get_str(c->body, "do"), &w->kind))
		err = fault_set(&fault, E_USAGE,
			"\"do\" is to be show, contact, agree, rollover, deactivate or register");
	if (!err)
		err = find_ca(c, json_get_str(c->body, "ca"), &w->ca, &fault);
	if (!err)
		err = read_key(c->body, &key, &fault);
	if (!err)
		err = issuer_account_wish(c->env->issuer, &(struct issuer_wish_args){ .ca = w->ca, .kind = w->kind,
			.key = key, .fn = on_wished, .owner = w }, &fault);
	key_unref(&key);
	if (err)
		api_refuse(c, &fault);
	else
		log_debug(&area, "account wish", "do=%.*s", STR_FMT(json_get_str(c->body, "do")));
}
