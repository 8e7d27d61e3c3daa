/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * adoption: keys by a hash of their public half, chains by that of their leaf; they meet in adoption_items.
 */
#include "proxy/adoption.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/encode.h"
#include "base/map.h"
#include "base/mem.h"
#include "certstore/digest.h"
#include "certstore/pem.h"
#include "certstore/x509.h"
#include "conf/hostname.h"

struct chain {
	char public_hash[ENCODE_HEX_SIZE(DIGEST_SHA256)];
	char *source;
	struct buf pem;
	unsigned n_certificates;
	struct x509_facts facts;
};

struct adoption {
	struct map keys;                /* public hash -> struct key */
	struct chain **chains;
	size_t n_chains, cap_chains;
	struct adoption_counts counts;
	struct adoption_item *items;    /* made by adoption_items */
	unsigned n_items;
	struct map by_name[2];          /* name -> chain, ECDSA and RSA, while items are made */
	struct adoption_accounts *accounts;
};

struct adoption *adoption_new(void)
{
	struct adoption *a = mem_new(sizeof(*a));

	map_init(&a->keys);
	for (int i = 0; i < 2; i++)
		map_init(&a->by_name[i]);
	a->accounts = adoption_accounts_new();
	return a;
}

static void chain_free(struct chain *c)
{
	mem_free(&c->source);
	buf_fini(&c->pem);
	x509_facts_fini(&c->facts);
	mem_release(c);
}

void adoption_free(struct adoption **adoption)
{
	struct adoption *a = *adoption;
	size_t cursor = 0;
	struct str hash;
	void *value;

	if (!a)
		return;
	*adoption = NULL;
	while (map_next(&a->keys, &cursor, &hash, &value)) {
		struct key *k = value;

		key_unref(&k);
	}
	map_fini(&a->keys);
	for (size_t i = 0; i < a->n_chains; i++)
		chain_free(a->chains[i]);
	for (int i = 0; i < 2; i++)
		map_fini(&a->by_name[i]);
	adoption_accounts_free(&a->accounts);
	mem_free(&a->chains);
	mem_free(&a->items);
	mem_free(&a);
}

struct adoption_accounts *adoption_accounts(struct adoption *a)
{
	return a->accounts;
}

void adoption_note_strange(struct adoption *a)
{
	a->counts.strange++;
}

void adoption_note_file(struct adoption *a)
{
	a->counts.files++;
}

struct adoption_counts adoption_counts(const struct adoption *a)
{
	return a->counts;
}

/* ---- reading ---- */

static void hash_public(char dst[ENCODE_HEX_SIZE(DIGEST_SHA256)], struct str public_der)
{
	unsigned char digest[DIGEST_SHA256];

	digest_sha256(digest, public_der);
	encode_hex(dst, str_of(digest, sizeof(digest)));
}

/* Borrowed from a; NULL: there is none. */
static struct key *add_key(struct adoption *a, struct str text)
{
	char hash[ENCODE_HEX_SIZE(DIGEST_SHA256)];
	struct key *k, *old;

	if (map_count(&a->keys) >= ADOPTION_CHAINS || key_from_pem(text, &k))
		return NULL;
	hash_public(hash, key_public(k));
	old = map_put(&a->keys, str_from(hash), k);
	key_unref(&old);
	a->counts.keys = (unsigned)map_count(&a->keys);
	return k;
}

static enum err write_pem(struct chain *c, struct str der)
{
	enum err err = E_OK;

	buf_init(&c->pem, 0);
	while (!err && der.len) {
		err = pem_add(&c->pem, "CERTIFICATE", x509_chain_next(&der));
		c->n_certificates++;
	}
	return err;
}

static void keep_chain(struct adoption *a, struct chain *c)
{
	if (a->n_chains == a->cap_chains) {
		a->cap_chains = a->cap_chains ? 2 * a->cap_chains : 64;
		a->chains = mem_try_resize(a->chains, a->cap_chains * sizeof(*a->chains));
		ASSERT(a->chains);  /* at most 50,000 pointers */
	}
	a->chains[a->n_chains++] = c;
	a->counts.chains++;
}

