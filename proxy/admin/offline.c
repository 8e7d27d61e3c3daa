/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * offline: a loop of its own, turned until the store has answered.
 */
#include "proxy/admin/offline.h"

#include <stdio.h>

#include "acme/account_report.h"
#include "base/check.h"
#include "base/mem.h"
#include "certstore/entry.h"
#include "net/tls_context.h"
#include "proxy/admin/listing.h"
#include "proxy/admin/report.h"

struct reading {
	struct loop *loop;
	struct store *store;
	struct json *json;
	struct buf *bundle;
	const char *ca;
	enum err err;
	struct fault *fault;
};

static enum err begin(struct reading *r, const struct conf *conf, struct fault *fault)
{
	enum err err = tls_setup();

	*r = (struct reading){ .fault = fault };
	if (err)
		return fault_set(fault, err, "the TLS library does not start");
	r->loop = loop_new();
	err = store_disk_open_to_read(r->loop, conf->store, &r->store, fault);
	if (err)
		loop_free(&r->loop);
	return err;
}

static enum err end(struct reading *r, struct json **json)
{
	loop_run(r->loop);
	r->store->ops->free(r->store);
	loop_free(&r->loop);
	if (json)
		*json = r->json;
	return r->err;
}

static void on_report(void *owner, struct json *json)
{
	struct reading *r = owner;

	r->json = json;
	loop_stop(r->loop);
}

static enum err report(const struct conf *conf, const char *name, struct json **json, struct fault *fault)
{
	struct reading r;
	enum err err = begin(&r, conf, fault);

	if (err)
		return err;
	report_start(&(struct report_args){ .store = r.store, .conf = conf, .name = name, .fn = on_report,
		.owner = &r });
	return end(&r, json);
}

enum err offline_report(const struct conf *conf, const char *name, struct json **json,
	struct fault *fault)
{
	static const char *const suffixes[] = { "+rsa", "+ecdsa" };
	enum err err = report(conf, name, json, fault);

	if (err || series_is_second(name) || strlen(name) > SERIES_HOST_MAX)
		return err;
	for (size_t i = 0; i < ARRAY_LEN(suffixes) && !json_get(*json, "second"); i++) {
		struct json *second = NULL;
		struct fault ignored = { 0 };
		char series[SERIES_NAME];

		ASSERT(snprintf(series, sizeof(series), "%s%s", name, suffixes[i]) < SERIES_NAME);
		if (!report(conf, series, &second, &ignored) && json_get(second, "served"))
			json_put(*json, "second", second);
		else
			json_free(&second);
	}
	return E_OK;
}

static void on_listing(void *owner, enum err err, struct json *json)
{
	struct reading *r = owner;

	r->err = err;
	r->json = json;
	loop_stop(r->loop);
}

enum err offline_listing(const struct conf *conf, struct str cursor, unsigned max, struct json **json,
	struct fault *fault)
{
	struct reading r;
	enum err err = begin(&r, conf, fault);

	if (err)
		return err;
	listing_start(&(struct listing_args){ r.store, cursor, max, on_listing, &r });
	err = end(&r, json);
	return err ? fault_set(fault, err, "the store cannot be listed") : E_OK;
}

/* Pool thread: a good bundle as it is. */
static enum err parse_bundle(struct str bytes, const char *name, void **object, struct fault *fault)
{
	struct entry *e = NULL;
	enum err err = entry_parse(bytes, name, &e, fault);
	struct buf *text = mem_new(sizeof(*text));

	entry_unref(&e);
	buf_init(text, 0);
	if (!err)
		err = buf_add(text, bytes);
	if (err) {
		buf_fini(text);
		mem_free(&text);
	}
	*object = text;
	return err;
}

static void on_bundle(void *owner, enum err err, void *object, const struct fault *fault)
{
	struct reading *r = owner;
	struct buf *text = object;

	r->err = err;
	if (err && fault && fault->code)
		*r->fault = *fault;
	if (text) {
		buf_add(r->bundle, buf_str(text));
		mem_wipe(text->at, text->len);
		buf_fini(text);
		mem_free(&text);
	}
	loop_stop(r->loop);
}

enum err offline_bundle(const struct conf *conf, const char *name, struct buf *out, struct fault *fault)
{
	struct reading r;
	enum err err = begin(&r, conf, fault);

	if (err)
		return err;
	r.bundle = out;
	store_load(r.store, STORE_CERTS, name, parse_bundle, on_bundle, &r);
	err = end(&r, NULL);
	return err == E_NOT_FOUND ? fault_set(fault, err, "the store has no certificate for %s", name) : err;
}

/* ---- accounts ---- */

static enum err parse_account(struct str bytes, const char *name, void **object, struct fault *fault)
{
	(void)name;
	return account_record_parse(bytes, (struct account_record **)object, fault);
}

static void on_account(void *owner, enum err err, void *object, const struct fault *fault)
{
	struct reading *r = owner;
	struct account_record *record = object;

	(void)fault;
	r->err = err == E_NOT_FOUND ? E_OK : err;
	account_report(record, r->ca, r->json);
	account_record_free(&record);
	loop_stop(r->loop);
}

static enum err read_account(const struct conf *conf, const struct conf_ca *ca, struct json **json,
	struct fault *fault)
{
	struct reading r;
	char name[ACCOUNT_NAME];
	enum err err = begin(&r, conf, fault);

	if (err)
		return err;
	r.ca = ca->name;
	r.json = json_new_object();
	json_put_cstr(r.json, "ca", ca->name);
	json_put_cstr(r.json, "directory", ca->directory);
	account_record_name(name, ca->directory);
	store_load(r.store, STORE_ACCOUNTS, name, parse_account, on_account, &r);
	err = end(&r, json);
	return err ? fault_set(fault, err, "the account at %s cannot be read", ca->name) : E_OK;
}

enum err offline_accounts(const struct conf *conf, struct json **json, struct fault *fault)
{
	struct json *out = json_new_object(), *list = json_put(out, "accounts", json_new_array());
	enum err err = E_OK;

	json_put_bool(out, "running", false);
	for (unsigned i = 0; !err && i < conf->acme.n_ca; i++) {
		struct json *o = NULL;

		if (conf->acme.ca[i].is_internal)
			continue;
		err = read_account(conf, &conf->acme.ca[i], &o, fault);
		if (o)
			json_append(list, o);
	}
	if (err)
		json_free(&out);
	*json = out;
	return err;
}
