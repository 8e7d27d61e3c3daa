/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * command_import: what adoption found, judged against what the store has, and saved one after the other.
 * Each name's lock is held while its certificate is saved, so that a running instance is not disturbed.
 */
#include "proxy/command_import.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/mem.h"
#include "certstore/entry.h"
#include "certstore/mark.h"
#include "certstore/store.h"
#include "net/deadline.h"
#include "net/tls_context.h"
#include "proxy/admin/client.h"
#include "proxy/adoption.h"
#include "proxy/command_import_account.h"
#include "proxy/command_look.h"
#include "proxy/router.h"

#define VERDICTS(X) \
	X(VERDICT_IMPORT, "import") \
	X(VERDICT_HELD, "keep") \
	X(VERDICT_EXPIRED, "expired") \
	X(VERDICT_BROKEN, "broken") \
	X(VERDICT_FAILED, "failed")

enum verdict {
#define X(name, text) name,
	VERDICTS(X)
#undef X
	VERDICT_COUNT
};

enum { LOCK_WAIT_MS = 10 * 1000 };

/* One item after the other: lock, look, save, unlock. */
struct import {
	const struct command_call *call;
	struct conf *conf;
	bool is_real;
	struct adoption *adoption;
	const struct adoption_item *items;
	unsigned n, at;
	unsigned counts[VERDICT_COUNT];
	struct json *list;
	struct loop *loop;
	struct store *store;
	bool is_locked;
	struct buf bundle;
	struct import_accounts_result accounts;
	struct router *router;
	char series[SERIES_NAME];       /* where the item goes */
};

static void next(struct import *m);
static void on_locked(void *owner, enum err err, const struct fault *fault);
static void look(struct import *m);
static void on_held(void *owner, enum err err, void *object, const struct fault *fault);
static void on_saved(void *owner, enum err err, const struct fault *fault);

static const char *const texts[] = {
#define X(name, text) text,
	VERDICTS(X)
#undef X
};

static const struct adoption_item *item(const struct import *m)
{
	return &m->items[m->at];
}

/* ---- where it belongs ---- */

static const struct conf_keys *keys_of(const struct import *m, const char *name)
{
	struct str s = str_from(name);

	return conf_keys_of(m->conf, name[0] == '*' ? router_named(m->router, s) : router_site(m->router, s));
}

static bool is_rsa(const struct adoption_item *i)
{
	return key_is_rsa(i->key);
}

/* Where a name has two certificates, each by the family of its key. */
static void find_series(const struct import *m, const struct adoption_item *i, char dst[SERIES_NAME])
{
	const struct conf_keys *keys = keys_of(m, i->name);
	bool is_second = keys->n == CONF_KEYS &&
		conf_key_is_rsa((enum conf_key_type)keys->at[1]) == is_rsa(i);

	if (!series_of(dst, str_from(i->name), keys, is_second))
		str_copy(dst, SERIES_NAME, str_from(i->name));
}

/* Two were found for a name that has one: it should be of the type that is configured. */
static bool yields(const struct import *m, unsigned at)
{
	const struct adoption_item *i = &m->items[at], *other;
	const struct conf_keys *keys = keys_of(m, i->name);

	if (keys->n == CONF_KEYS || is_rsa(i) == conf_key_is_rsa((enum conf_key_type)keys->at[0]))
		return false;
	other = is_rsa(i) ? (at ? i - 1 : NULL) : (at + 1 < m->n ? i + 1 : NULL);
	return other && strcmp(other->name, i->name) == 0 && other->not_after_ms > clock_wall_ms();
}

/* ---- the outcome of one ---- */

static void tell_json(struct import *m, enum verdict v, const char *why)
{
	const struct adoption_item *i = item(m);
	struct json *o = json_new_object();
	char end[CLOCK_RFC3339];

	clock_rfc3339(end, i->not_after_ms);
	json_put_cstr(o, "name", i->name);
	json_put_cstr(o, "certificate", m->series);
	json_put_cstr(o, "key_type", key_type_text(key_type(i->key)));
	json_put_cstr(o, "verdict", texts[v]);
	json_put_cstr(o, "why", why);
	json_put_cstr(o, "source", i->source);
	json_put_cstr(o, "serial", i->serial);
	json_put_cstr(o, "issuer", i->issuer);
	json_put_cstr(o, "not_after", end);
	json_append(m->list, o);
}

