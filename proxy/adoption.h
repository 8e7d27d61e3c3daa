/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * adoption: keys and certificates of other ACME clients, found by what they are and not by where they lie: any
 * chain whose key is found anywhere among what was read can be adopted, under each of its names. So one
 * reader serves certbot, Caddy, acme.sh, mod_md and plain PEM files; Traefik's JSON has one of its own.
 * Everything read is distrusted and capped. Blocking: for commands.
 */
#ifndef PROXY_ADOPTION_H
#define PROXY_ADOPTION_H

#include "certstore/key.h"
#include "proxy/adoption_account.h"

enum { ADOPTION_FILE_MAX = 512 * 1024, ADOPTION_JSON_MAX = 16 * 1024 * 1024, ADOPTION_CHAINS = 50000 };

/* The best chain for one name and family of keys (ECDSA, RSA): two items for a name that has both. */
struct adoption_item {
	const char *name, *source;      /* "app.example.com", the file it was found in */
	const char *issuer, *serial;
	int64_t not_before_ms, not_after_ms;
	struct str chain_pem;
	const struct key *key;
};

struct adoption;
struct adoption *adoption_new(void);
void adoption_free(struct adoption **a);

/* Takes what can be used of one file's text; true when there was anything. */
bool adoption_add_pem(struct adoption *a, struct str text, const char *source);
/* JSON: Traefik's acme.json, versions 1 to 3, with its certificates and accounts; accounts of others. False: it
 * is none of these. */
bool adoption_add_json(struct adoption *a, struct str text, const char *source);
/* A file, or a directory and what is below it (eight levels, no linked directories). E_FILE, E_LIMIT. */
enum err adoption_scan(struct adoption *a, const char *path, struct fault *fault);

struct adoption_counts {
	unsigned files, chains, keys, without_key, strange;   /* strange: looked like PEM or JSON but was not */
};
struct adoption_counts adoption_counts(const struct adoption *a);

/* Sorted by name, ECDSA before RSA; borrowed until the adoption ends or something is added. */
const struct adoption_item *adoption_items(struct adoption *a, unsigned *n);

/* Accounts found on the way; borrowed. */
struct adoption_accounts *adoption_accounts(struct adoption *a);

/* For the readers: counts a file that was none of what it seemed. */
void adoption_note_strange(struct adoption *a);
void adoption_note_file(struct adoption *a);

#endif
