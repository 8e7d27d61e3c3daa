/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * directory: one GET for all who wait.
 *
 *   EMPTY --> FETCHING --> HELD --12 h--> EMPTY
 *              ^ |  \--> EMPTY
 *              | v
 *             PAUSE
 */
#include "acme/directory.h"

#include <stdio.h>

#include "acme/problem.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/mem.h"
#include "net/deadline.h"

enum { REPEATS = 2 };

static const int64_t held_ms = (int64_t)12 * 3600 * 1000;

struct directory {
	struct loop *loop;
	struct transport *transport;
	const char *url;
	void *call;                    /* FETCHING */
	struct deadline pause;         /* PAUSE */
	unsigned repeats;
	struct directory_body *body;   /* HELD */
	int64_t held_until_ms;
	struct list line;
};

struct url_row {
	const char *key;
	size_t at;
	bool is_required;
};

static const struct url_row url_rows[] = {
#define X(member, key, required) { key, offsetof(struct directory_body, member), required },
	DIRECTORY_URLS(X)
#undef X
};

static enum err parse_urls(const struct json *root, struct directory_body *out, struct fault *fault)
{
	for (size_t i = 0; i < ARRAY_LEN(url_rows); i++) {
		const struct url_row *row = &url_rows[i];
		struct str url = json_get_str(root, row->key);
		if (!url.at && !row->is_required)
			continue;
		if (!transport_url_is_fine(url))
			return fault_set(fault, E_ACME_PROTOCOL, "directory: %s is no https URL", row->key);
		str_copy((char *)out + row->at, ACME_URL, url);
	}
	return E_OK;
}

static void parse_meta(const struct json *meta, struct directory_body *out)
{
	str_copy(out->terms, sizeof out->terms, json_get_str(meta, "termsOfService"));
	out->needs_eab = json_bool(json_get(meta, "externalAccountRequired"), false);
	const struct json *profile = json_first(json_get(meta, "profiles"));
	for (; profile && out->n_profiles < DIRECTORY_PROFILES; profile = json_next(profile)) {
		struct str name = str_from(json_key(profile));
		if (name.len && str_copy(out->profiles[out->n_profiles], sizeof out->profiles[0], name))
			out->n_profiles++;
	}
}

enum err directory_parse(struct str body, struct directory_body *out, struct fault *fault)
{
	struct json *root = NULL;
	memset(out, 0, sizeof *out);
	if (json_parse(body, &json_limits_default, &root, NULL))
		return fault_set(fault, E_ACME_PROTOCOL, "directory: no JSON; is this the directory URL?");
	enum err err = parse_urls(root, out, fault);
	if (!err)
		parse_meta(json_get(root, "meta"), out);
	json_free(&root);
	return err;
}

bool directory_is_json(const struct headers *h)
{
	struct str type, value = headers_get(h, "content-type");
	if (!value.at)
		return true;
	str_cut(value, ';', &type);
	type = str_trim(type);
	return !str_equal_nocase(type, STR("text/html"))
		&& !str_equal_nocase(type, STR("application/xhtml+xml"));
}

static void on_paused(struct deadline *pause);

struct directory *directory_new(struct loop *l, struct transport *t, const char *url)
{
	struct directory *d = mem_new(sizeof *d);
	d->loop = l;
	d->transport = t;
	d->url = url;
	list_init(&d->line);
	deadline_init(&d->pause, l, on_paused);
	return d;
}

void directory_free(struct directory **d)
{
	if (!*d)
		return;
	if ((*d)->call)
		(*d)->transport->ops->cancel((*d)->transport, (*d)->call);
	deadline_disarm(&(*d)->pause);
	mem_free(&(*d)->body);
	mem_free(d);
}

const struct directory_body *directory_get(const struct directory *d)
{
	return d->body && loop_now_ms(d->loop) < d->held_until_ms ? d->body : NULL;
}

void directory_forget(struct directory *d)
{
	d->held_until_ms = 0;
}

static enum err answer(struct directory *d, const struct fetch_answer *a, struct fault *fault)
{
	if (a->status != 200)
		return problem_read(a->status, a->body, fault);
	if (!directory_is_json(a->headers))
		return fault_set(fault, E_ACME_PROTOCOL, "directory: HTML instead of JSON");
	struct directory_body *body = mem_new(sizeof *body);
	enum err err = directory_parse(a->body, body, fault);
	if (err) {
		mem_free(&body);
		return err;
	}
	mem_free(&d->body);
	d->body = body;
	d->held_until_ms = loop_now_ms(d->loop) + held_ms;
	return E_OK;
}

static void on_answer(void *owner, enum err err, const struct fetch_answer *a,
	const struct fault *fault, bool was_sent)
{
	struct directory *d = owner;
	struct fault f = { 0 };
	(void)was_sent;
	d->call = NULL;
	if (err)
		f = fault ? *fault : (struct fault){ .code = err };
	else
		err = answer(d, a, &f);
	bool is_shaky = err && (f.status == 0 || f.status >= 500) && f.status != 503;
	if (is_shaky && f.code != E_ACME_PROTOCOL && d->repeats < REPEATS) {
		deadline_arm(&d->pause, d->repeats++ ? 1500 : 500);
		return;
	}
	if (err)  /* whatever it was, nothing at this CA works without */
		f.code = err = f.code == E_ACME_PROTOCOL ? E_ACME_PROTOCOL : E_CA_DOWN;
	fault_during(&f, "fetching the directory");
	waiter_tell_all(&d->line, err, err ? &f : NULL);
}

static void fetch(struct directory *d)
{
	d->call = d->transport->ops->start(d->transport,
		&(struct fetch_args){ .method = "GET", .url = str_from(d->url) }, on_answer, d);
}

static void on_paused(struct deadline *pause)
{
	fetch(container_of(pause, struct directory, pause));
}

void directory_wait(struct directory *d, struct waiter *w)
{
	list_append(&d->line, &w->node);
	if (d->call || deadline_is_armed(&d->pause))
		return;
	d->repeats = 0;
	fetch(d);
}