static void settle(struct import *m, enum verdict v, const char *why)
{
	const struct adoption_item *i = item(m);
	char end[CLOCK_RFC3339];

	m->counts[v]++;
	if (m->call->line.json) {
		tell_json(m, v, why);
	} else {
		clock_rfc3339(end, i->not_after_ms);
		fprintf(m->call->args->out, "%-8s %-40s until %s  %s%s%s%s\n", texts[v], m->series, end, i->source,
			why[0] ? " (" : "", why, why[0] ? ")" : "");
	}
	if (m->is_locked)
		m->store->ops->unlock(m->store, i->name);
	m->is_locked = false;
	mem_wipe(m->bundle.at, m->bundle.len);
	buf_clear(&m->bundle);
	m->at++;
	next(m);
}

/* ---- one after the other ---- */

static enum err write(struct import *m, struct fault *fault)
{
	const struct adoption_item *i = item(m);
	struct entry_args args = { .name = m->series, .key = i->key, .chain_pem = i->chain_pem,
		.issued_at_ms = i->not_before_ms };

	return entry_write(&args, &m->bundle, fault);
}

static void next(struct import *m)
{
	struct fault fault = { 0 };

	if (m->at == m->n) {
		loop_stop(m->loop);
		return;
	}
	find_series(m, item(m), m->series);
	if (yields(m, m->at))
		settle(m, VERDICT_HELD, "the other one has a key of the type that is configured");
	else if (item(m)->not_after_ms <= clock_wall_ms())
		settle(m, VERDICT_EXPIRED, "");
	else if (write(m, &fault))
		settle(m, VERDICT_BROKEN, fault.detail);
	else if (m->is_real)
		m->store->ops->lock(m->store, item(m)->name, LOCK_WAIT_MS, on_locked, m);
	else if (m->store)
		look(m);
	else
		settle(m, VERDICT_IMPORT, "");
}

static void on_locked(void *owner, enum err err, const struct fault *fault)
{
	struct import *m = owner;

	m->is_locked = !err;
	if (err)
		settle(m, VERDICT_FAILED, fault ? fault->detail : err_text(err));
	else
		look(m);
}

static enum err parse(struct str bytes, const char *name, void **object, struct fault *fault)
{
	struct entry *e = NULL;
	enum err err = entry_parse(bytes, name, &e, fault);

	*object = e;
	return err;
}

static void look(struct import *m)
{
	store_load(m->store, STORE_CERTS, m->series, parse, on_held, m);
}

static int64_t renewal_of(const struct adoption_item *i)
{
	return entry_renewal_time(i->not_before_ms, i->not_after_ms, str_from(i->serial));
}

static void on_held(void *owner, enum err err, void *object, const struct fault *fault)
{
	struct import *m = owner;
	struct entry *e = object;
	bool is_newer = !err && e->not_after_ms >= item(m)->not_after_ms;
	bool is_same = is_newer && strcmp(e->serial, item(m)->serial) == 0;

	entry_unref(&e);
	if (is_newer)
		settle(m, VERDICT_HELD, is_same ? "the store has it" : "the store has one that lives longer");
	else if (err && err != E_NOT_FOUND)
		settle(m, VERDICT_FAILED, fault ? fault->detail : err_text(err));
	else if (!m->is_real)
		settle(m, VERDICT_IMPORT, "");
	else
		mark_save_bundle(m->store, m->series, buf_str(&m->bundle), renewal_of(item(m)), on_saved, m);
}

/* A running instance serves it from now on, if a site of its covers the name. */
static void on_saved(void *owner, enum err err, const struct fault *fault)
{
	struct import *m = owner;

	if (err)
		settle(m, VERDICT_FAILED, fault ? fault->detail : err_text(err));
	else
		settle(m, VERDICT_IMPORT, "");
}

/* ---- the whole ---- */

static enum err open_store(struct import *m, struct fault *fault)
{
	enum err err = tls_setup();

	if (err)
		return fault_set(fault, err, "the TLS library does not start");
	m->loop = loop_new();
	if (m->is_real)
		return store_disk_open(m->loop, m->conf->store, &m->store, fault);
	err = store_disk_open_to_read(m->loop, m->conf->store, &m->store, fault);
	/* Not there yet: everything would be new to it. */
	if (err == E_NOT_FOUND)
		fault_clear(fault);
	return err == E_NOT_FOUND ? E_OK : err;
}

static void on_begin(struct deadline *d);

struct beginning {
	struct deadline deadline;
	struct import *import;
};

static void on_begin(struct deadline *d)
{
	next(container_of(d, struct beginning, deadline)->import);
}

