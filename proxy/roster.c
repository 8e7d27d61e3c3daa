/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * roster: lines become rows, rows are sorted by hash and packed.
 */
#include "proxy/roster.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/map.h"
#include "base/mem.h"
#include "conf/hostname.h"

enum { TENANTS_MAX = 1000 * 1000, FIRST_ROWS = 1024 };

struct row {
	uint64_t hash;
	uint32_t tenant;    /* 0: none */
	uint32_t line;
};

struct roster {
	uint64_t *hashes;   /* ascending */
	uint32_t *tenants;  /* NULL: none has one */
	size_t n;
	char **names;       /* of tenants, from 1 */
	uint32_t n_names;
	size_t bytes;
};

struct reading {
	struct roster *roster;
	struct map tenants;          /* name -> its number */
	struct row *rows;
	size_t n, cap, names_cap;
	uint32_t line;
	struct str text;             /* of the line */
	struct fault *fault;
};

/* ---- one line ---- */

static enum err wrong(const struct reading *r, const char *at, const char *what, struct str about)
{
	int len = about.len < 100 ? (int)about.len : 100;

	return fault_set(r->fault, E_PARSE, "%u:%zu: \"%.*s\" %s", r->line, (size_t)(at - r->text.at) + 1, len,
		about.at, what);
}

const char *roster_name(char *dst, struct str text)
{
	enum hostname_kind kind;
	const char *why;

	if (hostname_normalise(dst, text, &kind, &why))
		return why;
	if (kind == HOSTNAME_ANY)
		return "would allow every name there is; write the names, or rules like *.example.com";
	if (kind == HOSTNAME_IP)
		return "is an address, for which none is ordered on demand";
	if (kind == HOSTNAME_WILDCARD && !strchr(dst + 2, '.'))
		return "would allow a whole top-level domain";
	return strchr(dst, '.') ? NULL : "has no dot, so no CA certifies it";
}

bool roster_is_tenant(struct str text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.at[i] <= ' ' || text.at[i] > '~')
			return false;
	return text.len > 0 && text.len < ROSTER_TENANT;
}

static enum err number_tenant(struct reading *r, struct str name, uint32_t *number)
{
	struct roster *list = r->roster;
	void *known = map_get(&r->tenants, name);

	if (known) {
		*number = (uint32_t)(uintptr_t)known;
		return E_OK;
	}
	if (list->n_names == TENANTS_MAX)
		return fault_set(r->fault, E_LIMIT, "%u: more than %d tenants", r->line, TENANTS_MAX);
	if (list->n_names + 1 >= r->names_cap) {
		size_t cap = r->names_cap ? 2 * r->names_cap : 64;
		char **grown = mem_try_resize(list->names, cap * sizeof(*grown));

		if (!grown)
			return fault_set(r->fault, E_NOMEM, "no memory for its tenants");
		list->names = grown;
		r->names_cap = cap;
	}
	*number = ++list->n_names;
	list->names[*number] = mem_new(name.len + 1);
	memcpy(list->names[*number], name.at, name.len);
	list->bytes += name.len + 1 + sizeof(char *);
	map_put(&r->tenants, name, (void *)(uintptr_t)*number);
	return E_OK;
}

static enum err add_row(struct reading *r, struct str name, uint32_t tenant)
{
	if (r->n == ROSTER_NAMES_MAX)
		return fault_set(r->fault, E_LIMIT, "%u: more than %d names", r->line, ROSTER_NAMES_MAX);
	if (r->n == r->cap) {
		size_t cap = r->cap ? 2 * r->cap : FIRST_ROWS;
		struct row *grown = mem_try_resize(r->rows, cap * sizeof(*grown));

		if (!grown)
			return fault_set(r->fault, E_NOMEM, "no memory for %zu names", cap);
		r->rows = grown;
		r->cap = cap;
	}
	r->rows[r->n++] = (struct row){ str_hash(name), tenant, r->line };
	return E_OK;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* The next word of rest, empty at the end of the line or where a comment begins. */
static struct str next_word(struct str *rest)
{
	struct str word;
	size_t n = 0;

	while (rest->len && is_space(rest->at[0]))
		*rest = str_of(rest->at + 1, rest->len - 1);
	while (n < rest->len && !is_space(rest->at[n]) && rest->at[n] != '#')
		n++;
	word = str_of(rest->at, n);
	*rest = str_of(rest->at + n, rest->len - n);
	return word;
}

static enum err read_line(struct reading *r)
{
	static const struct str key = { "tenant=", 7 };
	struct str rest = r->text, name = next_word(&rest), word = next_word(&rest), tenant = STR_NONE;
	char normal[HOSTNAME_SIZE];
	uint32_t number = 0;
	const char *why;
	enum err err;