static bool add_chain(struct adoption *a, struct str text, const char *source)
{
	struct chain *c;
	struct buf der;
	struct str rest, leaf;
	bool fits;

	buf_init(&der, 0);
	if (a->n_chains >= ADOPTION_CHAINS || x509_chain_from_pem(text, &der, NULL)) {
		buf_fini(&der);
		return false;
	}
	c = mem_new(sizeof(*c));
	c->source = mem_strdup(source);
	rest = buf_str(&der);
	leaf = x509_chain_next(&rest);
	fits = leaf.len && x509_parse(leaf, &c->facts, NULL) == E_OK && x509_public(leaf).at
		&& write_pem(c, buf_str(&der)) == E_OK;
	if (fits) {
		hash_public(c->public_hash, x509_public(leaf));
		keep_chain(a, c);
	} else {
		chain_free(c);
	}
	buf_fini(&der);
	return fits;
}

bool adoption_add_pem(struct adoption *a, struct str text, const char *source)
{
	struct key *key;
	bool has_chain;

	if (!text.at || text.len > ADOPTION_FILE_MAX || !memmem(text.at, text.len, "-----BEGIN ", 11))
		return false;
	key = add_key(a, text);
	has_chain = add_chain(a, text, source);
	if (key && !has_chain)
		adoption_accounts_add_key(a->accounts, key, source);
	if (!key && !has_chain)
		adoption_note_strange(a);
	return key || has_chain;
}

/* ---- what fits together ---- */

/* With its intermediates before without, then by the longer life. */
static bool is_better(const struct chain *c, const struct chain *than)
{
	if ((c->n_certificates > 1) != (than->n_certificates > 1)
		&& strcmp(c->facts.serial, than->facts.serial) == 0)
		return c->n_certificates > 1;
	return c->facts.not_after_ms > than->facts.not_after_ms;
}

static void offer(struct map *by_name, struct chain *c)
{
	for (unsigned i = 0; i < c->facts.n_names; i++) {
		char name[HOSTNAME_SIZE];
		enum hostname_kind kind;
		const char *why;
		struct chain *old;

		if (hostname_normalise(name, str_from(c->facts.names[i]), &kind, &why) || kind == HOSTNAME_ANY
			|| strcmp(name, c->facts.names[i]) != 0)
			continue;
		old = map_get(by_name, str_from(name));
		if (!old || is_better(c, old))
			map_put(by_name, str_from(name), c);
	}
}

/* The chain's own copy: items outlive the map. */
static const char *name_in(const struct chain *c, struct str name)
{
	for (unsigned i = 0; i < c->facts.n_names; i++)
		if (str_is(name, c->facts.names[i]))
			return c->facts.names[i];
	UNREACHABLE();
}

static int by_name(const void *left, const void *right)
{
	const struct adoption_item *a = left, *b = right;
	int order = strcmp(a->name, b->name);

	return order ? order : key_is_rsa(a->key) - key_is_rsa(b->key);
}

static void make_items(struct adoption *a, const struct map *names)
{
	size_t cursor = 0;
	struct str name;
	void *value;

	while (map_next(names, &cursor, &name, &value)) {
		const struct chain *c = value;

		a->items[a->n_items++] = (struct adoption_item){ .name = name_in(c, name), .source = c->source,
			.issuer = c->facts.issuer, .serial = c->facts.serial,
			.not_before_ms = c->facts.not_before_ms, .not_after_ms = c->facts.not_after_ms,
			.chain_pem = buf_str(&c->pem),
			.key = map_get(&a->keys, str_from(c->public_hash)) };
	}
}

const struct adoption_item *adoption_items(struct adoption *a, unsigned *n)
{
	mem_free(&a->items);
	a->n_items = a->counts.without_key = 0;
	for (int i = 0; i < 2; i++) {
		map_fini(&a->by_name[i]);
		map_init(&a->by_name[i]);
	}
	for (size_t i = 0; i < a->n_chains; i++) {
		const struct key *k = map_get(&a->keys, str_from(a->chains[i]->public_hash));

		if (k)
			offer(&a->by_name[key_is_rsa(k)], a->chains[i]);
		else if (a->chains[i]->facts.n_names)
			a->counts.without_key++;
	}
	a->items = mem_new((map_count(&a->by_name[0]) + map_count(&a->by_name[1]) + 1) * sizeof(*a->items));
	for (int i = 0; i < 2; i++)
		make_items(a, &a->by_name[i]);
	if (a->n_items)
		qsort(a->items, a->n_items, sizeof(*a->items), by_name);
	*n = a->n_items;
	return a->items;
}