static void run(struct import *m)
{
	struct beginning b = { .import = m };

	deadline_init(&b.deadline, m->loop, on_begin);
	deadline_arm(&b.deadline, 0);
	loop_run(m->loop);
}

static void tell_instance(struct import *m)
{
	for (unsigned i = 0; i < m->n; i++) {
		struct admin_reply reply;
		struct fault ignored = { 0 };
		char path[600], series[SERIES_NAME];
		enum err err;

		if (yields(m, i))
			continue;
		find_series(m, &m->items[i], series);
		snprintf(path, sizeof(path), "/v1/names/%s/reload", series);
		err = admin_client_ask(m->conf, "POST", path, &reply, &ignored);
		admin_reply_fini(&reply);
		if (err)
			return;
	}
	import_accounts_tell(m->conf, &m->accounts);
}

static int summarise(struct import *m)
{
	struct adoption_counts n = adoption_counts(m->adoption);
	struct json *root;

	if (!m->call->line.json) {
		fprintf(m->call->args->out, "%u files read: %u chains, %u keys, %u chains without key, "
			"%u not understood\n%u to import, %u kept, %u expired, %u broken, %u failed\n"
			"accounts: %u to import, %u kept, %u useless, %u failed\n%s", n.files, n.chains, n.keys,
			n.without_key, n.strange, m->counts[VERDICT_IMPORT], m->counts[VERDICT_HELD],
			m->counts[VERDICT_EXPIRED], m->counts[VERDICT_BROKEN], m->counts[VERDICT_FAILED],
			m->accounts.imported, m->accounts.kept, m->accounts.useless, m->accounts.failed,
			m->is_real ? "" : "nothing was changed; --yes does it\n");
	} else {
		root = json_new_object();
		json_put_bool(root, "done", m->is_real);
		json_put(root, "names", m->list);
		for (int i = 0; i < VERDICT_COUNT; i++)
			json_put_number(root, texts[i], m->counts[i]);
		json_put_number(root, "without_key", n.without_key);
		json_put_number(root, "not_understood", n.strange);
		m->list = NULL;
		json_put(root, "accounts", m->accounts.list);
		m->accounts.list = NULL;
		command_print_json(m->call->args->out, &root);
	}
	if (m->counts[VERDICT_FAILED] || m->accounts.failed)
		return COMMAND_FAILED;
	return m->counts[VERDICT_BROKEN] || n.without_key ? COMMAND_DEGRADED : COMMAND_FINE;
}

static void import_fini(struct import *m)
{
	if (m->store)
		m->store->ops->free(m->store);
	loop_free(&m->loop);
	adoption_free(&m->adoption);
	router_free(&m->router);
	buf_fini(&m->bundle);
	json_free(&m->list);
	json_free(&m->accounts.list);
	conf_unref(&m->conf);
}

static enum err scan(struct import *m, struct fault *fault)
{
	enum err err = E_OK;

	for (unsigned i = 0; !err && i < m->call->line.n_words; i++)
		err = adoption_scan(m->adoption, m->call->line.words[i], fault);
	m->items = adoption_items(m->adoption, &m->n);
	return err;
}

int command_import(struct command_call *c)
{
	struct import m = { .call = c, .is_real = c->line.values[VALUE_YES] != NULL };
	struct fault fault = { 0 };
	enum err err;
	int code;

	if (m.is_real && c->line.values[VALUE_DRY_RUN]) {
		fprintf(c->args->err, "SP-%d --yes or --dry-run, not both\n", err_code(E_USAGE));
		return COMMAND_USAGE;
	}
	m.conf = command_load_admin(c);
	if (!m.conf)
		return COMMAND_FAILED;
	m.adoption = adoption_new();
	m.router = router_new(m.conf);
	buf_init(&m.bundle, 0);
	m.list = c->line.json ? json_new_array() : NULL;
	err = scan(&m, &fault);
	if (!err)
		err = open_store(&m, &fault);
	if (!err) {
		run(&m);
		import_accounts(&(struct import_accounts_args){ .call = c, .conf = m.conf,
			.found = adoption_accounts(m.adoption), .loop = m.loop, .store = m.store,
			.is_real = m.is_real, .may_replace = c->line.values[VALUE_REPLACE] != NULL }, &m.accounts);
		if (m.is_real)
			tell_instance(&m);
	}
	code = err ? command_fail(c, err, &fault) : summarise(&m);
	import_fini(&m);
	return code;
}
