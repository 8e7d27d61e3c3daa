/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * lists: a catalog whose texts are "allow", "allow tenant=X" and "deny", and a file.
 */
#include "proxy/lists.h"

#include <stdio.h>

#include "base/check.h"
#include "base/mem.h"

struct lists {
	struct lists_args args;
	struct catalog *told;
	struct names_file *file;             /* NULL: none is configured */
	bool is_asked;                       /* an endpoint, about those in no list */
};

static const struct str allow_text = { "allow", 5 }, deny_text = { "deny", 4 }, tenant_key = { "tenant=", 7 };

static void on_file_change(void *owner)
{
	struct lists *l = owner;

	l->args.on_change(l->args.owner);
}

struct lists *lists_new(const struct lists_args *args)
{
	const char *path = args->conf->on_demand.names_file;
	struct lists *l = mem_new(sizeof(*l));

	ASSERT(args->on_change);
	l->args = *args;
	l->args.conf = NULL;
	l->is_asked = args->conf->on_demand.n_ask > 0;
	l->told = catalog_new(args->loop, STORE_LISTED);
	catalog_read(l->told, args->conf->store);
	catalog_keep_in(l->told, args->store);
	if (path)
		l->file = names_file_new(&(struct names_file_args){ args->loop, path, on_file_change, l, false });
	return l;
}

void lists_free(struct lists **l)
{
	if (!*l)
		return;
	names_file_free(&(*l)->file);
	catalog_free(&(*l)->told);
	mem_free(l);
}

void lists_use(struct lists *l, const struct conf *conf)
{
	const char *path = conf->on_demand.names_file;

	l->is_asked = conf->on_demand.n_ask > 0;
	if (!path)
		names_file_free(&l->file);
	else if (l->file)
		names_file_follow(l->file, path);
	else
		l->file = names_file_new(&(struct names_file_args){ l->args.loop, path, on_file_change, l, true });
}

/* ---- looking ---- */

static void copy_tenant(char tenant[ROSTER_TENANT], struct str text)
{
	struct str rest = str_cut(text, ' ', &text);

	if (str_has_prefix(rest, tenant_key))
		str_copy(tenant, ROSTER_TENANT, str_of(rest.at + tenant_key.len, rest.len - tenant_key.len));
}

static enum lists_answer find_told(const struct lists *l, struct str name, char tenant[ROSTER_TENANT])
{
	struct str text = catalog_get(l->told, name);

	if (!text.at)
		return LISTED_NOT;
	if (str_equal(text, deny_text))
		return LISTED_DENIED;
	if (tenant)
		copy_tenant(tenant, text);
	return LISTED_ALLOWED;
}

enum lists_answer lists_find(const struct lists *l, const char *name, char tenant[ROSTER_TENANT])
{
	const struct roster *roster = l->file ? names_file_roster(l->file) : NULL;
	struct str host = str_from(name);
	enum lists_answer answer;
	char rule[256];

	if (tenant)
		tenant[0] = 0;
	answer = find_told(l, host, tenant);
	if (answer == LISTED_NOT && roster_rule_above(rule, host))
		answer = find_told(l, str_from(rule), tenant);
	if (answer != LISTED_NOT || !l->file)
		return answer;
	if (!roster)
		return LISTED_UNKNOWN;
	return roster_has(roster, host, tenant) ? LISTED_ALLOWED : LISTED_NOT;
}

bool lists_are_all(const struct lists *l)
{
	return !l->is_asked;
}

/* ---- changing ---- */

struct line {
	char name[256], tenant[ROSTER_TENANT];
};

static enum err read_line(struct str text, struct line *out, struct fault *fault)
{
	struct str name, rest = str_cut(str_trim(text), ' ', &name);
	const char *why = roster_name(out->name, name);

	out->tenant[0] = 0;
	if (why)
		return fault_set(fault, E_PARSE, "\"%.*s\" %s", name.len < 100 ? (int)name.len : 100, name.at, why);
	rest = str_trim(rest);
	if (!rest.len)
		return E_OK;
	if (!str_has_prefix(rest, tenant_key) ||
		!roster_is_tenant(str_of(rest.at + tenant_key.len, rest.len - tenant_key.len)))
		return fault_set(fault, E_PARSE, "\"%.*s\" is not understood; after the name there may be "
			"tenant=SOME-NAME", rest.len < 100 ? (int)rest.len : 100, rest.at);
	str_copy(out->tenant, sizeof(out->tenant), str_of(rest.at + tenant_key.len, rest.len - tenant_key.len));
	return E_OK;
}

enum err lists_check(struct str line, struct fault *fault)
{
	struct line read;

	return read_line(line, &read, fault);
}

enum err lists_allow(struct lists *l, struct str line, char name[256], struct fault *fault)
{
	char text[ROSTER_TENANT + 16];
	struct line read;
	enum err err = read_line(line, &read, fault);

	if (err)
		return err;
	snprintf(text, sizeof(text), read.tenant[0] ? "allow tenant=%s" : "allow", read.tenant);
	str_copy(name, 256, str_from(read.name));
	return catalog_put(l->told, str_from(read.name), str_from(text), fault);
}

/* Once it is not allowed here, whoever is left to allow it must be overruled; else it is enough that no list has
 * it, and nothing need be kept of the many names that come and go. */
static bool is_allowed_elsewhere(const struct lists *l, const char *name)
{
	const struct roster *roster = l->file ? names_file_roster(l->file) : NULL;
	char rule[256];

	if (!lists_are_all(l) || (l->file && !roster))
		return true;
	if (roster && roster_has(roster, str_from(name), NULL))
		return true;
	return roster_rule_above(rule, str_from(name)) &&
		str_has_prefix(catalog_get(l->told, str_from(rule)), allow_text);
}

enum err lists_deny(struct lists *l, struct str line, char name[256], struct fault *fault)
{
	struct line read;
	enum err err = read_line(line, &read, fault);

	if (err)
		return err;
	str_copy(name, 256, str_from(read.name));
	if (is_allowed_elsewhere(l, read.name))
		return catalog_put(l->told, str_from(read.name), deny_text, fault);
	catalog_remove(l->told, str_from(read.name));
	return E_OK;
}

void lists_sync(struct lists *l, store_done_fn *fn, void *owner)
{
	catalog_sync(l->told, fn, owner);
}

bool lists_next(const struct lists *l, uint64_t *cursor, struct str *name, bool *is_allowed,
	char tenant[ROSTER_TENANT])
{
	struct str text;

	tenant[0] = 0;
	if (!catalog_next(l->told, cursor, name, &text))
		return false;
	*is_allowed = !str_equal(text, deny_text);
	if (*is_allowed)
		copy_tenant(tenant, text);
	return true;
}

void lists_look(const struct lists *l, struct lists_look *out)
{
	*out = (struct lists_look){ .has_file = l->file, .told = catalog_count(l->told) };
	if (l->file)
		names_file_look(l->file, &out->file);
}