	if (!name.len)
		return E_OK;
	why = roster_name(normal, name);
	if (why)
		return wrong(r, name.at, why, name);
	if (word.len) {
		tenant = str_has_prefix(word, key) ? str_of(word.at + key.len, word.len - key.len) : STR_NONE;
		if (!roster_is_tenant(tenant))
			return wrong(r, word.at, "is not understood; a line is a name, and perhaps "
				"tenant=SOME-NAME", word);
		word = next_word(&rest);
		if (word.len)
			return wrong(r, word.at, "is one word too many", word);
	}
	err = tenant.len ? number_tenant(r, tenant, &number) : E_OK;
	return err ? err : add_row(r, str_from(normal), number);
}

/* ---- the list ---- */

static int compare(const void *left, const void *right)
{
	const struct row *a = left, *b = right;

	if (a->hash != b->hash)
		return a->hash < b->hash ? -1 : 1;
	return a->line < b->line ? -1 : a->line > b->line;
}

/* Sorted, and each name once. */
static enum err sort(struct reading *r)
{
	size_t n = 0;

	if (r->n)
		qsort(r->rows, r->n, sizeof(*r->rows), compare);
	for (size_t i = 0; i < r->n; i++) {
		if (!n || r->rows[n - 1].hash != r->rows[i].hash)
			r->rows[n++] = r->rows[i];
		else if (r->rows[n - 1].tenant != r->rows[i].tenant)
			return fault_set(r->fault, E_PARSE, "%u:1: the same name is on line %u with another tenant",
				r->rows[i].line, r->rows[n - 1].line);
	}
	r->n = n;
	return E_OK;
}

static enum err pack(struct reading *r)
{
	struct roster *list = r->roster;

	list->hashes = mem_try((r->n + 1) * sizeof(*list->hashes));
	list->tenants = list->n_names ? mem_try((r->n + 1) * sizeof(*list->tenants)) : NULL;
	if (!list->hashes || (list->n_names && !list->tenants))
		return fault_set(r->fault, E_NOMEM, "no memory for %zu names", r->n);
	for (size_t i = 0; i < r->n; i++) {
		list->hashes[i] = r->rows[i].hash;
		if (list->tenants)
			list->tenants[i] = r->rows[i].tenant;
	}
	list->n = r->n;
	list->bytes += r->n * (sizeof(*list->hashes) + (list->tenants ? sizeof(*list->tenants) : 0));
	return E_OK;
}

enum err roster_parse(struct str text, struct roster **out, struct fault *fault)
{
	struct reading r = { .roster = mem_new(sizeof(*r.roster)), .fault = fault };
	struct str rest = text;
	enum err err = E_OK;

	map_init(&r.tenants);
	r.roster->bytes = sizeof(*r.roster);
	if (str_has_prefix(rest, STR("\xef\xbb\xbf")))
		rest = str_of(rest.at + 3, rest.len - 3);
	while (!err && rest.len) {
		rest = str_cut(rest, '\n', &r.text);
		r.line++;
		err = read_line(&r);
	}
	if (!err)
		err = sort(&r);
	if (!err)
		err = pack(&r);
	map_fini(&r.tenants);
	mem_free(&r.rows);
	if (err)
		roster_free(&r.roster);
	*out = r.roster;
	return err;
}

void roster_free(struct roster **r)
{
	if (!*r)
		return;
	for (uint32_t i = 1; i <= (*r)->n_names; i++)
		mem_free(&(*r)->names[i]);
	mem_release((*r)->names);
	mem_release((*r)->hashes);
	mem_release((*r)->tenants);
	mem_free(r);
}

/* ---- looking ---- */

static bool find(const struct roster *r, struct str name, char *tenant)
{
	uint64_t hash = str_hash(name);
	size_t low = 0, high = r->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (r->hashes[middle] < hash)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == r->n || r->hashes[low] != hash)
		return false;
	if (tenant && r->tenants && r->tenants[low])
		str_copy(tenant, ROSTER_TENANT, str_from(r->names[r->tenants[low]]));
	return true;
}

bool roster_rule_above(char dst[256], struct str name)
{
	ptrdiff_t dot = str_find(name, '.');

	dst[0] = 0;
	/* a rule has none above it */
	if (dot <= 0 || name.at[0] == '*' || name.len - (size_t)dot > 250)
		return false;
	dst[0] = '*';
	return str_copy(dst + 1, 255, str_of(name.at + dot, name.len - (size_t)dot));
}

bool roster_has(const struct roster *r, struct str name, char tenant[ROSTER_TENANT])
{
	char rule[256];

	if (tenant)
		tenant[0] = 0;
	if (find(r, name, tenant))
		return true;
	return roster_rule_above(rule, name) && find(r, str_from(rule), tenant);
}

size_t roster_count(const struct roster *r)
{
	return r->n;
}

size_t roster_bytes(const struct roster *r)
{
	return r->bytes;
}
