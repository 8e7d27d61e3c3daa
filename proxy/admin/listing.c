/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * listing: the store's list verb with a filter that keeps what it sees.
 */
#include "proxy/admin/listing.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/mem.h"
#include "certstore/entry.h"
#include "proxy/admin/api.h"

enum { CURSOR = 512 };

struct listing {
	struct listing_args args;
	char cursor[CURSOR];
	unsigned n, n_damaged;
	struct entry_summary *at;      /* max of them */
};

/* Pool thread; nobody else looks meanwhile. */
static bool note(struct str bytes, const char *name, void *owner)
{
	struct listing *l = owner;

	(void)name;
	if (l->n >= l->args.max || entry_summarise(bytes, &l->at[l->n])) {
		l->n_damaged++;
		return false;
	}
	l->n++;
	return true;
}

static const char *state_of(const struct entry_summary *s)
{
	int64_t now = clock_wall_ms();

	if (s->not_after_ms <= now)
		return "expired";
	return s->renew_at_ms <= now ? "due" : "good";
}

static void append(struct json *list, const struct entry_summary *s)
{
	struct json *o = json_new_object();
	char host[SERIES_NAME];

	json_put_cstr(o, "name", series_host_text(host, s->name));
	/* what commands call it */
	json_put_cstr(o, "certificate", s->name);
	if (s->key_type[0])
		json_put_cstr(o, "key_type", s->key_type);
	json_put_cstr(o, "state", state_of(s));
	json_put_cstr(o, "serial", s->serial);
	json_put_cstr(o, "ca", s->ca);
	json_put_cstr(o, "challenge", s->challenge);
	api_put_time(o, "issued_at", s->issued_at_ms);
	api_put_time(o, "not_after", s->not_after_ms);
	api_put_time(o, "renew_at", s->renew_at_ms);
	json_append(list, o);
}

static void on_listed(void *owner, enum err err, const char *const *names, unsigned n,
	const char *cursor)
{
	struct listing *l = owner;
	struct json *out = json_new_object(), *list = json_new_array();

	(void)names;
	(void)n;
	for (unsigned i = 0; i < l->n; i++)
		append(list, &l->at[i]);
	json_put(out, "certs", list);
	json_put_number(out, "damaged", l->n_damaged);
	json_put_cstr(out, "cursor", cursor ? cursor : "");
	l->args.fn(l->args.owner, err, out);
	mem_free(&l->at);
	mem_free(&l);
}

void listing_start(const struct listing_args *args)
{
	struct listing *l = mem_new(sizeof(*l));
	struct store_list_args list = { .group = STORE_CERTS, .cursor = l->cursor, .filter = note,
		.filter_owner = l };

	ASSERT(args->fn && args->max > 0);
	l->args = *args;
	if (l->args.max > LISTING_MAX)
		l->args.max = LISTING_MAX;
	if (!str_copy(l->cursor, sizeof(l->cursor), args->cursor))
		l->cursor[0] = '\0';
	l->at = mem_new(l->args.max * sizeof(*l->at));
	list.max = l->args.max;
	list.max_visited = 4 * l->args.max;
	args->store->ops->list(args->store, &list, on_listed, l);
}
